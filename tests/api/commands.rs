//! The binary itself, run as a process with an environment that is given in full.
mod data;
pub mod process;
mod serving;
mod settings;
