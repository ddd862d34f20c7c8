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

#[test]
fn a_line_is_its_number_and_a_part_of_one_is_none() {
    let number = Number { stream: 7, place: 123 };
    let line = number.line("padding");
    let (text, end) = line.split_at(line.len() - 1);
    assert_eq!((Number::of_line(text), end), (Some(number), "\n"));
    for part in 0..text.len() {
        assert_eq!(Number::of_line(&text[..part]), None);
    }
    assert!((1..text.len()).all(|part| Number::of_line(&text[part..]).is_none()));
    assert_eq!(Number::of_line(&format!("{text}{text}")), None);
}
