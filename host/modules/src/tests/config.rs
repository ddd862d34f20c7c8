//! What makes no sense in the section `modules`.

use host_config::{Check as _, Value};

use crate::ModulesSection;

fn wrongs(yaml: &str) -> Vec<String> {
    let section: ModulesSection = Value::parse("test", yaml).unwrap().decode().unwrap();
    section.wrongs().into_iter().map(|wrong| wrong.key).collect()
}

#[test]
fn what_makes_no_sense_is_told() {
    assert_eq!(wrongs("{ kubernetes: { storage: state }, trust: { keys: [a.pub] } }"), [""; 0]);
    assert_eq!(wrongs("{ kubernetes: {} }"), ["kubernetes.storage"]);
    assert_eq!(wrongs("{ kubernetes: { storage: state, context: other } }"), ["kubernetes.context"]);
    assert_eq!(wrongs("{ trust: { required: true } }"), ["trust.required"]);
    assert_eq!(wrongs("{ quarantine: { max_mib: 0 } }"), ["quarantine.max_mib"]);
}

#[test]
fn a_key_that_cannot_be_used_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("no.pub"), "no key").unwrap();
    let yaml = "{ trust: { keys: [no.pub, missing.pub] } }";
    let section: ModulesSection = Value::parse("test", yaml).unwrap().decode().unwrap();
    let wrong = section.trust.read(folder.path()).unwrap_err();
    assert!(wrong.key == "trust.keys.0" && wrong.message.contains("no.pub: it is no public key"), "{wrong:?}");
}
