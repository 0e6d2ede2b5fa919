//! Technique shared by the rooms. Knows no room.
pub mod embedded;
pub mod settings;
