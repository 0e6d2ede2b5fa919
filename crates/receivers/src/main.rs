//! The receiver in Rust that `docs/webhooks.md` shows, see `build.rs`.
#![allow(clippy::print_stdout, reason = "the receiver prints what it receives")]
include!(concat!(env!("OUT_DIR"), "/receiver.rs"));
