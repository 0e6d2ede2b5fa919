use std::sync::{Mutex, PoisonError};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::{Catalogue, metric};

/// Upper bounds of the latency histograms' buckets, in seconds.
const LATENCY_BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Upper bounds of the buckets for jobs, in seconds; jobs may take minutes.
const JOB_BUCKETS: [f64; 9] = [0.01, 0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 180.0, 600.0];
/// Upper bounds of the buckets for numbers of orders.
const ORDER_BUCKETS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1000.0];

/// Starts collecting the metrics of this process for `/metrics`. A second start in one process (tests) returns the same
/// handle. Observations accumulate until the handle's upkeep runs, as each scrape does.
pub fn start_metrics(catalogue: &Catalogue) -> anyhow::Result<PrometheusHandle> {
    static COLLECTED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    let mut collected = COLLECTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*collected {
        return Ok(handle.clone());
    }
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &LATENCY_BUCKETS)?
        .set_buckets_for_metric(Matcher::Suffix("_orders".to_owned()), &ORDER_BUCKETS)?
        .set_buckets_for_metric(Matcher::Full(metric::JOB_DURATION.name().to_owned()), &JOB_BUCKETS)?;
    let handle = builder.install_recorder()?;
    catalogue.families().for_each(|family| catalogue.announce(family));
    *collected = Some(handle.clone());
    Ok(handle)
}
