//! What is carried, and for whom: freight, parties, texts, contacts and positions, as requests for holds and for bookings
//! describe them, whether flights may carry it, and what is shown of it besides. Knows neither holds nor bookings.
mod contacts;
mod error;
mod fit;
mod freight;
mod itinerary;
mod load;
mod position;
mod request;
mod shipment;
mod surroundings;
mod texts;

pub use contacts::{BookingContact, ContactRole, ContactTopic, MOST_CONTACTS, read_contact, read_language};
pub use fit::{Fit, Oversize};
pub use freight::{Freight, FreightPatch};
pub use itinerary::{
    Demand, ItineraryError, check as check_itinerary, check_embargoes, check_fit, in_order, no_freighter,
};
pub use load::Load;
pub use position::PositionName;
pub use request::{
    GENERAL, MOST_FLIGHTS, MOST_HANDLING_CODES, NewContact, PositionNames, named_positions, read_position_names,
    read_product,
};
pub use shipment::Shipment;
pub use surroundings::{FirstFlight, Surroundings, tag_of};
pub use texts::{AmendContact, AmendParty, Contact, MemberFaults, Party, Texts, TextsPatch};
