//! Searches are counted: sums of equal ones in memory, which a task writes to the table `searches`. Of a caller only a digest is
//! kept, in memory, for as long as a repetition is recognized; no statement runs for a search.
use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use loadmaster_accounts::{Channel, Principal, Role};
use loadmaster_kernel::{HandlingCode, UserId};
use loadmaster_platform::{
    in_own_tx,
    postgres::{Database, DbError, retrying},
    random::IdSource,
    web::ClientAddress,
};
use loadmaster_reference::Reference;

use super::{
    cache::CacheStatus,
    counted::{Key, Row, Sums, SumsByKey, weight_class},
    dto::Search,
    metric,
    repeats::Repeats,
    repository,
    seen::Seen,
};

/// The caller of a search.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker {
    who: Who,
    role: Option<Role>,
    channel: Channel,
}

/// By what a repetition is recognized.
#[derive(Debug, Clone, Copy, Hash)]
enum Who {
    User(UserId),
    /// `None`: tests call the application without a connection.
    Stranger(Option<IpAddr>),
}

impl Asker {
    pub fn of(caller: Option<&Principal>, address: Option<ClientAddress>) -> Self {
        let stranger = || Who::Stranger(address.map(ClientAddress::subscriber));
        Self {
            who: caller.map_or_else(stranger, |caller| Who::User(caller.user_id)),
            role: caller.map(|caller| caller.role),
            channel: Channel::of(caller),
        }
    }
}

/// An answered search.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answered<'a> {
    pub search: &'a Search,
    pub seen: Seen,
    pub status: CacheStatus,
    pub took: Duration,
}

#[derive(Debug, Default)]
struct State {
    repeats: Repeats,
    sums: SumsByKey,
    /// What could not be written yet, and when it was taken.
    unwritten: Option<(Arc<[Row]>, DateTime<Utc>)>,
}

/// Counts the searches of a process.
#[derive(Debug)]
pub(super) struct Counter {
    db: Database,
    ids: IdSource,
    state: Mutex<State>,
    /// Makes digests that no other process can make.
    secret: RandomState,
    /// One write at a time.
    writing: tokio::sync::Mutex<()>,
}

impl Counter {
    /// It writes through the connections for background work.
    pub fn new(db: &Database, ids: &IdSource) -> Self {
        let (db, ids) = (db.for_background(), ids.clone());
        Self { db, ids, state: Mutex::default(), secret: RandomState::new(), writing: tokio::sync::Mutex::default() }
    }

    /// Counts a search, unless the caller asked the same a short time ago.
    pub fn count(&self, asker: Asker, answered: Answered<'_>, reference: &Reference, now: DateTime<Utc>) {
        let Answered { search, seen, status, took } = answered;
        let class = weight_class(search.request.weight);
        let digest = self.digest(asker.who, search, class);
        let key = Key {
            asked_on: reference.local_date(search.origin, now),
            lane: Some((search.origin, search.destination, search.date)),
            weight_class: class,
            role: asker.role,
            channel: asker.channel,
            outcome: seen.outcome,
        };
        let sums = Sums {
            searches: 1,
            options: seen.options.into(),
            bookable: seen.outcome.is_bookable().into(),
            took_us: i64::try_from(took.as_micros()).unwrap_or(i64::MAX),
            cache_hits: matches!(status, CacheStatus::Hit(_)).into(),
        };
        let mut state = self.state();
        if !state.repeats.is_repeated(digest, now.timestamp().unsigned_abs()) {
            state.sums.add(key, sums);
        }
    }

    /// Returns the digest of a question: of the caller, the lane, the date, the class of the weight and the handling codes, in any
    /// order.
    fn digest(&self, who: Who, search: &Search, class: i32) -> u64 {
        let code = |code: &HandlingCode| self.secret.hash_one(code);
        let codes = search.request.special_handling_codes.iter().map(code).fold(0, u64::wrapping_add);
        self.secret.hash_one((who, search.origin, search.destination, search.date, class, codes))
    }

    /// Writes what was counted since the last time, and what could not be written then. A write whose outcome is unknown is
    /// repeated under the same ids.
    pub async fn write(&self, now: DateTime<Utc>) -> Result<(), DbError> {
        let _turn = self.writing.lock().await;
        // First what is left of the last time.
        for _ in 0..2 {
            let Some((rows, taken_at)) = self.unwritten(now) else { return Ok(()) };
            retrying(|| async { in_own_tx!(self.db, |tx| repository::insert(&mut tx, &rows, taken_at)) }).await?;
            self.state().unwritten = None;
        }
        Ok(())
    }

    /// Returns the rows to write next, and when they were taken.
    fn unwritten(&self, now: DateTime<Utc>) -> Option<(Arc<[Row]>, DateTime<Utc>)> {
        let mut state = self.state();
        if state.unwritten.is_none() && !state.sums.is_empty() {
            let row = |(key, sums)| Row { id: self.ids.next(now), key, sums };
            let rows = state.sums.take().into_iter().map(row).collect();
            state.unwritten = Some((rows, now));
        }
        state.unwritten.clone()
    }

    /// Counts what is given up in the metrics.
    pub fn give_up(&self) {
        let mut state = self.state();
        let of_rows = |rows: &[Row]| rows.iter().map(|row| row.sums.searches).sum::<i64>();
        let written_not = state.unwritten.take().map_or(0, |(rows, _)| of_rows(&rows));
        let taken_not: i64 = state.sums.take().iter().map(|(_, sums)| sums.searches).sum();
        metric::SEARCHES_UNRECORDED.increment((written_not + taken_not).unsigned_abs());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
