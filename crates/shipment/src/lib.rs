//! What is carried, and for whom: freight, parties, texts, contacts and positions, as requests for holds and for bookings
//! describe them, and whether flights may carry it. Knows neither holds nor bookings.
mod contacts;
mod error;
mod itinerary;
mod load;
mod position;
mod request;
mod shipment;
mod texts;

pub use contacts::{BookingContact, ContactRole, ContactTopic, MOST_CONTACTS, read_contact, read_language};
pub use itinerary::{Demand, ItineraryError, check as check_itinerary, check_embargoes, in_order, no_freighter};
pub use load::Load;
pub use position::PositionName;
pub use request::{
    GENERAL, MOST_FLIGHTS, MOST_HANDLING_CODES, NewContact, PositionNames, named_positions, read_position_names,
    read_product,
};
pub use shipment::Shipment;
pub use texts::{AmendContact, AmendParty, Contact, MemberFaults, Party, Texts, TextsPatch};
