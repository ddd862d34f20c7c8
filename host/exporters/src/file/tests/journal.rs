//! A journal on a storage that fails.

use std::io::{self, Write};

use crate::file::journal::{Journal, Storage};

/// Takes `room` bytes, and can be told to refuse to be cut.
#[derive(Default)]
struct Shared(std::rc::Rc<std::cell::RefCell<Disk>>);

#[derive(Default)]
struct Disk {
    bytes: Vec<u8>,
    room: usize,
    stuck: bool,
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.0.borrow_mut();
        let taken = bytes.len().min(disk.room - disk.bytes.len());
        if taken == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        disk.bytes.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Storage for Shared {
    fn cut(&mut self, len: u64) -> io::Result<()> {
        let mut disk = self.0.borrow_mut();
        if disk.stuck {
            return Err(io::ErrorKind::Other.into());
        }
        disk.bytes.truncate(len as usize);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_record_that_does_not_fit_leaves_nothing_behind() {
    let shared = Shared::default();
    let disk = std::rc::Rc::clone(&shared.0);
    disk.borrow_mut().room = 10;
    let mut journal = Journal::new(shared, 0).unwrap();
    journal.append(b"first", false).unwrap();
    assert_eq!(journal.append(b"second", false).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(disk.borrow().bytes, b"first");
    assert_eq!(journal.len(), 5);
    journal.append(b"third", false).unwrap();
    assert_eq!(disk.borrow().bytes, b"firstthird");
}

#[test]
fn nothing_is_written_behind_half_a_record() {
    let shared = Shared::default();
    let disk = std::rc::Rc::clone(&shared.0);
    disk.borrow_mut().room = 8;
    let mut journal = Journal::new(shared, 0).unwrap();
    journal.append(b"first", false).unwrap();
    disk.borrow_mut().stuck = true;
    assert!(journal.append(b"second", false).is_err());
    disk.borrow_mut().room = 100;
    assert!(journal.append(b"third", false).is_err(), "half of `second` still lies there");
    disk.borrow_mut().stuck = false;
    journal.append(b"third", false).unwrap();
    assert_eq!(disk.borrow().bytes, b"firstthird");
}
