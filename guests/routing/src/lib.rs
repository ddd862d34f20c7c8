//! The routing processor.
