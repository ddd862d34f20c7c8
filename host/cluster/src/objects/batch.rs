//! Jobs and CronJobs.

use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::Tell;
use super::namespaced::about;
use crate::attribute::Attribute;
use crate::fact::{Plan, Told};
use crate::metric;

impl Tell for Job {
    const GROUP: &'static str = "batch";
    const PLURAL: &'static str = "jobs";

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn tell(&self, plan: &Plan) -> Vec<Told> {
        let mut told = about(&self.metadata, plan, Attribute::JobName, Attribute::JobUid);
        let status = self.status.as_ref();
        for (spec, count) in [
            (&metric::JOB_ACTIVE_PODS, status.and_then(|status| status.active)),
            (&metric::JOB_FAILED_PODS, status.and_then(|status| status.failed)),
            (&metric::JOB_SUCCESSFUL_PODS, status.and_then(|status| status.succeeded)),
        ] {
            told.fact(spec, i64::from(count.unwrap_or_default()));
        }
        if let Some(completions) = self.spec.as_ref().and_then(|spec| spec.completions) {
            told.fact(&metric::JOB_DESIRED_SUCCESSFUL_PODS, i64::from(completions));
        }
        if let Some(parallelism) = self.spec.as_ref().and_then(|spec| spec.parallelism) {
            told.fact(&metric::JOB_MAX_PARALLEL_PODS, i64::from(parallelism));
        }
        told.end().into_iter().collect()
    }
}

impl Tell for CronJob {
    const GROUP: &'static str = "batch";
    const PLURAL: &'static str = "cronjobs";

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn tell(&self, plan: &Plan) -> Vec<Told> {
        let mut told = about(&self.metadata, plan, Attribute::CronJobName, Attribute::CronJobUid);
        let active = self.status.as_ref().and_then(|status| status.active.as_ref()).map_or(0, Vec::len);
        told.fact(&metric::CRONJOB_ACTIVE_JOBS, active as u64);
        told.end().into_iter().collect()
    }
}
