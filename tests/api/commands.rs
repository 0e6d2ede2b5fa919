//! The binary itself, run as a process with an environment that is given in full.
mod data;
mod process;
mod serving;
mod settings;
