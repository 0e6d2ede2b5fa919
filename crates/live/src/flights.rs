use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use loadmaster_capacity::{Availability, CapacityService, FlightCapacity};
use loadmaster_flights::{Flight, FlightBody, FlightService};
use loadmaster_holds::HoldService;
use loadmaster_kernel::{FlightId, OrganizationId};
use loadmaster_platform::{
    clock::{Moment, SharedClock},
    outage::OutageLog,
    shutdown::stopped_within,
    streams::{Event, Opened, Order, Piece, Sender, Sending, reset},
};
use loadmaster_reference::Reference;
use serde::Serialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{error::LiveError, groups::Groups};

/// Least time between two looks at the flights that somebody follows, and so between two states of one flight.
const LOOK: Duration = Duration::from_millis(200);
/// Time after which they are looked at although no message came: some changes of their space have none.
const LOOK_ANYWAY: Duration = Duration::from_millis(600);
/// Flights read in one statement.
const BATCH: usize = 2_000;

/// Of the states that wait for a slow reader only the newest of each kind is sent.
const FLIGHT: u8 = 1;
const AVAILABILITY: u8 = 2;

/// Follows single flights: their schedule and their space.
#[derive(Clone)]
pub(super) struct FlightStreams {
    groups: Groups<FlightId, Option<Order>, Member>,
    has_news: Arc<AtomicBool>,
    flights: FlightService,
    capacity: CapacityService,
    holds: HoldService,
    reference: Reference,
    clock: SharedClock,
}

#[derive(Clone)]
struct Member {
    sender: Sender,
    /// What allotments keep for it is available to it.
    organization: Option<OrganizationId>,
}

/// The space on a flight as one organization sees it.
struct SpaceReading {
    row: FlightCapacity,
    as_of: DateTime<Utc>,
}

impl FlightStreams {
    pub fn new(
        flights: FlightService,
        capacity: CapacityService,
        holds: HoldService,
        reference: Reference,
        clock: SharedClock,
    ) -> Self {
        Self { groups: Groups::default(), has_news: Arc::default(), flights, capacity, holds, reference, clock }
    }

    #[must_use]
    pub fn for_background(&self) -> Self {
        let (flights, capacity) = (self.flights.for_background(), self.capacity.for_background());
        Self { flights, capacity, holds: self.holds.for_background(), ..self.clone() }
    }

    pub async fn exists(&self, id: FlightId) -> Result<(), LiveError> {
        Ok(self.flights.flight(id).await.map(drop)?)
    }

    /// Notes that something was written, by any process.
    pub fn hear(&self) {
        self.has_news.store(true, Ordering::Release);
    }

    /// Begins a stream about this flight, after the state with the id `last`.
    pub async fn start(
        &self,
        id: FlightId,
        organization: Option<OrganizationId>,
        mut opened: Opened,
        last: Option<&str>,
    ) -> Result<Sending, LiveError> {
        let sender = opened.sender().clone();
        // From now on it hears of changes; then the state is read, so that none is missed.
        opened.keep(self.groups.join(id, sender.number(), Member { sender: sender.clone(), organization }));
        let (mut flight, mut space, mut now) = self.read(id, organization).await?;
        let sent = self.groups.with(id, |group| *group.sent.get_or_insert(now));
        if sent.is_some_and(|sent| now < sent) {
            // The others were shown a later state, and are not shown it again.
            (flight, space, now) = self.read(id, organization).await?;
        }
        sender.has_shown(now);
        let state = || Ok::<_, serde_json::Error>(self.flight_event(&flight, now)? + &self.space_event(&space, now)?);
        let events = match last.map(order_of) {
            Some(Some(order)) if order == now => String::new(),
            Some(Some(order)) if order > now => reset("unknown") + &state()?,
            Some(None) => reset("unknown") + &state()?,
            None | Some(Some(_)) => state()?,
        };
        Ok(opened.start(&events))
    }

    /// Reads a flight and its space.
    async fn read(
        &self,
        id: FlightId,
        organization: Option<OrganizationId>,
    ) -> Result<(Flight, SpaceReading, Order), LiveError> {
        let flight = self.flights.flight(id).await?;
        let space = self.space(flight.space, organization).await?;
        let order = (i64::from(flight.space.version), space.row.ledger_seq);
        Ok((flight, space, order))
    }

    /// Returns the space of a row that was just read. Another reading is needed only where something is kept for somebody.
    async fn space(
        &self,
        row: FlightCapacity,
        organization: Option<OrganizationId>,
    ) -> Result<SpaceReading, LiveError> {
        if row.held == row.aside {
            return Ok(SpaceReading { row, as_of: self.clock.now() });
        }
        let (row, as_of) = self.holds.availability(row.flight_id, organization).await?;
        Ok(SpaceReading { row, as_of })
    }

    fn flight_event(&self, flight: &Flight, order: Order) -> serde_json::Result<String> {
        event("flight", &FlightBody::new(flight, &self.reference), order)
    }

    fn space_event(&self, SpaceReading { row, as_of }: &SpaceReading, order: Order) -> serde_json::Result<String> {
        event("availability", &Availability::new(row, self.capacity.is_critical(row), *as_of), order)
    }

    /// Sends the states of flights that have changed, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut outage = OutageLog::new("flights cannot be read, so their streams say nothing");
        let (mut began, mut looked) = (Instant::now(), Instant::now());
        while !stopped_within(&stop, LOOK.saturating_sub(began.elapsed())).await {
            began = Instant::now();
            let has_news = self.has_news.swap(false, Ordering::AcqRel);
            if !has_news && looked.elapsed() < LOOK_ANYWAY {
                continue;
            }
            looked = began;
            if outage.note(self.look().await).is_err() {
                self.hear();
            }
        }
    }

    async fn look(&self) -> Result<(), LiveError> {
        // Those without a state are being opened; they are sent more when they know what they begin with.
        let sent: HashMap<FlightId, Order> =
            self.groups.all().iter().filter_map(|(id, group)| Some((*id, group.sent?))).collect();
        let ids: Vec<FlightId> = sent.keys().copied().collect();
        let mut changed = Vec::new();
        for ids in ids.chunks(BATCH) {
            let rows = self.capacity.rows(ids).await?;
            let is_new = |row: &&FlightCapacity| sent.get(&row.flight_id).is_some_and(|sent| *sent != order(row));
            changed.extend(rows.iter().filter(is_new).map(|row| row.flight_id));
        }
        for ids in changed.chunks(BATCH) {
            for flight in self.flights.flights(ids).await? {
                if let Some(sent) = sent.get(&flight.id) {
                    self.send_state(&flight, *sent).await?;
                }
            }
        }
        Ok(())
    }

    /// Sends the state of a flight to all who follow it.
    async fn send_state(&self, flight: &Flight, sent: Order) -> Result<(), LiveError> {
        let version = i64::from(flight.space.version);
        let space = self.space(flight.space, None).await?;
        let now = (version, space.row.ledger_seq);
        let schedule = if version == sent.0 { String::new() } else { self.flight_event(flight, now)? };
        let mut spaces = HashMap::from([(None, self.piece(&schedule, &space)?)]);
        if flight.space.allotted > 0 {
            for organization in self.organizations(flight.id) {
                let space = self.space(flight.space, Some(organization)).await?;
                spaces.insert(Some(organization), self.piece(&schedule, &space)?);
            }
        }
        let moment = Moment::at(self.clock.now());
        self.groups.with(flight.id, |group| {
            let mut is_complete = true;
            for Member { sender, organization } in group.members.values() {
                let own = organization.filter(|_| flight.space.allotted > 0);
                match spaces.get(&own) {
                    Some(space) => sender.send(space, moment),
                    // It came meanwhile; the state is sent to all once more.
                    None => is_complete = false,
                }
            }
            if is_complete {
                group.sent = Some(now);
            }
        });
        Ok(())
    }

    fn organizations(&self, id: FlightId) -> HashSet<OrganizationId> {
        let own =
            self.groups.with(id, |group| group.members.values().filter_map(|member| member.organization).collect());
        own.unwrap_or_default()
    }

    /// Returns the space, after the schedule if that has changed: in one piece, since whoever has the one has the id of both.
    fn piece(&self, schedule: &str, space: &SpaceReading) -> serde_json::Result<Piece> {
        let order = order(&space.row);
        let bytes = (schedule.to_owned() + &self.space_event(space, order)?).into();
        let kind = if schedule.is_empty() { AVAILABILITY } else { FLIGHT };
        Ok(Piece { bytes, order: Some(order), replaces: Some(kind) })
    }
}

fn order(row: &FlightCapacity) -> Order {
    (i64::from(row.version), row.ledger_seq)
}

fn event(name: &str, body: &impl Serialize, (version, ledger_seq): Order) -> serde_json::Result<String> {
    let (id, data) = (format!("{version}-{ledger_seq}"), serde_json::to_string(body)?);
    Ok(Event { name, id: &id, data: &data }.text())
}

/// Reads the id of a state.
fn order_of(id: &str) -> Option<Order> {
    let (version, ledger_seq) = id.split_once('-')?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    Some((number(version)?, number(ledger_seq)?))
}
