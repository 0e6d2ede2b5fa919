use std::{
    io::IsTerminal,
    sync::{Mutex, PoisonError},
};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use super::settings::{LogFormat, Telemetry};

/// Upper bounds of the latency histograms' buckets, in seconds.
const LATENCY_BUCKETS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Notices of the database, such as "exists already, skipping", are no events of ours.
const QUIET: &str = "sqlx::postgres::notice=warn";

/// Logs go to stderr: pretty on a terminal, one JSON object a line otherwise.
pub fn start_logging(settings: &Telemetry) -> anyhow::Result<()> {
    let pretty = match settings.log_format {
        LogFormat::Pretty => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    let registry = tracing_subscriber::registry().with(EnvFilter::try_new(format!("{QUIET},{}", settings.log_filter))?);
    if pretty {
        registry.with(fmt::layer().with_target(false).with_writer(std::io::stderr)).try_init()?;
    } else {
        registry
            .with(fmt::layer().json().flatten_event(true).with_span_list(false).with_writer(std::io::stderr))
            .try_init()?;
    }
    Ok(())
}

/// Collects the metrics of this process for `/metrics`. A second start in one process (tests) gives the same ones.
pub fn start_metrics() -> anyhow::Result<PrometheusHandle> {
    static COLLECTED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    let mut collected = COLLECTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*collected {
        return Ok(handle.clone());
    }
    let builder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &LATENCY_BUCKETS)?;
    let handle = builder.install_recorder()?;
    *collected = Some(handle.clone());
    Ok(handle)
}
