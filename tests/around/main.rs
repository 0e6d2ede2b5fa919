//! The API's behaviour, told by tests that drive the real router over HTTP, on a real PostgreSQL and a real Redis. Each
//! test has a world of its own: a database copied from a migrated template, a server on a free port, a clock that stands
//! still until it is moved.
//!
//! Here: what stands around the bookings: notifications, webhooks, live updates, figures, the console, demo data, the audit, and
//! journeys through all of it.
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

mod alerts;
mod analytics;
mod audit;
mod console;
mod consolidations;
mod demo_network;
mod demo_world;
mod feeds;
mod graphql;
mod journeys;
mod live;
mod notifications;
mod page_of_graphql;
mod post;
mod processor;
mod rates;
mod summary;
mod webhooks;
