//! What a group search asks for, however it was asked.
use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_capacity::{OwnSpace, Space};
use loadmaster_kernel::{AirportCode, Dimensions, HandlingCode};

use super::super::{
    dto::Search,
    master::MasterRoute,
    model::{Payer, Request},
};

/// Freight of several origins to one destination: at most 100 parts, of ten origins at most, none of them the destination.
#[derive(Debug, Clone)]
pub struct GroupQuery {
    pub destination: AirportCode,
    /// Local calendar date at each origin.
    pub departure_date: NaiveDate,
    pub parts: Vec<GroupFreight>,
    /// Routes that arrive later are left out.
    pub latest_arrival: Option<DateTime<Utc>>,
    /// Routes whose last flight departs from another airport are left out.
    pub hub: Option<AirportCode>,
    /// Whether prices are asked for.
    pub price: bool,
}

/// A part, which travels with all others of its origin.
#[derive(Debug, Clone)]
pub struct GroupFreight {
    pub origin: AirportCode,
    pub space: Space,
    /// `None`: whether its pieces fit is not judged.
    pub dimensions: Option<Dimensions>,
    pub special_handling_codes: Vec<HandlingCode>,
    /// Flights whose cut-off is earlier leave without it.
    pub ready_at: Option<DateTime<Utc>>,
}

impl GroupQuery {
    /// Returns the origins, in the order of the parts.
    pub(super) fn origins(&self) -> Vec<AirportCode> {
        let mut origins = Vec::new();
        for part in &self.parts {
            if !origins.contains(&part.origin) {
                origins.push(part.origin);
            }
        }
        origins
    }

    /// Returns the freight of each origin, with the search of a caller for whom allotments keep this.
    pub(super) fn loads(&self, own: &OwnSpace, payer: Payer, max_stops: u8) -> Vec<Load<'_>> {
        let load = |origin: AirportCode| {
            let parts: Vec<&GroupFreight> = self.parts.iter().filter(|part| part.origin == origin).collect();
            let space = parts.iter().fold(Space::default(), |sum, part| sum + part.space);
            let mut codes: Vec<HandlingCode> =
                parts.iter().flat_map(|part| &part.special_handling_codes).copied().collect();
            codes.sort_unstable();
            codes.dedup();
            let dimensions = Dimensions::joined(parts.iter().filter_map(|part| part.dimensions.as_ref()));
            let priced_for = self.price.then_some(payer);
            let search = Search {
                origin,
                destination: self.destination,
                date: self.departure_date,
                request: Request {
                    priced_for,
                    ..Request::of(space, &codes).sized(dimensions.as_ref()).by(own.clone())
                },
                max_stops,
                limit: usize::MAX,
                earliest: None,
            };
            Load { ready_at: parts.iter().filter_map(|part| part.ready_at).max(), parts, search }
        };
        self.origins().into_iter().map(load).collect()
    }

    /// Returns whether the freight of an origin may take this route.
    pub(super) fn allows(&self, load: &Load<'_>, route: &MasterRoute) -> bool {
        self.hub.is_none_or(|hub| route.hub == hub)
            && self.latest_arrival.is_none_or(|latest| route.arrival <= latest)
            && load.ready_at.is_none_or(|ready_at| route.cutoff >= ready_at)
    }
}

/// The parts of one origin, which travel as one master.
#[derive(Debug)]
pub(super) struct Load<'a> {
    pub parts: Vec<&'a GroupFreight>,
    /// With the sum of the parts, and the codes of all.
    pub search: Search,
    ready_at: Option<DateTime<Utc>>,
}
