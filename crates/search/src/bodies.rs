use std::sync::{Arc, Weak};

use async_compression::Level;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use loadmaster_capacity::{FlightCapacity, Space};
use loadmaster_kernel::AircraftCode;
use loadmaster_platform::web::{COMPRESS_ABOVE, Coding, encode};
use loadmaster_stations::LeadTime;
use moka::sync::Cache;

use super::{
    dto::Search,
    judge::Judge,
    model::{Form, Question},
    prepared::{Capacities, Prepared, Shared},
    pricer::{Pricer, PricerKey},
    seen::Seen,
};

/// Maximum size of this process's finished answers, in bytes.
const MOST_BYTES: u64 = 32 * 1024 * 1024;
/// Estimated size of an entry besides its body and its capacities.
const ENTRY_BYTES: usize = 400;
/// The spare capacity of a kept buffer is at most the length of its body divided by this.
const SPARE_DIVISOR: usize = 8;

/// All that an answer depends on besides the network, the capacities and the time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct BodyKey {
    question: Question,
    space: [i64; 3],
    needs_freighter: bool,
    /// Aircraft types on which not every piece fits, and what the text of each names.
    too_small: Vec<(AircraftCode, (usize, [i32; 5]))>,
    /// The embargoes that stop the freight.
    embargoes: (u64, Vec<usize>),
    /// By when the origin takes the freight.
    lead_time: Option<LeadTime>,
    /// The prices, if they are asked for.
    prices: Option<PricerKey>,
    limit: usize,
    form: Form,
    coding: Coding,
}

/// What an answer shows of the space on a flight, and is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ShownSpace {
    available: Space,
    capacity: Space,
    cutoff: DateTime<Utc>,
}

impl From<&FlightCapacity> for ShownSpace {
    fn from(space: &FlightCapacity) -> Self {
        Self { available: space.available(), capacity: space.capacity, cutoff: space.cutoff }
    }
}

/// A finished answer, and what it was made from.
#[derive(Debug)]
struct Finished {
    prepared: Weak<Prepared>,
    spaces: Box<[ShownSpace]>,
    /// It stays true until the next cut-off of one of its flights.
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    body: Bytes,
    seen: Seen,
}

impl Finished {
    fn is_true(&self, prepared: &Shared, spaces: &Capacities, now: DateTime<Utc>) -> bool {
        std::ptr::eq(self.prepared.as_ptr(), Arc::as_ptr(prepared))
            && (self.from..self.until).contains(&now)
            && self.spaces.iter().copied().eq(spaces.iter().map(ShownSpace::from))
    }
}

/// Finished answers, in each coding that was asked for. One is used again while its network part is the same, what it shows of
/// the space on its flights is the same, and none of them has passed its cut-off.
#[derive(Debug, Clone)]
pub(super) struct Bodies(Cache<BodyKey, Arc<Finished>>);

impl Default for Bodies {
    fn default() -> Self {
        let weigh = |_: &BodyKey, finished: &Arc<Finished>| {
            let bytes = finished.body.len() + std::mem::size_of_val(&*finished.spaces) + ENTRY_BYTES;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(MOST_BYTES).weigher(weigh).build())
    }
}

impl Bodies {
    /// Returns the answer, its coding (a small one is not worth any), and what the search has found.
    pub async fn get(
        &self,
        search: &Search,
        form: Form,
        coding: Coding,
        (prepared, spaces, judge): (Shared, Capacities, Judge),
    ) -> (Bytes, Coding, Seen) {
        let asked = BodyKey {
            question: search.question(),
            space: judge.space().figures(),
            needs_freighter: judge.needs_freighter(),
            too_small: judge.too_small().iter().map(|(code, piece)| (*code, piece.figures())).collect(),
            embargoes: judge.embargoes().key(),
            lead_time: judge.lead_time(),
            prices: judge.pricer().map(Pricer::key),
            limit: search.limit,
            form,
            coding,
        };
        let now = judge.now();
        // What allotments show to their organization is not kept: others would find it instead of theirs.
        let is_own = search.request.own.is_on_any(spaces.iter().map(|space| space.flight_id));
        let kept = if is_own { None } else { self.0.get(&asked) };
        if let Some(kept) = kept.filter(|kept| kept.is_true(&prepared, &spaces, now)) {
            return (kept.body.clone(), coding, kept.seen);
        }
        let seen = prepared.seen(search, &spaces, &judge);
        let body = match form {
            Form::Lists => prepared.search_result(search, &spaces, &judge),
            Form::Ranking(sort) => prepared.ranking(search, sort, &spaces, &judge),
        };
        if coding != Coding::Identity && body.len() < COMPRESS_ABOVE {
            return (body.into(), Coding::Identity, seen);
        }
        let is_tight = coding == Coding::Identity && body.capacity() - body.len() <= body.len() / SPARE_DIVISOR;
        let body = encode(body.into(), coding, Level::Fastest).await;
        if is_own {
            return (body, coding, seen);
        }
        // Copied if much of the buffer is spare: the allocator does not take back the rest, and only the body is counted.
        let body = if is_tight { body } else { Bytes::copy_from_slice(&body) };
        let next = spaces.iter().map(|space| space.cutoff).filter(|cutoff| *cutoff > now).min();
        let until = next.unwrap_or(DateTime::<Utc>::MAX_UTC);
        let spaces = spaces.iter().map(ShownSpace::from).collect();
        let (prepared, kept) = (Arc::downgrade(&prepared), body.clone());
        self.0.insert(asked, Arc::new(Finished { prepared, spaces, from: now, until, body: kept, seen }));
        (body, coding, seen)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use loadmaster_kernel::{FlightId, Weight};
    use uuid::Uuid;

    use super::{super::seen::Outcome, *};

    #[test]
    fn an_answer_is_true_until_what_it_shows_of_a_flight_moves() {
        let (prepared, now) = (Arc::new(Prepared::empty()), DateTime::UNIX_EPOCH);
        let some = Space { weight: Weight::from_hectograms(100), ..Space::default() };
        let first = FlightCapacity::opened(FlightId::from(Uuid::from_u128(1)), some + some, now);
        let finished = Finished {
            prepared: Arc::downgrade(&prepared),
            spaces: [ShownSpace::from(&first), ShownSpace::from(&first)].into(),
            from: now,
            until: now + TimeDelta::hours(1),
            body: Bytes::new(),
            seen: Seen { options: 0, outcome: Outcome::NoFlight },
        };
        let is_true = |last: FlightCapacity| finished.is_true(&prepared, &vec![first, last], now);
        assert!(is_true(first));
        assert!(is_true(FlightCapacity { waiting: 1, allotted: 1, ledger_seq: 2, ..first }), "none of it is shown");
        let (booked, held) = (FlightCapacity { booked: some, ..first }, FlightCapacity { held: some, ..first });
        assert_eq!(ShownSpace::from(&booked), ShownSpace::from(&held), "as much is taken");
        assert!(!is_true(booked));
        assert!(!is_true(FlightCapacity { capacity: some, ..first }));
        assert!(
            !is_true(FlightCapacity { capacity: some + some + some, booked: some, ..first }),
            "as much is available"
        );
        assert!(!is_true(FlightCapacity { cutoff: now + TimeDelta::minutes(1), ..first }));
        assert!(!finished.is_true(&prepared, &vec![first], now), "of fewer flights");
        assert!(!finished.is_true(&Arc::new(Prepared::empty()), &vec![first, first], now));
        assert!(!finished.is_true(&prepared, &vec![first, first], finished.until));
        assert!(!finished.is_true(&prepared, &vec![first, first], finished.from - TimeDelta::seconds(1)));
    }
}
