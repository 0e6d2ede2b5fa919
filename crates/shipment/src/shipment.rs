use loadmaster_capacity::OpenUntil;
use loadmaster_kernel::{AirportCode, AwbNumber, HandlingCode, Pieces};

use super::{Demand, Load, Texts};

/// What is carried between two airports, and for whom: what a hold passes on to the booking that it becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub pieces: Pieces,
    pub load: Load,
    pub special_handling_codes: Vec<HandlingCode>,
    pub awb_number: Option<AwbNumber>,
    pub texts: Texts,
}

impl Shipment {
    /// Returns what it requires of flights on which it is booked anew.
    pub fn demand(&self) -> Demand<'_> {
        Demand {
            origin: self.origin,
            destination: self.destination,
            space: self.load.space,
            special_handling_codes: &self.special_handling_codes,
            inbound: None,
            until: OpenUntil::Cutoff,
        }
    }
}
