//! What fuzz targets ask: readers of the kubelet's documents, without a kubelet.

use host_config::Value;
use host_periodic::now;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;

use crate::Config;
use crate::collect::{Scrape, collect};
use crate::details::Details;
use crate::pods::Pods;
use crate::summary::Summary;
use crate::usage::Usage;

/// A section in which everything is switched on.
const ALL: &str = "{metric_groups: [container, pod, node, volume], extra_metadata_labels: [container.id, k8s.volume.type], \
                   collect_all_network_interfaces: {pod: true, node: true}}";

/// What two scrapes of the same documents become; nothing where the summary is none.
pub fn scraped_twice(summary: &[u8], pods: &[u8]) -> Option<[ExportMetricsServiceRequest; 2]> {
    let config: Config = Value::parse("probe", ALL).ok()?.decode().ok()?;
    let (settings, summary, pods) = (config.settings(), Summary::read(summary).ok()?, Pods::read(pods).ok());
    let (mut usage, details) = (Usage::default(), Details::default());
    let mut scrape = || {
        let scrape = Scrape { now: now(), summary: &summary, pods: pods.as_ref(), details: &details };
        let resource_metrics = collect(&settings, &mut usage, scrape);
        usage.finish();
        ExportMetricsServiceRequest { resource_metrics }
    };
    Some([scrape(), scrape()])
}
