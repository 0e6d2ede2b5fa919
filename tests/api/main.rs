//! The API's behaviour, told by tests that drive the real router over HTTP, on a real PostgreSQL and a real Redis. Each
//! test has a world of its own: a database copied from a migrated template, a server on a free port, a clock that stands
//! still until it is moved.
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

mod accounts;
mod allotments;
mod alternatives;
mod amending;
mod analytics;
mod archive;
mod audit;
mod bad_input;
mod billing;
mod bookings;
mod bounds;
mod budgets;
mod bulk;
mod changing_flights;
mod claims;
mod cluster;
mod commands;
mod concerns;
mod conditional;
mod console;
mod demo_network;
mod demo_world;
mod desk;
mod document;
mod embargoes;
mod encryption;
mod faults;
mod flight_verbs;
mod flights;
mod holds;
mod hostile;
mod idempotency;
mod import;
mod jobs;
mod journey;
mod journeys;
#[cfg(feature = "kafka")]
mod kafka;
mod keeping;
mod last_kilos;
mod lifecycle;
mod limits;
mod lists;
mod live;
mod locks;
mod metrics;
mod notifications;
mod observability;
mod outbox;
mod overbooking;
mod parties;
mod payments;
mod post;
mod pricing;
mod problems;
mod races;
mod reference;
mod replica;
mod rerouting;
mod rights;
mod roles;
mod search;
mod summary;
mod system;
mod tables;
mod tls;
mod traces;
mod tracking;
mod users;
mod waitlist;
mod webhooks;
mod work;
