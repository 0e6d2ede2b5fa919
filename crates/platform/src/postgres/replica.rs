//! Reads from a standby that follows the primary. A read says how recent a state it must see; the standby answers only if
//! it has replayed the log that far, and if it is not far behind in general. Otherwise, and whenever it fails, the primary
//! answers.
use std::{
    collections::VecDeque,
    fmt,
    str::FromStr,
    time::{Duration, Instant},
};

use secrecy::SecretString;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Database, DbError, connect_options};
use crate::{
    outage::OutageLog,
    settings,
    shared::Shared,
    shutdown::stopped_within,
    telemetry::{Traced, metric},
};

/// Longest wait for an answer about positions; a server that takes longer is of no use to readers.
const PATIENCE: Duration = Duration::from_secs(1);
/// Interval between questions how far the standby is, while a request waits for it.
const REPLAY_POLL: Duration = Duration::from_millis(5);
/// Number of observations before a standby is said to be behind.
const OBSERVATIONS: u32 = 5;
/// Number of positions of the primary that are remembered, one per observation: more than ten minutes, the longest lag that
/// can be allowed.
const REMEMBERED: usize = 1_300;

/// A position in the log of the database. Later changes have greater positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogPosition(u64);

impl LogPosition {
    /// In place of a position that could not be read: no standby has replayed it.
    pub const UNKNOWN: Self = Self(u64::MAX);

    fn of(bytes: i64) -> Self {
        Self(u64::try_from(bytes).unwrap_or_default())
    }
}

/// Sixteen hexadecimal digits, so that texts are ordered as positions are.
impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for LogPosition {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let is_written_so = text.len() == 16 && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        if is_written_so { u64::from_str_radix(text, 16).map(Self).map_err(drop) } else { Err(()) }
    }
}

/// How recent the state is that a read must see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recency {
    /// That of the primary, which answers.
    Primary,
    /// Everything committed before the read began.
    Now,
    /// Everything up to this position.
    After(LogPosition),
    /// Everything but the last `database.read_max_lag_ms`.
    Recent,
}

/// What is known of the standby.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplicaState {
    Up,
    /// More than `database.read_max_lag_ms` behind the primary.
    Behind,
    /// It does not answer, or was not observed yet.
    Down,
    /// It is no standby of this database.
    NotAReplica,
}

impl ReplicaState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Behind => "behind",
            Self::Down => "down",
            Self::NotAReplica => "not_a_replica",
        }
    }
}

/// The last observation of the standby.
#[derive(Debug, Clone, Copy)]
pub struct ReplicaStatus {
    pub state: ReplicaState,
    /// `None`: unknown.
    pub lag: Option<Duration>,
    replayed: LogPosition,
}

/// A standby and the observation of it.
#[derive(Debug)]
pub(super) struct Replica {
    pub db: Database,
    /// The primary, through a connection reserved for questions about its position.
    primary: Database,
    longest_lag: Duration,
    seen: watch::Sender<ReplicaStatus>,
    written: Shared<Option<LogPosition>>,
    replayed: Shared<Option<LogPosition>>,
}

impl Replica {
    /// Prepares the connections without waiting for any: an absent standby must not prevent the start.
    pub fn new(url: &SecretString, settings: &settings::Database, primary: Database) -> anyhow::Result<Self> {
        let db = Database::unconnected(connect_options(url)?, settings);
        let nothing = ReplicaStatus { state: ReplicaState::Down, lag: None, replayed: LogPosition(0) };
        let longest_lag = settings.read_max_lag();
        let (written, replayed) = (Shared::default(), Shared::default());
        Ok(Self { db, primary, longest_lag, seen: watch::Sender::new(nothing), written, replayed })
    }

    /// Returns whether the standby has a state as recent as this.
    async fn has(&self, recency: Recency) -> bool {
        let seen = *self.seen.borrow();
        let needed = match recency {
            _ if seen.state != ReplicaState::Up => return false,
            Recency::Recent => return true,
            Recency::Primary | Recency::After(LogPosition::UNKNOWN) => return false,
            Recency::After(position) => position,
            Recency::Now => match self.written().await {
                Some(position) => position,
                None => return false,
            },
        };
        seen.replayed >= needed || self.replayed().await.is_some_and(|replayed| replayed >= needed)
    }

    /// Returns a position that the primary's log reached after this call. All acknowledged changes are before it. Callers
    /// share questions.
    async fn written(&self) -> Option<LogPosition> {
        let db = self.primary.clone();
        let asked = async move {
            number(&db, "select (pg_current_wal_flush_lsn() - '0/0')::bigint").await.map(LogPosition::of)
        };
        self.written.get(asked.in_same_trace()).await.flatten()
    }

    async fn replayed(&self) -> Option<LogPosition> {
        let db = self.db.for_probes();
        let asked = async move {
            let question = "select (pg_last_wal_replay_lsn() - '0/0')::bigint where pg_is_in_recovery()";
            number(&db, question).await.map(LogPosition::of)
        };
        self.replayed.get(asked.in_same_trace()).await.flatten()
    }

    /// Reads, if the standby has a state as recent as this; `None` if it has not, or the read fails.
    async fn read<T, E, F>(&self, recency: Recency, read: impl Fn(Database) -> F) -> Option<T>
    where
        F: Future<Output = Result<T, E>>,
    {
        if !self.has(recency).await {
            return None;
        }
        let mut seen = self.seen.subscribe();
        tokio::select! {
            found = read(self.db.clone()) => found.ok(),
            // The read would end only with its own bound.
            _ = seen.wait_for(|seen| seen.state == ReplicaState::Down) => None,
        }
    }

    /// Observes the standby once.
    async fn observe(&self, samples: &mut Samples) -> ReplicaStatus {
        let (began, standby) = (Instant::now(), self.db.for_probes());
        // Seldom and large.
        let (written, primary, replayed, standby) = Box::pin(async {
            tokio::join!(self.written(), identity(&self.primary), self.replayed(), identity(&standby))
        })
        .await;
        if let Some(written) = written {
            samples.note(began, written);
        }
        let lag = replayed.and_then(|replayed| samples.lag(Instant::now(), replayed));
        let state = match (replayed, standby, primary) {
            (_, None, _) | (_, _, None) => ReplicaState::Down,
            (_, Some(standby), Some(primary)) if standby != primary => ReplicaState::NotAReplica,
            (None, ..) => ReplicaState::NotAReplica,
            (Some(_), ..) if lag.is_some_and(|lag| lag <= self.longest_lag) => ReplicaState::Up,
            (Some(_), ..) => ReplicaState::Behind,
        };
        ReplicaStatus { state, lag, replayed: replayed.unwrap_or(LogPosition(0)) }
    }
}

impl Database {
    /// Returns whether reads may be answered by a standby.
    pub fn has_replica(&self) -> bool {
        self.replica.is_some()
    }

    /// Returns the last observation of the standby, if one is configured.
    pub fn replica_status(&self) -> Option<ReplicaStatus> {
        self.replica.as_ref().map(|replica| *replica.seen.borrow())
    }

    /// Waits for a limited time until the standby has replayed the log up to this position, or answers no reads.
    pub async fn until_replayed(&self, position: LogPosition, patience: Duration) {
        let Some(replica) = &self.replica else { return };
        let until = Instant::now() + patience;
        while Instant::now() < until && replica.seen.borrow().state == ReplicaState::Up {
            if replica.replayed().await.is_none_or(|replayed| replayed >= position) {
                return;
            }
            tokio::time::sleep(REPLAY_POLL).await;
        }
    }

    /// Returns a position of the log after every change acknowledged so far; [`LogPosition::UNKNOWN`] if the database does
    /// not answer, and `None` without a standby.
    pub async fn position(&self) -> Option<LogPosition> {
        let replica = self.replica.as_ref()?;
        Some(replica.written().await.unwrap_or(LogPosition::UNKNOWN))
    }

    /// Reads from the standby if it has a state as recent as this, else from the primary. Whatever error a read from the
    /// standby ends with, the primary is asked again: the standby may lack what is missing, and cancels reads that hold up
    /// its replay.
    pub async fn reading<T, E, F>(&self, recency: Recency, read: impl Fn(Self) -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        // On the heap, so that the futures of requests stay small.
        if let Some(replica) = &self.replica {
            if let Some(found) = Box::pin(replica.read(recency, &read)).await {
                metric::REPLICA_READS.with(["replica"]).increment(1);
                return Ok(found);
            }
            metric::REPLICA_READS.with(["primary"]).increment(1);
        }
        Box::pin(read(self.clone())).await
    }

    /// Observes the standby now, for some time if it seems to be behind: the first position has nothing to be compared with.
    pub async fn observe_replica(&self) -> Option<ReplicaStatus> {
        let replica = self.replica.as_ref()?;
        let mut samples = Samples::default();
        for _ in 0..OBSERVATIONS {
            let seen = replica.observe(&mut samples).await;
            if seen.state != ReplicaState::Behind {
                return Some(seen);
            }
            tokio::time::sleep(PATIENCE / 2).await;
        }
        Some(replica.observe(&mut samples).await)
    }

    /// Observes the standby at this interval until `stop`. Without this it is not used.
    pub async fn watch_replica(self, interval: Duration, stop: CancellationToken) {
        let Some(replica) = &self.replica else { return };
        let mut outage = OutageLog::new("the read replica cannot be used; reading from the primary");
        let mut samples = Samples::default();
        loop {
            let seen = replica.observe(&mut samples).await;
            match seen.state {
                ReplicaState::Up => outage.end(),
                // The first observation has nothing to compare with.
                ReplicaState::Behind if samples.0.len() < 2 => {}
                state => outage.lasts(&state.as_str()),
            }
            metric::REPLICA_LAG.set(seen.lag.map_or(f64::NAN, |lag| lag.as_secs_f64()));
            metric::DEPENDENCY_UP.with(["replica"]).set(u8::from(seen.state == ReplicaState::Up));
            replica.seen.send_replace(seen);
            if stopped_within(&stop, interval).await {
                break;
            }
        }
    }
}

/// Returns the identity that a database shares with its standbys.
async fn identity(db: &Database) -> Option<i64> {
    number(db, "select system_identifier from pg_control_system()").await
}

/// Returns the answer to a question about a server, if there is one in time.
async fn number(db: &Database, question: &'static str) -> Option<i64> {
    let read = async { Ok::<_, DbError>(sqlx::query_scalar(question).fetch_one(&mut *db.read().await?).await?) };
    let answer = tokio::time::timeout(PATIENCE, read).await.ok()?;
    answer.inspect_err(|error| tracing::debug!(error = error.summary(), question, "a server gave no answer")).ok()
}

/// When the primary's log was at least at which positions, oldest first.
#[derive(Debug, Default)]
struct Samples(VecDeque<(Instant, LogPosition)>);

impl Samples {
    /// Records that at this moment the log had not passed this position.
    fn note(&mut self, at: Instant, position: LogPosition) {
        // After a restore the log begins anew at an earlier position.
        while self.0.back().is_some_and(|(_, later)| *later > position) {
            self.0.pop_back();
        }
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((at, position));
    }

    /// Returns how old the state is that has replayed so much; `None` if it is older than all that is remembered.
    fn lag(&self, now: Instant, replayed: LogPosition) -> Option<Duration> {
        let (at, _) = self.0.iter().rev().find(|(_, position)| *position <= replayed)?;
        Some(now.saturating_duration_since(*at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_written_so_that_texts_are_ordered_as_positions() {
        let positions = [0, 9, 10, 255, 1 << 40, u64::MAX].map(LogPosition);
        let texts = positions.map(|position| position.to_string());
        assert!(texts.is_sorted(), "{texts:?}");
        for (position, text) in positions.into_iter().zip(&texts) {
            assert_eq!(text.parse(), Ok(position));
        }
        for wrong in ["", "1", "00000000000000g0", "00000000000000F0", "000000000000000000", "+000000000000001"] {
            assert_eq!(wrong.parse::<LogPosition>(), Err(()), "{wrong}");
        }
    }

    #[test]
    fn the_lag_is_the_age_of_the_newest_position_that_was_replayed() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut samples = Samples::default();
        assert_eq!(samples.lag(start, LogPosition(7)), None, "nothing is known");
        for (seconds, position) in [(0, 100), (1, 200), (2, 200), (3, 300)] {
            samples.note(start + second * seconds, LogPosition(position));
        }
        let lag = |replayed| samples.lag(start + second * 4, LogPosition(replayed));
        assert_eq!(lag(300), Some(second));
        assert_eq!(lag(299), Some(second * 2));
        assert_eq!(lag(100), Some(second * 4));
        assert_eq!(lag(99), None);
        samples.note(start + second * 4, LogPosition(150));
        assert_eq!(samples.lag(start + second * 4, LogPosition(150)), Some(Duration::ZERO), "the log began anew");
    }

    #[test]
    fn only_so_many_positions_are_remembered() {
        let (start, mut samples) = (Instant::now(), Samples::default());
        for position in 0..REMEMBERED as u64 + 10 {
            samples.note(start, LogPosition(position));
        }
        assert_eq!(samples.0.len(), REMEMBERED);
        assert_eq!(samples.lag(start, LogPosition(9)), None);
    }
}
