//! Sends encoded metrics by remote write to a receiver of its own, for an instruction counter:
//! `remote_write <repetitions> <file>...`, where a file is one request as `rig dump --signal metrics` writes it.
//!
//! Each repetition sends each file once, and in the end the sum of all that arrived is told: it is the same as long as what
//! is sent is the same. Reading the files costs the same however often they are sent: count with two numbers of
//! repetitions and take the difference. What it takes is that of one pass over the data, with the requests' way to the
//! receiver.

use std::error::Error;
use std::hash::{DefaultHasher, Hasher as _};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::{env, fs, io, thread};

use host_component::{Authenticators, Delivery};
use host_exporters::Deps;
use host_exporters::prometheus_remote_write::Config;
use host_otlp::{Limits, Payload, Signal, check};
use host_telemetry::Metrics;
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let repetitions: u32 = args.next().ok_or("usage: remote_write <repetitions> <file>...")?.parse()?;
    let read = |path: String| {
        let bytes = fs::read(&path).map_err(|error| format!("{path}: {error}"))?;
        check(Signal::Metrics, bytes.into(), &Limits::default()).map_err(|error| format!("{path}: {error}"))
    };
    let payloads = args.map(read).collect::<Result<Vec<_>, _>>()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (to, arrived) = channel();
    let endpoint = format!("http://{}/", listener.local_addr()?);
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(take(stream, &to))));

    let metrics = Metrics::new();
    let deps = Deps { base: Path::new("."), auth: &Authenticators::default(), metrics: &metrics };
    let config: Config = serde_json::from_value(json!({"endpoint": endpoint}))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut requests, mut bytes, mut sum) = (0u64, 0usize, DefaultHasher::new());
    runtime.block_on(async {
        let exporter = config.build(&"prometheus_remote_write".parse()?, &deps)?;
        for payload in payloads.iter().cycle().take(payloads.len() * repetitions as usize) {
            exporter.consume(Delivery::new(payload.clone())).await?;
            while let Ok(body) = arrived.try_recv() {
                requests += 1;
                bytes += body.len();
                sum.write(&body);
            }
        }
        Ok::<_, Box<dyn Error>>(())
    })?;
    let items: u64 = payloads.iter().map(Payload::items).sum::<u64>() * u64::from(repetitions);
    println!("{items} items in {requests} requests of {bytes} bytes: {:016x}", sum.finish());
    Ok(())
}

/// Takes the requests of one connection.
fn take(mut stream: TcpStream, to: &Sender<Vec<u8>>) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        while reader.read_line(&mut line)? > 2 {
            if let Some(told) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = told.trim().parse().map_err(io::Error::other)?;
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        to.send(body).map_err(io::Error::other)?;
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    }
}
