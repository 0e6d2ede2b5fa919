//! The merge patch of a booking.
use utoipa::ToSchema;

use super::{MOST_FLIGHTS, read_handling_codes};
use crate::{
    features::{
        bookings::amendment::{Amendment, FreightPatch, PartyPatch, TextsPatch},
        reference::Reference,
    },
    kernel::{AwbNumber, FlightId, HandlingCode, Pieces, Positions, Volume, Weight},
    platform::web::{Fields, read},
};

/// What is to be different about a shipment: a JSON merge patch (RFC 7396). What is left out stays, `null` clears.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes the body; Amendment is what it is read into")]
pub struct AmendBooking {
    #[schema(max_length = 2000)]
    pub description: Option<String>,
    #[schema(max_length = 500)]
    pub customer_reference: Option<String>,
    pub shipper: Option<AmendParty>,
    pub consignee: Option<AmendParty>,
    #[schema(max_items = 9)]
    pub special_handling_codes: Option<Vec<HandlingCode>>,
    /// While `BOOKED`.
    #[schema(nullable = false)]
    pub pieces: Option<Pieces>,
    /// While `BOOKED`. A volume that was never given follows.
    #[schema(nullable = false)]
    pub weight_kg: Option<Weight>,
    /// While `BOOKED`. `null`: follows the weight from now on.
    pub volume_m3: Option<Volume>,
    /// While `BOOKED`.
    pub positions: Option<Positions>,
    /// While `BOOKED`.
    pub awb_number: Option<AwbNumber>,
    /// One to four flights, in order of flying, that replace all legs that have not departed. They start where the cargo
    /// is or, in the air, will land.
    #[schema(max_items = 4, nullable = false)]
    pub flight_ids: Option<Vec<FlightId>>,
}

/// What is to be different about who ships or receives: its members merge. One that was not there needs a `name`.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes the body; PartyPatch is what it is read into")]
pub struct AmendParty {
    #[schema(max_length = 500)]
    pub name: Option<String>,
    pub account_number: Option<String>,
    pub street: Option<String>,
    pub city: Option<String>,
    pub postal_code: Option<String>,
    /// ISO 3166 alpha-2.
    pub country_code: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
}

pub(in crate::features::bookings) fn read_amendment(fields: &mut Fields<'_>, reference: &Reference) -> Amendment {
    fields.refuse_null(&["pieces", "weight_kg", "flight_ids"]);
    Amendment {
        texts: TextsPatch {
            description: fields.patch("description", read::prose(read::PROSE)),
            customer_reference: fields.patch("customer_reference", read::line(read::LINE)),
            shipper: fields
                .patch_by("shipper", |fields| fields.object("shipper", |party| Some(read_party_patch(party)))),
            consignee: fields
                .patch_by("consignee", |fields| fields.object("consignee", |party| Some(read_party_patch(party)))),
        },
        special_handling_codes: fields
            .patch_by("special_handling_codes", |fields| read_handling_codes(fields, reference)),
        freight: FreightPatch {
            pieces: fields.optional("pieces", read::pieces),
            weight: fields.optional("weight_kg", read::weight),
            volume: fields.patch("volume_m3", read::volume),
            positions: fields.patch("positions", read::positions),
            awb_number: fields.patch("awb_number", read::code),
        },
        flight_ids: fields.list("flight_ids", MOST_FLIGHTS, read::code).unwrap_or_default(),
    }
}

fn read_party_patch(fields: &mut Fields<'_>) -> PartyPatch {
    PartyPatch {
        name: fields.patch("name", read::line(read::LINE)),
        account_number: fields.patch("account_number", read::line(read::LINE)),
        street: fields.patch("street", read::line(read::LINE)),
        city: fields.patch("city", read::line(read::LINE)),
        postal_code: fields.patch("postal_code", read::line(read::LINE)),
        country_code: fields.patch("country_code", read::country),
        phone: fields.patch("phone", read::line(read::LINE)),
        email: fields.patch("email", read::email),
    }
}
