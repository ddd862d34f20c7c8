//! What authenticators do to headers.

use host_component::{HeaderAction, HeaderChange};
use http::{HeaderMap, HeaderValue};

use super::apply;

#[test]
fn inserts_updates_and_deletes_as_it_is_told() {
    let mut headers = HeaderMap::new();
    headers.insert("there", HeaderValue::from_static("old"));
    headers.insert("gone", HeaderValue::from_static("old"));
    let mut act = |name: &str, action, value: &str| {
        let change = HeaderChange { name: name.to_owned(), action, value: value.to_owned() };
        assert!(!format!("{change:?}").contains(value) || value.is_empty(), "{change:?}");
        apply(&mut headers, &change)
    };
    act("there", HeaderAction::Insert, "new").unwrap();
    act("other", HeaderAction::Insert, "new").unwrap();
    act("missing", HeaderAction::Update, "new").unwrap();
    act("other", HeaderAction::Update, "newer").unwrap();
    act("gone", HeaderAction::Delete, "").unwrap();
    act("secret", HeaderAction::Upsert, "x").unwrap();
    assert!(act("there", HeaderAction::Upsert, "two\nlines").unwrap_err().is_permanent());
    assert_eq!(
        (&headers["there"], &headers["other"]),
        (&HeaderValue::from_static("old"), &HeaderValue::from_static("newer"))
    );
    assert!(!headers.contains_key("missing") && !headers.contains_key("gone"));
    assert!(headers["secret"].is_sensitive() && !headers["there"].is_sensitive(), "what is added is for nobody else");
}
