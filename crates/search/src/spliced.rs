//! JSON serialized in advance except for some members, and those members. The output here must equal, to the byte, that
//! of `serde` for the types of `dto`: they are the contract.
use chrono::{DateTime, Utc};
use loadmaster_capacity::{FlightCapacity, Space};
use loadmaster_flights::FlightBody;
use loadmaster_pricing::{Estimate, Product};
use loadmaster_reference::Emissions;

use super::{
    dto::{RouteOption, RoutePrice},
    model::Reason,
};

/// The text before and after the inserted members.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Halves {
    pub before: Box<[u8]>,
    pub after: Box<[u8]>,
}

impl Halves {
    /// Serializes a flight: `available` and `utilization_percent` are inserted; the closing brace is left out.
    pub fn of_flight(flight: &FlightBody) -> Option<Self> {
        let text = serde_json::to_string(flight).ok()?;
        let (before, rest) = text.split_once(r#","available":"#)?;
        let (_, after) = rest.split_once(r#","version":"#)?;
        let after = after.strip_suffix('}')?;
        Some(Self::new(&[before, r#","available":"#], &[r#","version":"#, after]))
    }

    /// Serializes an option without flights: the flights are inserted, and after them `available` and the members
    /// behind it.
    pub fn of_option(option: &RouteOption) -> Option<Self> {
        let text = serde_json::to_string(option).ok()?;
        let (before, rest) = text.split_once(r#""flights":[]"#)?;
        let (after, _) = rest.split_once(r#","available":"#)?;
        Some(Self::new(&[before, r#""flights":["#], &["]", after, r#","available":"#]))
    }

    /// Takes as much memory as the texts are long: the allocator leaves a block that shrinks by less than half as it is.
    fn new(before: &[&str], after: &[&str]) -> Self {
        Self { before: before.concat().into_bytes().into(), after: after.concat().into_bytes().into() }
    }
}

/// Writes the value of a flight's `available`, and `utilization_percent`.
pub(super) fn write_live(out: &mut Vec<u8>, space: &FlightCapacity) {
    write_available(out, space.available());
    out.extend_from_slice(br#","utilization_percent":"#);
    // One decimal, at most 1000: exact.
    #[allow(clippy::cast_possible_truncation, reason = "at most 10 000")]
    write_scaled(out, (space.utilization_percent() * 10.0).round() as i64, 1);
}

pub(super) fn write_available(out: &mut Vec<u8>, space: Space) {
    let [hectograms, litres, positions] = space.figures();
    out.extend_from_slice(br#"{"weight_kg":"#);
    write_scaled(out, hectograms, 1);
    out.extend_from_slice(br#","volume_m3":"#);
    write_scaled(out, litres, 3);
    out.extend_from_slice(br#","positions":"#);
    write_scaled(out, positions, 0);
    out.push(b'}');
}

/// Writes `bookable` and `reasons`.
pub(super) fn write_reasons(out: &mut Vec<u8>, reasons: &[Reason]) {
    if reasons.is_empty() {
        out.extend_from_slice(br#","bookable":true,"reasons":[]"#);
        return;
    }
    out.extend_from_slice(br#","bookable":false,"reasons":["#);
    for (number, reason) in reasons.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(reason.as_str().as_bytes());
        out.push(b'"');
    }
    out.push(b']');
}

/// Writes `too_large`, if it is a reason.
pub(super) fn write_too_large(out: &mut Vec<u8>, text: Option<&str>) {
    let Some(text) = text else { return };
    out.extend_from_slice(br#","too_large":"#);
    // Nothing that writes to memory fails.
    if serde_json::to_writer(&mut *out, text).is_err() {
        out.extend_from_slice(b"null");
    }
}

/// Writes `latest_acceptance_datetime`.
pub(super) fn write_latest_acceptance(out: &mut Vec<u8>, latest: Option<DateTime<Utc>>) {
    out.extend_from_slice(br#","latest_acceptance_datetime":"#);
    match latest {
        // Nothing that writes to memory fails.
        Some(latest) if serde_json::to_writer(&mut *out, &latest).is_ok() => {}
        _ => out.extend_from_slice(b"null"),
    }
}

/// Writes `emissions`.
pub(super) fn write_emissions(out: &mut Vec<u8>, emissions: Option<&Emissions>) {
    out.extend_from_slice(br#","emissions":"#);
    match emissions {
        // Nothing that writes to memory fails.
        Some(emissions) if serde_json::to_writer(&mut *out, emissions).is_ok() => {}
        _ => out.extend_from_slice(b"null"),
    }
}

/// Writes `price`.
pub(super) fn write_price(out: &mut Vec<u8>, price: Option<Estimate>) {
    out.extend_from_slice(br#","price":"#);
    // Nothing that writes to memory fails.
    if serde_json::to_writer(&mut *out, &price.map(RoutePrice::from)).is_err() {
        out.extend_from_slice(b"null");
    }
}

/// Writes `products`.
pub(super) fn write_products(out: &mut Vec<u8>, products: &[Product]) {
    out.extend_from_slice(br#","products":"#);
    if serde_json::to_writer(&mut *out, products).is_err() {
        out.extend_from_slice(b"[]");
    }
}

/// Writes a number of units of 10^-`places`, in its shortest form.
fn write_scaled(out: &mut Vec<u8>, units: i64, places: usize) {
    if units < 0 {
        out.push(b'-');
    }
    let (mut rest, mut digits, mut at) = (units.unsigned_abs(), [b'0'; 24], 24);
    let mut written = 0;
    while rest > 0 || written <= places {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        written += 1;
    }
    let (whole, fraction) = digits[at..].split_at(written - places);
    out.extend_from_slice(whole);
    let kept = fraction.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
    if kept > 0 {
        out.push(b'.');
        out.extend_from_slice(&fraction[..kept]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use loadmaster_kernel::{Positions, Volume, Weight};

    fn scaled(units: i64, places: usize) -> String {
        let mut out = Vec::new();
        write_scaled(&mut out, units, places);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_as_short_as_they_are() {
        let cases =
            [(0, 1, "0"), (5, 1, "0.5"), (5000, 1, "500"), (5005, 1, "500.5"), (1, 3, "0.001"), (1010, 3, "1.01")];
        for (units, places, text) in cases {
            assert_eq!(scaled(units, places), text);
        }
        assert_eq!((scaled(-15, 1), scaled(7, 0)), ("-1.5".to_owned(), "7".to_owned()));
    }

    proptest! {
        #[test]
        fn space_is_written_as_serde_writes_it(
            weight in -1_000_000_i64..10_000_000_000,
            volume in -1_000_000_i64..10_000_000_000_000,
            positions in -9_i64..100_000,
        ) {
            let space = Space {
                weight: Weight::from_hectograms(weight),
                volume: Volume::from_litres(volume),
                positions: Positions::new(positions),
            };
            let mut out = Vec::new();
            write_available(&mut out, space);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&space).unwrap());
        }
    }
}
