//! Relations: what the objects of an answer refer to is read by one statement for each type.
use std::collections::{BTreeSet, HashMap};

use loadmaster_accounts::{Principal, Role};
use loadmaster_flights::{FlightBody, FlightService};
use loadmaster_payments::{PaymentBody, PaymentService};
use loadmaster_platform::{json, web::Problem};
use loadmaster_reference::Reference;
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use super::{
    model::Relation,
    operations::{FLIGHT_ID, FLIGHT_IDS},
    plan::{Shown, ShownField, Source},
    rest::Refused,
};

/// The services from which relations are read.
#[derive(Clone)]
pub(crate) struct Services {
    pub flights: FlightService,
    pub payments: PaymentService,
    pub reference: Reference,
}

type Found = HashMap<Uuid, Json>;

/// What answers refer to, as far as it is shown.
#[derive(Default)]
pub(crate) struct Wanted {
    flights: BTreeSet<Uuid>,
    /// Flights with the feeds that only the carrier's staff sees. They need a statement of their own.
    fed_flights: BTreeSet<Uuid>,
    /// Bookings whose payments are shown.
    bookings: BTreeSet<Uuid>,
    sees_feeds: bool,
}

/// What answers refer to, or why it was not read.
pub(crate) struct Related {
    flights: Result<Found, Refused>,
    fed_flights: Result<Found, Refused>,
    payments: Result<Found, Refused>,
    sees_feeds: bool,
}

impl Wanted {
    pub fn new(caller: Option<&Principal>) -> Self {
        Self { sees_feeds: caller.is_some_and(|caller| caller.role >= Role::Operator), ..Self::default() }
    }

    /// Adds what a value refers to.
    pub fn add(&mut self, shown: &Shown, json: &Json) {
        match (shown, json) {
            (Shown::List { item, .. }, Json::Array(items)) => items.iter().for_each(|one| self.add(item, one)),
            (Shown::Object(fields), object) => self.add_of(fields, object),
            _ => {}
        }
    }

    /// Adds what these fields of an object refer to.
    pub fn add_of(&mut self, fields: &[ShownField], object: &Json) {
        for field in fields {
            match &field.source {
                Source::TypeName(_) => {}
                Source::Member(name) => {
                    if let Some(member) = object.get(name) {
                        self.add(&field.shown, member);
                    }
                }
                Source::Relation(Relation::Flight) => self.add_flights(&field.shown, flight_of(object)),
                Source::Relation(Relation::Flights) => self.add_flights(&field.shown, flights_of(object)),
                Source::Relation(Relation::Payments) => self.bookings.extend(booking_of(object)),
            }
        }
    }

    fn add_flights(&mut self, shown: &Shown, ids: impl IntoIterator<Item = Uuid>) {
        let has_feeds = self.sees_feeds && shows_feed(shown);
        if has_feeds { &mut self.fed_flights } else { &mut self.flights }.extend(ids);
    }
}

/// Returns the id of the flight that an object refers to.
pub(crate) fn flight_of(object: &Json) -> Option<Uuid> {
    id(object.get(FLIGHT_ID)?)
}

/// Returns the ids of the flights that an object refers to.
pub(crate) fn flights_of(object: &Json) -> impl Iterator<Item = Uuid> {
    object.get(FLIGHT_IDS).and_then(Json::as_array).into_iter().flatten().filter_map(id)
}

/// Returns the id of a booking.
pub(crate) fn booking_of(booking: &Json) -> Option<Uuid> {
    id(booking.get("id")?)
}

fn id(json: &Json) -> Option<Uuid> {
    json.as_str()?.parse().ok()
}

/// Returns whether the feed of flights is shown.
fn shows_feed(shown: &Shown) -> bool {
    match shown {
        Shown::List { item, .. } => shows_feed(item),
        shown => shown.shows("feed"),
    }
}

impl Related {
    /// Returns a flight as REST shows it to the caller, if it was found.
    pub fn flight(&self, shown: &Shown, id: Uuid) -> Result<Option<&Json>, &Refused> {
        let flights = if self.sees_feeds && shows_feed(shown) { &self.fed_flights } else { &self.flights };
        flights.as_ref().map(|flights| flights.get(&id))
    }

    /// Returns the payments of a booking that the caller was shown.
    pub fn payments(&self, booking: Uuid) -> Result<Option<&Json>, &Refused> {
        self.payments.as_ref().map(|payments| payments.get(&booking))
    }
}

impl Services {
    pub async fn read(&self, wanted: Wanted) -> Related {
        let Wanted { flights, fed_flights, bookings, sees_feeds } = wanted;
        let (flights, fed_flights, payments) =
            futures_util::join!(self.flights(flights, false), self.flights(fed_flights, true), self.payments(bookings));
        Related {
            flights: flights.map_err(Refused::from),
            fed_flights: fed_flights.map_err(Refused::from),
            payments: payments.map_err(Refused::from),
            sees_feeds,
        }
    }

    async fn flights(&self, ids: BTreeSet<Uuid>, has_feeds: bool) -> Result<Found, Problem> {
        if ids.is_empty() {
            return Ok(Found::new());
        }
        let ids: Vec<_> = ids.into_iter().map(Into::into).collect();
        let flights = self.flights.flights(&ids).await?;
        let mut feeds = if has_feeds { self.flights.feeds_of(&ids).await? } else { HashMap::new() };
        let one = |flight: &loadmaster_flights::Flight| {
            let body = FlightBody::new(flight, &self.reference).with_feed(feeds.remove(&flight.id));
            Ok((flight.id.uuid(), shown(&body)?))
        };
        flights.iter().map(one).collect()
    }

    async fn payments(&self, bookings: BTreeSet<Uuid>) -> Result<Found, Problem> {
        if bookings.is_empty() {
            return Ok(Found::new());
        }
        let ids: Vec<_> = bookings.iter().copied().map(Into::into).collect();
        let mut of_bookings: HashMap<Uuid, Vec<Json>> = bookings.into_iter().map(|id| (id, Vec::new())).collect();
        for payment in self.payments.of_bookings(&ids).await? {
            if let Some((booking, _)) = &payment.booking {
                of_bookings.entry(booking.uuid()).or_default().push(shown(&PaymentBody::from(&payment))?);
            }
        }
        Ok(of_bookings.into_iter().map(|(booking, payments)| (booking, Json::Array(payments))).collect())
    }
}

/// Returns a body as REST writes it.
fn shown(body: &impl Serialize) -> Result<Json, Problem> {
    let written = serde_json::to_vec(body).map_err(|error| Problem::internal(&error))?;
    json::parse(&written).map_err(|error| Problem::internal(&error))
}

#[cfg(test)]
impl Related {
    pub fn of(
        flights: impl IntoIterator<Item = (Uuid, Json)>,
        payments: impl IntoIterator<Item = (Uuid, Json)>,
    ) -> Self {
        let (flights, payments) = (flights.into_iter().collect(), payments.into_iter().collect());
        Self { flights: Ok(flights), fed_flights: Ok(Found::new()), payments: Ok(payments), sees_feeds: false }
    }

    pub fn none() -> Self {
        Self::of([], [])
    }

    pub fn refused(detail: &str) -> Self {
        let refused = || Err(Refused(serde_json::Map::from_iter([("detail".to_owned(), detail.into())])));
        Self { flights: refused(), fed_flights: refused(), payments: refused(), sees_feeds: false }
    }
}
