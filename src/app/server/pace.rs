use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use loadmaster_platform::settings;

/// Minimum number of requests per second accepted from one address.
const LEAST: u32 = 400;
/// Burst: the requests that fit into this time may arrive at once.
const BURST: Duration = Duration::from_millis(250);
/// Beyond the burst requests wait, up to the number that this time allows.
pub(super) const QUEUE: Duration = Duration::from_secs(2);
/// Maximum time before an address that has exceeded its share is served again.
const LONGEST_DEBT: Duration = Duration::from_secs(5);
/// One address may use a quarter of the processors' time at the usual limit of requests; more where that limit is
/// raised.
const PROCESSOR_SHARE: u32 = 4;
/// The usual limit: the default of `rate_limit.flood_per_second`.
const USUAL: u32 = 200;
/// Maximum time charged at once: work in a process that itself had to wait appears expensive.
const MOST_CHARGED: Duration = Duration::from_millis(100);
/// Bytes of bodies that one address may send per second, at the usual limit of requests.
const BYTES: u64 = 64 * 1024 * 1024;
/// Number of remembered addresses at which inactive ones are first removed.
const MANY: usize = 10_000;

/// When a request may be served.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Now,
    In(Duration),
    /// Too many requests are waiting already.
    Never,
}

/// Limits the rate at which requests and connections of one address are accepted, whatever they ask for: a flood is not
/// read, so refusing it costs nothing. The limit is twice that of the flood guard, which answers; it is lower for an
/// address whose requests take much processor time or are large.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    /// The limit of requests per second, no less than the usual one.
    most: u32,
    processors: u32,
    due: Mutex<Due>,
}

#[derive(Debug)]
struct Due {
    /// When the time for all requests received from an address will have passed.
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

    #[cfg(test)]
    pub fn due(&self, address: IpAddr) -> Option<Instant> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).by_address.get(&address).copied()
    }

    /// Returns how long to stop reading from this address, if it has used up its share.
    pub fn rest(&self, address: IpAddr) -> Option<Duration> {
        let now = Instant::now();
        let due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let ahead = due.by_address.get(&address)?.saturating_duration_since(now);
        ahead.checked_sub(BURST).filter(|rest| !rest.is_zero()).map(|rest| rest.min(QUEUE))
    }

    /// Counts a request or connection from this address.
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
    fn fast_requests_wait_and_far_too_fast_ones_are_refused() {
        let settings = settings::Settings::load(settings::Sources::default()).unwrap().rate_limit;
        let pace = Pace::new(&settings).unwrap();
        let (now, mine, other) = (Instant::now(), IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let turns: Vec<_> = (0..2000).map(|_| pace.turn_at(mine, now)).collect();
        assert_eq!(turns.iter().filter(|turn| **turn == Turn::Now).count(), 101);
        assert_eq!(turns.iter().filter(|turn| matches!(turn, Turn::In(_))).count(), 799);
        assert_eq!(turns.last(), Some(&Turn::Never));
        assert_eq!(pace.turn_at(other, now), Turn::Now);
        // A second later there is space for the requests of one second.
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
    fn a_refusal_does_not_last_long() {
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
