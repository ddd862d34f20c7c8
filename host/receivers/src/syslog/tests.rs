//! The receiver on real sockets, with a pipeline that answers as it is told.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use host_config::{Check as _, Value};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

use super::Config;
use super::framing::{Frame, Framer, Framing, probe};
use crate::entries::lines::Cut;
use crate::entries::settings::TooLong;
use crate::testing::{Pipeline, Running, attribute, start};

/// A receiver and where it listens.
struct Syslog {
    running: Running,
    tcp: Option<SocketAddr>,
    udp: Option<SocketAddr>,
}

fn config(text: &str) -> Config {
    Value::parse("test", text).unwrap().decode().unwrap()
}

fn syslog(text: &str) -> Syslog {
    syslog_into(text, Arc::default())
}

fn syslog_into(text: &str, pipeline: Arc<Pipeline>) -> Syslog {
    let config = config(text);
    let (mut tcp, mut udp) = (None, None);
    let running = start(Path::new("/"), pipeline, |consumers, deps| {
        let receiver = config.build(&"syslog".parse().unwrap(), consumers, deps).unwrap();
        (tcp, udp) = (receiver.tcp_address(), receiver.udp_address());
        Box::new(receiver)
    });
    Syslog { running, tcp, udp }
}

impl Syslog {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.tcp.unwrap()).await.unwrap()
    }

    async fn says(&self, bytes: &[u8]) {
        self.connect().await.write_all(bytes).await.unwrap();
    }

    async fn socket(&self) -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(self.udp.unwrap()).await.unwrap();
        socket
    }

    /// What attribute `key` of each record is, when there are so many.
    async fn attribute(&self, key: &str, count: usize) -> Vec<Option<String>> {
        self.running.bodies(count).await;
        self.running.pipeline.records().iter().map(|(_, record)| attribute(&record.attributes, key)).collect()
    }
}

const TCP: &str = "tcp: { listen_address: '127.0.0.1:0' }";
const UDP: &str = "udp: { listen_address: '127.0.0.1:0' }";

#[tokio::test]
async fn a_line_becomes_a_record_with_what_its_message_says() {
    let syslog = syslog(&format!("{{ {TCP}, protocol: rfc5424, attributes: {{ a: b }}, resource: {{ r: s }} }}"));
    let line = "<165>1 2003-10-11T22:14:15.003Z host app 12 ID47 [x@1 k=\"v\"] It's time.";
    syslog.says(format!("{line}\n{line}\r\n\n{line}").as_bytes()).await;
    assert_eq!(syslog.running.bodies(3).await, [line; 3], "the last one has no end but that of its connection");
    let (resource, record) = syslog.running.pipeline.records().remove(0);
    assert_eq!((record.severity_number, record.severity_text.as_str()), (10, "notice"));
    assert_eq!(record.time_unix_nano, 1_065_910_455_003_000_000);
    assert!(record.observed_time_unix_nano > record.time_unix_nano);
    assert_eq!(attribute(&resource, "r").as_deref(), Some("s"));
    for (key, value) in
        [("a", "b"), ("hostname", "host"), ("appname", "app"), ("proc_id", "12"), ("message", "It's time.")]
    {
        assert_eq!(attribute(&record.attributes, key).as_deref(), Some(value), "{key}");
    }
    let keys: Vec<&str> = record.attributes.iter().map(|pair| &*pair.key).collect();
    assert!(
        !keys.contains(&"severity") && !keys.contains(&"timestamp"),
        "the record itself has a place for them: {keys:?}"
    );
    syslog.running.stop().await;
}

#[tokio::test]
async fn what_is_no_message_goes_on_as_it_came_or_not_at_all() {
    for (on_error, expected) in [("send", 2), ("drop", 1)] {
        let syslog = syslog(&format!("{{ {TCP}, protocol: rfc3164, on_error: {on_error} }}"));
        syslog.says(b"nonsense\n<34>Oct 11 22:14:15 host tag: x\n").await;
        let bodies = syslog.running.bodies(expected).await;
        assert_eq!(bodies.len(), expected);
        assert_eq!(bodies.contains(&"nonsense".to_owned()), on_error == "send");
        syslog.running.metric("tidegate_syslog_operator_errors", 1).await;
        syslog.running.stop().await;
    }
}

#[tokio::test]
async fn messages_with_their_number_of_octets_may_have_line_breaks() {
    let syslog = syslog(&format!("{{ {TCP}, protocol: rfc3164, enable_octet_counting: true }}"));
    let message = "<34>Oct 11 22:14:15 host tag: one\ntwo";
    let mut stream = syslog.connect().await;
    let counted =
        format!("{} {message}\n{} {message}<34>Oct 11 22:14:15 host tag: a line\n", message.len(), message.len());
    for part in counted.as_bytes().chunks(7) {
        stream.write_all(part).await.unwrap();
        stream.flush().await.unwrap();
    }
    let messages = syslog.attribute("message", 3).await;
    assert_eq!(messages[..2], [Some("one\ntwo".to_owned()), Some("one\ntwo".to_owned())]);
    assert_eq!(messages[2], None, "a line has no number of octets, and is not read");
    syslog.running.metric("tidegate_syslog_operator_errors", 1).await;
    syslog.running.stop().await;
}

#[tokio::test]
async fn what_is_too_long_is_cut_and_counted_and_the_next_message_is_found() {
    let tcp = "tcp: { listen_address: '127.0.0.1:0', max_log_size: 64KiB }";
    let syslog = syslog(&format!("{{ {tcp}, protocol: none, enable_octet_counting: true, max_octets: 1000000 }}"));
    let long = "x".repeat(200_000);
    syslog.says(format!("200000 {long}3 end").as_bytes()).await;
    let messages = syslog.attribute("message", 2).await;
    assert_eq!(messages[0].as_ref().unwrap().len(), 64 << 10);
    assert_eq!(messages[1].as_deref(), Some("end"));
    syslog.running.metric("tidegate_syslog_truncated_bytes", 200_000 - (64 << 10)).await;
    syslog.running.stop().await;
}

#[tokio::test]
async fn a_nul_may_end_messages() {
    let syslog = syslog(&format!("{{ {TCP}, protocol: rfc5424, non_transparent_framing_trailer: NUL }}"));
    syslog.says(b"<34>1 - - - - - - one\ntwo\0<34>1 - - - - - - three\0").await;
    assert_eq!(syslog.attribute("message", 2).await, [Some("one\ntwo".to_owned()), Some("three".to_owned())]);
    syslog.running.stop().await;
}

#[tokio::test]
async fn a_connection_may_be_one_message() {
    let tcp = "tcp: { listen_address: '127.0.0.1:0', one_log_per_packet: true }";
    let syslog = syslog(&format!("{{ {tcp}, protocol: none }}"));
    syslog.says(b"one\ntwo").await;
    assert_eq!(syslog.running.bodies(1).await, ["one\ntwo"]);
    syslog.says(&[b'x'; 3 << 20]).await;
    syslog.running.metric("tidegate_syslog_truncated_bytes", 2 << 20).await;
    let bodies = syslog.running.bodies(2).await;
    assert_eq!(bodies[1].len(), 1 << 20, "as much as may be, and nothing behind it");
    syslog.running.stop().await;
}

#[tokio::test]
async fn each_datagram_is_a_message() {
    let syslog = syslog(&format!("{{ {UDP}, protocol: rfc3164 }}"));
    let socket = syslog.socket().await;
    for text in ["one\ntwo", "three\n\0", "   ", "four"] {
        socket.send(format!("<34>Oct 11 22:14:15 host tag: {text}").as_bytes()).await.unwrap();
    }
    let messages: Vec<String> = syslog.attribute("message", 4).await.into_iter().flatten().collect();
    assert_eq!(messages, ["one\ntwo", "three", "tag:", "four"]);
    syslog.running.stop().await;
}

#[tokio::test]
async fn multiline_cuts_a_datagram() {
    let udp = "udp: { listen_address: '127.0.0.1:0', multiline: { line_start_pattern: '^<' } }";
    let syslog = syslog(&format!("{{ {udp}, protocol: none }}"));
    syslog.socket().await.send(b"<1>one\ntwo\n<2>three").await.unwrap();
    assert_eq!(syslog.running.bodies(2).await, ["<1>one\ntwo", "<2>three"]);
    syslog.running.stop().await;
}

#[tokio::test]
async fn a_refusing_pipeline_gets_every_message_of_a_connection_later() {
    let pipeline = Arc::new(Pipeline::default());
    pipeline.refuses.store(40, Ordering::SeqCst);
    let syslog = syslog_into(&format!("{{ {TCP}, protocol: none }}"), pipeline);
    let mut stream = syslog.connect().await;
    for at in 0..20_000 {
        stream.write_all(format!("message {at} {}\n", "x".repeat(100)).as_bytes()).await.unwrap();
    }
    let bodies = syslog.running.bodies(20_000).await;
    let mut numbers: Vec<usize> = bodies.iter().map(|body| body.split(' ').nth(1).unwrap().parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..20_000).collect::<Vec<_>>());
    syslog.running.stop().await;
}

#[tokio::test]
async fn a_receiver_that_ends_reads_what_has_come() {
    let syslog = syslog(&format!("{{ {TCP}, {UDP}, protocol: none }}"));
    let (mut stream, socket) = (syslog.connect().await, syslog.socket().await);
    stream.write_all(b"first\n").await.unwrap();
    syslog.running.bodies(1).await;
    let pipeline = Arc::clone(&syslog.running.pipeline);
    stream.write_all(b"second\nthird").await.unwrap();
    socket.send(b"fourth").await.unwrap();
    syslog.running.stop().await;
    let mut bodies = pipeline.bodies();
    bodies.sort();
    assert_eq!(bodies, ["first", "fourth", "second", "third"]);
}

#[tokio::test]
async fn what_the_pipeline_refuses_until_the_end_is_counted() {
    let pipeline = Arc::new(Pipeline::default());
    pipeline.refuses.store(usize::MAX, Ordering::SeqCst);
    let syslog = syslog_into(&format!("{{ {TCP}, protocol: none }}"), pipeline);
    syslog.says(b"one\ntwo\n").await;
    syslog.running.metric("otelcol_receiver_refused_log_records", 1).await;
    let metrics = syslog.running.metrics.clone();
    syslog.running.stop().await;
    assert_eq!(metrics.total("tidegate_syslog_lost_records"), 2);
}

#[tokio::test]
async fn datagrams_that_the_kernel_drops_are_counted() {
    let pipeline = Arc::new(Pipeline::default());
    pipeline.refuses.store(usize::MAX, Ordering::SeqCst);
    let syslog = syslog_into(&format!("{{ {UDP}, protocol: none }}"), pipeline);
    let socket = syslog.socket().await;
    let datagram = [b'x'; 60_000];
    for _ in 0..400 {
        socket.send(&datagram).await.unwrap();
        tokio::task::yield_now().await;
    }
    syslog.running.metric("tidegate_syslog_lost_datagrams", 1).await;
    syslog.running.stop().await;
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_counted() {
    let syslog = syslog("{ tcp: { listen_address: '127.0.0.1:0', max_connections: 1 }, protocol: none }");
    let mut first = syslog.connect().await;
    first.write_all(b"one\n").await.unwrap();
    syslog.running.bodies(1).await;
    let mut second = syslog.connect().await;
    assert_eq!(second.read(&mut [0; 1]).await.unwrap_or(0), 0, "it is closed");
    syslog.running.metric("tidegate_syslog_refused_connections", 1).await;
    drop(first);
    syslog.running.until_gauge("tidegate_syslog_connections", |open| open == 0).await;
    syslog.says(b"two\n").await;
    syslog.running.bodies(2).await;
    syslog.running.stop().await;
}

#[tokio::test]
async fn connections_that_say_nothing_or_half_a_message_hold_nothing_of_the_budget() {
    let syslog = syslog(&format!("{{ {TCP}, protocol: none }}"));
    let mut silent = Vec::new();
    // More than the budget has room for, were 64 KiB kept for each.
    for at in 0..1_100 {
        let mut stream = syslog.connect().await;
        if at % 2 == 0 {
            stream.write_all(b"half a message").await.unwrap();
        }
        silent.push(stream);
    }
    syslog.running.until_gauge("tidegate_syslog_connections", |open| open == 1_100).await;
    syslog.says(b"whole\n").await;
    assert_eq!(syslog.running.bodies(1).await, ["whole"]);
    syslog.running.stop().await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_for_too_long_is_closed() {
    let syslog = syslog("{ tcp: { listen_address: '127.0.0.1:0', connection_idle_timeout: 50ms }, protocol: none }");
    let mut stream = syslog.connect().await;
    stream.write_all(b"without an end").await.unwrap();
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0, "it is closed");
    assert_eq!(syslog.running.bodies(1).await, ["without an end"]);
    syslog.running.stop().await;
}

#[tokio::test]
async fn records_say_who_has_sent_them_where_that_is_wanted() {
    let text = "{ tcp: { listen_address: '127.0.0.1:0', add_attributes: true }, \
                udp: { listen_address: '127.0.0.1:0', add_attributes: true }, protocol: none }";
    let syslog = syslog(text);
    let mut stream = syslog.connect().await;
    stream.write_all(b"one\n").await.unwrap();
    syslog.running.bodies(1).await;
    let socket = syslog.socket().await;
    socket.send(b"two").await.unwrap();
    syslog.running.bodies(2).await;
    let ends = [
        ("IP.TCP", stream.local_addr().unwrap(), syslog.tcp.unwrap()),
        ("IP.UDP", socket.local_addr().unwrap(), syslog.udp.unwrap()),
    ];
    for ((_, record), (transport, peer, host)) in syslog.running.pipeline.records().iter().zip(ends) {
        let of = |key| attribute(&record.attributes, key);
        assert_eq!(of("net.transport").as_deref(), Some(transport));
        assert_eq!(
            [of("net.peer.ip"), of("net.peer.port")],
            [Some("127.0.0.1".to_owned()), Some(peer.port().to_string())]
        );
        assert_eq!(
            [of("net.host.ip"), of("net.host.port")],
            [Some("127.0.0.1".to_owned()), Some(host.port().to_string())]
        );
    }
    syslog.running.stop().await;
}

#[tokio::test]
async fn operators_work_behind_the_parser_and_what_they_keep_comes_in_time() {
    let operators = "operators: [{ type: recombine, combine_field: attributes.message, is_first_entry: \
                     'attributes.message matches \"^a\"', source_identifier: attributes.hostname }]";
    let syslog = syslog(&format!("{{ {TCP}, protocol: rfc3164, {operators} }}"));
    let mut stream = syslog.connect().await;
    let lines = ["a", "b", "a"].map(|text| format!("<34>Oct 11 22:14:15 host tag: {text}\n")).concat();
    stream.write_all(lines.as_bytes()).await.unwrap();
    assert_eq!(syslog.attribute("message", 2).await, [Some("a\nb".to_owned()), Some("a".to_owned())]);
    syslog.running.stop().await;
}

#[tokio::test]
async fn what_two_operators_keep_comes_at_the_end_of_a_connection() {
    let keeps = |id: &str| {
        format!(
            "{{ type: recombine, id: {id}, combine_field: body, is_last_entry: 'body == \"never\"', force_flush_period: 1h }}"
        )
    };
    let operators = format!("operators: [{}, {}]", keeps("one"), keeps("two"));
    let syslog = syslog(&format!("{{ {TCP}, protocol: none, {operators} }}"));
    syslog.says(b"a\nb\n").await;
    assert_eq!(syslog.running.bodies(1).await, ["a\nb"]);
    syslog.running.stop().await;
}

#[tokio::test]
async fn operators_lead_to_those_behind_them_also_where_two_have_one_name() {
    let operators = "operators: [{ type: copy, from: body, to: attributes.a }, { type: router, routes: \
                     [{ expr: 'true', output: copy }] }, { type: copy, from: body, to: attributes.b }]";
    let syslog = syslog(&format!("{{ {TCP}, protocol: none, {operators} }}"));
    syslog.says(b"x\n").await;
    assert_eq!(syslog.attribute("b", 1).await, [Some("x".to_owned())]);
    syslog.running.stop().await;
}

#[test]
fn what_makes_no_sense_is_told_with_its_key() {
    for (text, key) in [
        ("{ protocol: rfc3164 }", "tcp"),
        ("{ tcp: {}, protocol: rfc3164 }", "tcp.listen_address"),
        ("{ udp: {}, protocol: rfc3164 }", "udp.listen_address"),
        ("{ tcp: { listen_address: ':1' } }", "protocol"),
        ("{ tcp: { listen_address: ':1' }, protocol: rfc1 }", "protocol"),
        ("{ tcp: { listen_address: ':1' }, protocol: rfc3164, location: Mars }", "location"),
        ("{ udp: { listen_address: ':1' }, protocol: rfc3164, enable_octet_counting: true }", "udp"),
        ("{ tcp: { listen_address: ':1', max_log_size: 1KiB }, protocol: none }", "tcp.max_log_size"),
        ("{ tcp: { listen_address: ':1', encoding: klingon }, protocol: none }", "tcp.encoding"),
        ("{ tcp: { listen_address: ':1', multiline: {} }, protocol: none }", "tcp.multiline"),
        ("{ tcp: { listen_address: ':1' }, protocol: none, operators: [{ type: magic }] }", "operators[0].type"),
        ("{ tcp: { listen_address: ':1' }, protocol: none, parse_to: message }", "parse_to"),
        ("{ tcp: { listen_address: ':1' }, protocol: none, attributes: { a: 'EXPR(1)' } }", "attributes"),
        (
            "{ tcp: { listen_address: ':1', one_log_per_packet: true }, protocol: none, enable_octet_counting: true }",
            "enable_octet_counting",
        ),
    ] {
        let wrongs = config(text).wrongs();
        assert!(wrongs.iter().any(|wrong| wrong.to_string().contains(key)), "{text}: {wrongs:?}");
    }
    assert!(config(&format!("{{ {TCP}, {UDP}, protocol: RFC5424 }}")).wrongs().is_empty());
}

fn framer(framing: Framing, max: usize) -> Framer {
    let cut = Cut {
        multiline: None,
        encoding: "utf-8",
        max,
        too_long: TooLong::Split,
        keeps_leading: false,
        keeps_trailing: false,
        keeps_parts: false,
    };
    Framer::new(framing, cut).unwrap()
}

#[test]
fn a_number_that_is_cut_is_waited_for() {
    let framer = framer(Framing::Octets, 100);
    for part in ["", "1", "12", "12 ", "12 <34>1 - - "] {
        assert_eq!(framer.next(part.as_bytes(), 0), None, "{part:?}");
    }
    assert_eq!(framer.next(b"\n\n", 0), Some(Frame { content: 0..0, next: 2, cut: 0 }), "what separates is not kept");
    assert_eq!(framer.next(b"3 abc", 0), Some(Frame { content: 0..5, next: 5, cut: 0 }));
    assert_eq!(framer.next(b"0 abc\n", 0).map(|frame| frame.next), Some(6), "no number begins with 0: it is a line");
    assert_eq!(framer.next(b"99999999999 abc\n", 0).map(|frame| frame.next), Some(16), "nor has it eleven digits");
}

proptest! {
    #[test]
    fn frames_follow_one_another(how: u8, bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(0), b'0'..b':', any::<u8>()], 0..600)) {
        probe(how, &bytes);
    }

    #[test]
    fn messages_are_the_same_however_their_bytes_come(
        messages in prop::collection::vec("[a-z\n]{1,30}", 1..8), at in any::<prop::sample::Index>(),
    ) {
        let bytes: String = messages.iter().map(|text| format!("{} {text}", text.len())).collect();
        let framer = framer(Framing::Octets, 1_000);
        let (mut from, mut found) = (0, Vec::new());
        for end in [at.index(bytes.len()), bytes.len()] {
            while let Some(frame) = framer.next(&bytes.as_bytes()[..end], from) {
                found.push(bytes[frame.content].split_once(' ').unwrap().1.to_owned());
                from = frame.next;
            }
        }
        prop_assert_eq!(found, messages);
    }
}
