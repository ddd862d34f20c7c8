//! The way from the folder of an overlay to the bases.

use std::fs;

use super::from;

#[test]
fn the_way_from_one_folder_to_another_leads_there() {
    let folder = tempfile::tempdir().unwrap();
    let [here, there] = ["a/b/c", "d/e"].map(|path| folder.path().join(path));
    for path in [&here, &there] {
        fs::create_dir_all(path).unwrap();
    }
    let way = from(&here, &there).unwrap();
    assert!(way.starts_with("../"), "{way}");
    assert_eq!(here.join(way).canonicalize().unwrap(), there.canonicalize().unwrap());
}
