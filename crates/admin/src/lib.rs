//! What administrators see of the work in the background, and do about it: jobs, schedules, and where messages go.
mod act;
mod dto;
mod error;
mod room;
mod router;

pub use room::ROOM;
