//! The API's behaviour, told by tests that drive the real router over HTTP, on a real PostgreSQL and a real Redis. Each
//! test has a world of its own: a database copied from a migrated template, a server on a free port, a clock that stands
//! still until it is moved.
//!
//! Here: what holds for each operation: its description, its problems, faults of input, versions, keys, lists and tables.
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

mod bad_input;
mod conditional;
mod document;
mod idempotency;
mod lists;
mod problems;
mod sizes;
mod tables;
