//! What the check reads in the delivered files.

use super::delivered::Delivered;

fn read(line: &str) -> Delivered {
    let mut delivered = Delivered::default();
    delivered.add(line).expect("the line is JSON");
    delivered
}

#[test]
fn items_of_all_signals_are_counted() {
    let logs =
        r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"cluster.id"}]},"scopeLogs":[{"logRecords":[{},{}]}]}]}"#;
    assert_eq!(read(logs), Delivered { items: 2, ..Delivered::default() });
    let spans = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}"#;
    assert_eq!(read(spans), Delivered { items: 1, unlabeled_resources: 1, ..Delivered::default() });
    let points = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":{"dataPoints":[{},{}]}},{"gauge":{"dataPoints":[{}]}}]}]}]}"#;
    assert_eq!(read(points).items, 3);
}

#[test]
fn an_address_that_nobody_took_out_is_found_and_a_mask_is_none() {
    assert_eq!(read(r#"{"body":"from ada.l@example.com, twice"}"#).addresses, ["ada.l@example.com"]);
    let masked = read(r#"{"body":"from **** to ****; a @ b, @handle, x@y"}"#);
    assert_eq!((masked.masks, masked.addresses), (2, Vec::new()));
}

#[test]
fn a_line_that_is_no_json_is_an_error() {
    assert!(Delivered::default().add(r#"{"resourceLogs":"#).is_err());
}
