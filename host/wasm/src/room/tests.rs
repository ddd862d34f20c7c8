//! Tests of what stands in `room`: its promises, one sentence each.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use super::{Idler, Room};

/// Has instances of so many bytes each.
struct Keeper {
    room: Arc<Room>,
    used: AtomicU64,
    idle: Mutex<Vec<usize>>,
}

impl Keeper {
    fn new(room: &Arc<Room>, used: u64, idle: &[usize]) -> Arc<Self> {
        assert!(idle.iter().all(|bytes| room.take(*bytes)));
        let keeper = Arc::new(Keeper { room: Arc::clone(room), used: used.into(), idle: Mutex::new(idle.to_vec()) });
        let weak: Weak<Self> = Arc::downgrade(&keeper);
        room.register(weak);
        keeper
    }

    fn left(&self) -> usize {
        self.idle.lock().unwrap().len()
    }
}

impl Idler for Keeper {
    fn last_used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    fn give_up_one(&self) -> bool {
        let given = self.idle.lock().unwrap().pop();
        given.map(|bytes| self.room.give(bytes)).is_some()
    }
}

#[test]
fn takes_what_fits_and_nothing_more() {
    let room = Room::new(100);
    assert!(room.take(60) && room.take(40));
    assert!(!room.take(1) && !room.take(usize::MAX));
    room.give(40);
    assert!(room.take(40));
}

#[test]
fn idle_instances_go_for_those_that_are_needed_the_least_used_first() {
    let room = Arc::new(Room::new(100));
    let recent = Keeper::new(&room, 9, &[20, 20]);
    let old = Keeper::new(&room, 3, &[20, 20]);
    assert!(room.take(50));
    assert_eq!((old.left(), recent.left()), (0, 2), "the old ones make room for 50");
    assert!(room.take(20));
    assert_eq!(recent.left(), 1);
    assert!(!room.take(100), "what is in use stays");
    assert_eq!(recent.left(), 0);
}

#[test]
fn who_was_used_since_goes_behind_those_that_were_not() {
    let room = Arc::new(Room::new(60));
    let [first, second, third] = [1, 2, 3].map(|used| Keeper::new(&room, used, &[10, 10]));
    assert!(room.take(10));
    assert_eq!(first.left(), 1);
    first.used.store(4, Ordering::Relaxed);
    let late = Keeper::new(&room, 5, &[]);
    late.idle.lock().unwrap().push(0);
    assert!(room.take(40));
    assert_eq!([&first, &second, &third, &late].map(|keeper| keeper.left()), [1, 0, 0, 1]);
    assert!(room.take(10));
    assert_eq!([&first, &late].map(|keeper| keeper.left()), [0, 1]);
    assert!(room.make(), "one that came since is asked, too");
    assert!(!room.make());
}

#[test]
fn who_is_gone_is_not_asked() {
    let room = Arc::new(Room::new(10));
    drop(Keeper::new(&room, 1, &[]));
    assert!(!room.make());
}
