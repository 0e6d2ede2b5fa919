//! The program of the checker. Everything is in the library: `cargo test --doc`, by which `.ci/run doc` checks comments, leaves out
//! programs.
use std::process::ExitCode;

fn main() -> ExitCode {
    loadmaster_torture::main()
}
