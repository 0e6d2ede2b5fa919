use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::platform::settings;

/// Requests a second of one address that are taken at least.
const LEAST: u32 = 400;
/// As many as this time allows may come at once.
const BURST: Duration = Duration::from_millis(250);
/// Beyond that they wait, up to as many as this time allows.
const QUEUE: Duration = Duration::from_secs(2);
/// An address that has cost more than its share is served again after this time at the latest.
const LONGEST_DEBT: Duration = Duration::from_secs(5);
/// A quarter of the processors' time is for one address, at the usual limit of requests; more where that limit is raised.
const PROCESSOR_SHARE: u32 = 4;
/// The usual limit: the default of `rate_limit.flood_per_second`.
const USUAL: u32 = 200;
/// Most that is charged of it at once: a process that had to wait itself looks expensive.
const MOST_CHARGED: Duration = Duration::from_millis(100);
/// Bytes of bodies that one address may send a second, at the usual limit of requests.
const BYTES: u64 = 64 * 1024 * 1024;
/// Addresses that are remembered before those that have been quiet are looked for.
const MANY: usize = 10_000;

/// When a request may be served.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Now,
    In(Duration),
    /// Too many wait already.
    Never,
}

/// Takes requests and connections of one address no faster than it may send them, whatever they ask for: what floods is not
/// read, so that refusing it costs nothing. The limit is twice that of the guard against floods, which answers; it is lower for
/// an address whose requests take much processor time or are large.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    /// The limit of requests a second, no less than the usual one.
    most: u32,
    processors: u32,
    due: Mutex<Due>,
}

#[derive(Debug)]
struct Due {
    /// When all that has come of an address will have had its time.
    by_address: HashMap<IpAddr, Instant>,
    look_at: usize,
}

impl Pace {
    pub fn new(settings: &settings::RateLimit) -> Option<Self> {
        let most = settings.flood_per_second;
        let interval = Duration::from_secs(1) / most.saturating_mul(2).max(LEAST);
        let limit = most.max(USUAL);
        let due = Due { by_address: HashMap::new(), look_at: MANY };
        let processors = thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
        (settings.enabled && most > 0).then(|| Self { interval, most: limit, processors, due: Mutex::new(due) })
    }

    /// Charges the address for this processor time and this many bytes.
    pub fn charge(&self, address: IpAddr, processor: Duration, bytes: u64) {
        self.charge_at(address, processor, bytes, Instant::now());
    }

    fn charge_at(&self, address: IpAddr, processor: Duration, bytes: u64, now: Instant) {
        let time = processor.min(MOST_CHARGED) * PROCESSOR_SHARE / self.processors;
        let transfer = Duration::from_nanos(bytes.saturating_mul(1_000_000_000 / BYTES));
        let charge = (time + transfer) * USUAL / self.most;
        let latest = now + LONGEST_DEBT;
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mine) = due.by_address.get_mut(&address) {
            *mine = (*mine + charge).min(latest.max(*mine));
        }
    }

    /// How long nothing more is read of this address, if it has cost its share.
    pub fn rest(&self, address: IpAddr) -> Option<Duration> {
        let now = Instant::now();
        let due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let ahead = due.by_address.get(&address)?.saturating_duration_since(now);
        ahead.checked_sub(BURST).filter(|rest| !rest.is_zero()).map(|rest| rest.min(QUEUE))
    }

    /// Counts something that has come from this address.
    pub fn turn(&self, address: IpAddr) -> Turn {
        self.turn_at(address, Instant::now())
    }

    fn turn_at(&self, address: IpAddr, now: Instant) -> Turn {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if due.by_address.len() >= due.look_at {
            due.by_address.retain(|_, due| *due > now);
            due.look_at = (due.by_address.len() * 2).max(MANY);
        }
        let mine = due.by_address.entry(address).or_insert(now);
        let ahead = mine.saturating_duration_since(now);
        if ahead >= BURST + QUEUE {
            return Turn::Never;
        }
        *mine = (*mine).max(now) + self.interval;
        if ahead <= BURST { Turn::Now } else { Turn::In(ahead.saturating_sub(BURST)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_too_fast_waits_and_what_comes_far_too_fast_is_not_taken() {
        let settings = settings::Settings::load(settings::Sources::default()).unwrap().rate_limit;
        let pace = Pace::new(&settings).unwrap();
        let (now, mine, other) = (Instant::now(), IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let turns: Vec<_> = (0..2000).map(|_| pace.turn_at(mine, now)).collect();
        assert_eq!(turns.iter().filter(|turn| **turn == Turn::Now).count(), 101);
        assert_eq!(turns.iter().filter(|turn| matches!(turn, Turn::In(_))).count(), 799);
        assert_eq!(turns.last(), Some(&Turn::Never));
        assert_eq!(pace.turn_at(other, now), Turn::Now);
        // A second later there is room for as many as a second allows.
        let later = now + Duration::from_secs(1);
        let waiting = (0..2000).map(|_| pace.turn_at(mine, later)).filter(|turn| *turn != Turn::Never);
        assert_eq!(waiting.count(), 400);
        let much_later = now + Duration::from_secs(9);
        assert_eq!(pace.turn_at(mine, much_later), Turn::Now);
        // Two seconds of bodies.
        pace.charge_at(mine, Duration::ZERO, 2 * BYTES, much_later);
        assert!(matches!(pace.turn_at(mine, much_later), Turn::In(_)));
        assert_eq!(pace.turn_at(mine, now + Duration::from_secs(19)), Turn::Now);
    }

    #[test]
    fn nobody_is_turned_away_for_long() {
        let settings = settings::Settings::load(settings::Sources::default()).unwrap().rate_limit;
        let pace = Pace::new(&settings).unwrap();
        let (now, mine) = (Instant::now(), IpAddr::from([192, 0, 2, 1]));
        assert_eq!(pace.rest(mine), None);
        assert_eq!(pace.turn_at(mine, now), Turn::Now);
        assert_eq!(pace.rest(mine), None);
        for _ in 0..100 {
            pace.charge(mine, MOST_CHARGED, 64 * 1024 * 1024);
        }
        assert_eq!(pace.rest(mine), Some(QUEUE));
        assert_eq!(pace.turn_at(mine, now), Turn::Never);
        assert_eq!(pace.turn_at(mine, Instant::now() + LONGEST_DEBT), Turn::Now);
    }

    #[test]
    fn a_raised_limit_raises_what_an_address_may_cost() {
        let mut settings = settings::Settings::load(settings::Sources::default()).unwrap().rate_limit;
        settings.flood_per_second = 1_000_000;
        let pace = Pace::new(&settings).unwrap();
        let (now, mine) = (Instant::now(), IpAddr::from([192, 0, 2, 1]));
        for _ in 0..10_000 {
            assert_eq!(pace.turn_at(mine, now), Turn::Now);
            pace.charge(mine, Duration::from_millis(2), 100_000);
        }
    }

    #[test]
    fn nothing_is_paced_where_limits_are_off() {
        let mut settings = settings::Settings::load(settings::Sources::default()).unwrap().rate_limit;
        settings.flood_per_second = 0;
        assert!(Pace::new(&settings).is_none());
    }
}
