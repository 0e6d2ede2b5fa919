use std::{
    io::{self, BufWriter, IsTerminal, Write},
    sync::OnceLock,
    time::Duration,
};

use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use super::{
    lines::{JsonFields, JsonLines, PlainFields},
    metric,
    statements::{Gate, OfSampled, Statements},
};
use crate::settings::{LogFormat, Telemetry};

/// Notices of the database, such as "exists already, skipping", are not events of this product; the product itself
/// reports an absent collector, once.
const QUIET: &str = "sqlx::postgres::notice=warn,opentelemetry_sdk=off,opentelemetry-otlp=off";

/// Log lines that wait to be written. At some 400 bytes each they take about 8 MB at most.
const WAITING_LINES: usize = 20_000;

/// Bytes that are written at once, where more lines wait.
const WRITTEN_AT_ONCE: usize = 32 * 1024;

/// How long the thread that writes rests after it has written all lines that waited. A thread that waits for the next
/// line has to be woken for it, by the request that the line is about; those that come while it rests cost nothing.
const REST: Duration = Duration::from_millis(5);

/// Counts the lines that were dropped because the reader of the log did not keep up.
static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();

/// Writes the log until it is dropped; then flushes the waiting lines, for a second at most.
#[must_use]
pub struct Logging(#[allow(dead_code, reason = "held for its drop")] WorkerGuard);

/// Starts the log on stderr: pretty on a terminal, one JSON object per line otherwise. With traces, the database
/// client's events about its statements become spans, too. A separate thread writes the lines: a reader of stderr that
/// stops reading blocks no request. Lines beyond a bound are dropped and counted.
pub fn start_logging(settings: &Telemetry, with_traces: bool) -> anyhow::Result<Logging> {
    let pretty = match settings.log_format {
        LogFormat::Pretty => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    let logged = EnvFilter::try_new(format!("{QUIET},{}", settings.log_filter))?;
    let stderr = Resting(BufWriter::with_capacity(WRITTEN_AT_ONCE, std::io::stderr()));
    let (writer, guard) = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(WAITING_LINES).finish(stderr);
    _ = DROPPED.set(writer.error_counter());
    let lines = fmt::layer().with_writer(writer);
    let lines = if pretty {
        lines.with_target(false).fmt_fields(PlainFields).boxed()
    } else {
        lines.fmt_fields(JsonFields).event_format(JsonLines).boxed()
    };
    let registry = tracing_subscriber::registry();
    if with_traces {
        let are_logged = logged.max_level_hint().is_none_or(|level| level >= LevelFilter::DEBUG);
        let statements = Statements.with_filter(OfSampled);
        registry.with(lines.with_filter(logged)).with(statements).with(Gate { are_logged }).try_init()?;
    } else {
        registry.with(lines).with(logged).try_init()?;
    }
    Ok(Logging(guard))
}

/// A writer that is flushed as soon as no line waits, and then rests.
struct Resting<W>(W);

impl<W: Write> Write for Resting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.0.flush();
        std::thread::sleep(REST);
        flushed
    }
}

/// Updates the metric of dropped log lines.
pub fn measure_logging() {
    if let Some(dropped) = DROPPED.get() {
        metric::LOG_LINES_DROPPED.absolute(u64::try_from(dropped.dropped_lines()).unwrap_or(u64::MAX));
    }
}
