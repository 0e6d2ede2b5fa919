//! The format in Redis: what is to be known of the found flights to judge their routes, and which of them form routes.
//! Capacity is not stored, as it is not part of the network, and neither is what is only shown.
use serde::{Deserialize, Serialize};

use super::{
    prepared::Prepared,
    route_set::{Brief, Ways},
};
use crate::kernel::AirportCode;

/// Changes with the stored format or its meaning, so that program versions that differ in it keep apart.
pub(super) const FORM: u32 = 5;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    flights: Vec<Brief>,
    /// Each route's flights, as indices.
    ways: Vec<Vec<usize>>,
}

pub(super) fn to_bytes(prepared: &Prepared) -> Option<Vec<u8>> {
    let flights = prepared.flights().collect();
    serde_json::to_vec(&Stored { flights, ways: prepared.routes().map(<[usize]>::to_vec).collect() }).ok()
}

/// Returns `None` for invalid text, or for routes that do not lead from `origin` to `destination`.
pub(super) fn from_bytes(bytes: &[u8], origin: AirportCode, destination: AirportCode) -> Option<Ways> {
    let Stored { flights, ways } = serde_json::from_slice(bytes).ok()?;
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
