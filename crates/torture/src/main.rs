//! The program of the checker. All of it is in the library, as `cargo test --doc` checks comments of libraries alone.
use std::process::ExitCode;

fn main() -> ExitCode {
    loadmaster_torture::main()
}
