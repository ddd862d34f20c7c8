//! The judge on a fixed input, so many times, for an instruction counter: `instructions judge <repetitions>`.
//!
//! The input is 100 log records of 4 resources with 10 attributes each, all of the cluster that the speaker speaks for: what an
//! honest sender costs. Count with two numbers of repetitions and take the difference.

use std::hint::black_box;
use std::process::ExitCode;

use host_identity::{Config, Names, OnViolation, Rule, Source, Speaker};
use host_otlp::Payload;
use host_otlp::build::{LogRecord, Logs};

const NAME: &str = "spiffe://example.org/edge/eu-1";
const CLUSTER: &str = "edge-eu-1";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (operation, repetitions) = (args.next(), args.next().and_then(|n| n.parse::<u32>().ok()));
    let (Some("judge"), Some(repetitions)) = (operation.as_deref(), repetitions) else {
        eprintln!("usage: instructions judge <repetitions>");
        return ExitCode::FAILURE;
    };
    let (input, speaker) = (input(), speaker());
    for _ in 0..repetitions {
        let judged = speaker.judge(black_box(&input).clone(), &mut |_| (), &mut |_| true);
        black_box(judged.expect("there is room").payload);
    }
    ExitCode::SUCCESS
}

fn speaker() -> Speaker {
    let rule = Rule { of: NAME.into(), clusters: vec![CLUSTER.into()], ..Rule::default() };
    let config = Config {
        from: vec![Source::Spiffe],
        rules: vec![rule],
        on_violation: OnViolation::Refuse,
        ..Config::default()
    };
    let rules = config.build("identity").expect("the rules are valid");
    rules.speaker(&Names { uris: &[NAME.into()], dns: &[], common_names: &[] }).expect("a rule matches")
}

fn input() -> Payload {
    let mut logs = Logs::new();
    for _ in 0..4 {
        logs.resource_logs(|resource_logs| {
            resource_logs.resource(|it| {
                it.attribute("cluster.id", CLUSTER);
                it.attribute("service.name", "checkout");
                it.attribute("k8s.namespace.name", "shop");
                it.attribute("k8s.container.name", "checkout");
            });
            resource_logs.scope_logs(|scope_logs| (0..25).for_each(|n| scope_logs.log_record(|it| record(it, n))));
        });
    }
    logs.finish()
}

fn record(it: &mut LogRecord<'_>, number: i64) {
    it.time_unix_nano(1_700_000_000_000_000_000);
    it.severity_text("INFO");
    it.body("request completed upstream timeout cache payload session deadline request completed upstream timeout");
    it.attribute("http.request.method", "GET");
    it.attribute("url.path", "/api/v1/orders/{id}");
    it.attribute("http.response.status_code", 200);
    it.attribute("client.address", "10.77.3.14");
    it.attribute("client.port", 40_312);
    it.attribute("code.line.number", number);
    it.attribute("logger.name", "com.example.web.OrderController");
    it.attribute("thread.name", "http-nio-8080-exec-7");
    it.attribute("duration_ms", 12.5);
    it.attribute("retry", false);
}
