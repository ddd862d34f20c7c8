//! Compression of requests, in one place for all who take and send them: packing for a next hop, and unpacking what a
//! stranger sent, which stops at the limit of a message whatever the packed size promises.
//!
//! gzip and zlib are flate2 on zlib-rs, zstd is the reference library, snappy and lz4 are small crates in Rust.

mod coding;
mod pack;
mod unpack;

pub use coding::Coding;
pub use pack::pack;
pub use unpack::{Room, UnpackError, WINDOW, most_room, unpack};
