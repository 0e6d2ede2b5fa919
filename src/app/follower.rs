//! Keeps what searches show abreast of what any process writes: reads the outbox, and tells the rooms what has changed.
use std::{collections::HashSet, time::Duration};

use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::AppState;
use crate::{
    features::{
        bookings::BookingService,
        capacity::CapacityService,
        flights::{FlightService, Standing, Stretch},
    },
    kernel::{BookingId, FlightId},
    platform::{
        clock::{Moment, SharedClock},
        outbox::{Entry, Feed, FeedError},
        postgres::Database,
        tasks::stopped_within,
        trouble::Trouble,
    },
};

/// How often the outbox is read.
const POLL: Duration = Duration::from_millis(200);
const BATCH: i64 = 500;

/// Follows what happens in all processes, by the connections that are kept for what runs beside the requests.
pub(super) struct Follower {
    db: Database,
    clock: SharedClock,
    capacity: CapacityService,
    flights: FlightService,
    bookings: BookingService,
}

/// Where it is.
struct Place {
    feed: Feed,
    /// The network's version and its server, as of the last look.
    standing: Standing,
}

/// What a batch of messages says has changed.
#[derive(Default)]
struct News {
    bookings: HashSet<BookingId>,
    flights: HashSet<FlightId>,
    /// Where flights may have come into the network; none if the message does not say.
    stretches: HashSet<Option<Stretch>>,
    /// Whether any message was about a flight.
    of_flights: bool,
}

impl Follower {
    pub fn new(state: &AppState, db: &Database) -> Self {
        Self {
            db: db.for_duties(),
            clock: state.clock.clone(),
            capacity: state.capacity.for_duties(),
            flights: state.flights.for_duties(),
            bookings: state.bookings.for_duties(),
        }
    }

    /// Until `stop`. A database that is away is asked again; nothing is skipped. One that is another than before is read
    /// anew.
    pub async fn run(self, stop: CancellationToken) {
        let mut place: Option<Place> = None;
        let mut trouble = Trouble::new("the outbox cannot be followed: searches read the tables");
        while !stop.is_cancelled() {
            let began = Instant::now();
            // Before the tables: what is kept is as old as this by both clocks.
            let (now, outcome) = self.look(place.take(), Moment::at(self.clock.now()), &stop).await;
            place = now;
            _ = trouble.note(outcome);
            _ = stopped_within(&stop, POLL.saturating_sub(began.elapsed())).await;
        }
    }

    async fn look(
        &self,
        place: Option<Place>,
        began: Moment,
        stop: &CancellationToken,
    ) -> (Option<Place>, anyhow::Result<()>) {
        // Before the messages: those of all changes up to this version are there to be read.
        let standing = match self.flights.standing().await {
            Ok(standing) => standing,
            Err(error) => return (place, Err(error.into())),
        };
        match place {
            Some(mut place) if place.standing.epoch == standing.epoch && place.standing.version <= standing.version => {
                match self.catch_up(&mut place, standing, began).await {
                    // The next look begins anew.
                    Err(error) if matches!(error.downcast_ref(), Some(FeedError::Exchanged)) => (None, Err(error)),
                    outcome => (Some(place), outcome),
                }
            }
            _ => match self.start(standing, stop).await {
                Ok(place) => (Some(place), Ok(())),
                Err(error) => (None, Err(error)),
            },
        }
    }

    /// What is written from now on will be heard of; what was written before is read.
    async fn start(&self, standing: Standing, stop: &CancellationToken) -> anyhow::Result<Place> {
        let began = Instant::now();
        let feed = Feed::from_now(&self.db).await?;
        self.flights.network().restart(standing);
        self.capacity.load_index(stop).await?;
        let flights = self.capacity.index().len();
        tracing::info!(flights, milliseconds = began.elapsed().as_millis(), "the availability of flights is known");
        Ok(Place { feed, standing })
    }

    async fn catch_up(&self, place: &mut Place, standing: Standing, began: Moment) -> anyhow::Result<()> {
        let moved_unheard = standing.version > place.standing.version;
        let mut of_flights = false;
        loop {
            let mut feed = place.feed.clone();
            let entries = feed.read(&self.db, BATCH).await?;
            let news = News::of(&entries);
            of_flights |= news.of_flights;
            self.tell(news, place).await?;
            // Only now: what could not be told is read again.
            place.feed = feed;
            if i64::try_from(entries.len()).is_ok_and(|count| count < BATCH) {
                break;
            }
        }
        if moved_unheard && !of_flights {
            // Somebody has changed flights without a word.
            self.flights.network().heard([None], standing.version);
        }
        place.standing.version = place.standing.version.max(standing.version);
        self.flights.network().caught_up(standing.version);
        self.capacity.caught_up(began);
        Ok(())
    }

    async fn tell(&self, news: News, place: &mut Place) -> anyhow::Result<()> {
        let mut changed = news.flights;
        if !news.bookings.is_empty() {
            let bookings: Vec<BookingId> = news.bookings.into_iter().collect();
            changed.extend(self.bookings.flights_of(&bookings).await?);
        }
        if !changed.is_empty() {
            self.capacity.changed(changed);
        }
        if news.of_flights {
            // After the messages: it counts all the changes they tell of.
            let after = self.flights.standing().await?;
            self.flights.network().heard(news.stretches, after.version);
            place.standing.version = after.version;
        }
        Ok(())
    }
}

impl News {
    fn of(entries: &[Entry]) -> Self {
        let mut news = Self::default();
        for entry in entries {
            let kind = entry.event["type"].as_str().unwrap_or_default();
            if kind.starts_with("loadmaster.booking.") {
                news.bookings.insert(entry.aggregate_id.into());
                continue;
            }
            news.of_flights = true;
            news.flights.insert(entry.aggregate_id.into());
            // What leaves the network is seen by its flights' versions.
            let leaves = [".departed.", ".arrived.", ".cancelled."].iter().any(|word| kind.contains(word));
            if !leaves {
                news.stretches.insert(stretch(&entry.event["data"]));
            }
        }
        news
    }
}

fn stretch(data: &Value) -> Option<Stretch> {
    let airport = |member: &str| data[member].as_str()?.parse().ok();
    Some((airport("origin")?, airport("destination")?))
}
