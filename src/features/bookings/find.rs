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

/// Where a page of a booking's history ended: histories are read from the newest event back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryAnchor {
    pub booking: BookingId,
    /// The number of the oldest event that was shown.
    pub before: i32,
}

/// A booking and a part of its history.
#[derive(Debug)]
pub struct History {
    pub booking: Booking,
    /// Oldest first.
    pub events: Vec<Event>,
    /// Where older events begin, if there are any.
    pub older: Option<HistoryAnchor>,
}

/// A booking, its legs and its events lie in three tables: each answer is read as of one moment, so that nobody sees half
/// a step.
impl BookingService {
    /// The booking, if it is the caller's to see; what is foreign is as unknown as what does not exist.
    pub async fn visible(&self, caller: Principal, reference: &BookingRef) -> Result<Booking, BookingError> {
        let mut snapshot = self.db.snapshot().await?;
        visible_in(&mut snapshot, caller, reference).await
    }

    /// The booking with a page of its history, if it is the caller's to see.
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

    /// Any booking with a page of its history, for who knows its reference: what is shown of it is the caller's duty.
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

    /// The same by air waybill: the booking that is not cancelled, else the latest that was.
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
