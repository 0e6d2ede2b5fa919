use std::{
    cell::Cell,
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::http::HeaderMap;
use ipnet::IpNet;
use loadmaster_platform::{
    settings,
    telemetry::{OneMore, metric},
    web::{ClientAddress, subscriber, take_owed},
};

use super::{
    activity::Activity,
    pace::{Pace, QUEUE, Turn},
};

/// Minimum time between two log lines about refused connections.
const LOG_EVERY: Duration = Duration::from_mins(1);
/// Maximum number of connections closed at once to make space; finding them scans all connections.
const MOST_SHED: usize = 64;

/// Maximum number of requests of one address that wait for their turn on connections of proxies.
const MOST_SLEEPERS: usize = 100;

/// Limits on open connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Most {
    pub in_all: usize,
    pub of_one_address: usize,
}

impl Most {
    /// Returns the configured limits, but no more than the file descriptors left after `reserved`, and for one address
    /// no more than half of the total.
    pub fn of(server: &settings::Server, descriptors: u64, reserved: u64) -> Self {
        let room = usize::try_from(descriptors.saturating_sub(reserved)).unwrap_or(usize::MAX);
        let in_all = server.max_connections.min(room).max(2);
        Self { in_all, of_one_address: server.max_connections_per_address.min(in_all / 2) }
    }
}

/// The open connections. When all places are taken, connections without a request under way are closed to make space,
/// longest idle first.
pub(super) struct Places {
    most: Most,
    /// Peers that act for many clients: no per-address limit applies to them.
    proxies: Vec<IpNet>,
    pace: Option<Pace>,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    connections: HashMap<u64, Connection>,
    by_address: HashMap<IpAddr, usize>,
    sleepers: HashMap<IpAddr, usize>,
    next: u64,
    logged_at: Option<Instant>,
    unlogged: u64,
}

struct Connection {
    address: IpAddr,
    is_proxy: bool,
    activity: Arc<Activity>,
}

impl Places {
    pub fn new(most: Most, proxies: &[IpNet], pace: Option<Pace>) -> Arc<Self> {
        Arc::new(Self { most, proxies: proxies.to_vec(), pace, taken: Mutex::default() })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a place for a new connection of this peer, unless a limit refuses it.
    pub fn enter(self: &Arc<Self>, peer: IpAddr) -> Option<ConnectionSlot> {
        let (peer, address) = (peer.to_canonical(), subscriber(peer.to_canonical()));
        let is_proxy = self.proxies.iter().any(|network| network.contains(&peer));
        let paced = (!is_proxy).then_some(address);
        let turn = self.turn(paced);
        let mut taken = self.taken();
        if turn == Turn::Never {
            taken.refused("flood", "an address far exceeds rate_limit.flood_per_second");
            return None;
        }
        if !is_proxy && taken.by_address.get(&address).is_some_and(|count| *count >= self.most.of_one_address) {
            taken.refused("address_limit", "an address has reached its limit of connections");
            return None;
        }
        if taken.connections.len() >= self.most.in_all && taken.shed((self.most.in_all / 64).clamp(1, MOST_SHED)) == 0 {
            taken.refused("total_limit", "the limit of connections is reached and none is idle");
            return None;
        }
        let (number, activity) = (taken.next, Arc::new(Activity::new()));
        taken.next += 1;
        *taken.by_address.entry(address).or_default() += 1;
        taken.connections.insert(number, Connection { address, is_proxy, activity: activity.clone() });
        drop(taken);
        Some(ConnectionSlot {
            places: self.clone(),
            number,
            peer,
            paced,
            activity,
            _open: metric::CONNECTIONS.one_more(),
        })
    }

    /// Returns when a connection or request from this address may be served; proxies are not paced.
    fn turn(&self, paced: Option<IpAddr>) -> Turn {
        self.pace.as_ref().zip(paced).map_or(Turn::Now, |(pace, address)| pace.turn(address))
    }

    /// Returns the right of a request from this address to wait on a proxy's connection, unless too many wait.
    fn sleeper(self: &Arc<Self>, address: IpAddr) -> Option<Sleeper> {
        let mut taken = self.taken();
        let count = taken.sleepers.entry(address).or_default();
        if *count >= MOST_SLEEPERS {
            return None;
        }
        *count += 1;
        Some(Sleeper { places: self.clone(), address })
    }

    /// Closes idle connections after the system has refused to open another one.
    pub fn exhausted(&self, error: &io::Error) {
        let mut taken = self.taken();
        let shed = taken.shed(MOST_SHED);
        taken.log(&format_args!("the system cannot open a connection ({error}); closing {shed} idle ones"));
    }
}

impl Taken {
    /// Closes up to this number of idle connections; returns the number closed.
    fn shed(&mut self, most: usize) -> usize {
        let idle = self.connections.iter().filter_map(|(number, connection)| {
            Some((connection.is_proxy, std::cmp::Reverse(connection.activity.idle()?), *number))
        });
        let mut idle: Vec<_> = idle.collect();
        if idle.len() > most {
            idle.select_nth_unstable(most);
            idle.truncate(most);
        }
        for (_, _, number) in &idle {
            if let Some(connection) = self.leave(*number) {
                connection.activity.shed();
            }
        }
        idle.len()
    }

    fn leave(&mut self, number: u64) -> Option<Connection> {
        let connection = self.connections.remove(&number)?;
        less(&mut self.by_address, connection.address);
        Some(connection)
    }

    fn refused(&mut self, reason: &'static str, text: &'static str) {
        metric::CONNECTIONS_CLOSED.with([reason]).increment(1);
        self.log(&text);
    }

    fn log(&mut self, text: &dyn std::fmt::Display) {
        self.unlogged += 1;
        if self.logged_at.is_none_or(|logged_at| logged_at.elapsed() >= LOG_EVERY) {
            let times = std::mem::take(&mut self.unlogged);
            self.logged_at = Some(Instant::now());
            tracing::warn!(times, "connections refused: {text}");
        }
    }
}

/// Counts one less of an address.
fn less(counts: &mut HashMap<IpAddr, usize>, address: IpAddr) {
    if let Some(count) = counts.get_mut(&address) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&address);
        }
    }
}

/// A request that waits for its turn; dropping it lets another one wait.
pub(super) struct Sleeper {
    places: Arc<Places>,
    address: IpAddr,
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        less(&mut self.places.taken().sleepers, self.address);
    }
}

/// A connection's place; dropping it frees the place.
pub(super) struct ConnectionSlot {
    places: Arc<Places>,
    number: u64,
    peer: IpAddr,
    paced: Option<IpAddr>,
    pub activity: Arc<Activity>,
    _open: OneMore,
}

impl ConnectionSlot {
    /// Returns the address whose pace applies to a request with these headers: the client's, if the peer is a proxy
    /// that names it.
    pub fn paced(&self, headers: &HeaderMap) -> Option<IpAddr> {
        self.places.pace.as_ref()?;
        self.paced.or_else(|| {
            let client = ClientAddress::of(self.peer, headers, &self.places.proxies).subscriber();
            (client != subscriber(self.peer)).then_some(client)
        })
    }

    /// Returns when a request from this address may be served, and its right to wait until then. A request through a proxy waits the
    /// longest time instead of being refused here, because other clients share its connection; if too many of its address wait
    /// already, it takes its turn now, and the flood guard refuses it.
    pub fn turn(&self, paced: Option<IpAddr>) -> (Turn, Option<Sleeper>) {
        let time = match self.places.turn(paced) {
            turn if self.paced.is_some() => return (turn, None),
            Turn::Now => return (Turn::Now, None),
            Turn::In(time) => time,
            Turn::Never => QUEUE,
        };
        let sleeper = paced.and_then(|address| self.places.sleeper(address));
        (if sleeper.is_some() { Turn::In(time) } else { Turn::Now }, sleeper)
    }

    /// Returns the time up to which the peer has used up its share.
    #[cfg(test)]
    pub fn due(&self) -> Option<Instant> {
        self.places.pace.as_ref().zip(self.paced).and_then(|(pace, address)| pace.due(address))
    }

    /// Returns how long to stop reading from the peer, if it has used up its share.
    pub fn rest(&self) -> Option<Duration> {
        self.places.pace.as_ref().zip(self.paced).and_then(|(pace, address)| pace.rest(address))
    }
}

/// Minimum number of bytes charged for a piece of a body.
const SMALLEST_PIECE: usize = 256;
/// Minimum processor time charged at once: less is added up until it is reached, or until the request ends.
const WORTH_CHARGING: Duration = Duration::from_millis(1);

thread_local! {
    /// Prevents measuring work twice: an HTTP/1 request is served within its connection's work.
    static IS_MEASURED: Cell<bool> = const { Cell::new(false) };
}

/// Guard for the time in which work is measured; dropping it ends the measurement, also on a panic.
struct Measured;

impl Drop for Measured {
    fn drop(&mut self) {
        IS_MEASURED.set(false);
    }
}

/// Cost of a connection or of one of its requests. The address is charged for work as it is done, because an answer
/// that is never read may not end, and for bytes at the end.
pub(super) struct Cost {
    place: Arc<ConnectionSlot>,
    paced: Option<IpAddr>,
    processor: Duration,
    bytes: u64,
}

impl Cost {
    pub fn new(place: Arc<ConnectionSlot>, paced: Option<IpAddr>) -> Self {
        Self { place, paced, processor: Duration::ZERO, bytes: 0 }
    }

    /// Starts the cost of everything the peer sends, unless the peer is a proxy.
    pub fn of_peer(place: Arc<ConnectionSlot>) -> Self {
        let paced = place.paced;
        Self::new(place, paced)
    }

    /// Runs and measures a part of the work.
    pub fn of<T>(&mut self, work: impl FnOnce() -> T) -> T {
        if self.paced.is_none() || IS_MEASURED.replace(true) {
            return work();
        }
        let measured = Measured;
        // Of work on this thread that nobody measured.
        take_owed();
        let began = Instant::now();
        let done = work();
        self.processor += began.elapsed();
        drop(measured);
        let owed = take_owed();
        if !owed.is_zero() {
            self.bill(owed, 0);
        }
        if self.processor >= WORTH_CHARGING {
            self.charge();
        }
        done
    }

    /// Counts a received piece of a body of this many bytes.
    pub fn bytes(&mut self, count: usize) {
        self.bytes += count.max(SMALLEST_PIECE) as u64;
    }

    fn charge(&mut self) {
        let (processor, bytes) = (std::mem::take(&mut self.processor), std::mem::take(&mut self.bytes));
        self.bill(processor, bytes);
    }

    fn bill(&self, processor: Duration, bytes: u64) {
        if let (Some(pace), Some(address)) = (&self.place.places.pace, self.paced) {
            pace.charge(address, processor, bytes);
        }
    }
}

impl Drop for Cost {
    fn drop(&mut self) {
        self.charge();
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.places.taken().leave(self.number);
    }
}

#[cfg(test)]
mod tests {
    use loadmaster_platform::web::paid;

    use super::*;

    fn places(in_all: usize, of_one_address: usize) -> Arc<Places> {
        Places::new(Most { in_all, of_one_address }, &["10.0.0.0/8".parse().unwrap()], None)
    }

    fn enter(places: &Arc<Places>, peer: &str) -> Option<ConnectionSlot> {
        places.enter(peer.parse().unwrap())
    }

    #[test]
    fn one_address_has_at_most_its_share_and_a_proxy_has_no_share() {
        let places = places(10, 2);
        let first = enter(&places, "2001:db8:1:2::1").unwrap();
        let _second = enter(&places, "2001:db8:1:2::2").unwrap();
        assert!(enter(&places, "2001:db8:1:2::3").is_none(), "the same network of 64 bits");
        let _other = enter(&places, "2001:db8:1:3::1").unwrap();
        drop(first);
        assert!(enter(&places, "2001:db8:1:2::3").is_some());
        let proxies: Vec<_> = (0..5).map(|_| enter(&places, "10.1.2.3").unwrap()).collect();
        drop(proxies);
        assert_eq!(places.taken().by_address.len(), 2, "addresses without a connection are forgotten");
    }

    #[test]
    fn when_all_places_are_taken_idle_connections_make_space_and_busy_ones_do_not() {
        let places = places(3, 3);
        let taken: Vec<_> = (0..3).map(|_| enter(&places, "192.0.2.1").unwrap()).collect();
        let busy: Vec<_> = taken[..2].iter().map(|place| place.activity.ask(false)).collect();
        let newcomer = enter(&places, "192.0.2.2").unwrap();
        let _busy = newcomer.activity.ask(false);
        assert!(enter(&places, "192.0.2.3").is_none(), "nobody is idle");
        drop(busy);
        assert!(enter(&places, "192.0.2.3").is_some());
        assert!(places.taken().connections.len() <= 3);
    }

    #[test]
    fn of_a_client_behind_a_proxy_a_hundred_requests_wait_and_the_others_go_on_to_be_refused() {
        let settings = settings::Settings::load(settings::Sources::default()).unwrap().rate_limit;
        let most = Most { in_all: 2, of_one_address: 1 };
        let places = Places::new(most, &["10.0.0.0/8".parse().unwrap()], Pace::new(&settings));
        let proxy = enter(&places, "10.1.2.3").unwrap();
        let client = Some("192.0.2.1".parse().unwrap());
        let mut turns: Vec<_> = (0..2000).map(|_| proxy.turn(client)).collect();
        assert_eq!(turns.first().map(|(turn, _)| turn), Some(&Turn::Now));
        assert_eq!(turns.last().map(|(turn, _)| turn), Some(&Turn::Now), "too many wait");
        turns.retain(|(turn, _)| matches!(turn, Turn::In(_)));
        assert_eq!(turns.len(), MOST_SLEEPERS);
        turns.pop();
        let (turn, sleeper) = proxy.turn(client);
        assert_eq!((turn, sleeper.is_some()), (Turn::In(QUEUE), true), "one has gone on");
        assert_eq!(proxy.turn(client).0, Turn::Now);
        assert_eq!(proxy.turn(Some("192.0.2.2".parse().unwrap())).0, Turn::Now);
        drop((turns, sleeper));
        assert!(places.taken().sleepers.is_empty(), "addresses of which nothing waits are forgotten");
    }

    #[test]
    fn a_statement_is_charged_to_the_address_whose_request_waited_for_it() {
        let settings = settings::Settings::load(settings::Sources::default()).unwrap().rate_limit;
        let places = Places::new(Most { in_all: 2, of_one_address: 1 }, &[], Pace::new(&settings));
        let place = Arc::new(enter(&places, "192.0.2.1").unwrap());
        let mut cost = Cost::of_peer(place.clone());
        let (sender, statement) = tokio::sync::oneshot::channel();
        let mut statement = std::pin::pin!(paid(statement));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(cost.of(|| statement.as_mut().poll(&mut context)).is_pending());
        let before = place.due();
        // The request's task rests meanwhile.
        std::thread::sleep(Duration::from_millis(5));
        sender.send(()).unwrap();
        assert!(cost.of(|| statement.as_mut().poll(&mut context)).is_ready());
        assert!(place.due() > before);
        assert_eq!(take_owed(), Duration::ZERO);
    }

    #[test]
    fn connections_leave_descriptors_for_everything_else() {
        let settings = settings::Settings::load(settings::Sources::default()).unwrap().server;
        let most = |descriptors| {
            let Most { in_all, of_one_address } = Most::of(&settings, descriptors, 100);
            (in_all, of_one_address)
        };
        assert_eq!(most(1_000_000), (10_000, 1000));
        assert_eq!(most(1100), (1000, 500));
        assert_eq!(most(50), (2, 1));
    }
}
