//! How requests over HTTP are compressed, by the Collector's names.

use host_compression::Coding;
use host_config::Wrong;
use schemars::JsonSchema;
use serde::Deserialize;

/// How requests are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HttpCompression {
    #[serde(alias = "")]
    None,
    Gzip,
    Zstd,
    Zlib,
    Deflate,
    Snappy,
    XSnappyFramed,
    Lz4,
}

/// How hard to compress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CompressionParams {
    /// 0 and -1 are the usual level.
    pub level: i32,
}

impl HttpCompression {
    /// The coding, and its name in HTTP.
    pub(crate) fn coding(self) -> Option<(Coding, &'static str)> {
        match self {
            HttpCompression::None => None,
            HttpCompression::Gzip => Some((Coding::Gzip, "gzip")),
            HttpCompression::Zstd => Some((Coding::Zstd, "zstd")),
            HttpCompression::Zlib => Some((Coding::Zlib, "zlib")),
            HttpCompression::Deflate => Some((Coding::Zlib, "deflate")),
            HttpCompression::Snappy => Some((Coding::Snappy, "snappy")),
            HttpCompression::XSnappyFramed => Some((Coding::SnappyFramed, "x-snappy-framed")),
            HttpCompression::Lz4 => Some((Coding::Lz4, "lz4")),
        }
    }

    /// The level that `params` ask for, if they do.
    ///
    /// # Errors
    /// Where the coding has no such level.
    pub(crate) fn level(self, params: &CompressionParams) -> Result<Option<i32>, Wrong> {
        let level = params.level;
        let told = |message: String| Wrong::new("compression_params.level", message);
        let Some((coding, name)) = self.coding().filter(|_| !matches!(level, -1 | 0)) else {
            return Ok(None);
        };
        match coding.levels() {
            None => Err(told(format!("{name} has no levels: take it out"))),
            // The Collector takes any level for zstd, and the nearest that there is.
            Some(levels) if coding == Coding::Zstd => Ok(Some(level.clamp(*levels.start(), *levels.end()))),
            Some(levels) if levels.contains(&level) => Ok(Some(level)),
            Some(levels) => Err(told(format!("{name} has levels from {} to {}", levels.start(), levels.end()))),
        }
    }
}
