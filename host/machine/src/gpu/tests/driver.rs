//! A driver that is not there, comes, is replaced, or loses a card.

use super::standin::{Standin, next};
use crate::testing::{lines, of};

#[tokio::test]
async fn without_a_library_nothing_is_told_and_one_that_comes_later_is_found() {
    let standin = Standin::without_driver();
    let mut receiver = standin.receiver("");
    for _ in 0..2 {
        let collected = next(&mut receiver).await.unwrap();
        assert!(collected.parts.is_empty(), "no GPU is no failure");
    }
    standin.install();
    assert!(!lines(&next(&mut receiver).await.unwrap()).is_empty());
}

#[tokio::test]
async fn a_library_without_a_driver_is_as_none() {
    let standin = Standin::new();
    standin.says("absent");
    let mut receiver = standin.receiver("");
    assert!(next(&mut receiver).await.unwrap().parts.is_empty());
    standin.says("ok");
    assert!(!lines(&next(&mut receiver).await.unwrap()).is_empty());
}

#[tokio::test]
async fn the_library_is_loaded_once_while_all_is_well() {
    let standin = Standin::new();
    let mut receiver = standin.receiver("");
    for _ in 0..3 {
        next(&mut receiver).await.unwrap();
    }
    assert_eq!(standin.log(), "init ");
}

#[tokio::test]
async fn a_driver_that_is_replaced_is_let_go_of_and_found_again() {
    let standin = Standin::new();
    let mut receiver = standin.receiver("");
    next(&mut receiver).await.unwrap();
    for word in ["mismatch", "uninitialized"] {
        standin.says(word);
        let missed = next(&mut receiver).await.unwrap_err();
        assert!(missed.way_out.contains("loaded anew at the next interval"), "{word}: {missed}");
        assert!(standin.log().ends_with("shutdown "), "{word}: {}", standin.log());
        standin.says("ok");
        assert!(!lines(&next(&mut receiver).await.unwrap()).is_empty(), "{word}");
    }
    assert_eq!(standin.log(), "init shutdown init shutdown init ");
}

#[tokio::test]
async fn a_new_library_under_the_same_name_is_the_one_that_is_loaded() {
    let standin = Standin::new();
    let mut receiver = standin.receiver("");
    next(&mut receiver).await.unwrap();
    standin.says("mismatch");
    next(&mut receiver).await.unwrap_err();
    // While it is mismatched nothing is held open: the file goes, and there is none.
    std::fs::remove_file(standin.library()).unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    assert!(!maps.contains(standin.library().to_str().unwrap()), "the old library is unloaded");
    assert!(next(&mut receiver).await.unwrap().parts.is_empty());
    standin.says("ok");
    standin.install();
    assert!(!lines(&next(&mut receiver).await.unwrap()).is_empty());
}

#[tokio::test]
async fn a_card_that_is_lost_has_failed_and_the_others_are_told() {
    let standin = Standin::new();
    let mut receiver = standin.receiver("");
    let all = lines(&next(&mut receiver).await.unwrap()).len();
    standin.says("lost");
    for _ in 0..2 {
        let collected = next(&mut receiver).await.unwrap();
        let missed: Vec<_> = collected.parts[0].missed.iter().map(|missed| missed.place.as_str()).collect();
        assert_eq!(missed, ["GPU-00000001"]);
        let lines = lines(&collected);
        let states = of(&lines, "hw.status [1] sum {hw.id=GPU-00000001");
        let states: Vec<_> = states.into_iter().map(|line| line.rsplit_once("hw.state=").unwrap().1).collect();
        assert_eq!(states, ["ok} 0", "degraded} 0", "failed} 1"]);
        assert_eq!(of(&lines, "hw.temperature [Cel] gauge {hw.id=GPU-00000000").len(), 1);
    }
    standin.says("ok");
    assert_eq!(lines(&next(&mut receiver).await.unwrap()).len(), all);
    assert_eq!(standin.log(), "init shutdown init ", "not at each collection");
}

/// What is told of the last error of the second card.
fn xid(lines: &[String]) -> Option<String> {
    let told = of(lines, "DCGM_FI_DEV_XID_ERRORS [] gauge {gpu=1 ");
    told.first().and_then(|line| line.rsplit_once(' ')).map(|(_, value)| value.to_owned())
}

#[tokio::test]
async fn the_last_error_that_the_driver_has_told_of_a_card_is_told_and_outlives_the_library() {
    let standin = Standin::new();
    let mut receiver = standin.receiver("names: dcgm");
    let begun = std::time::Instant::now();
    let mut told = Vec::new();
    for wanted in ["0", "79"] {
        while told.last().map(String::as_str) != Some(wanted) {
            assert!(begun.elapsed().as_secs() < 30, "{wanted} in time: {told:?}");
            told.extend(xid(&lines(&next(&mut receiver).await.unwrap())));
        }
        standin.says("xid");
    }
    standin.says("mismatch");
    next(&mut receiver).await.unwrap_err();
    assert!(standin.log().ends_with("shutdown "), "nobody listens any more: {}", standin.log());
    standin.says("ok");
    assert_eq!(xid(&lines(&next(&mut receiver).await.unwrap())).as_deref(), Some("79"));
}
