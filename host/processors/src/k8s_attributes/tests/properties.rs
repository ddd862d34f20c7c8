//! What holds for every request: nothing that is said is taken back, and bytes in which nothing changes are the same ones.

use host_kubernetes::Seen;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use proptest::prelude::*;
use prost::Message as _;
use serde_json::json;

use super::harness::{Known, UID, checked, decoded, pod, request};
use crate::k8s_attributes::enrich::{enriched, with_address};

/// Keys of which many are what would be added, and values of which many say nothing.
fn attribute() -> impl Strategy<Value = KeyValue> {
    const KEYS: &[&str] =
        &["k8s.pod.uid", "k8s.pod.ip", "k8s.pod.name", "k8s.namespace.name", "container.image.name", "other", ""];
    let value = prop_oneof![
        Just(None),
        Just(Some(AnyValue { value: None })),
        Just(Some(AnyValue { value: Some(Any::StringValue(String::new())) })),
        Just(Some(AnyValue { value: Some(Any::StringValue(UID.to_owned())) })),
        Just(Some(AnyValue { value: Some(Any::StringValue("10.88.0.7".to_owned())) })),
        Just(Some(AnyValue { value: Some(Any::BytesValue(Vec::new())) })),
        Just(Some(AnyValue { value: Some(Any::IntValue(7)) })),
        "[a-z]{0,200}".prop_map(|text| Some(AnyValue { value: Some(Any::StringValue(text)) })),
    ];
    (prop::sample::select(KEYS), value).prop_map(|(key, value)| KeyValue {
        key: key.to_owned(),
        value,
        ..KeyValue::default()
    })
}

fn requests() -> impl Strategy<Value = ExportLogsServiceRequest> {
    let resource = prop::option::weighted(0.9, prop::collection::vec(attribute(), 0..8));
    prop::collection::vec((resource, 0..400usize), 0..5).prop_map(|resources| {
        let groups = resources.into_iter().map(|(attributes, length)| {
            let mut group = request(Vec::new()).resource_logs.remove(0);
            group.scope_logs[0].log_records[0].severity_text = "x".repeat(length);
            group.resource = attributes.map(|attributes| Resource { attributes, ..Resource::default() });
            group
        });
        ExportLogsServiceRequest { resource_logs: groups.collect() }
    })
}

/// Whether an attribute says something, as the Collector sees it.
fn says_something(attribute: &KeyValue) -> bool {
    match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        None => false,
        Some(Any::StringValue(text)) => !text.is_empty(),
        Some(Any::BytesValue(bytes)) => !bytes.is_empty(),
        Some(_) => true,
    }
}

fn attributes(resource: Option<&Resource>) -> Vec<KeyValue> {
    resource.map(|resource| resource.attributes.clone()).unwrap_or_default()
}

/// That `after` is `before`, with what is new, and in the place of what says nothing.
fn nothing_is_lost(before: &ExportLogsServiceRequest, after: &ExportLogsServiceRequest) {
    assert_eq!(before.resource_logs.len(), after.resource_logs.len());
    for (before, after) in before.resource_logs.iter().zip(&after.resource_logs) {
        assert_eq!(before.scope_logs, after.scope_logs);
        assert_eq!(before.schema_url, after.schema_url);
        let (said, says) = (attributes(before.resource.as_ref()), attributes(after.resource.as_ref()));
        let mut seen = Vec::new();
        for (said, says) in said.iter().zip(&says) {
            let is_first = !seen.contains(&said.key.as_str());
            seen.push(&said.key);
            assert_eq!(said.key, says.key);
            assert!(said == says || (is_first && !says_something(said)), "{said:?} became {says:?}");
        }
        for new in &says[said.len()..] {
            assert!(!seen.contains(&new.key.as_str()), "{new:?} was there");
            assert!(says_something(new));
            seen.push(&new.key);
        }
    }
}

proptest! {
    #[test]
    fn what_a_resource_says_stays_and_bytes_in_which_nothing_changes_are_the_same(before in requests(), peer: bool) {
        let known = Known::new(json!({ "extract": { "metadata": ["k8s.pod.name", "k8s.pod.ip", "k8s.namespace.name", "container.image.name"] } }));
        let peer = peer.then(|| "10.88.0.7".parse().unwrap());
        let payload = checked(before.encode_to_vec());
        let nobody = enriched(&known.member, &known.member.store(), &payload, peer).unwrap().payload;
        prop_assert_eq!(nobody.contiguous().as_ptr(), payload.contiguous().as_ptr());
        known.tell(Seen::There(pod(json!({}))));
        let found = enriched(&known.member, &known.member.store(), &payload, peer).unwrap();
        nothing_is_lost(&before, &decoded(&found.payload));
        let again = enriched(&known.member, &known.member.store(), &found.payload, peer).unwrap().payload;
        prop_assert_eq!(again.contiguous().as_ptr(), found.payload.contiguous().as_ptr(), "there is nothing left to add");
        let addressed = with_address(&payload, "10.88.0.7".parse().unwrap()).unwrap();
        nothing_is_lost(&before, &decoded(&addressed));
    }
}
