use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    features::{accounts::Role, capacity::Space},
    kernel::{
        AirportCode, AwbNumber, BookingId, BookingRef, FlightId, FlightNumber, HandlingCode, LegId, OrganizationId,
        Pieces, UserId, words,
    },
};

words! {
    /// Where a shipment is in its life. These five for ever.
    pub enum BookingStatus {
        Booked = "BOOKED",
        Departed = "DEPARTED",
        Arrived = "ARRIVED",
        Delivered = "DELIVERED",
        Cancelled = "CANCELLED",
    }
}

words! {
    /// Where one leg is in its life. The first three are in force.
    pub enum LegStatus {
        Booked = "BOOKED",
        Departed = "DEPARTED",
        Arrived = "ARRIVED",
        /// Left behind by its flight.
        Offloaded = "OFFLOADED",
        /// The booking was cancelled.
        Released = "RELEASED",
        /// The flight was cancelled.
        Cancelled = "CANCELLED",
        /// Rerouted.
        Replaced = "REPLACED",
    }
}

impl LegStatus {
    pub const fn is_in_force(self) -> bool {
        matches!(self, Self::Booked | Self::Departed | Self::Arrived)
    }
}

words! {
    /// What can be done with a shipment.
    pub enum Action {
        Depart = "depart",
        Arrive = "arrive",
        Deliver = "deliver",
        Cancel = "cancel",
    }
}

/// One flight of a shipment's journey, with the times it was booked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    pub id: LegId,
    pub sequence: i32,
    pub flight_id: FlightId,
    pub flight_number: FlightNumber,
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub departure: DateTime<Utc>,
    pub arrival: DateTime<Utc>,
    pub status: LegStatus,
    pub offload_reason: Option<String>,
    /// IATA space allocation code; `KK` is confirmed.
    pub space_code: String,
    pub pieces: Pieces,
    pub space: Space,
}

/// Who ships or receives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Party {
    pub name: String,
    pub account_number: Option<String>,
    pub street: Option<String>,
    pub city: Option<String>,
    pub postal_code: Option<String>,
    /// ISO 3166 alpha-2.
    pub country_code: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
}

/// Free text and personal data: the part that erasure may blank.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    pub description: Option<String>,
    pub customer_reference: Option<String>,
    pub shipper: Option<Party>,
    pub consignee: Option<Party>,
}

/// A shipment as the book of record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    pub id: BookingId,
    pub ref_id: BookingRef,
    pub organization_id: OrganizationId,
    pub created_by: UserId,
    pub status: BookingStatus,
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub pieces: Pieces,
    pub space: Space,
    /// The volume was never given: it follows the weight.
    pub volume_defaulted: bool,
    pub special_handling_codes: Vec<HandlingCode>,
    pub awb_number: Option<AwbNumber>,
    pub needs_rerouting: bool,
    /// The number of its last event.
    pub event_sequence: i32,
    /// When the last movement happened; being booked is none.
    pub moved_at: Option<DateTime<Utc>>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub texts: Texts,
    /// By sequence; also those no longer in force.
    pub legs: Vec<Leg>,
}

impl Booking {
    pub fn legs_in_force(&self) -> impl Iterator<Item = &Leg> {
        self.legs.iter().filter(|leg| leg.status.is_in_force())
    }

    /// The leg that can depart next: all in force before it have arrived, and the cargo is where it leaves.
    pub fn next_leg(&self) -> Option<&Leg> {
        let next = self.legs_in_force().find(|leg| leg.status != LegStatus::Arrived);
        next.filter(|leg| leg.status == LegStatus::Booked && self.current_airport() == Some(leg.origin))
    }

    /// The leg in the air.
    pub fn departed_leg(&self) -> Option<&Leg> {
        self.legs_in_force().find(|leg| leg.status == LegStatus::Departed)
    }

    /// The leg that landed last.
    pub fn arrived_leg(&self) -> Option<&Leg> {
        self.legs_in_force().filter(|leg| leg.status == LegStatus::Arrived).last()
    }

    /// Where the cargo is; `None` in the air.
    pub fn current_airport(&self) -> Option<AirportCode> {
        match (self.departed_leg(), self.arrived_leg()) {
            (Some(_), _) => None,
            (None, Some(leg)) => Some(leg.destination),
            (None, None) => Some(self.origin),
        }
    }

    /// The cargo has come to where it was booked to.
    pub fn at_destination(&self) -> bool {
        self.arrived_leg().is_some() && self.current_airport() == Some(self.destination)
    }

    /// What can follow, whoever asks.
    pub fn next_actions(&self) -> Vec<Action> {
        let departs = self.next_leg().map(|_| Action::Depart);
        let cancels = self.arrived_leg().is_none().then_some(Action::Cancel);
        match self.status {
            BookingStatus::Booked => departs.into_iter().chain(cancels).collect(),
            BookingStatus::Departed => std::iter::once(Action::Arrive).chain(cancels).collect(),
            BookingStatus::Arrived if self.at_destination() => vec![Action::Deliver],
            BookingStatus::Arrived => departs.into_iter().collect(),
            BookingStatus::Delivered | BookingStatus::Cancelled => Vec::new(),
        }
    }

    /// What of that a caller of this role may do: customers may only cancel, and only before anything has departed.
    pub fn allowed(&self, role: Role) -> Vec<Action> {
        let mut actions = self.next_actions();
        if role < Role::Operator {
            actions.retain(|action| *action == Action::Cancel && self.status == BookingStatus::Booked);
        }
        actions
    }

    /// The leg an action is about, if the booking has one.
    pub fn leg_of(&self, action: Action) -> Option<&Leg> {
        match action {
            Action::Depart => self.next_leg(),
            Action::Arrive => self.departed_leg(),
            Action::Deliver => self.arrived_leg(),
            Action::Cancel => None,
        }
    }

    /// Whose flights must be locked before the booking for this action: departing asks whether the flight still goes,
    /// cancelling gives its room back.
    pub fn flights_to_lock(&self, action: Action) -> Vec<FlightId> {
        let mut flights: Vec<FlightId> = match action {
            Action::Depart => self.next_leg().map(|leg| leg.flight_id).into_iter().collect(),
            Action::Cancel => self.undeparted_legs().map(|leg| leg.flight_id).collect(),
            Action::Arrive | Action::Deliver => Vec::new(),
        };
        flights.sort_unstable();
        flights.dedup();
        flights
    }

    /// Legs that hold room on a flight which has not taken the cargo.
    pub fn undeparted_legs(&self) -> impl Iterator<Item = &Leg> {
        self.legs.iter().filter(|leg| leg.status == LegStatus::Booked)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::kernel::{Positions, Volume, Weight};

    fn leg(sequence: i32, origin: &str, destination: &str, status: LegStatus) -> Leg {
        Leg {
            id: Uuid::from_u128(u128::try_from(sequence).unwrap()).into(),
            sequence,
            flight_id: Uuid::from_u128(100 + u128::try_from(sequence).unwrap()).into(),
            flight_number: "AI101".parse().unwrap(),
            origin: origin.parse().unwrap(),
            destination: destination.parse().unwrap(),
            departure: DateTime::UNIX_EPOCH,
            arrival: DateTime::UNIX_EPOCH,
            status,
            offload_reason: None,
            space_code: "KK".to_owned(),
            pieces: Pieces::from_count("1").unwrap(),
            space: Space::default(),
        }
    }

    pub fn booking(status: BookingStatus, legs: Vec<Leg>) -> Booking {
        Booking {
            id: Uuid::nil().into(),
            ref_id: "ACB123456789".parse().unwrap(),
            organization_id: Uuid::nil().into(),
            created_by: Uuid::nil().into(),
            status,
            origin: "DEL".parse().unwrap(),
            destination: "LHR".parse().unwrap(),
            pieces: Pieces::from_count("1").unwrap(),
            space: Space {
                weight: Weight::from_hectograms(10),
                volume: Volume::from_litres(6),
                positions: Positions::ZERO,
            },
            volume_defaulted: true,
            special_handling_codes: Vec::new(),
            awb_number: None,
            needs_rerouting: false,
            event_sequence: 1,
            moved_at: None,
            version: 1,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            texts: Texts::default(),
            legs,
        }
    }

    fn at(text: &str) -> AirportCode {
        text.parse().unwrap()
    }

    use Action::{Arrive, Cancel, Deliver, Depart};
    use LegStatus as L;

    #[test]
    fn a_two_leg_journey_offers_the_right_step_at_each_point() {
        let legs = |one, two| vec![leg(1, "DEL", "BOM", one), leg(2, "BOM", "LHR", two)];
        let steps = [
            (BookingStatus::Booked, L::Booked, L::Booked, vec![Depart, Cancel], Some(at("DEL")), false),
            (BookingStatus::Departed, L::Departed, L::Booked, vec![Arrive, Cancel], None, false),
            (BookingStatus::Arrived, L::Arrived, L::Booked, vec![Depart], Some(at("BOM")), false),
            (BookingStatus::Departed, L::Arrived, L::Departed, vec![Arrive], None, false),
            (BookingStatus::Arrived, L::Arrived, L::Arrived, vec![Deliver], Some(at("LHR")), true),
            (BookingStatus::Delivered, L::Arrived, L::Arrived, vec![], Some(at("LHR")), true),
            (BookingStatus::Cancelled, L::Released, L::Released, vec![], Some(at("DEL")), false),
            (BookingStatus::Cancelled, L::Departed, L::Released, vec![], None, false),
        ];
        for (status, one, two, actions, airport, there) in steps {
            let booking = booking(status, legs(one, two));
            assert_eq!(booking.next_actions(), actions, "{status:?} {one:?} {two:?}");
            assert_eq!(booking.current_airport(), airport, "{status:?} {one:?} {two:?}");
            assert_eq!(booking.at_destination(), there, "{status:?} {one:?} {two:?}");
        }
    }

    #[test]
    fn cargo_without_an_onward_leg_waits_and_a_booking_without_a_leg_can_only_be_cancelled() {
        let stranded =
            booking(BookingStatus::Arrived, vec![leg(1, "DEL", "BOM", L::Arrived), leg(2, "BOM", "LHR", L::Cancelled)]);
        assert_eq!(stranded.next_actions(), vec![]);
        let flightless = booking(BookingStatus::Booked, vec![leg(1, "DEL", "LHR", L::Cancelled)]);
        assert_eq!(flightless.next_actions(), vec![Cancel]);
    }

    #[test]
    fn customers_may_only_cancel_and_only_before_departure() {
        let booked = booking(BookingStatus::Booked, vec![leg(1, "DEL", "LHR", L::Booked)]);
        assert_eq!(booked.allowed(Role::Customer), vec![Cancel]);
        assert_eq!(booked.allowed(Role::Operator), vec![Depart, Cancel]);
        let departed = booking(BookingStatus::Departed, vec![leg(1, "DEL", "LHR", L::Departed)]);
        assert_eq!(departed.allowed(Role::Customer), vec![]);
        assert_eq!(departed.allowed(Role::Admin), vec![Arrive, Cancel]);
    }

    /// A model of one shipment in a few lines: how many legs have arrived, and whether one is in the air.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Model {
        On { arrived: usize, in_air: bool },
        Delivered,
        Cancelled,
    }

    impl Model {
        fn step(self, action: Action, legs: usize) -> Option<Self> {
            match (self, action) {
                (Self::On { arrived, in_air: false }, Depart) if arrived < legs => {
                    Some(Self::On { arrived, in_air: true })
                }
                (Self::On { arrived, in_air: true }, Arrive) => Some(Self::On { arrived: arrived + 1, in_air: false }),
                (Self::On { arrived, in_air: false }, Deliver) if arrived == legs => Some(Self::Delivered),
                (Self::On { arrived: 0, .. }, Cancel) => Some(Self::Cancelled),
                _ => None,
            }
        }
    }

    fn build(model: Model, legs: usize, before: Model) -> Booking {
        let shown = if model == Model::Delivered || model == Model::Cancelled { before } else { model };
        let Model::On { arrived, in_air } = shown else { unreachable!() };
        let stops = ["DEL", "BOM", "DXB", "FRA", "LHR"];
        let stop = |index: usize| if index == legs { "LHR" } else { stops[index] };
        let built = (0..legs).map(|index| {
            let status = match index {
                _ if index < arrived => L::Arrived,
                _ if index == arrived && in_air => L::Departed,
                _ if model == Model::Cancelled => L::Released,
                _ => L::Booked,
            };
            leg(i32::try_from(index).unwrap() + 1, stop(index), stop(index + 1), status)
        });
        let status = match model {
            Model::Delivered => BookingStatus::Delivered,
            Model::Cancelled => BookingStatus::Cancelled,
            Model::On { in_air: true, .. } => BookingStatus::Departed,
            Model::On { arrived: 0, .. } => BookingStatus::Booked,
            Model::On { .. } => BookingStatus::Arrived,
        };
        booking(status, built.collect())
    }

    proptest! {
        #[test]
        fn what_is_offered_is_exactly_what_the_model_allows(
            legs in 1usize..=4,
            tries in proptest::collection::vec(proptest::sample::select(vec![Depart, Arrive, Deliver, Cancel]), 0..20),
        ) {
            let mut model = Model::On { arrived: 0, in_air: false };
            let mut before = model;
            for action in tries {
                let offered = build(model, legs, before).next_actions();
                for any in [Depart, Arrive, Deliver, Cancel] {
                    prop_assert_eq!(offered.contains(&any), model.step(any, legs).is_some(), "{:?} in {:?}", any, model);
                }
                if let Some(next) = model.step(action, legs) {
                    before = model;
                    model = next;
                }
            }
        }
    }
}
