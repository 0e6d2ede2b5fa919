//! What grows without end is shown and changed a part at a time, and nobody holds up what is not theirs to change.
mod all_or_nothing;
mod amendments;
pub mod crowds;
mod histories;
mod strangers;
