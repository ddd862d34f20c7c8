//! The receiver as a whole, with targets on loopback and a pipeline that says what becomes of what it is given.

mod delivery;
mod discovery;
mod harness;
mod scraping;
