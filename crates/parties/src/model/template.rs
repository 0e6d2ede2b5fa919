use loadmaster_kernel::{AirportCode, Dimensions, HandlingCode, Pieces, Volume, Weight};
use loadmaster_shipment::Party;

/// Members of a booking that an organization makes again and again. All but the name may be left open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Unique within the organization, regardless of case.
    pub name: String,
    pub origin: Option<AirportCode>,
    pub destination: Option<AirportCode>,
    pub pieces: Option<Pieces>,
    pub weight: Option<Weight>,
    pub volume: Option<Volume>,
    /// They agree with pieces, weight and volume.
    pub dimensions: Option<Dimensions>,
    pub product: Option<String>,
    pub special_handling_codes: Vec<HandlingCode>,
    pub description: Option<String>,
    pub shipper: Option<Party>,
    pub consignee: Option<Party>,
}
