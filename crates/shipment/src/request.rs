//! What requests for space say of a shipment, whether they ask for a hold or for a booking.
use std::collections::{BTreeMap, BTreeSet};

use loadmaster_kernel::{Fault, FaultCode, FlightId, Positions};
use loadmaster_platform::web::{Fields, Raw, read, request};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::position::PositionName;

pub const MOST_FLIGHTS: usize = 4;
/// As many as an air waybill has boxes for.
pub const MOST_HANDLING_CODES: usize = 9;
const LONGEST_PRODUCT: usize = 20;

/// The product of freight for which none is named.
pub const GENERAL: &str = "GENERAL";

/// Named positions, by flight: as many on each flight that is named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = BTreeMap<uuid::Uuid, BTreeSet<PositionName>>, example = json!({"0199a0c0-6f1a-7c3e-9d52-0f4b7a1c2d3e": ["P1", "P2"]}))]
pub struct PositionNames(pub BTreeMap<FlightId, BTreeSet<PositionName>>);

request! {
    /// The person to be told about a shipment.
    pub struct NewContact in body {
        /// Name of the person.
        name: Option<String> = read::line(read::LINE),
        /// E-mail address.
        email: String = read::email,
        /// Phone number with the country code, as people write it: `+44 (0)20 7946 0123` is kept as `+442079460123`,
        /// without what is dialled within the country only.
        #[schema(max_length = 40, pattern = r"^\+[ .()/~-]*[1-9]([ .()/~-]*[0-9]){6,16}[ .()/~-]*$",
                 example = "+442079460123")]
        phone: Option<String> = read::phone,
    }
}

/// Reads the member `product`.
pub fn read_product(raw: Raw<'_>) -> Result<String, Fault> {
    let product = read::line(LONGEST_PRODUCT)(raw)?.to_ascii_uppercase();
    if product.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        Ok(product)
    } else {
        Err(Fault::format("must consist of letters, digits and hyphens"))
    }
}

/// Reads the member `position_names`.
pub fn read_position_names(fields: &mut Fields<'_>) -> Option<PositionNames> {
    fields.optional("position_names", read_names)
}

/// Reads named positions: at least one on each flight that is named, and as many on each.
fn read_names(raw: Raw<'_>) -> Result<PositionNames, Fault> {
    let wrong =
        || Fault::new(FaultCode::WrongType, "must be an object with an array of position names for each flight");
    let Raw::Json(Value::Object(flights)) = raw else { return Err(wrong()) };
    if flights.len() > MOST_FLIGHTS {
        return Err(Fault::new(FaultCode::TooLong, format!("must have at most {MOST_FLIGHTS} flights")));
    }
    let mut by_flight = BTreeMap::new();
    for (flight, names) in flights {
        let flight = flight.parse().map_err(|_| Fault::format("must name its flights by their ids"))?;
        let Value::Array(names) = names else { return Err(wrong()) };
        let mut own = BTreeSet::<PositionName>::new();
        for name in names {
            let Value::String(name) = name else { return Err(wrong()) };
            if !own.insert(name.parse()?) {
                return Err(Fault::format("names a position twice"));
            }
        }
        if !own.is_empty() {
            by_flight.insert(flight, own);
        }
    }
    let mut counts = by_flight.values().map(BTreeSet::len);
    let first = counts.next();
    if counts.any(|count| Some(count) != first) {
        return Err(Fault::format("must name as many positions on each flight"));
    }
    Ok(PositionNames(by_flight))
}

/// Returns the number of positions that names imply; `None` without names.
pub fn named_positions(names: &PositionNames) -> Option<Positions> {
    let count = names.0.values().next()?.len();
    Some(Positions::new(i64::try_from(count).unwrap_or(i64::MAX)))
}
