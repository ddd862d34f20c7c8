//! Where an undo goes after any pushes and undos, and what is kept for it.

use host_manifest::{Manifest, cut};
use serde_json::json;

use crate::published::history::{Revision, kept, named};

/// A revision with a content that is told by a number.
fn revision(revision: u64, content: u64, origin: u64) -> Revision {
    let (component, _) = cut("x", b"x").unwrap();
    let manifest = Manifest::new("x".to_owned(), "x".to_owned(), revision, component, json!({ "content": content }));
    Revision { name: format!("x-r{revision}"), manifest, origin }
}

fn content(revision: &Revision) -> u64 {
    revision.manifest.config["content"].as_u64().unwrap()
}

/// A head with what was before it, pruned after each step as a publisher does it.
struct History {
    head: Revision,
    formers: Vec<Revision>,
}

impl History {
    fn of(contents: &[u64]) -> History {
        let mut history = History { head: revision(1, contents[0], 1), formers: Vec::new() };
        contents[1..].iter().for_each(|content| history.push(*content));
        history
    }

    fn push(&mut self, content: u64) {
        let Revision { name, manifest, .. } = revision(self.head.manifest.revision + 1, content, 0);
        self.goes_on(Revision::pushed(name, manifest, Some(&self.head)));
    }

    /// Whether there was something to go back to.
    fn undo(&mut self) -> bool {
        let Some(before) = self.head.before(&self.formers) else { return false };
        let is = revision(self.head.manifest.revision + 1, content(before), before.origin);
        self.goes_on(is);
        true
    }

    fn goes_on(&mut self, is: Revision) {
        self.formers.insert(0, std::mem::replace(&mut self.head, is));
        let kept = kept(&self.head, &self.formers);
        let kept: Vec<Revision> =
            self.formers.iter().filter(|former| kept.contains(former.name.as_str())).cloned().collect();
        self.formers = kept;
    }
}

#[test]
fn each_undo_goes_to_what_was_before_that_which_is_in_force() {
    let (good, bad, worse) = (7, 8, 9);
    let mut history = History::of(&[1, good, bad, worse]);
    assert!(history.undo());
    assert_eq!((content(&history.head), history.head.origin), (bad, 3));
    assert!(history.undo());
    assert_eq!((content(&history.head), history.head.origin, history.head.manifest.revision), (good, 2, 6));
    // What was undone is still there for whoever names it, by the number that it has or had when it was pushed.
    for (number, is) in [(5, bad), (3, bad), (4, worse)] {
        assert_eq!(named(number, &history.formers).map(content), Some(is), "{number}");
    }
    assert!(named(1, &history.formers).is_none(), "three contents are kept");
    // After the next push that is what it goes back to.
    history.push(10);
    assert!(history.undo());
    assert_eq!(content(&history.head), good);
}

#[test]
fn what_was_pushed_again_is_gone_back_to_again() {
    let mut history = History::of(&[1, 2, 1]);
    assert!(history.undo());
    assert_eq!(content(&history.head), 2);
    assert!(history.undo());
    assert_eq!(content(&history.head), 1);
    assert!(!history.undo(), "there is nothing before it");
    let mut history = History::of(&[1, 2, 2, 2, 2, 2]);
    assert!(history.undo());
    assert_eq!(content(&history.head), 1, "what is the same counts once");
    let mut history = History::of(&[1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2]);
    assert!(history.formers.len() <= 6, "{:?}", history.formers);
    assert!(history.undo());
    assert_eq!(content(&history.head), 1);
}

#[test]
fn whatever_is_pushed_and_undone_an_undo_goes_nowhere_else_and_little_is_kept() {
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..200 {
        let mut history = History::of(&[0]);
        // What an undo would go back to if all was kept, the last first to go.
        let mut past = vec![0];
        let mut pushes = 0;
        for _ in 0..40 {
            if random.u8(0..3) > 0 {
                let content = random.u64(0..5);
                history.push(content);
                pushes += 1;
                if past.last() != Some(&content) {
                    // What was in force until now is never lost, however much was undone before.
                    assert_eq!(history.head.before(&history.formers).map(content_of), past.last().copied());
                    past.push(content);
                }
            } else if history.undo() {
                past.pop();
            }
            assert_eq!(content(&history.head), *past.last().unwrap(), "after {pushes} pushes");
            assert!(history.formers.len() <= 8, "{:?}", history.formers);
        }
    }
}

fn content_of(revision: &Revision) -> u64 {
    content(revision)
}
