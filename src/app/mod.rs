//! The only place that knows every room: assembles them, serves them, watches over them and shuts them down again in
//! the right order.
mod audit;
mod background;
mod console;
mod docs;
mod document;
mod door;
mod event_types;
mod exports;
mod graphql;
mod guard;
mod health;
mod in_flight;
mod instance;
mod kept;
mod limits;
mod occupancy;
mod problems;
mod replay;
mod rooms;
mod router;
mod scrape;
mod server;
mod state;
mod summary;
mod system;
mod webhooks;
mod workers;

pub use audit::{AuditError, AuditOptions, AuditReport, Check, Subject, audit};
pub use document::openapi;
pub use door::{in_process, starting};
pub use event_types::{broken_event_types, event_schemas};
pub use graphql::{broken_graphql, graphql_schema};
pub use instance::Instance;
pub use problems::problems_page;
pub use replay::{ReplaySink, pasts, replay};
pub use rooms::{Left, migrate, restored, tables, unfinished};
pub use scrape::metrics;
pub use server::{Application, Server, bind};
pub use state::{AppState, Resources};
use workers::start_workers;

/// Whether the sink of Kafka is compiled in.
pub const HAS_KAFKA: bool = cfg!(feature = "kafka");
