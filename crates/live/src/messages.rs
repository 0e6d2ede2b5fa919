use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use loadmaster_flights::FlightService;
use loadmaster_platform::{
    clock::{Moment, SharedClock},
    outage::OutageLog,
    outbox::{Entry, Feed, Resumed, Source},
    postgres::Database,
    shutdown::stopped_within,
    streams::{Backlog, Broken, Burst, Event, Opened, Piece, Sender, Sending, open, reset},
};
use tokio::{sync, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    error::LiveError,
    filter::{Facts, Filter},
};

/// Interval between reads of the outbox while somebody follows it.
const POLL: Duration = Duration::from_millis(200);
const BATCH: i64 = 100;

/// Follows the messages of all, read once for all streams.
#[derive(Clone)]
pub(super) struct MessageStreams {
    db: Database,
    flights: FlightService,
    clock: SharedClock,
    installation: Arc<str>,
    source: Source,
    /// How far they are read; `None` while nobody follows them.
    place: Arc<sync::Mutex<Option<Feed>>>,
    members: Arc<Mutex<Members>>,
}

type Members = HashMap<u64, Member>;

#[derive(Clone)]
struct Member {
    sender: Sender,
    filter: Arc<Filter>,
}

/// Dropping it leaves.
struct Joined(MessageStreams, u64);

impl Drop for Joined {
    fn drop(&mut self) {
        self.0.members().remove(&self.1);
    }
}

impl MessageStreams {
    pub fn new(db: &Database, flights: &FlightService, clock: SharedClock, installation: &str) -> Self {
        Self {
            db: db.for_background(),
            flights: flights.for_background(),
            clock,
            installation: installation.into(),
            source: Source::of(installation),
            place: Arc::default(),
            members: Arc::default(),
        }
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a stream of these messages, after the one with the id `last`.
    pub async fn start(&self, filter: Filter, mut opened: Opened, last: Option<&str>) -> Result<Sending, LiveError> {
        let sender = opened.sender().clone();
        opened.keep(Joined(self.clone(), sender.number()));
        let member = Member { sender, filter: Arc::new(filter) };
        let resumed = match last {
            Some(text) => Some(Feed::at_mark(&self.db, &self.installation, text).await?),
            None => None,
        };
        let beginning = match resumed {
            Some(Resumed::Feed(feed)) => return Ok(opened.catch_up("", self.missed(feed, member))),
            Some(Resumed::TooOld) => reset("too_old"),
            Some(Resumed::Unknown) => reset("unknown"),
            None => String::new(),
        };
        let mut place = self.place.lock().await;
        let place = self.caught_up(&mut place).await?;
        let id = place.mark(&self.installation);
        self.enroll(member, &id);
        // Clients keep the id: they miss nothing if they lose the stream before the first message.
        Ok(opened.start(&(beginning + &open(&id))))
    }

    /// Sends this member what comes after the place with this id.
    fn enroll(&self, member: Member, id: &str) {
        member.sender.send_id_after_silence(id);
        self.members().insert(member.sender.number(), member);
    }

    /// Returns the messages after a place up to now, read as they are taken; those that come later are sent to the member.
    fn missed(&self, mut feed: Feed, member: Member) -> Backlog {
        let this = self.clone();
        Box::pin(async_stream::try_stream! {
            loop {
                let (text, is_full) = this.page(&mut feed, &member.filter).await.map_err(|_| Broken)?;
                if !text.is_empty() {
                    yield text.into();
                }
                if !is_full {
                    break;
                }
            }
            let rest = this.join_after(&mut feed, &member).await.map_err(|_| Broken)?;
            if !rest.is_empty() {
                yield rest.into();
            }
        })
    }

    /// Lets a member follow, and returns the few messages that it has still to read: what the others have read by now, and
    /// what is written meanwhile, comes in one way or the other, or in both.
    async fn join_after(&self, feed: &mut Feed, member: &Member) -> Result<String, LiveError> {
        let mut place = self.place.lock().await;
        let place = self.caught_up(&mut place).await?;
        self.enroll(member.clone(), &place.mark(&self.installation));
        let mut rest = String::new();
        loop {
            let (text, is_full) = self.page(feed, &member.filter).await?;
            rest += &text;
            if !is_full {
                return Ok(rest);
            }
        }
    }

    /// Returns the next messages that the filter passes, and whether there may be more. If it passes none, an id without
    /// data moves the client's id on and shows that the stream is alive: reading on may take long.
    async fn page(&self, feed: &mut Feed, filter: &Filter) -> Result<(String, bool), LiveError> {
        let before = feed.clone();
        let entries = feed.read(&self.db, BATCH).await?;
        let mut text = String::new();
        let facts = Facts::of_all(&entries, &self.flights, filter.station.is_some()).await?;
        for (entry, facts) in entries.iter().zip(&facts) {
            if filter.passes(facts) {
                text += &self.event(entry, &feed.mark_after(entry, &before, &self.installation))?;
            }
        }
        if text.is_empty() && !entries.is_empty() {
            text = open(&feed.mark(&self.installation));
        }
        Ok((text, is_full(&entries)))
    }

    fn event(&self, entry: &Entry, id: &str) -> serde_json::Result<String> {
        Ok(Event { name: "message", id, data: &self.source.document(entry)? }.text())
    }

    /// Reads what was written since, for those who follow already.
    async fn caught_up<'a>(&self, place: &'a mut Option<Feed>) -> Result<&'a Feed, LiveError> {
        let mut feed = match place.take() {
            Some(feed) => feed,
            None => Feed::from_now(&self.db).await?,
        };
        loop {
            let mut next = feed.clone();
            match self.read_on(&mut next).await {
                Ok(true) => feed = next,
                Ok(false) => return Ok(place.insert(next)),
                // They come again.
                Err(error) => {
                    *place = Some(feed);
                    return Err(error);
                }
            }
        }
    }

    /// Sends the next messages to all who want them. Returns whether there may be more.
    async fn read_on(&self, feed: &mut Feed) -> Result<bool, LiveError> {
        let before = feed.clone();
        let entries = feed.read(&self.db, BATCH).await?;
        let moment = Moment::at(self.clock.now());
        let of_stations = self.members().values().any(|member| member.filter.station.is_some());
        let facts = Facts::of_all(&entries, &self.flights, of_stations).await?;
        let mut pieces = Vec::with_capacity(entries.len());
        for (entry, facts) in entries.iter().zip(facts) {
            let bytes = self.event(entry, &feed.mark_after(entry, &before, &self.installation))?.into();
            pieces.push((facts, Piece { bytes, order: None, replaces: None }));
        }
        let mut burst = Burst::default();
        for (facts, piece) in &pieces {
            for Member { sender, filter } in self.members().values() {
                if filter.passes(facts) {
                    sender.send(piece, moment);
                }
            }
            burst.sent(piece.bytes.len(), || self.members().values().any(|member| member.sender.is_behind())).await;
        }
        if (feed.position(), feed.awaited()) != (before.position(), before.awaited()) {
            self.move_on(feed);
        }
        Ok(is_full(&entries))
    }

    /// Moves the ids of members on for whom no message comes: those that they have would become too old.
    fn move_on(&self, feed: &Feed) {
        let id = feed.mark(&self.installation);
        for member in self.members().values() {
            member.sender.send_id_after_silence(&id);
        }
    }

    /// Sends messages as they are written, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut outage = OutageLog::new("the outbox cannot be read, so the streams of messages say nothing");
        let mut began = Instant::now();
        while !stopped_within(&stop, POLL.saturating_sub(began.elapsed())).await {
            began = Instant::now();
            let mut place = self.place.lock().await;
            if self.members().is_empty() {
                *place = None;
            } else {
                _ = outage.note(self.caught_up(&mut place).await.map(drop));
            }
        }
    }

    /// Forgets how far they are read: the database is another one.
    pub async fn start_anew(&self) {
        *self.place.lock().await = None;
    }
}

fn is_full(entries: &[Entry]) -> bool {
    i64::try_from(entries.len()).is_ok_and(|count| count >= BATCH)
}
