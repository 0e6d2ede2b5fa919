use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use loadmaster_capacity::FLIGHT;
use loadmaster_kernel::FlightId;
use loadmaster_platform::{clock::Moment, follower::Follower, outbox::Entry};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    FlightService, Lane, NetworkVersion,
    departures::DeparturePosition,
    loading::{Doubt, Reading},
    model::FlightEventType,
};

/// Time between two comparisons of a part of the board with the tables.
const BETWEEN_CHECKS: Duration = Duration::from_secs(10);

/// Keeps the known state of the network up to date with the changes by all processes.
pub(super) struct NetworkFollower {
    flights: FlightService,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    /// The network's version and its server, as of the last check; `None` before the first.
    last: Option<NetworkVersion>,
    /// The same, as of the current check.
    current: NetworkVersion,
    /// Whether the current check has received any message about a flight.
    has_heard: bool,
    board: BoardState,
    /// When the board is compared with the tables next, and from behind which place on.
    check: Option<(Instant, Option<DeparturePosition>)>,
    /// What the last comparison found.
    doubt: Option<Doubt>,
    stop: CancellationToken,
}

/// How far the departures in memory are.
#[derive(Default)]
enum BoardState {
    #[default]
    ToBeRead,
    Reading(Reading),
    Loaded,
}

impl NetworkFollower {
    pub fn new(flights: FlightService) -> Self {
        Self { flights, progress: Mutex::default() }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next step, if there is one, towards a board that is loaded and right. The tables include all changes up to
    /// this version, and what changes from now on will be heard.
    async fn keep_board(&self, network_version: NetworkVersion) -> anyhow::Result<()> {
        let reading = {
            let mut progress = self.progress();
            match std::mem::take(&mut progress.board) {
                BoardState::ToBeRead => {
                    progress.board = BoardState::Reading(self.flights.read_board(network_version, &progress.stop));
                    return Ok(());
                }
                BoardState::Reading(reading) if reading.is_over() => Some(reading),
                BoardState::Loaded => {
                    progress.board = BoardState::Loaded;
                    None
                }
                reading @ BoardState::Reading(_) => {
                    progress.board = reading;
                    return Ok(());
                }
            }
        };
        let Some(reading) = reading else { return self.check_board().await };
        // If it fails, it is to be read again.
        self.flights.fill_board(reading).await?;
        tracing::info!(flights = self.flights.board().count(), "the departures of flights are known");
        let mut progress = self.progress();
        (progress.board, progress.check) = (BoardState::Loaded, Some((Instant::now() + BETWEEN_CHECKS, None)));
        progress.doubt = None;
        Ok(())
    }

    /// Compares a part of the board with the tables, if it is time, and corrects it once it is known to be wrong. The tables
    /// have changes whose messages this process hears only after its look at them: a difference that is gone when these were
    /// heard is none.
    async fn check_board(&self) -> anyhow::Result<()> {
        let doubt = self.progress().doubt.take_if(|doubt| doubt.is_heard());
        if let Some(doubt) = doubt {
            self.flights.settle_doubt(&doubt).await?;
        }
        let Some((_, place)) = self.progress().check.filter(|(due, _)| *due <= Instant::now()) else { return Ok(()) };
        let doubt = self.flights.compare_board(place).await?;
        let mut progress = self.progress();
        progress.check = Some((Instant::now() + BETWEEN_CHECKS, doubt.next));
        progress.doubt = Some(doubt);
        Ok(())
    }

    /// Brings the board up to date with flights that have changed; returns the lanes of those that are scheduled.
    async fn refresh_board(
        &self,
        changed: &HashMap<FlightId, i32>,
        moved: &HashSet<FlightId>,
    ) -> anyhow::Result<HashSet<Lane>> {
        if let BoardState::Reading(reading) = &mut self.progress().board {
            reading.hear(changed.keys());
        }
        Ok(self.flights.refresh_board(changed, moved).await?)
    }

    async fn hear_all(&self, messages: &[Entry]) -> anyhow::Result<()> {
        let own = || messages.iter().filter(|message| message.aggregate == FLIGHT);
        let (mut changed, mut moved) = (HashMap::<FlightId, i32>::new(), HashSet::<FlightId>::new());
        for message in own() {
            let flight = message.aggregate_id.into();
            // The number of a flight's event is its version.
            let version = changed.entry(flight).or_default();
            *version = message.sequence.max(*version);
            if message.event_type != FlightEventType::Created.as_str() {
                moved.insert(flight);
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        self.progress().has_heard = true;
        self.flights.availability.invalidate_older(&changed);
        // Flights that leave the network are detected by their own versions.
        let lanes = self.refresh_board(&changed, &moved).await?;
        // Read after the messages, so that it includes all their changes.
        let after = self.flights.network_version().await?;
        self.flights.network().heard(lanes.into_iter().map(Some), after.version);
        self.progress().last = Some(after);
        Ok(())
    }
}

impl Follower for NetworkFollower {
    fn look(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(async {
            // Read before the messages: those of all changes up to this version are available.
            let network_version = self.flights.network_version().await?;
            let has_started = self.progress().last.is_some();
            if has_started {
                self.keep_board(network_version).await?;
            }
            let mut progress = self.progress();
            (progress.current, progress.has_heard) = (network_version, false);
            Ok(progress
                .last
                .is_some_and(|last| last.epoch == network_version.epoch && last.version <= network_version.version))
        })
    }

    fn start<'a>(&'a self, stop: &'a CancellationToken) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            // Read when the messages of all later changes will be heard.
            let current = self.flights.network_version().await?;
            self.flights.network().restart(current);
            self.flights.known.clear();
            let mut progress = self.progress();
            progress.stop = stop.clone();
            progress.board = BoardState::Reading(self.flights.read_board(current, stop));
            progress.last = Some(current);
            Ok(())
        })
    }

    fn hear<'a>(&'a self, messages: &'a [Entry]) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(self.hear_all(messages))
    }

    fn caught_up(&self, _: Moment) {
        let mut progress = self.progress();
        let (current, last) = (progress.current, progress.last.unwrap_or_default());
        if current.version > last.version && !progress.has_heard {
            // Flights were changed without a message: which ones is not known, and the board is read anew.
            self.flights.known.clear();
            self.flights.board().clear();
            progress.board = BoardState::ToBeRead;
            self.flights.network().heard([None], current.version);
        }
        let version = last.version.max(current.version);
        progress.last = Some(NetworkVersion { version, ..current });
        self.flights.network().caught_up(current.version);
        self.flights.board().caught_up(current);
        self.flights.board().forget_departed(self.flights.clock.now());
        self.flights.written.forget_old();
        if let Some(doubt) = &mut progress.doubt {
            doubt.note_pass();
        }
    }
}
