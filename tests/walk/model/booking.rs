//! Bookings and their legs.
use super::{Bill, Freight, Model, Space, Time};

#[derive(Debug, Clone)]
pub struct Leg {
    pub flight: usize,
    pub origin: &'static str,
    pub destination: &'static str,
    pub departure: Time,
    pub status: &'static str,
    pub reason: Option<&'static str>,
    /// Another way is in its place.
    pub is_replaced: bool,
    pub space: Space,
}

impl Leg {
    pub fn is_in_force(&self) -> bool {
        ["BOOKED", "DEPARTED", "ARRIVED"].contains(&self.status)
    }

    /// Also of a booking that was cancelled in the air.
    pub fn takes_space(&self) -> bool {
        self.is_in_force()
    }

    pub fn has_departed(&self) -> bool {
        ["DEPARTED", "ARRIVED"].contains(&self.status)
    }
}

#[derive(Debug, Clone)]
pub struct Booking {
    pub reference: String,
    pub owner: usize,
    pub origin: &'static str,
    pub destination: &'static str,
    pub freight: Freight,
    pub legs: Vec<Leg>,
    pub status: &'static str,
    pub needs_rerouting: bool,
    pub moved_at: Option<Time>,
    /// As last seen: payments move it by themselves.
    pub version: i64,
    pub bill: Option<Bill>,
    /// By which it is rated: the product of the quote.
    pub product: Option<&'static str>,
    pub sale: Option<&'static str>,
}

impl Booking {
    pub fn legs_on(&self, flight: usize) -> impl Iterator<Item = &Leg> {
        self.legs.iter().filter(move |leg| leg.flight == flight && leg.is_in_force())
    }

    fn departed(&self) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.status == "DEPARTED")
    }

    fn arrived(&self) -> Option<&Leg> {
        self.legs.iter().rfind(|leg| leg.status == "ARRIVED")
    }

    /// Where the freight is; `None` in the air.
    pub fn place(&self) -> Option<&'static str> {
        match (self.departed(), self.arrived()) {
            (Some(_), _) => None,
            (None, Some(leg)) => Some(leg.destination),
            (None, None) => Some(self.origin),
        }
    }

    pub fn at_destination(&self) -> bool {
        self.arrived().is_some() && self.place() == Some(self.destination)
    }

    /// The leg that can leave next.
    pub fn next(&self) -> Option<usize> {
        let next = self.legs.iter().position(|leg| ["BOOKED", "DEPARTED"].contains(&leg.status));
        next.filter(|next| self.legs[*next].status == "BOOKED" && self.place() == Some(self.legs[*next].origin))
    }

    pub fn next_actions(&self) -> Vec<&'static str> {
        let departs = self.next().map(|_| "depart");
        let cancels = self.arrived().is_none().then_some("cancel");
        match self.status {
            "BOOKED" => departs.into_iter().chain(cancels).collect(),
            "DEPARTED" => std::iter::once("arrive").chain(cancels).collect(),
            "ARRIVED" if self.at_destination() => vec!["deliver"],
            "ARRIVED" => departs.into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// Whether a caller may do this now.
    pub fn allows(&self, action: &str, is_staff: bool) -> bool {
        let is_own = action == "cancel" && self.status == "BOOKED";
        self.next_actions().contains(&action) && (is_staff || is_own)
    }

    pub fn is_over(&self) -> bool {
        ["DELIVERED", "CANCELLED"].contains(&self.status)
    }

    pub fn undeparted(&self) -> impl Iterator<Item = &Leg> {
        self.legs.iter().filter(|leg| leg.status == "BOOKED")
    }

    fn moves(&mut self, status: &'static str, at: Time) {
        (self.status, self.moved_at) = (status, Some(at));
    }

    /// `at`: when it happened, if somebody says so.
    pub fn advance(&mut self, action: &str, at: Option<Time>, now: Time) {
        let at = at.unwrap_or_else(|| self.moved_at.map_or(now, |moved| moved.max(now)));
        match action {
            "depart" => {
                let next = self.next().expect("a leg to leave on");
                self.legs[next].status = "DEPARTED";
                self.moves("DEPARTED", at);
            }
            "arrive" => {
                let leg = self.legs.iter_mut().find(|leg| leg.status == "DEPARTED");
                leg.expect("a leg in the air").status = "ARRIVED";
                self.moves("ARRIVED", at);
            }
            _ => self.moves("DELIVERED", at),
        }
    }

    /// Takes the leg on a flight off; the names of positions go with it.
    pub fn lose_leg(&mut self, flight: usize, status: &'static str, reason: Option<&'static str>) {
        let legs = self.legs.iter_mut().filter(|leg| leg.flight == flight && leg.status == "BOOKED");
        for leg in legs {
            (leg.status, leg.reason) = (status, reason);
        }
        self.freight.names.remove(&flight);
        self.needs_rerouting = true;
        self.follow_loss();
    }

    pub fn cancel(&mut self) {
        for leg in self.legs.iter_mut().filter(|leg| leg.status == "BOOKED") {
            leg.status = "RELEASED";
        }
        let kept: Vec<usize> = self.legs.iter().filter(|leg| leg.is_in_force()).map(|leg| leg.flight).collect();
        self.freight.names.retain(|flight, _| kept.contains(flight));
        self.status = "CANCELLED";
        self.needs_rerouting = false;
    }
}

impl Model {
    /// Legs on these flights for this freight.
    pub fn legs(&self, way: &[usize], space: Space) -> Vec<Leg> {
        let leg = |number: &usize| {
            let flight = &self.flights[*number];
            let (origin, destination) = (flight.origin, flight.destination);
            Leg {
                flight: *number,
                origin,
                destination,
                departure: flight.departure,
                status: "BOOKED",
                reason: None,
                is_replaced: false,
                space,
            }
        };
        way.iter().map(leg).collect()
    }
}
