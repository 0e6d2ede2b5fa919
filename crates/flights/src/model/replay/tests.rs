use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::*;

const BOOKED: LedgerSum =
    LedgerSum { entries: 7, booked: Space::from_columns(100, 200, 3), held: Space::from_columns(10, 20, 1) };

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
}

fn flight() -> Flight {
    let id = FlightId::from(Uuid::from_u128(1));
    Flight {
        id,
        number: "AI101".parse().unwrap(),
        origin: "DEL".parse().unwrap(),
        destination: "LHR".parse().unwrap(),
        departure: at(600),
        arrival: at(1200),
        scheduled_departure: at(600),
        scheduled_arrival: at(1200),
        scheduled_date: at(600).date_naive(),
        actual_departure: None,
        actual_arrival: None,
        aircraft: Some("77X".parse().unwrap()),
        is_freighter: true,
        also_sold_as: None,
        created_at: at(0),
        updated_at: at(0),
        space: FlightCapacity::opened(id, Space::from_columns(1000, 1000, 10), at(540)),
    }
}

type Step = (FlightEventType, fn(&mut Flight));

/// Builds a flight and its events.
fn story(steps: &[Step]) -> (Flight, Vec<PastEvent>) {
    let mut now = flight();
    let mut events = vec![event(FlightEventType::Created, &now)];
    for (event_type, step) in steps {
        step(&mut now);
        now.space.version += 1;
        now.updated_at = at(i64::from(now.space.version));
        events.push(event(*event_type, &now));
    }
    (now.space.booked, now.space.held, now.space.ledger_seq) = (BOOKED.booked, BOOKED.held, BOOKED.entries);
    (now, events)
}

fn event(event_type: FlightEventType, now: &Flight) -> PastEvent {
    let data = serde_json::to_value(FlightData::from(now)).unwrap();
    PastEvent { sequence: now.space.version, event_type, data, created_at: now.updated_at }
}

fn depart(flight: &mut Flight) {
    (flight.space.status, flight.actual_departure) = (FlightStatus::Departed, Some(at(601)));
}

fn arrive(flight: &mut Flight) {
    (flight.space.status, flight.actual_arrival) = (FlightStatus::Arrived, Some(at(1201)));
}

fn retime(flight: &mut Flight) {
    (flight.departure, flight.space.cutoff, flight.aircraft) = (at(660), at(600), None);
    flight.space = flight.space.with_capacity(Space::from_columns(900, 1000, 10), flight.space.overbooking);
}

fn cancel(flight: &mut Flight) {
    flight.space.status = FlightStatus::Cancelled;
}

use FlightEventType::{Arrived, Cancelled, Changed, Departed};

#[test]
fn a_flight_is_rebuilt_as_it_is() {
    let (now, events) = story(&[(Changed, retime), (Departed, depart), (Changed, |_| {}), (Arrived, arrive)]);
    let (rebuilt, wrong) = replay(now.id, &events, BOOKED);
    assert_eq!(wrong, []);
    let rebuilt = rebuilt.unwrap();
    assert_eq!((rebuilt.flight, rebuilt.airline_code.as_str(), rebuilt.cancelled_at), (now, "AI", None));

    let (now, events) = story(&[(Cancelled, cancel)]);
    let (rebuilt, wrong) = replay(now.id, &events, BOOKED);
    assert_eq!(wrong, []);
    assert_eq!(rebuilt.map(|rebuilt| (rebuilt.flight, rebuilt.cancelled_at)), Some((now, Some(at(2)))));
}

fn overbook(flight: &mut Flight) {
    let overbooking = Overbooking { weight_percent: 10, volume_percent: 5, positions_percent: 0 };
    flight.space = flight.space.with_capacity(flight.space.physical, overbooking);
}

#[test]
fn overbooking_is_rebuilt_also_around_events_of_a_version_without_it() {
    let (now, events) = story(&[(Changed, overbook), (Changed, retime), (Departed, depart)]);
    assert_eq!(now.space.capacity, Space::from_columns(990, 1050, 10));
    assert_eq!(replay(now.id, &events, BOOKED), (Some(replayed(&now)), vec![]));

    // That version retimes the flight, and sets one figure of what it carries.
    let (mut now, mut events) = story(&[
        (Changed, overbook),
        (Changed, |flight| {
            (flight.departure, flight.space.cutoff) = (at(660), at(600));
            flight.space.capacity = Space::from_columns(800, 1050, 10);
        }),
    ]);
    let data = events[2].data.as_object_mut().unwrap();
    for member in ["overbooking", "physical_weight_hg", "physical_volume_l", "physical_positions"] {
        data.remove(member).unwrap();
    }
    now.space.physical = Space::from_columns(800, 1000, 10);
    now.space.overbooking.weight_percent = 0;
    assert_eq!(replay(now.id, &events, BOOKED), (Some(replayed(&now)), vec![]));
}

fn sell(flight: &mut Flight) {
    flight.also_sold_as = Some(vec!["SQ401".parse().unwrap()]);
}

#[test]
fn other_numbers_are_rebuilt_also_around_events_of_a_version_without_them() {
    let end = |flight: &mut Flight| flight.also_sold_as = Some(Vec::new());
    let stories: [&[Step]; 2] = [&[(Changed, sell)], &[(Changed, sell), (Changed, retime), (Changed, end)]];
    for steps in stories {
        let (now, events) = story(steps);
        assert_eq!(replay(now.id, &events, BOOKED), (Some(replayed(&now)), vec![]));
    }
    assert!(event(FlightEventType::Created, &flight()).data.get("also_sold_as").is_none());

    // That version retimes the flight.
    let (now, mut events) = story(&[(Changed, sell), (Changed, retime)]);
    events[2].data.as_object_mut().unwrap().remove("also_sold_as").unwrap();
    assert_eq!(replay(now.id, &events, BOOKED), (Some(replayed(&now)), vec![]));
}

fn replayed(now: &Flight) -> RebuiltFlight {
    RebuiltFlight { flight: now.clone(), airline_code: "AI".to_owned(), cancelled_at: None }
}

#[test]
fn steps_that_cannot_follow_are_reported() {
    let wrong = |steps: &[Step]| {
        let (now, events) = story(steps);
        replay(now.id, &events, BOOKED).1.into_iter().map(|(sequence, _)| sequence).collect::<Vec<_>>()
    };
    assert_eq!(wrong(&[(Arrived, arrive)]), [2]);
    assert_eq!(wrong(&[(Departed, depart), (Cancelled, cancel)]), [3]);
    assert_eq!(wrong(&[(Cancelled, cancel), (Changed, retime)]), [3]);
    assert_eq!(wrong(&[(Departed, |_| {})]), [2]);
    assert_eq!(wrong(&[(FlightEventType::Created, |_| {})]), [2]);
}

#[test]
fn gaps_and_data_that_cannot_be_read_are_reported() {
    let (now, mut events) = story(&[(Changed, retime), (Departed, depart)]);
    events.remove(1);
    assert_eq!(replay(now.id, &events, BOOKED), (None, vec![(3, "expected event 2 here".to_owned())]));

    let spoil: [fn(&mut PastEvent); 3] =
        [|e| e.data["version"] = json!(2), |e| e.data["colour"] = json!("red"), |e| e.data["origin"] = json!("??")];
    for spoil in spoil {
        let (now, mut events) = story(&[(Changed, retime)]);
        spoil(&mut events[1]);
        let (rebuilt, wrong) = replay(now.id, &events, BOOKED);
        assert!(rebuilt.is_none() && wrong.len() == 1, "{wrong:?}");
    }
}
