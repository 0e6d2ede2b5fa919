//! The limit on open files and sockets of this process.
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// The limits of the process on open file descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptors {
    /// The limit in force.
    pub soft: u64,
    /// The highest value to which the process may raise it.
    pub hard: u64,
}

/// Returns the limits in force. A system that does not report them is assumed to have small ones.
pub fn limit() -> Descriptors {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((1024, 1024));
    Descriptors { soft, hard }
}

/// Raises the soft limit to the hard one, and returns the limits then in force.
pub fn raise() -> Descriptors {
    let Descriptors { soft, hard } = limit();
    if soft < hard {
        match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
            Ok(()) => tracing::info!(from = soft, to = hard, "the limit of open file descriptors was raised"),
            Err(error) => tracing::warn!(%error, soft, hard, "cannot raise the limit of open file descriptors"),
        }
    }
    limit()
}
