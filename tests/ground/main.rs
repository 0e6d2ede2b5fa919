//! The API's behaviour, told by tests that drive the real router over HTTP, on a real PostgreSQL and a real Redis. Each
//! test has a world of its own: a database copied from a migrated template, a server on a free port, a clock that stands
//! still until it is moved.
//!
//! Here: the ground that all capabilities stand on: processes, PostgreSQL, Redis and Kafka, jobs, messages, telemetry, TLS, and
//! callers that attack.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests fail by panicking"
)]
#![allow(
    clippy::cast_precision_loss,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::needless_pass_by_value,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "tests read as one story each"
)]

/// Counts what is allocated, for `budgets`.
#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

mod archive;
mod bounds;
mod budgets;
mod cluster;
mod commands;
mod encryption;
mod faults;
mod hostile;
mod jobs;
#[cfg(feature = "kafka")]
mod kafka;
mod locks;
mod metrics;
mod observability;
mod outbox;
mod replica;
mod rights;
mod system;
mod tls;
mod traces;
mod work;
