//! Shipments from booking to delivery. Decides what makes an itinerary, that all legs get room or none does, which step
//! may follow which, what may still be amended, when a shipment needs another way, and keeps the history that says how it
//! went. The room on flights is `capacity`'s; what happens to flights is `operations`'.
mod aboard;
mod amend;
mod amendment;
mod attempts;
mod audit;
mod book;
mod cancel;
mod change;
mod draft;
mod dto;
mod erase;
mod error;
mod find;
mod history;
mod itinerary;
mod list;
mod metric;
mod model;
mod movement;
mod reference;
mod repository;
mod reroute;
mod room;
mod router;
mod service;

pub use aboard::{Freight, FreightSum, LeftBehind, Moved, Portion, StepAboard, manifest_in_tx};
pub use dto::{EventBody, EventParams, LegBody};
pub use error::{BookingError, code};
pub use find::{History, HistoryAnchor};
pub use history::replay;
pub use model::{
    Action, BOOKING, Booking, BookingStatus, Event, EventType, Leg, LegStatus, MOST_EVENTS, OffloadReason, Party,
};
pub use room::ROOM;
pub use service::{BookingLimits, BookingService};
