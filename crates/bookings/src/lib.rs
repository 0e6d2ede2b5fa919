//! Shipments from booking to delivery. Decides which flights make an itinerary, takes space on all legs or on none,
//! decides which step may follow which, what may still be amended and when a shipment needs rerouting, and keeps the
//! history. The space on flights belongs to `capacity`; the steps of flights belong to `operations`.
mod aboard;
mod alternatives;
mod amend;
mod amendment;
mod attempts;
mod audit;
mod billing;
mod book;
mod cancel;
mod change;
mod claim;
mod claim_token;
mod connections;
mod contacts;
mod correct;
mod courtesy;
mod demanding;
mod desk;
mod draft;
mod draw_up;
mod dto;
mod erase;
mod error;
mod find;
mod held;
mod history;
mod hold;
mod list;
mod metric;
mod model;
mod movement;
mod outside;
mod own;
mod past;
mod paying;
mod reads;
mod reference;
mod repository;
mod reroute;
mod room;
mod router;
mod service;
mod step;

pub use aboard::{
    Freight, FreightSum, LeftBehind, Moved, Portion, StepAboard, aboard_in_tx, find_all_in_tx, manifest_in_tx,
};
pub use billing::Lifted;
pub use contacts::{contacts_in_tx, set_contacts_in_tx};
pub use demanding::OversizeAboard;
pub use desk::Desk;
pub use dto::{AmendBooking, BookingBody, EventBody, EventParams, LegBody};
pub use error::{BookingError, code};
pub use find::{History, HistoryAnchor, Since, Wanted};
pub use history::replay;
pub use model::{
    Action, BOOKING, Booking, BookingStatus, Correction, Event, EventType, Leg, LegStatus, MOST_EVENTS, OffloadReason,
    Party,
};
pub use reference::leave_out_references;
pub use room::ROOM;
pub use service::{BookingLimits, BookingService};
