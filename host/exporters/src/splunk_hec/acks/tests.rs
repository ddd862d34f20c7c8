//! Who is told of what was indexed.

use tokio::sync::oneshot::{self, error::TryRecvError};

use super::{Asked, Waiting};

fn asked(token: &str, number: u64) -> Asked {
    Asked { token: token.into(), number }
}

#[test]
fn those_who_wait_for_one_number_are_told_one_after_the_other() {
    let mut waiting = Waiting::default();
    let mut wait = |token, number| {
        let (tell, told) = oneshot::channel();
        (waiting.add(asked(token, number), tell), told)
    };
    let (first, mut of_first) = wait("t", 7);
    let (_, mut of_second) = wait("t", 7);
    let (_, mut of_other) = wait("other", 7);
    assert_eq!(waiting.numbers(b"t"), [7]);
    waiting.take(&asked("t", 7)).unwrap().send(()).unwrap();
    assert_eq!(of_first.try_recv(), Err(TryRecvError::Empty), "it waits on");
    assert_eq!((of_second.try_recv(), of_other.try_recv()), (Ok(()), Err(TryRecvError::Empty)));
    assert_eq!(waiting.numbers(b"t"), [7], "and is asked for");
    // Who leaves takes nobody along.
    waiting.entries.remove(&first);
    assert!(waiting.take(&asked("t", 7)).is_none() && waiting.take(&asked("other", 7)).is_some());
}
