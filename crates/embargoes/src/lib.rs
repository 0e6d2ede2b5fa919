//! Embargoes: rules of the carriers on which flights carry which freight. Decides, leg by leg and by the local departure,
//! whether a flight may carry freight with these special handling codes, or only with one of others. Administrators keep
//! the rules; every process knows those in force (`snapshot`) and judges by them without asking the database.
mod dto;
mod entry;
mod error;
mod in_force;
mod model;
mod repository;
mod room;
mod router;
mod service;
mod snapshot;

pub use error::code;
pub use in_force::{Embargoes, FreightEmbargoes, Verdict};
pub use model::{Effect, JudgedLeg, Obstacle, Terms, Violation};
pub use room::ROOM;
pub use service::EmbargoService;
