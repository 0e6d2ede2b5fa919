//! What anyone who knows a reference or an air waybill number may see of a shipment. Decides what is public: the journey,
//! never a person, a note, an organization or a price.
mod dto;
mod room;
mod router;
pub use room::ROOM;
