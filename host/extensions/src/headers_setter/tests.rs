//! Headers from the configuration and from the request that data came with.

use host_component::{HeaderAction, HeaderChange, Origin};
use host_config::{Check as _, Secret};

use super::{Action, Config, Header};

fn header(key: &str) -> Header {
    Header { key: key.to_owned(), ..Header::default() }
}

fn from_context(key: &str, from: &str, otherwise: Option<&str>) -> Header {
    Header { from_context: Some(from.to_owned()), default_value: otherwise.map(Secret::new), ..header(key) }
}

fn origin(pairs: &[(&str, &str)]) -> Origin {
    Origin { metadata: pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect() }
}

#[tokio::test]
async fn sets_headers_from_the_request_that_data_came_with() {
    let headers = vec![
        from_context("X-Scope-OrgID", "Tenant", None),
        from_context("X-Region", "region", Some("eu")),
        Header { action: Action::Insert, value: Some(Secret::new("us")), ..header("X-Fixed") },
        Header { action: Action::Delete, ..header("X-Gone") },
    ];
    let setter = Config { headers, additional_auth: None }.build(None);
    assert_eq!(setter.metadata(), ["tenant", "region"]);
    assert!(!setter.is_secret());
    let changes = setter.credentials(&origin(&[("tenant", "blue")])).await.unwrap();
    let change =
        |name: &str, action, value: &str| HeaderChange { name: name.to_owned(), action, value: value.to_owned() };
    let rest = [
        change("x-region", HeaderAction::Upsert, "eu"),
        change("x-fixed", HeaderAction::Insert, "us"),
        change("x-gone", HeaderAction::Delete, ""),
    ];
    assert_eq!(changes[0], change("x-scope-orgid", HeaderAction::Upsert, "blue"));
    assert_eq!(changes[1..], rest);
    let without = setter.credentials(&Origin::default()).await.unwrap();
    assert_eq!(without, rest, "what the request does not say is not set");
    let twice = setter.credentials(&origin(&[("tenant", "blue"), ("tenant", "green")])).await.unwrap_err();
    assert!(twice.is_permanent() && twice.to_string().contains("several values"), "{twice}");
}

#[tokio::test]
async fn goes_on_from_what_another_authenticator_adds() {
    let first = Config { headers: vec![from_context("a", "x", None)], additional_auth: None }.build(None);
    let second = Config { headers: vec![from_context("b", "y", None)], additional_auth: None }.build(Some(first));
    let changes = second.credentials(&origin(&[("x", "1"), ("y", "2")])).await.unwrap();
    assert_eq!(changes, [HeaderChange::upsert("a", "1"), HeaderChange::upsert("b", "2")]);
    assert_eq!(second.metadata(), ["y", "x"]);
}

#[test]
fn names_the_header_that_makes_no_sense() {
    let value = || Some(Secret::new("v"));
    let wrong = vec![
        Header { value: value(), ..header("grpc-timeout") },
        Header { from_attribute: Some("subject".to_owned()), ..header("X-Subject") },
        Header { value: value(), ..from_context("X-Both", "a", None) },
        header("X-None"),
        Header { default_value: value(), value: value(), ..header("not a name") },
    ];
    let told: Vec<String> =
        Config { headers: wrong, additional_auth: None }.wrongs().iter().map(ToString::to_string).collect();
    for (number, part) in [
        (1, "belongs to the protocol"),
        (2, "`from_attribute` is not served: use `from_context`"),
        (3, "both set"),
        (4, "missing: set one"),
        (5, "no name of a header"),
        (5, "`default_value` belongs to `from_context`"),
    ] {
        let begins = format!("headers: number {number} (");
        assert!(told.iter().any(|told| told.starts_with(&begins) && told.contains(part)), "{part} in {told:?}");
    }
    assert_eq!(told.len(), 6);
    assert!(Config::default().wrongs()[0].to_string().contains("it is empty"));
}
