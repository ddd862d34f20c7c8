//! The exporter against receivers that answer as they were told to, and its translation against the Collector's.

mod corpus;
