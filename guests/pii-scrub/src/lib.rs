//! The pii-scrub processor.
