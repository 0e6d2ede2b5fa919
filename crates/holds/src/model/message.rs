use chrono::{DateTime, Utc};
use loadmaster_kernel::{BookingRef, FlightId, HoldId, Positions, UserId, Volume, Weight, words};
use loadmaster_platform::outbox::Message;
use serde::Serialize;
use utoipa::ToSchema;

use super::{EndReason, HOLD, Hold, HoldKind, HoldStatus};

words! {
    /// What happened to a hold.
    pub enum HoldEventType {
        Created = "CREATED",
        Amended = "AMENDED",
        Extended = "EXTENDED",
        Committed = "COMMITTED",
        Released = "RELEASED",
        Expired = "EXPIRED",
    }
}

impl HoldEventType {
    /// The meaning of each of [`Self::NAMES`].
    pub const ABOUT: [&str; Self::NAMES.len()] = [
        "Room is held.",
        "What the hold keeps has changed.",
        "The hold has a later expiry.",
        "The hold became a booking.",
        "The hold was released.",
        "The hold has expired.",
    ];
}

/// The state of a hold after an event, without free text or personal data: part of its history and its message.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = HoldMessage)]
pub struct HoldEvent {
    hold_id: HoldId,
    kind: HoldKind,
    status: HoldStatus,
    /// Why it was released.
    #[schema(required = true)]
    end_reason: Option<EndReason>,
    /// The flights on which it keeps or kept room after the event.
    pub flight_ids: Vec<FlightId>,
    weight_kg: Weight,
    volume_m3: Volume,
    positions: Positions,
    /// From then on it keeps nothing.
    expires_at: DateTime<Utc>,
    /// The booking that it became.
    #[schema(required = true)]
    booking_ref: Option<BookingRef>,
    /// The hold's version, as in its `ETag`.
    version: i32,
}

impl From<&Hold> for HoldEvent {
    fn from(hold: &Hold) -> Self {
        let keeps = hold.keeps();
        Self {
            hold_id: hold.id,
            kind: hold.kind,
            status: hold.status,
            end_reason: hold.end_reason,
            flight_ids: hold.flight_ids().collect(),
            weight_kg: keeps.weight,
            volume_m3: keeps.volume,
            positions: keeps.positions,
            expires_at: hold.expires_at,
            booking_ref: hold.booking.as_ref().map(|(_, reference)| reference.clone()),
            version: hold.version,
        }
    }
}

/// A change of a hold: its state after it, and the event.
#[derive(Debug)]
pub struct HoldChange {
    /// `None`: it is new.
    pub before: Option<Hold>,
    pub after: Hold,
    pub event_type: HoldEventType,
    pub actor: Option<UserId>,
    /// The trace of the request; `None`: the current one.
    pub trace: Option<String>,
}

/// Returns the message about a change.
pub fn message<'a>(change: &'a HoldChange, subject: &'a str) -> Message<'a, HoldEvent> {
    Message {
        aggregate: HOLD,
        aggregate_id: change.after.id.uuid(),
        organization: Some(change.after.organization_id.uuid()),
        subject,
        sequence: change.after.event_sequence,
        event_type: change.event_type.as_str(),
        data: HoldEvent::from(&change.after),
        occurred_at: change.after.updated_at,
        trace: change.trace.as_deref(),
    }
}
