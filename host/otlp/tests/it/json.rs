//! OTLP/JSON against `opentelemetry-proto`: what either of the two writes is read as the request that it was.

use host_otlp::json::{read, write};
use host_otlp::{Limits, Payload, Signal, check};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::{prop_assert_eq, proptest};
use prost::Message;

use crate::agree::bytes;
use crate::entropy::Entropy;
use crate::{generate, reread};

fn written(payload: &Payload) -> String {
    let mut text = Vec::new();
    write(payload, &mut text);
    String::from_utf8(text).expect("JSON is UTF-8")
}

fn payload(signal: Signal, text: &str) -> Payload {
    let request = read(signal, text.as_bytes(), &Limits::default(), 1 << 24, &mut |_| true).expect("it is OTLP");
    check(signal, request.bytes, &Limits::default()).expect("it passes the check")
}

/// The request as `opentelemetry-proto` writes it.
fn theirs(signal: Signal, bytes: &[u8]) -> String {
    fn text<T: Message + Default + serde::Serialize>(bytes: &[u8]) -> String {
        serde_json::to_string(&T::decode(bytes).expect("it decodes")).expect("it is written")
    }
    match signal {
        Signal::Logs => text::<ExportLogsServiceRequest>(bytes),
        Signal::Traces => text::<ExportTraceServiceRequest>(bytes),
        Signal::Metrics => text::<ExportMetricsServiceRequest>(bytes),
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_it_was(seed in bytes()) {
        let (signal, request) = generate::request(&mut Entropy::new(&seed));
        let sent = check(signal, request.clone().into(), &Limits::default()).unwrap();
        let text = written(&sent);
        let again = payload(signal, &text);
        prop_assert_eq!(again.items(), sent.items());
        // JSON has one NaN, and a double has many.
        prop_assert_eq!(written(&again), text.clone());
        if !text.contains("\"NaN\"") {
            prop_assert_eq!(reread::decoded(signal, &again.contiguous()), reread::decoded(signal, &request));
        }
    }

    #[test]
    fn what_others_write_is_read_as_it_was(seed in bytes()) {
        let (signal, request) = generate::request(&mut Entropy::new(&seed));
        let sent = check(signal, request.clone().into(), &Limits::default()).unwrap();
        // They write `null` for the doubles that JSON lacks.
        let ours = written(&sent);
        if ["\"NaN\"", "\"Infinity\"", "\"-Infinity\""].iter().any(|lacking| ours.contains(lacking)) {
            return Ok(());
        }
        let again = payload(signal, &theirs(signal, &request));
        prop_assert_eq!(reread::decoded(signal, &again.contiguous()), reread::decoded(signal, &request));
    }

    #[test]
    fn garbage_between_the_keys_panics_nobody(seed in bytes(), at: usize, noise: Vec<u8>) {
        let (signal, request) = generate::request(&mut Entropy::new(&seed));
        let sent = check(signal, request.into(), &Limits::default()).unwrap();
        let mut text = written(&sent).into_bytes();
        let at = at % text.len();
        text.splice(at..(at + noise.len() / 2).min(text.len()), noise);
        if let Ok(request) = read(signal, &text, &Limits::default(), 1 << 20, &mut |_| true) {
            let _ = check(signal, request.bytes, &Limits::default());
        }
    }
}
