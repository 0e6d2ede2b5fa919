//! What is kept about a person, over all rooms: handing it out, and erasing it. Decides what counts as a person's own; what
//! remains of it is each room's to say.
mod error;
mod room;
mod service;

pub use error::PrivacyError;
pub use room::ROOM;
pub use service::{Erased, PrivacyService};
