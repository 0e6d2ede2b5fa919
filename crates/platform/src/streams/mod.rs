//! Streams of server-sent events: who may have how many, what waits for whom, when a comment is due, and when one ends. What
//! is sent is for the rooms to decide.
mod body;
mod burst;
mod frame;
mod queue;
mod registry;

pub use body::{Backlog, Broken, Endless, Sending};
pub use burst::Burst;
pub use frame::{Event, RETRY, first_of, open, reset};
pub use queue::{Order, Piece, Sender};
pub use registry::{Caller, Opened, Refused, Streams};
