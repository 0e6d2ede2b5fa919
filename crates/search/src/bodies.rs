use std::sync::{Arc, Weak};

use async_compression::Level;
use bytes::Bytes;
use chrono::{DateTime, Utc};
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

/// All that an answer depends on besides the network, the capacities and the time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct BodyKey {
    question: Question,
    space: [i64; 3],
    needs_freighter: bool,
    /// Aircraft types on which not every piece fits.
    /// And what the text of each names.
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

/// A finished answer, and what it was made from.
#[derive(Debug)]
struct Finished {
    prepared: Weak<Prepared>,
    spaces: Capacities,
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
            && self.spaces == *spaces
    }
}

/// Finished answers, in each coding that was asked for. One is used again while its network part is the same, no space
/// on its flights has moved, and none of them has passed its cut-off.
#[derive(Debug, Clone)]
pub(super) struct Bodies(Cache<BodyKey, Arc<Finished>>);

impl Default for Bodies {
    fn default() -> Self {
        let weigh = |_: &BodyKey, finished: &Arc<Finished>| {
            let bytes = finished.body.len() + std::mem::size_of_val(finished.spaces.as_slice()) + ENTRY_BYTES;
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
        let body = Bytes::from(body);
        if coding != Coding::Identity && body.len() < COMPRESS_ABOVE {
            return (body, Coding::Identity, seen);
        }
        let body = encode(body, coding, Level::Fastest).await;
        if is_own {
            return (body, coding, seen);
        }
        // Without the rest of the buffer, which the allocator would leave: what is kept is as large as it weighs.
        let body = Bytes::copy_from_slice(&body);
        let next = spaces.iter().map(|space| space.cutoff).filter(|cutoff| *cutoff > now).min();
        let until = next.unwrap_or(DateTime::<Utc>::MAX_UTC);
        let (prepared, kept) = (Arc::downgrade(&prepared), body.clone());
        self.0.insert(asked, Arc::new(Finished { prepared, spaces, from: now, until, body: kept, seen }));
        (body, coding, seen)
    }
}
