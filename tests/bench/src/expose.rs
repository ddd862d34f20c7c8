//! A target of scrapes: as many series as one asks for, in Prometheus' text form, with other values each time.
//!
//! The series are what a cluster's exporters have: gauges of objects, counters by code and handler, histograms of eleven buckets.

use std::fmt::Write as _;
use std::rc::Rc;

use clap::Args;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::rng::Rng;

#[derive(Args)]
pub struct Options {
    /// Where to answer `GET /metrics`.
    #[arg(long, default_value = "127.0.0.1:14900")]
    listen: String,
    #[arg(long, default_value_t = 50_000)]
    series: usize,
}

/// Pages that are answered with in turn.
const PAGES: u64 = 4;
const BUCKETS: [&str; 11] = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "+Inf"];

pub async fn run(options: Options) -> Result<(), String> {
    let pages: Rc<[String]> = (0..PAGES).map(|turn| page(options.series, turn)).collect();
    let listener = TcpListener::bind(&options.listen).await.map_err(|e| format!("{}: {e}", options.listen))?;
    let local = tokio::task::LocalSet::new();
    local.spawn_local(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::task::spawn_local(serve(tcp, pages.clone()));
        }
    });
    local.await;
    Ok(())
}

async fn serve(tcp: TcpStream, pages: Rc<[String]>) {
    let mut stream = BufReader::new(tcp);
    let mut line = String::new();
    for page in pages.iter().cycle() {
        loop {
            line.clear();
            match stream.read_line(&mut line).await {
                Ok(0) | Err(_) => return,
                Ok(_) if line.trim_end().is_empty() => break,
                Ok(_) => {}
            }
        }
        let kind = "text/plain; version=0.0.4; charset=utf-8";
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", page.len());
        if stream.write_all(head.as_bytes()).await.is_err() || stream.write_all(page.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A page of exactly so many series; each turn counts on.
fn page(series: usize, turn: u64) -> String {
    let mut text = String::new();
    let (gauges, buckets) = (series * 2 / 5, series * 3 / 10 / (BUCKETS.len() + 2));
    let counters = series - gauges - buckets * (BUCKETS.len() + 2);
    let mut rng = Rng::new(7);
    for family in 0..gauges.div_ceil(500) {
        let _ = writeln!(text, "# HELP kube_object_{family} Of an object.\n# TYPE kube_object_{family} gauge");
        for object in family * 500..gauges.min((family + 1) * 500) {
            let (namespace, uid) = (object % 40, rng.uuid());
            let value = (object as u64 * 31 + turn) % 1000;
            let _ = writeln!(
                text,
                "kube_object_{family}{{namespace=\"team-{namespace}\",pod=\"shop-{object}-7d9c5b\",uid=\"{uid}\"}} {value}"
            );
        }
    }
    for family in 0..counters.div_ceil(300) {
        let _ = writeln!(
            text,
            "# HELP http_requests_{family}_total Requests.\n# TYPE http_requests_{family}_total counter"
        );
        for series in family * 300..counters.min((family + 1) * 300) {
            let (code, handler) = ([200, 201, 404, 500][series % 4], series / 4);
            let value = (rng.below(1_000_000) + turn * 17) as f64 / 8.0;
            let _ = writeln!(
                text,
                "http_requests_{family}_total{{code=\"{code}\",handler=\"/api/v1/thing/{handler}\",method=\"get\"}} {value}"
            );
        }
    }
    for histogram in 0..buckets {
        if histogram % 50 == 0 {
            let family = histogram / 50;
            let _ =
                writeln!(text, "# HELP latency_{family}_seconds Latency.\n# TYPE latency_{family}_seconds histogram");
        }
        let (name, labels) = (format!("latency_{}_seconds", histogram / 50), format!("route=\"/r/{histogram}\""));
        for (at, le) in BUCKETS.iter().enumerate() {
            let count = (at as u64 + 1) * (histogram as u64 % 90 + turn);
            let _ = writeln!(text, "{name}_bucket{{{labels},le=\"{le}\"}} {count}");
        }
        let count = BUCKETS.len() as u64 * (histogram as u64 % 90 + turn);
        let _ = writeln!(text, "{name}_sum{{{labels}}} {}\n{name}_count{{{labels}}} {count}", count as f64 * 0.37);
    }
    text
}
