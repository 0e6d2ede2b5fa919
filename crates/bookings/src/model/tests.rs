use loadmaster_kernel::{Positions, Volume, Weight};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

pub fn leg(sequence: i32, origin: &str, destination: &str, status: LegStatus) -> Leg {
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
        cutoff: None,
        carriage: None,
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
        dimensions: None,
        special_handling_codes: Vec::new(),
        awb_number: None,
        hold_id: None,
        product: None,
        bill: None,
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
            (Self::On { arrived, in_air: false }, Depart) if arrived < legs => Some(Self::On { arrived, in_air: true }),
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
    fn next_actions_are_exactly_those_that_the_model_allows(
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
