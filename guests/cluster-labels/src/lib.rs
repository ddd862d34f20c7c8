//! The cluster-labels processor.
