//! What the receiver counts, under the Collector's names.

use std::time::Instant;

use host_component::Signal;
use host_telemetry::{Counter, Gauge, Metrics, OwnGauge};

use super::record::Record;
use crate::client::Throttle;

/// The counters of a receiver.
pub(crate) struct Counts {
    receiver: String,
    metrics: Metrics,
    pub(crate) started: Counter,
    pub(crate) closed: Counter,
    pub(crate) unknown_fields: Counter,
    pub(crate) waiting: Gauge,
    pub(crate) failing: Gauge,
    lines: Throttle,
}

/// The counters of one partition; gauges are shown for as long as it is read here.
pub(crate) struct OfPartition {
    taken: [Counter; 2],
    failed: [Counter; 2],
    pub(crate) offset: OwnGauge,
    pub(crate) lag: OwnGauge,
}

impl Counts {
    pub(crate) fn new(receiver: &str, metrics: &Metrics) -> Self {
        let own = [("receiver", receiver)];
        let labels = [("receiver", receiver), ("transport", "kafka")];
        Counts {
            receiver: receiver.to_owned(),
            metrics: metrics.clone(),
            started: metrics.counter("otelcol_kafka_receiver_partition_start", "Partitions that were given.", &own),
            closed: metrics.counter("otelcol_kafka_receiver_partition_close", "Partitions that were taken away.", &own),
            unknown_fields: metrics.counter(
                "tidegate_receiver_unknown_fields",
                "Fields that OTLP does not know in requests that were let in: relayed as they are, of JSON left out.",
                &labels,
            ),
            waiting: metrics.gauge(
                "tidegate_kafka_receiver_waiting_records",
                "Records that were read and wait for their turn.",
                &own,
            ),
            failing: metrics.gauge(
                "tidegate_kafka_receiver_failing_records",
                "Records that could not be taken and wait to be tried again; their partitions stand still.",
                &own,
            ),
            lines: Throttle::default(),
        }
    }

    pub(crate) fn of_partition(&self, topic: &str, partition: i32) -> OfPartition {
        let number = partition.to_string();
        let labels = [("receiver", self.receiver.as_str()), ("topic", topic), ("partition", number.as_str())];
        let counters = |outcome| {
            let labels = [labels[0], labels[1], labels[2], ("outcome", outcome)];
            let bytes = "Bytes of the records that were read, uncompressed.";
            [
                self.metrics.counter("otelcol_kafka_receiver_records", "Records that were read.", &labels),
                self.metrics.counter("otelcol_kafka_receiver_bytes_uncompressed", bytes, &labels),
            ]
        };
        let gauge = |name, help| self.metrics.own_gauge(name, help, &labels, 0);
        OfPartition {
            taken: counters("success"),
            failed: counters("failure"),
            offset: gauge("otelcol_kafka_receiver_current_offset", "The offset of the record that was read last."),
            lag: gauge("otelcol_kafka_receiver_offset_lag", "Records behind the one that was read last."),
        }
    }

    /// Counts and tells of a record that is no OTLP.
    pub(crate) fn is_poison(&self, record: &Record, signal: Signal, error: &str) {
        let name = match signal {
            Signal::Logs => "otelcol_kafka_receiver_unmarshal_failed_log_records",
            Signal::Traces => "otelcol_kafka_receiver_unmarshal_failed_spans",
            Signal::Metrics => "otelcol_kafka_receiver_unmarshal_failed_metric_points",
        };
        let partition = record.partition.to_string();
        let labels = [("receiver", self.receiver.as_str()), ("topic", &*record.topic), ("partition", &partition)];
        self.metrics.counter(name, "Records that are no OTLP of the signal.", &labels).inc();
        self.tell(record, "a record is left out", error);
    }

    /// Counts and tells of a record that the client has read by a pattern which is none of a signal's here.
    pub(crate) fn is_of_no_signal(&self, record: &Record) {
        let labels = [("receiver", self.receiver.as_str())];
        let help = "Records of topics that none of the patterns means as they are understood here.";
        self.metrics.counter("tidegate_kafka_receiver_unknown_topic_records", help, &labels).inc();
        self.tell(record, "a record is left out", "its topic is none of any signal's `topics`: name it there");
    }

    /// A line of the log about one record, unless there was one just now.
    pub(crate) fn tell(&self, record: &Record, what: &str, error: &str) {
        if let Some(left_out) = self.lines.pass(Instant::now()) {
            let Record { topic, partition, offset, .. } = record;
            tracing::warn!(receiver = self.receiver, %topic, partition, offset, error, left_out, "{what}");
        }
    }
}

impl OfPartition {
    pub(crate) fn add(&self, bytes: usize, is_taken: bool) {
        let [records, size] = if is_taken { &self.taken } else { &self.failed };
        records.inc();
        size.inc_by(bytes as u64);
    }
}
