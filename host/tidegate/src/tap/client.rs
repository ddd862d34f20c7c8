//! The operator's side: asks a collector for the page and prints what comes.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::{PATH, RATE};

/// What was typed.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TapArgs {
    /// The pipeline, such as `logs` or `traces/app`
    pipeline: String,
    /// Behind this processor, such as `batch` or `wasm/scrub`; without it, what the receivers bring
    #[arg(long, value_name = "PROCESSOR")]
    after: Option<String>,
    /// Where the collector serves its metrics
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8888")]
    endpoint: String,
    /// How many items a second are shown
    #[arg(long, value_name = "ITEMS", default_value_t = RATE)]
    rate: u64,
    /// Every field instead of a line an item
    #[arg(long)]
    detailed: bool,
}

/// Prints what passes until either side ends.
///
/// # Errors
/// Where no collector answers, or it does not show what was asked for.
pub(crate) fn run(args: &TapArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(follow(args))?;
    Ok(ExitCode::SUCCESS)
}

async fn follow(args: &TapArgs) -> anyhow::Result<()> {
    let endpoint = &args.endpoint;
    let stream = TcpStream::connect(endpoint).await;
    let stream = stream.with_context(|| format!("no collector answers at {endpoint}; --endpoint names another"))?;
    let mut stream = BufReader::new(stream);
    stream.write_all(request(args).as_bytes()).await?;
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let status = line.split(' ').nth(1).unwrap_or_default().to_owned();
    while line.trim_end() != "" {
        line.clear();
        stream.read_line(&mut line).await?;
    }
    if status != "200" {
        let mut reason = String::new();
        stream.take(4096).read_to_string(&mut reason).await?;
        bail!("the collector at {endpoint}: {}", reason.trim_end());
    }
    let mut out = io::stdout().lock();
    loop {
        let text = stream.fill_buf().await?;
        // Whoever reads the output may have seen enough.
        if text.is_empty() || out.write_all(text).and_then(|()| out.flush()).is_err() {
            return Ok(());
        }
        let length = text.len();
        stream.consume(length);
    }
}

/// In HTTP/1.0, where the text needs no framing: it ends with the connection.
fn request(args: &TapArgs) -> String {
    let after = args.after.as_deref().map(|after| format!("&after={}", encoded(after))).unwrap_or_default();
    let verbosity = if args.detailed { "detailed" } else { "normal" };
    let (pipeline, rate, endpoint) = (encoded(&args.pipeline), args.rate, &args.endpoint);
    format!(
        "GET {PATH}?pipeline={pipeline}{after}&rate={rate}&verbosity={verbosity} HTTP/1.0\r\nhost: {endpoint}\r\n\r\n"
    )
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
