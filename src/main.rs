//! The `loadmaster` binary: everything it does is in the library.
use std::process::ExitCode;

/// Takes less of a request's time than glibc's (`docs/performance.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    loadmaster::cli::run()
}
