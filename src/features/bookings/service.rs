use super::reference::ReferenceSource;
use crate::{
    features::{flights::FlightService, search::SearchService},
    platform::{clock::SharedClock, postgres::Database, random::IdSource, secrets::ServerSecrets},
};

/// The use cases of shipments, a file per verb: `book`, `movement`, `cancel`, `find`, `list`.
#[derive(Clone)]
pub struct BookingService {
    pub(super) db: Database,
    pub(super) flights: FlightService,
    pub(super) search: SearchService,
    pub(super) clock: SharedClock,
    pub(super) ids: IdSource,
    pub(super) references: ReferenceSource,
    /// How far ahead a booking without flights and date may leave, in hours.
    pub(super) auto_route_hours: u32,
}

impl BookingService {
    pub fn new(
        db: Database,
        flights: FlightService,
        search: SearchService,
        clock: SharedClock,
        ids: IdSource,
        secrets: &ServerSecrets,
        auto_route_hours: u32,
    ) -> Self {
        let references = ReferenceSource::new(secrets);
        Self { db, flights, search, clock, ids, references, auto_route_hours }
    }
}
