use std::io::IsTerminal;

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

/// Collects the metrics of this process for `/metrics`.
pub fn start_metrics() -> anyhow::Result<PrometheusHandle> {
    let builder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &LATENCY_BUCKETS)?;
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    // A second start in one process (tests) keeps the first recorder.
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::debug!("metrics are collected already");
    }
    Ok(handle)
}
