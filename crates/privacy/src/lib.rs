//! Personal data of a person, over all rooms: its export and its erasure. Decides which data counts as personal; each
//! room decides what remains of its own.
mod error;
mod room;
mod service;

pub use error::PrivacyError;
pub use room::ROOM;
pub use service::{Erased, PrivacyService};
