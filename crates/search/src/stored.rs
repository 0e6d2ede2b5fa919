//! The format in Redis: what is to be known of the found flights to judge their routes, and which of them form routes.
//! Capacity is not stored, as it is not part of the network, and neither is what is only shown.
use loadmaster_kernel::AirportCode;
use serde::{Deserialize, Serialize};

use super::{
    prepared::Prepared,
    route_set::{Brief, Places, Ways},
};

/// Changes with the stored format or its meaning, so that program versions that differ in it keep apart.
pub(super) const FORM: u32 = 6;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    flights: Vec<Brief>,
    ways: Vec<Places>,
}

pub(super) fn to_bytes(prepared: &Prepared) -> Option<Vec<u8>> {
    let (flights, ways) = (prepared.flights().collect(), prepared.routes().cloned().collect());
    postcard::to_allocvec(&Stored { flights, ways }).ok()
}

/// Returns `None` for bytes of no such result, or for routes that do not lead from `origin` to `destination`.
pub(super) fn from_bytes(bytes: &[u8], origin: AirportCode, destination: AirportCode) -> Option<Ways> {
    let Stored { flights, ways } = postcard::from_bytes(bytes).ok()?;
    for places in &ways {
        let legs = places.iter().map(|place| flights.get(*place)).collect::<Option<Vec<&Brief>>>()?;
        let ends = (legs.first().map(|first| first.origin), legs.last().map(|last| last.destination));
        let is_chain = legs.windows(2).all(|pair| pair[0].destination == pair[1].origin);
        if ends != (Some(origin), Some(destination)) || !is_chain {
            return None;
        }
    }
    Some(Ways { flights: flights.into_iter().map(|flight| (flight, None)).collect(), routes: ways })
}
