use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use super::statements::{Gate, OfSampled, Statements};
use crate::platform::settings::{LogFormat, Telemetry};

/// Notices of the database, such as "exists already, skipping", are no events of ours; that a collector is away is told
/// once, by us.
const QUIET: &str = "sqlx::postgres::notice=warn,opentelemetry_sdk=off,opentelemetry-otlp=off";

/// Logs go to stderr: pretty on a terminal, one JSON object a line otherwise. With traces, the database client's words
/// about its statements become spans, too.
pub fn start_logging(settings: &Telemetry, with_traces: bool) -> anyhow::Result<()> {
    let pretty = match settings.log_format {
        LogFormat::Pretty => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    let logged = EnvFilter::try_new(format!("{QUIET},{}", settings.log_filter))?;
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = if pretty {
        lines.with_target(false).boxed()
    } else {
        lines.json().flatten_event(true).with_span_list(false).boxed()
    };
    let registry = tracing_subscriber::registry();
    if with_traces {
        let are_logged = logged.max_level_hint().is_none_or(|level| level >= LevelFilter::DEBUG);
        let told = Statements.with_filter(OfSampled);
        registry.with(lines.with_filter(logged)).with(told).with(Gate { are_logged }).try_init()?;
    } else {
        registry.with(lines).with(logged).try_init()?;
    }
    Ok(())
}
