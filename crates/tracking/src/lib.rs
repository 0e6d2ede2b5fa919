//! The part of a shipment visible to anyone with its reference or air waybill number. Decides what is public: the
//! journey, never a person, a note, an organization or a price.
mod dto;
mod number;
mod room;
mod router;

pub use dto::{Tracking, TrackingEvent};
pub use number::TrackingNumber;
pub use room::ROOM;
