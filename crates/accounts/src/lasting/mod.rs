//! What users make for later, and what acts for them then: API keys, webhooks of a higher room, and what is still to come.
//! Decides who may make such a thing, why one sleeps or has ended, and what a new password ends. The rule itself is the
//! database's function `access_obstacle`, which every room asks in its own statements.
mod model;
mod repository;
mod service;

pub(super) use model::{Ends, Proof};
pub use model::{Obstacle, SleepReason};
pub(super) use repository::has_session_ended;
pub use service::LastingAccess;
