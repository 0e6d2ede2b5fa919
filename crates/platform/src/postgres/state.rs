use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Time for which a refused write counts, unless a write succeeds earlier.
const REFUSAL_COUNTS_FOR: Duration = Duration::from_secs(10);
/// Shortest interval between replacements of the connections to a server that stays read-only: reads continue on them.
const DISTRUST_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// The reason why the server refuses writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is a standby, or was set to read-only.
    ReadOnly,
    /// Its disk is full.
    Full,
    /// It cannot read or write its files.
    Failing,
}

/// Shared observations of all pools of one database.
#[derive(Debug, Default)]
pub(super) struct State(Mutex<Learnt>);

/// A role and its password.
pub(super) type Login = (String, Option<String>);

#[derive(Debug, Default)]
struct Learnt {
    /// Connections that were idle at this moment are not used again.
    distrusted: Option<Instant>,
    refusal: Option<(Refusal, Instant)>,
    was_read_only: bool,
    /// Credentials that came after those of the address.
    login: Option<Login>,
}

impl State {
    fn learnt(&self) -> MutexGuard<'_, Learnt> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Uses these credentials for connections from now on.
    pub fn log_in_as(&self, login: Login) {
        self.learnt().login = Some(login);
    }

    pub fn login(&self) -> Option<Login> {
        self.learnt().login.clone()
    }

    /// Records that a connection did not answer: those that have been idle since before are likely to be silent too.
    pub fn fell_silent(&self) {
        self.learnt().distrusted = Some(Instant::now());
    }

    /// Records that an idle connection was found lost: the others are likely to be lost too.
    pub fn distrust(&self) {
        self.fell_silent();
    }

    /// Returns whether a connection that has been idle for this long is to be closed without a check.
    pub fn is_distrusted(&self, idle_for: Duration) -> bool {
        self.learnt().distrusted.is_some_and(|since| since.elapsed() <= idle_for)
    }

    /// Records a refused write. After a failover the other connections lead to the same, wrong server.
    pub fn refused(&self, refusal: Refusal) {
        let (mut learnt, now) = (self.learnt(), Instant::now());
        learnt.refusal = Some((refusal, now));
        let is_due = learnt.distrusted.is_none_or(|since| now - since >= DISTRUST_AGAIN_AFTER);
        if refusal == Refusal::ReadOnly && is_due {
            learnt.distrusted = Some(now);
        }
    }

    /// Records that a request's transaction was committed. (Other transactions may have written nothing.)
    pub fn wrote(&self) {
        self.learnt().refusal = None;
    }

    /// Records whether the database reports itself as read-only. Sessions opened while it was read-only may stay so
    /// afterwards.
    pub fn is_read_only(&self, is_read_only: bool) {
        let mut learnt = self.learnt();
        if std::mem::replace(&mut learnt.was_read_only, is_read_only) && !is_read_only {
            learnt.distrusted = Some(Instant::now());
        }
    }

    /// Returns why the last write was refused, if that was recent.
    pub fn refusal(&self) -> Option<Refusal> {
        let learnt = self.learnt();
        learnt.refusal.filter(|(_, since)| since.elapsed() < REFUSAL_COUNTS_FOR).map(|(refusal, _)| refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_idle_since_before_a_silence_are_distrusted_and_later_ones_are_not() {
        let state = State::default();
        assert!(!state.is_distrusted(Duration::from_hours(1)), "nothing has happened yet");
        state.fell_silent();
        assert!(state.is_distrusted(Duration::from_secs(1)));
        assert!(!state.is_distrusted(Duration::ZERO));
    }

    #[test]
    fn a_refusal_counts_until_a_write_is_taken_and_only_a_read_only_server_loses_its_connections() {
        let state = State::default();
        state.refused(Refusal::Full);
        assert_eq!(state.refusal(), Some(Refusal::Full));
        assert!(!state.is_distrusted(Duration::from_hours(1)));
        state.refused(Refusal::ReadOnly);
        assert_eq!(state.refusal(), Some(Refusal::ReadOnly));
        assert!(state.is_distrusted(Duration::from_hours(1)));
        state.wrote();
        assert_eq!(state.refusal(), None);
    }

    #[test]
    fn connections_of_a_database_that_was_read_only_are_distrusted_once() {
        let state = State::default();
        for is_read_only in [false, true] {
            state.is_read_only(is_read_only);
            assert!(!state.is_distrusted(Duration::from_hours(1)));
        }
        state.is_read_only(false);
        assert!(state.is_distrusted(Duration::from_hours(1)));
        state.learnt().distrusted = None;
        state.is_read_only(false);
        assert!(!state.is_distrusted(Duration::from_hours(1)));
    }
}
