use serde::{Deserialize, Serialize};

use super::{
    BookingError, BookingService,
    model::{Booking, Event},
    repository,
};
use crate::{
    features::accounts::Principal,
    kernel::{AwbNumber, BookingId, BookingRef},
    platform::{postgres::PgSession, web::PageRequest},
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

/// A booking, its legs and its events are in three tables: each answer is read in one snapshot, so that no reader sees
/// half a step.
impl BookingService {
    /// Returns the booking if the caller may see it; a booking of another organization is reported as unknown.
    pub async fn visible(&self, caller: Principal, reference: &BookingRef) -> Result<Booking, BookingError> {
        let mut snapshot = self.db.snapshot().await?;
        visible_in(&mut snapshot, caller, reference).await
    }

    /// Returns the booking with a page of its history, if the caller may see it.
    pub async fn history(
        &self,
        caller: Principal,
        reference: &BookingRef,
        page: &PageRequest<HistoryAnchor>,
    ) -> Result<History, BookingError> {
        let mut snapshot = self.db.snapshot().await?;
        let booking = visible_in(&mut snapshot, caller, reference).await?;
        history_in(&mut snapshot, booking, page).await
    }

    /// Returns any booking by its reference with a page of its history; the caller decides which of it to show.
    pub async fn track_reference(
        &self,
        reference: &BookingRef,
        page: &PageRequest<HistoryAnchor>,
    ) -> Result<History, BookingError> {
        let mut snapshot = self.db.snapshot().await?;
        let booking =
            repository::find_by_reference(&mut snapshot, reference, None).await?.ok_or(BookingError::Unknown)?;
        history_in(&mut snapshot, booking, page).await
    }

    /// Returns the same by air waybill: the booking that is not cancelled, else the latest cancelled one.
    pub async fn track_awb(
        &self,
        number: &AwbNumber,
        page: &PageRequest<HistoryAnchor>,
    ) -> Result<History, BookingError> {
        let mut snapshot = self.db.snapshot().await?;
        let booking = repository::find_by_awb(&mut snapshot, number).await?.ok_or(BookingError::Unknown)?;
        history_in(&mut snapshot, booking, page).await
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

async fn visible_in(db: &mut PgSession, caller: Principal, reference: &BookingRef) -> Result<Booking, BookingError> {
    let found = repository::find_by_reference(db, reference, caller.sees_only()).await?;
    found.ok_or(BookingError::Unknown)
}
