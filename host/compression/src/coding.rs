//! A coding is one way to compress, under the names that gRPC and HTTP have for it.

use std::ops::RangeInclusive;

/// A way to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    Gzip,
    /// What HTTP calls `deflate`, and the Collector `zlib` too.
    Zlib,
    Zstd,
    /// One block when it is packed. When it is unpacked frames are taken, too, since older Collectors send these under
    /// this name; their first bytes tell them apart.
    Snappy,
    SnappyFramed,
    Lz4,
}

impl Coding {
    pub const ALL: [Coding; 6] =
        [Coding::Gzip, Coding::Zlib, Coding::Zstd, Coding::Snappy, Coding::SnappyFramed, Coding::Lz4];
    /// What [`Coding::of_grpc`] knows, for the `grpc-accept-encoding` header.
    pub const GRPC: &str = "gzip,zstd,snappy,identity";
    /// What [`Coding::of_http`] knows, for the `accept-encoding` header.
    pub const HTTP: &str = "gzip, zstd, zlib, deflate, snappy, x-snappy-framed, lz4";

    /// The coding that gRPC's `grpc-encoding` names; snappy is framed there.
    pub fn of_grpc(name: &[u8]) -> Option<Coding> {
        match name {
            b"gzip" => Some(Coding::Gzip),
            b"zstd" => Some(Coding::Zstd),
            b"snappy" => Some(Coding::SnappyFramed),
            _ => None,
        }
    }

    /// The coding that HTTP's `content-encoding` names, in lower case.
    pub fn of_http(name: &[u8]) -> Option<Coding> {
        match name {
            b"gzip" | b"x-gzip" => Some(Coding::Gzip),
            b"zstd" => Some(Coding::Zstd),
            b"zlib" | b"deflate" => Some(Coding::Zlib),
            b"snappy" => Some(Coding::Snappy),
            b"x-snappy-framed" => Some(Coding::SnappyFramed),
            b"lz4" => Some(Coding::Lz4),
            _ => None,
        }
    }

    /// The levels that there are, from the quickest to the smallest; those of zstd beyond 19 need more memory than a
    /// receiver should grant.
    pub fn levels(self) -> Option<RangeInclusive<i32>> {
        match self {
            Coding::Gzip | Coding::Zlib => Some(1..=9),
            Coding::Zstd => Some(1..=19),
            Coding::Snappy | Coding::SnappyFramed | Coding::Lz4 => None,
        }
    }

    /// The level where nobody asks for one.
    pub(crate) fn default_level(self) -> i32 {
        match self {
            Coding::Zstd => 3,
            _ => 6,
        }
    }
}
