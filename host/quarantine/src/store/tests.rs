//! Tests of what stands in `store`: its promises, one sentence each.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use host_otlp::Signal;
use tempfile::TempDir;

use super::{AddError, Limits, Quarantine};
use crate::{AccessError, Contents, Context, FILE, Poison, Usage, compact, finish};

const PLENTY: Limits = Limits { bytes: 1 << 20, records: 100 };

fn read(folder: &Path) -> Result<Contents, AccessError> {
    crate::read(folder)
}

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("quarantine")
    }

    fn file(&self) -> PathBuf {
        self.folder().join(FILE)
    }

    fn open(&self, limits: Limits) -> (Quarantine, Usage) {
        Quarantine::open(&self.folder(), limits).unwrap()
    }

    /// The payloads in it.
    fn payloads(&self) -> Vec<String> {
        let contents = read(&self.folder()).unwrap();
        contents.records.iter().map(|record| text(&record.content.payload)).collect()
    }
}

fn text(payload: &Bytes) -> String {
    String::from_utf8(payload.to_vec()).unwrap()
}

fn poison(payload: &str) -> Poison {
    let metadata = vec![("x-tenant".to_owned(), "a\nb".to_owned())];
    Poison {
        time: 1,
        pipeline: "logs".to_owned(),
        processor: "wasm/scrub".to_owned(),
        module: "scrub".to_owned(),
        digest: "0123".to_owned(),
        signal: Signal::Logs,
        reason: "the guest trapped: unreachable".to_owned(),
        items: 1,
        context: Context { now: u64::MAX, seed: u64::MAX, cluster: None, metadata },
        payload: payload.as_bytes().to_vec().into(),
    }
}

fn open_error(folder: &Path) -> String {
    Quarantine::<Poison>::open(folder, PLENTY).err().expect("it cannot be used").to_string()
}

#[test]
fn what_was_added_is_there_for_whoever_opens_it_next() {
    let place = Place::new();
    let (quarantine, usage) = place.open(PLENTY);
    assert_eq!(usage.records, 0);
    quarantine.add(vec![poison("one"), poison("two")]).unwrap();
    assert_eq!(place.open(PLENTY).1.records, 2);
    let contents = read(&place.folder()).unwrap();
    assert_eq!(contents.records[0].content, poison("one"));
    assert_ne!(contents.records[0].id, contents.records[1].id);
    assert_eq!((contents.damaged_bytes, contents.unreadable), (0, 0));
}

#[test]
fn two_that_are_alike_are_two() {
    let place = Place::new();
    let (quarantine, _) = place.open(PLENTY);
    quarantine.add(vec![poison("one"), poison("one")]).unwrap();
    let records = read(&place.folder()).unwrap().records;
    assert_ne!(records[0].id, records[1].id);
}

#[test]
fn it_is_its_owner_s_alone() {
    let place = Place::new();
    place.open(PLENTY).0.add(vec![poison("one")]).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!((mode(&place.folder()), mode(&place.file())), (0o700, 0o600));
    fs::set_permissions(place.file(), Permissions::from_mode(0o644)).unwrap();
    place.open(PLENTY);
    assert_eq!(mode(&place.file()), 0o600);
    fs::set_permissions(place.folder(), Permissions::from_mode(0o750)).unwrap();
    assert!(open_error(&place.folder()).contains("open to others"));
}

#[test]
fn a_place_that_cannot_be_one_is_refused() {
    let place = Place::new();
    fs::write(place.folder(), "").unwrap();
    assert!(open_error(&place.folder()).contains("cannot be used"));
    fs::remove_file(place.folder()).unwrap();
    place.open(PLENTY);
    fs::write(place.file(), "mine\n").unwrap();
    assert!(open_error(&place.folder()).contains("is no quarantine"));
    fs::write(place.file(), b"TIDEQUAR\x02\0\0\0\0\0\0\0\0\0\0\0").unwrap();
    assert!(open_error(&place.folder()).contains("newer tidegate, in version 2"));
    assert!(read(&place.0.path().join("elsewhere")).unwrap_err().to_string().contains("no quarantine in"));
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_of_it_taken() {
    let place = Place::new();
    let (quarantine, _) = place.open(Limits { records: 2, ..PLENTY });
    quarantine.add(vec![poison("one")]).unwrap();
    let full = quarantine.add(vec![poison("two"), poison("three")]).unwrap_err();
    assert!(matches!(full, AddError::Full { records: 1, .. }), "{full}");
    assert_eq!(place.payloads(), ["one"]);
    quarantine.add(vec![poison("two")]).unwrap();

    let place = Place::new();
    let (quarantine, _) = place.open(Limits { bytes: 1000, ..PLENTY });
    assert!(quarantine.add(vec![poison(&"x".repeat(1000))]).is_err());
    quarantine.add(vec![poison("small")]).unwrap();
    assert!(fs::metadata(place.file()).unwrap().len() <= 1000);
}

#[test]
fn what_is_done_with_is_gone_and_makes_room() {
    let place = Place::new();
    let (quarantine, _) = place.open(Limits { records: 2, ..PLENTY });
    quarantine.add(vec![poison("one"), poison("two")]).unwrap();
    let id = read(&place.folder()).unwrap().records[0].id.clone();
    finish(&place.folder(), &id).unwrap();
    assert_eq!(place.payloads(), ["two"]);
    assert_eq!(quarantine.add(vec![poison("three")]).unwrap().records, 2);
    let before = fs::metadata(place.file()).unwrap().len();
    compact(&place.folder()).unwrap();
    assert!(fs::metadata(place.file()).unwrap().len() < before);
    assert_eq!(fs::metadata(place.file()).unwrap().mode() & 0o777, 0o600);
    assert_eq!(place.payloads(), ["two", "three"]);
    assert!(quarantine.add(vec![poison("four")]).is_err(), "two are there");
}

#[test]
fn what_is_done_with_makes_room_when_bytes_are_short() {
    let place = Place::new();
    let (quarantine, _) = place.open(Limits { bytes: 1200, ..PLENTY });
    quarantine.add(vec![poison(&"x".repeat(700))]).unwrap();
    assert!(quarantine.add(vec![poison("two")]).is_err());
    let id = read(&place.folder()).unwrap().records[0].id.clone();
    finish(&place.folder(), &id).unwrap();
    quarantine.add(vec![poison("two")]).unwrap();
    assert_eq!(place.payloads(), ["two"]);
}

#[test]
fn a_tail_that_a_crash_tore_off_is_told_and_does_not_hold_up_what_comes() {
    let place = Place::new();
    place.open(PLENTY).0.add(vec![poison("one"), poison("two")]).unwrap();
    let whole = fs::read(place.file()).unwrap();
    fs::write(place.file(), &whole[..whole.len() - 3]).unwrap();
    let contents = read(&place.folder()).unwrap();
    assert_eq!(contents.records.len(), 1);
    assert!(contents.damaged_bytes > 0);
    place.open(PLENTY).0.add(vec![poison("three")]).unwrap();
    assert_eq!(place.payloads(), ["one", "three"]);
}

#[test]
fn a_file_that_was_begun_and_never_written_is_begun_again() {
    let place = Place::new();
    place.open(PLENTY);
    let head = fs::read(place.file()).unwrap();
    for length in 0..head.len() {
        fs::write(place.file(), &head[..length]).unwrap();
        place.open(PLENTY).0.add(vec![poison("one")]).unwrap();
        assert_eq!(place.payloads(), ["one"], "after {length} bytes");
    }
}

#[test]
fn what_a_later_program_wrote_is_kept() {
    let place = Place::new();
    let (quarantine, _) = place.open(PLENTY);
    quarantine.add(vec![poison("one")]).unwrap();
    let id = read(&place.folder()).unwrap().records[0].id.clone();
    finish(&place.folder(), &id).unwrap();
    // A record whose head lacks what this program looks for.
    let salt = crate::frame::Salt::of(&fs::read(place.file()).unwrap()).unwrap();
    let mut frame = Vec::new();
    salt.put(crate::frame::Kind::Record, b"{\"id\":\"1\"}\n", &mut frame);
    OpenOptions::new().append(true).open(place.file()).unwrap().write_all(&frame).unwrap();
    compact(&place.folder()).unwrap();
    assert!(fs::read(place.file()).unwrap().ends_with(b"{\"id\":\"1\"}\n"));
    assert_eq!(read(&place.folder()).unwrap().unreadable, 1);
}

#[test]
fn many_at_once_lose_nothing() {
    let place = Place::new();
    let (quarantine, _) = place.open(PLENTY);
    let other = place.open(PLENTY).0;
    std::thread::scope(|scope| {
        for quarantine in [&quarantine, &other] {
            scope.spawn(move || {
                for _ in 0..20 {
                    quarantine.add(vec![poison("one")]).unwrap();
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..10 {
                if let Some(record) = read(&place.folder()).unwrap().records.first() {
                    finish(&place.folder(), &record.id).unwrap();
                    compact(&place.folder()).unwrap();
                }
            }
        });
    });
    let left = read(&place.folder()).unwrap();
    assert!((30..=40).contains(&left.records.len()), "{}", left.records.len());
    assert_eq!(left.damaged_bytes, 0);
}

#[test]
fn a_lock_that_somebody_keeps_is_not_waited_for_without_end() {
    let place = Place::new();
    let (quarantine, _) = place.open(PLENTY);
    let held = fs::File::open(place.file()).unwrap();
    held.lock().unwrap();
    let error = quarantine.add(vec![poison("one")]).unwrap_err();
    assert!(error.to_string().contains("has held its lock"), "{error}");
    drop(held);
    quarantine.add(vec![poison("one")]).unwrap();
}
