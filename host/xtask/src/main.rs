//! cargo xtask: build, run, test and measure Tidegate.
fn main() {}
