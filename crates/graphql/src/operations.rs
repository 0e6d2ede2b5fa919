//! The operations of REST that are fields here, and the relations that only GraphQL has.
use super::model::{Member, Model, Relation, RootKind};

/// A field of a root.
pub(crate) struct Listed {
    pub kind: RootKind,
    pub field: &'static str,
    /// The name of the operation in the API's description.
    pub operation: &'static str,
}

const fn query(field: &'static str, operation: &'static str) -> Listed {
    Listed { kind: RootKind::Query, field, operation }
}

const fn mutation(field: &'static str, operation: &'static str) -> Listed {
    Listed { kind: RootKind::Mutation, field, operation }
}

const fn subscription(field: &'static str, operation: &'static str) -> Listed {
    Listed { kind: RootKind::Subscription, field, operation }
}

pub(crate) const LISTED: [Listed; 25] = [
    query("airport", "getAirport"),
    query("airports", "listAirports"),
    query("booking", "getBooking"),
    query("bookings", "listBookings"),
    query("flight", "getFlight"),
    query("flights", "listFlights"),
    query("hold", "getHold"),
    query("me", "me"),
    query("quote", "getQuote"),
    query("rates", "getRateHistory"),
    query("routes", "listRoutes"),
    query("station", "getStation"),
    query("stations", "listStations"),
    query("tracking", "trackShipment"),
    mutation("amend", "amendBooking"),
    mutation("arrive", "arriveBooking"),
    mutation("book", "createBooking"),
    mutation("cancel", "cancelBooking"),
    mutation("commit", "commitHold"),
    mutation("deliver", "deliverBooking"),
    mutation("depart", "departBooking"),
    mutation("hold", "createHold"),
    subscription("booking", "streamBooking"),
    subscription("flight", "streamFlight"),
    subscription("tracking", "streamTracking"),
];

/// The types that relations lead to.
pub(crate) const FLIGHT: &str = "Flight";
pub(crate) const PAYMENT: &str = "Payment";
/// The types whose payments are a relation.
pub(crate) const BOOKINGS: [&str; 2] = ["Booking", "CommittedBooking"];
/// The type with the history of a shipment.
pub(crate) const TRACKING: &str = "Tracking";
/// The members of REST from which relations lead.
pub(crate) const FLIGHT_ID: &str = "flight_id";
pub(crate) const FLIGHT_IDS: &str = "flight_ids";
/// What a subscription adds to its events.
pub(crate) const RESET: &str = "reset";
/// What a shipment adds to reach its older events.
pub(crate) const OLDER: &str = "older_cursor";

/// Returns the relation that a member of an object is; `None`: REST answers it.
pub(crate) fn relation(model: &Model, owner: &str, member: &Member) -> Option<Relation> {
    let has = |name: &str| model.members(owner).iter().any(|member| member.rest == name);
    match member.rest.as_str() {
        "payments" if BOOKINGS.contains(&owner) => Some(Relation::Payments),
        "flight" if has(FLIGHT_ID) => Some(Relation::Flight),
        "flights" if has(FLIGHT_IDS) => Some(Relation::Flights),
        _ => None,
    }
}
