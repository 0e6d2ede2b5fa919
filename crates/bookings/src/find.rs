use loadmaster_accounts::Principal;
use loadmaster_kernel::{AwbNumber, BookingId, BookingRef, OrganizationId};
use loadmaster_platform::{
    postgres::{Database, DbError, PgSession, Recency},
    web::PageRequest,
};
use serde::{Deserialize, Serialize};

use super::{
    BookingError, BookingService,
    model::{Booking, Event, MOST_EVENTS},
    repository,
};

/// The end of a page of a booking's history: histories are read from the newest event back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryAnchor {
    pub booking: BookingId,
    /// The number of the oldest event shown.
    pub before: i32,
}

/// A booking and a part of its history.
#[derive(Debug)]
pub struct History {
    pub booking: Booking,
    /// Oldest first.
    pub events: Vec<Event>,
    /// The anchor of the older events, if there are any.
    pub older: Option<HistoryAnchor>,
}

/// The parts of a history to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// The events after this number, at most 200.
    pub after: Option<i32>,
    /// The newest events, at most 200.
    pub newest: bool,
}

/// A booking and the parts of its history that were wanted.
#[derive(Debug)]
pub struct Since {
    pub booking: Booking,
    /// Oldest first, like `newest`.
    pub later: Vec<Event>,
    pub newest: Vec<Event>,
}

/// A booking with its legs is read by one statement; with its events by several, in one snapshot. No reader sees half a
/// step.
impl BookingService {
    /// Returns the booking if the caller may see it; a booking of another organization is reported as unknown.
    pub async fn visible(&self, caller: Principal, reference: &BookingRef) -> Result<Booking, BookingError> {
        let of = caller.sees_only();
        if let Some(id) = self.known.id_of(reference, of) {
            let found = self.reads.get((id, of)).await.unwrap_or(Err(DbError::Sql(sqlx::Error::WorkerCrashed)))?;
            if let Some(booking) = found {
                return Ok(booking);
            }
            self.known.forget(reference);
        }
        let mut connection = self.db.read().await?;
        self.find_in(&mut connection, reference, of).await
    }

    /// `of`: only if it belongs to that organization. A booking of another organization is looked for by as many
    /// statements as one that does not exist, so that the time of the answer hardly distinguishes them.
    async fn find_in(
        &self,
        db: &mut PgSession,
        reference: &BookingRef,
        of: Option<OrganizationId>,
    ) -> Result<Booking, BookingError> {
        let id = match self.known.id_of(reference, of) {
            Some(id) => id,
            // In its place an id that no booking has.
            None => repository::id_of(db, reference).await?.unwrap_or_else(|| self.ids.next(self.clock.now())),
        };
        let Some(booking) = repository::find(db, id, of).await? else {
            self.known.forget(reference);
            return Err(BookingError::Unknown);
        };
        self.known.note(&booking);
        Ok(booking)
    }

    /// Returns the booking with a page of its history, if the caller may see it.
    pub async fn history(
        &self,
        caller: Principal,
        reference: &BookingRef,
        page: &PageRequest<HistoryAnchor>,
        recency: Recency,
    ) -> Result<History, BookingError> {
        self.history_of(caller.sees_only(), reference, page, recency).await
    }

    /// Returns any booking by its reference with a page of its history; the caller decides which of it to show.
    pub async fn track_reference(
        &self,
        reference: &BookingRef,
        page: &PageRequest<HistoryAnchor>,
        recency: Recency,
    ) -> Result<History, BookingError> {
        self.history_of(None, reference, page, recency).await
    }

    /// Returns any booking as it is now, with a part of its history, in one snapshot. The caller decides which of it to
    /// show, and to whom.
    pub async fn since(&self, id: BookingId, wanted: Wanted) -> Result<Option<Since>, DbError> {
        let mut snapshot = self.db.snapshot().await?;
        let Some(booking) = repository::find(&mut snapshot, id, None).await? else { return Ok(None) };
        let later = match wanted.after {
            Some(after) if after < booking.event_sequence => repository::events_after(&mut snapshot, id, after).await?,
            _ => Vec::new(),
        };
        let mut newest = Vec::new();
        if wanted.newest {
            newest = repository::newest_events(&mut snapshot, id, None, i64::from(MOST_EVENTS)).await?;
            newest.reverse();
        }
        Ok(Some(Since { booking, later, newest }))
    }

    async fn history_of(
        &self,
        of: Option<OrganizationId>,
        reference: &BookingRef,
        page: &PageRequest<HistoryAnchor>,
        recency: Recency,
    ) -> Result<History, BookingError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.snapshot().await?;
            let booking = self.find_in(&mut snapshot, reference, of).await?;
            history_in(&mut snapshot, booking, page).await
        };
        self.db.reading(recency, read).await
    }

    /// Returns the same by air waybill: the booking that is not cancelled, else the latest cancelled one.
    pub async fn track_awb(
        &self,
        number: &AwbNumber,
        page: &PageRequest<HistoryAnchor>,
        recency: Recency,
    ) -> Result<History, BookingError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.snapshot().await?;
            let booking = repository::find_by_awb(&mut snapshot, number).await?.ok_or(BookingError::Unknown)?;
            history_in(&mut snapshot, booking, page).await
        };
        self.db.reading(recency, read).await
    }
}

async fn history_in(
    db: &mut PgSession,
    booking: Booking,
    page: &PageRequest<HistoryAnchor>,
) -> Result<History, BookingError> {
    let before = match page.after {
        Some(anchor) if anchor.booking != booking.id => return Err(BookingError::OtherHistory),
        anchor => anchor.map(|anchor| anchor.before),
    };
    let mut events = repository::newest_events(db, booking.id, before, page.fetch()).await?;
    let older = page.cut(&mut events).map(|oldest| HistoryAnchor { booking: booking.id, before: oldest.sequence });
    events.reverse();
    Ok(History { booking, events, older })
}
