//! Numbers go in and come out.

use super::*;

#[test]
fn finds_the_numbers_that_were_put_into_each_signal() {
    for signal in Signal::ALL {
        let content = Content { stream: 5, first: 70, count: 3, text: "some text" };
        let found = numbers(signal, &content.encode(signal)).unwrap();
        assert_eq!(found, [70, 71, 72].map(|place| Number { stream: 5, place }));
        assert_eq!(content.encode(signal), content.encode(signal), "the bytes of a retry are the same");
    }
}

#[test]
fn takes_an_item_without_a_number_for_an_error() {
    let scope_logs = vec![ScopeLogs { log_records: vec![LogRecord::default()], ..ScopeLogs::default() }];
    let resource_logs = vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }];
    let message = ExportLogsServiceRequest { resource_logs }.encode_to_vec();
    assert_eq!(numbers(Signal::Logs, &message), Err("an item without a number".to_owned()));
}
