//! The states of holds: as they are made, changed and ended. Pure.
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_capacity::{Shift, Space};
use loadmaster_flights::Flight;
use loadmaster_kernel::{AirportCode, Fault, FaultCode, FlightId, HoldId};
use loadmaster_platform::web::Patch;
use loadmaster_pricing::Quote;
use loadmaster_shipment::{Freight, FreightPatch, GENERAL, Load, PositionName, TextsPatch, named_positions};

use super::{
    HoldError,
    ask::{HoldLimits, NewHold, Pay, Stepped},
    dto::{AmendHold, CreateHold},
    model::{EndReason, Hold, HoldEventType, HoldLeg, HoldStatus},
};

/// Returns the end of the longest life of a hold: some time after it was made, and no later than the cut-offs.
pub fn latest_expiry(created_at: DateTime<Utc>, limits: HoldLimits, flights: &[Flight]) -> DateTime<Utc> {
    let longest = created_at + TimeDelta::seconds(i64::from(limits.max_seconds));
    flights.iter().map(|flight| flight.space.cutoff).fold(longest, DateTime::min)
}

/// Returns the ends that are given, or else those of the flights.
pub fn ends(order: &CreateHold, flights: &[Flight]) -> Option<(AirportCode, AirportCode)> {
    let (first, last) = flights.first().zip(flights.last())?;
    Some((order.origin.unwrap_or(first.origin), order.destination.unwrap_or(last.destination)))
}

pub fn legs(flights: &[Flight], space: Space) -> Vec<HoldLeg> {
    (1..).zip(flights).map(|(sequence, flight)| HoldLeg::of(sequence, flight, space, BTreeSet::new())).collect()
}

/// Draws up a new hold on these flights; `None` without any.
pub fn draw_up(
    order: &NewHold,
    id: HoldId,
    flights: &[Flight],
    limits: HoldLimits,
    now: DateTime<Utc>,
) -> Option<Hold> {
    let NewHold { caller, kind, new, .. } = order;
    let Load { space, volume_defaulted } = new.load();
    let latest_expires_at = latest_expiry(now, limits, flights);
    let ttl = TimeDelta::seconds(i64::from(new.ttl_seconds.unwrap_or(limits.ttl_seconds)));
    let (origin, destination) = ends(new, flights)?;
    let mut legs = legs(flights, space);
    for (leg, names) in legs.iter_mut().filter_map(|leg| {
        let names = new.position_names.as_ref()?.0.get(&leg.flight_id)?;
        Some((leg, names))
    }) {
        leg.names.clone_from(names);
    }
    let principal = caller.principal;
    Some(Hold {
        id,
        kind: *kind,
        status: HoldStatus::Active,
        end_reason: None,
        organization_id: principal.organization_id,
        created_by: principal.user_id,
        is_guest: caller.is_guest(),
        address_key: caller.address_key.clone().filter(|_| caller.is_guest()),
        is_counted: !caller.subjects().is_empty(),
        origin,
        destination,
        pieces: new.pieces,
        space,
        volume_defaulted,
        dimensions: new.dimensions().cloned(),
        product: new.product.clone().unwrap_or_else(|| GENERAL.to_owned()),
        special_handling_codes: new.special_handling_codes.clone(),
        awb_number: new.awb_number.clone(),
        booking: None,
        expires_at: (now + ttl).min(latest_expires_at),
        latest_expires_at,
        ended_at: None,
        event_sequence: 1,
        version: 1,
        created_at: now,
        updated_at: now,
        texts: new.texts(),
        contact: new.contact(),
        quote: None,
        payment: None,
        attempts: 0,
        active_until: None,
        channel: Some(principal.channel()),
        legs,
    })
}

/// Returns whether a hold is what this order wants, in every member.
pub fn is_of(hold: &Hold, order: &CreateHold) -> bool {
    let is_same_way = order.flight_ids.is_empty() || hold.flight_ids().eq(order.flight_ids.iter().copied());
    let ends = (order.origin.unwrap_or(hold.origin), order.destination.unwrap_or(hold.destination));
    let names = order.position_names.as_ref().map_or_else(BTreeMap::new, |names| names.0.clone());
    let code = hold.quote.as_ref().and_then(Quote::discount_code);
    is_same_way
        && ends == (hold.origin, hold.destination)
        && (order.load().space, order.pieces) == (hold.space, hold.pieces)
        && order.dimensions() == hold.dimensions.as_ref()
        && order.product.as_deref().unwrap_or(GENERAL) == hold.product
        && order.special_handling_codes == hold.special_handling_codes
        && names == hold.position_names()
        && order.awb_number == hold.awb_number
        && order.texts() == hold.texts
        && order.contact() == hold.contact
        && order.discount_code.as_deref().is_none_or(|wanted| Some(wanted) == code)
}

/// Ends a hold and gives its space back.
pub fn end(hold: &Hold, status: HoldStatus, reason: Option<EndReason>, now: DateTime<Utc>) -> Stepped {
    let mut after = hold.clone();
    after.end(status, reason, now);
    let gives_back = if status == HoldStatus::Expired { Shift::hold_expired } else { Shift::hold_released };
    let kept = hold.legs.iter().filter(|leg| leg.space != Space::default());
    let shifts = kept.map(|leg| gives_back(leg.flight_id, hold.id, leg.space)).collect();
    let event_type = if status == HoldStatus::Expired { HoldEventType::Expired } else { HoldEventType::Released };
    Stepped { before: hold.clone(), after, shifts, event_type, pay: Pay::Nothing }
}

/// Returns the hold with the members of the patch; its flights and names stay.
pub fn amended(hold: &Hold, patch: &AmendHold) -> Result<Hold, HoldError> {
    let mut after = hold.clone();
    let texts = TextsPatch {
        description: &patch.description,
        customer_reference: &patch.customer_reference,
        shipper: &patch.shipper,
        consignee: &patch.consignee,
    };
    after.texts = texts.apply(after.texts).map_err(HoldError::Invalid)?;
    after.contact = match &patch.contact {
        Patch::Keep => after.contact,
        Patch::Clear => None,
        Patch::Set(change) => Some(change.apply(after.contact.as_ref()).map_err(HoldError::Invalid)?),
    };
    let codes = patch.special_handling_codes.clone().or(Some(after.special_handling_codes));
    after.special_handling_codes = codes.unwrap_or_default();
    after.product = patch.product.clone().or(Some(after.product)).unwrap_or_else(|| GENERAL.to_owned());
    after.awb_number = patch.awb_number.clone().or(after.awb_number);
    let load = Load { space: hold.space, volume_defaulted: hold.volume_defaulted };
    let before = Freight { pieces: hold.pieces, load, dimensions: hold.dimensions.clone() };
    let changes = FreightPatch {
        pieces: patch.pieces,
        weight: patch.weight_kg,
        volume: patch.volume_m3,
        positions: patch.positions,
        dimensions: &patch.dimensions,
    };
    let Freight { pieces, mut load, dimensions } = changes.apply(&before).map_err(HoldError::Invalid)?;
    (after.pieces, after.dimensions) = (pieces, dimensions);
    if let Patch::Set(names) = &patch.position_names
        && let Some(positions) = named_positions(names)
    {
        load.space.positions = positions;
    }
    (after.space, after.volume_defaulted) = (load.space, load.volume_defaulted);
    Ok(after)
}

/// Returns the named positions after a patch. Names stay only as long as their number and their flights do.
pub fn names_after(
    hold: &Hold,
    patch: &AmendHold,
    after: &Hold,
    way: &[FlightId],
) -> Result<BTreeMap<FlightId, BTreeSet<PositionName>>, HoldError> {
    let names = match &patch.position_names {
        Patch::Keep => {
            let mut kept = hold.position_names();
            kept.retain(|flight, names| {
                way.contains(flight) && i64::try_from(names.len()) == Ok(after.space.positions.count())
            });
            return Ok(kept);
        }
        Patch::Clear => BTreeMap::new(),
        Patch::Set(names) => names.0.clone(),
    };
    if names.keys().any(|flight| !way.contains(flight)) {
        return Err(unknown_name("must name flights of the hold"));
    }
    Ok(names)
}

/// Returns what a hold gives back and takes when its freight or its flights change.
pub fn differences(hold: &Hold, way: &[FlightId], space: Space) -> Vec<Shift> {
    let mut shifts = Vec::new();
    for leg in hold.legs.iter().filter(|leg| !way.contains(&leg.flight_id)) {
        shifts.push(Shift::hold_released(leg.flight_id, hold.id, leg.space));
    }
    for flight in way {
        match hold.legs.iter().find(|leg| leg.flight_id == *flight) {
            None => shifts.push(Shift::held(*flight, hold.id, space)),
            Some(leg) if leg.space != space => {
                shifts.push(Shift::hold_amended(*flight, hold.id, space - leg.space));
            }
            Some(_) => {}
        }
    }
    shifts
}

/// Returns the fault of a position's name.
pub fn unknown_name(message: &'static str) -> HoldError {
    HoldError::Invalid(vec![("/position_names", Fault::new(FaultCode::UnknownValue, message))])
}
