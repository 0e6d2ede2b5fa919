//! Telemetry of the process: log lines, metrics, and traces where a collector is configured.
mod family;
mod handles;
mod last;
mod lines;
mod logs;
pub mod metric;
mod otlp;
mod process;
mod propagation;
mod recorder;
mod sampling;
mod spans;
mod statements;

pub use family::{Catalogue, Counter, Family, Gauge, Group, Histogram, Kind, Label, OneMore, Values};
pub use logs::{Logging, measure_logging, start_logging};
pub use otlp::{Exporting, Traces, wanted_traces};
pub use process::{GIT_COMMIT, measure_process};
pub use propagation::{TRACEPARENT, TRACESTATE, headers, traceparent};
pub use recorder::start_metrics;
pub use spans::{
    InSpan, RedisName, TraceSpan, Traced, are_traces_on, batch, command, delivery, describe_current, fail, job, note,
    note_answer, outgoing_request, redis_call, request, span,
};
pub use statements::{call_failed, name_database, statement_failed, transaction_begin};
