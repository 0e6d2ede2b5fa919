//! The merge patch of a booking.
use loadmaster_kernel::{AwbNumber, FlightId, HandlingCode, Pieces, Positions, Volume, Weight};
use loadmaster_platform::web::{
    freight::{self, NewDimensions},
    list, object, read, request, set, with,
};
use loadmaster_reference::Reference;
use loadmaster_shipment::AmendParty;

use super::{MOST_FLIGHTS, MOST_HANDLING_CODES};

request! {
    /// Changes to a booking: a JSON merge patch (RFC 7396). Members that are left out remain unchanged; `null` clears a
    /// member.
    #[derive(Default)]
    pub struct AmendBooking in patch(reference: &Reference) {
        /// What the freight is, in your own words.
        #[schema(max_length = 2000)]
        description: Patch<String> = read::prose(read::PROSE),
        /// A reference of your own, such as the number of an order.
        #[schema(max_length = 500)]
        customer_reference: Patch<String> = read::line(read::LINE),
        shipper: Patch<AmendParty> = object(AmendParty::read),
        consignee: Patch<AmendParty> = object(AmendParty::read),
        /// IATA special handling codes of the freight, such as `PER`.
        #[schema(max_items = 9)]
        special_handling_codes: Patch<Vec<HandlingCode>> =
            set(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)),
        /// Can be changed while `BOOKED`. Its pieces, by size: bring `pieces`, `volume_m3` and, if each line has one, `weight_kg`
        /// along. Other values of these must agree with them. `null`: none.
        dimensions: Patch<NewDimensions> = with(freight::dimensions),
        /// Whether pieces that do not fit on the flights are taken all the same; for the carrier's staff only. Default: false.
        accept_oversize: Option<bool> = read::boolean,
        /// Can be changed while `BOOKED`.
        pieces: Option<Pieces> = read::pieces,
        /// Can be changed while `BOOKED`. A defaulted volume follows the weight.
        weight_kg: Option<Weight> = read::weight,
        /// Can be changed while `BOOKED`. `null`: the volume follows the weight from now on, or is that of the dimensions.
        volume_m3: Patch<Volume> = read::volume,
        /// Can be changed while `BOOKED`.
        positions: Patch<Positions> = read::positions,
        /// Can be changed while `BOOKED`.
        awb_number: Patch<AwbNumber> = read::code,
        /// One to four flights, in order, that replace all legs that have not departed. They start where the cargo is
        /// or, if it is in the air, will land.
        #[schema(max_items = 4)]
        flight_ids: Option<Vec<FlightId>> = list(MOST_FLIGHTS, read::code),
    }
}
