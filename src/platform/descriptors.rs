//! How many files and sockets this process may have open at once.
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// The limits of the process on open file descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptors {
    /// What is in force.
    pub soft: u64,
    /// What the process may raise it to.
    pub hard: u64,
}

/// What is in force now. A system that does not say is taken for a small one.
pub fn limit() -> Descriptors {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((1024, 1024));
    Descriptors { soft, hard }
}

/// Raises the soft limit to the hard one, and answers what is in force then.
pub fn raise() -> Descriptors {
    let Descriptors { soft, hard } = limit();
    if soft < hard {
        match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
            Ok(()) => tracing::info!(from = soft, to = hard, "raised the limit of open file descriptors"),
            Err(error) => tracing::warn!(%error, soft, hard, "cannot raise the limit of open file descriptors"),
        }
    }
    limit()
}
