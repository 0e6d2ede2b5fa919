//! The API's behaviour, told by tests that drive the real router over HTTP, on a real PostgreSQL and a real Redis. Each
//! test has a world of its own: a database copied from a migrated template, a server on a free port, a clock that stands
//! still until it is moved.
//!
//! Here: freight on its way: holds, bookings, allotments and the waitlist, from the order to the delivery.
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

mod allotments;
mod amending;
mod bookings;
mod bulk;
mod desk;
mod holds;
mod journey;
mod keeping;
mod last_kilos;
mod lifecycle;
mod races;
mod rerouting;
mod tracking;
mod waitlist;
