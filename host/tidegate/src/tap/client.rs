//! The operator's side: asks a collector for the page and prints what comes.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::access::Access;
use super::{PATH, RATE};

/// What was typed.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TapArgs {
    /// The pipeline, such as `logs` or `traces/app`
    pipeline: String,
    /// Behind this processor, such as `batch` or `wasm/scrub`; without it, what the receivers bring
    #[arg(long, value_name = "PROCESSOR")]
    after: Option<String>,
    #[command(flatten)]
    access: Access,
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
    let endpoint = args.access.address();
    let request = request(args, &args.access.headers().await?);
    let mut stream = BufReader::new(args.access.connect().await?);
    let mut line = String::new();
    let asked = async {
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        stream.read_line(&mut line).await
    };
    asked.await.with_context(|| unheard(endpoint))?;
    if !line.starts_with("HTTP/") {
        bail!(unheard(endpoint));
    }
    let status = line.split(' ').nth(1).unwrap_or_default().to_owned();
    while line.trim_end() != "" {
        line.clear();
        stream.read_line(&mut line).await?;
    }
    if status != "200" {
        let mut reason = String::new();
        stream.take(4096).read_to_string(&mut reason).await?;
        let hint = if status == "401" { "; --token-file names a file with a token that it knows" } else { "" };
        bail!("the collector at {endpoint}: {}{hint}", reason.trim_end());
    }
    let mut out = io::stdout().lock();
    loop {
        let text = match stream.fill_buf().await {
            // A collector that ends takes no leave of a connection, which is an error where that is encrypted.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            text => text?,
        };
        // Whoever reads the output may have seen enough.
        if text.is_empty() || out.write_all(text).and_then(|()| out.flush()).is_err() {
            return Ok(());
        }
        let length = text.len();
        stream.consume(length);
    }
}

/// What is told where the connection ends before an answer.
fn unheard(endpoint: &str) -> String {
    format!(
        "the collector at {endpoint} does not answer: where it encrypts, write https:// before the endpoint or name its \
         authority in --ca-file; where it asks for a certificate, name one in --cert-file"
    )
}

/// In HTTP/1.0, where the text needs no framing: it ends with the connection.
fn request(args: &TapArgs, headers: &str) -> String {
    let after = args.after.as_deref().map(|after| format!("&after={}", encoded(after))).unwrap_or_default();
    let verbosity = if args.detailed { "detailed" } else { "normal" };
    let (pipeline, rate) = (encoded(&args.pipeline), args.rate);
    format!("GET {PATH}?pipeline={pipeline}{after}&rate={rate}&verbosity={verbosity} HTTP/1.0\r\n{headers}\r\n")
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
