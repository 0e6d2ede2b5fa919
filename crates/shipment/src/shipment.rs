use loadmaster_capacity::OpenUntil;
use loadmaster_kernel::{AirportCode, AwbNumber, Dimensions, HandlingCode, Pieces};
use loadmaster_reference::Reference;

use super::{Demand, Fit, Load, Texts};

/// What is carried between two airports, and for whom: what a hold passes on to the booking that it becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub pieces: Pieces,
    pub load: Load,
    /// `None`: not given.
    pub dimensions: Option<Dimensions>,
    /// Staff accepts pieces that do not fit on its flights.
    pub accepts_oversize: bool,
    pub special_handling_codes: Vec<HandlingCode>,
    pub awb_number: Option<AwbNumber>,
    pub texts: Texts,
}

impl Shipment {
    /// Returns what it requires of flights on which it is booked anew.
    pub fn demand<'a>(&'a self, reference: &'a Reference) -> Demand<'a> {
        Demand {
            origin: self.origin,
            destination: self.destination,
            space: self.load.space,
            special_handling_codes: &self.special_handling_codes,
            inbound: None,
            fit: Fit::of(self.dimensions.as_ref().filter(|_| !self.accepts_oversize), reference),
            until: OpenUntil::Cutoff,
        }
    }
}
