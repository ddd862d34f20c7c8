//! The receiver through real sockets, with clients that do what no well-behaved client does.

mod grpc;
mod harness;
mod http;
mod identity;
mod limits;
