//! Shipments from booking to delivery. Decides what makes an itinerary, that all legs get room or none does, which step
//! may follow which, and keeps the history that says how it went. The room on flights is `capacity`'s.
mod book;
mod cancel;
mod dto;
mod error;
mod event;
mod find;
mod itinerary;
mod list;
mod model;
mod movement;
mod record;
mod reference;
mod repository;
mod router;
mod service;

pub use dto::{EventBody, LegBody};
pub use error::BookingError;
pub use event::{Event, EventType};
pub use model::{Action, Booking, BookingStatus, Leg, LegStatus};
pub use router::router;
pub use service::BookingService;
