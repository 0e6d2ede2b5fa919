use std::collections::BTreeMap;

use chrono::TimeDelta;
use loadmaster_capacity::Space;
use serde_json::json;
use uuid::Uuid;

use super::*;

use crate::model::{
    LegStatus, OffloadReason, changed_data,
    tests::{booking, leg},
    whole_data,
};

/// A booking and the events of its changes.
struct Story {
    now: Booking,
    recorded: Booking,
    events: Vec<PastEvent>,
}

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
}

impl Story {
    fn begin() -> Self {
        let mut now = booking(
            BookingStatus::Booked,
            vec![leg(1, "DEL", "BOM", LegStatus::Booked), leg(2, "BOM", "LHR", LegStatus::Booked)],
        );
        for leg in &mut now.legs {
            leg.space = now.space;
        }
        let mut story = Self { recorded: now.clone(), now, events: Vec::new() };
        let data = whole_data(&story.now);
        story.push(EventType::Booked, data);
        story
    }

    fn push(&mut self, event_type: EventType, data: Value) {
        let sequence = i32::try_from(self.events.len()).unwrap() + 1;
        let when = at(i64::from(sequence) - 1);
        self.events.push(PastEvent {
            id: Uuid::from_u128(sequence.unsigned_abs().into()).into(),
            sequence,
            event_type,
            status: self.now.status,
            data_version: DATA_VERSION,
            data,
            occurred_at: when,
            created_at: when,
        });
        (self.now.version, self.now.event_sequence, self.now.updated_at) = (sequence, sequence, when);
        if event_type.is_movement() {
            self.now.moved_at = Some(when);
        }
        self.recorded = self.now.clone();
    }

    fn then(mut self, event_type: EventType, change: impl Fn(&mut Booking)) -> Self {
        change(&mut self.now);
        let data = changed_data(&self.recorded, &self.now);
        self.push(event_type, data);
        self
    }

    fn depart(self, number: usize) -> Self {
        self.then(EventType::Departed, |now| {
            (now.status, now.legs[number].status) = (BookingStatus::Departed, LegStatus::Departed);
        })
    }

    fn arrive(self, number: usize) -> Self {
        self.then(EventType::Arrived, |now| {
            (now.status, now.legs[number].status) = (BookingStatus::Arrived, LegStatus::Arrived);
        })
    }

    fn deliver(self) -> Self {
        self.then(EventType::Delivered, |now| now.status = BookingStatus::Delivered)
    }

    /// Takes the last step back, to the booking as it was before: `Story::now` of then.
    fn correct(mut self, before: &Booking, change: impl Fn(&mut Value)) -> Self {
        let last = self.events.last().unwrap();
        let step = Correction { event_id: last.id, sequence: last.sequence, status: last.status };
        (self.now.status, self.now.moved_at) = (before.status, before.moved_at);
        self.now.needs_rerouting = before.needs_rerouting;
        self.now.legs.clone_from(&before.legs);
        let mut data = changed_data(&self.recorded, &self.now);
        data[Correction::MEMBER] = json!(step);
        change(&mut data);
        self.push(EventType::Corrected, data);
        self
    }

    fn replay(&self) -> Replay {
        Replay::of(self.now.id, &self.events)
    }

    /// Returns the contradicted rules by the number of the event.
    fn broken(&self) -> BTreeMap<i32, Vec<Rule>> {
        let mut broken = BTreeMap::<_, Vec<_>>::new();
        for contradiction in self.replay().contradictions {
            broken.entry(contradiction.sequence).or_default().push(contradiction.rule);
        }
        broken
    }
}

fn steps(sequence: i32) -> BTreeMap<i32, Vec<Rule>> {
    BTreeMap::from([(sequence, vec![Rule::Steps])])
}

fn legs(sequence: i32) -> BTreeMap<i32, Vec<Rule>> {
    BTreeMap::from([(sequence, vec![Rule::AllLegs])])
}

fn whole_journey() -> Story {
    Story::begin().depart(0).arrive(0).depart(1).arrive(1).deliver()
}

#[test]
fn a_journey_is_rebuilt_as_it_is() {
    let story = whole_journey();
    let replay = story.replay();
    assert_eq!(replay.contradictions, []);
    assert_eq!(replay.booking, Some(story.now));
}

#[test]
fn members_that_change_vanish_or_come_are_rebuilt() {
    let story = Story::begin()
        .then(EventType::Amended, |now| {
            now.awb_number = Some("020-12345675".parse().unwrap());
            now.special_handling_codes = vec!["PER".parse().unwrap()];
            now.space = Space::from_columns(20, 13, 1);
            let space = now.space;
            now.legs.iter_mut().for_each(|leg| leg.space = space);
        })
        .then(EventType::Amended, |now| (now.awb_number, now.volume_defaulted) = (None, false))
        .then(EventType::Offloaded, |now| {
            now.legs[1].status = LegStatus::Offloaded;
            now.legs[1].offload_reason = Some(OffloadReason::NoShow);
            now.needs_rerouting = true;
        })
        .then(EventType::Rerouted, |now| {
            now.legs[0].status = LegStatus::Replaced;
            let mut new = leg(1, "DEL", "LHR", LegStatus::Booked);
            (new.id, new.space) = (Uuid::from_u128(77).into(), now.space);
            now.legs.insert(1, new);
            now.needs_rerouting = false;
        })
        .then(EventType::FlightRetimed, |now| now.legs[1].departure = at(500));
    let replay = story.replay();
    assert_eq!(replay.contradictions, []);
    assert_eq!(replay.booking, Some(story.now));
}

#[test]
fn a_missing_event_is_reported_where_it_is_missing() {
    let mut story = whole_journey();
    story.events.remove(3);
    assert!(story.broken()[&5].contains(&Rule::Steps));
    let mut story = whole_journey();
    story.events.remove(0);
    assert_eq!(story.broken(), BTreeMap::from([(2, vec![Rule::Steps, Rule::Steps])]));
    assert!(story.replay().booking.is_none());
}

#[test]
fn a_step_must_be_one_that_could_follow() {
    assert_eq!(Story::begin().arrive(0).broken(), steps(2));
    assert_eq!(Story::begin().deliver().broken(), steps(2));
    assert_eq!(Story::begin().depart(0).depart(0).broken(), steps(3));
    let cancel = |now: &mut Booking| {
        now.status = BookingStatus::Cancelled;
        now.legs
            .iter_mut()
            .filter(|leg| leg.status == LegStatus::Booked)
            .for_each(|leg| leg.status = LegStatus::Released);
    };
    assert_eq!(Story::begin().depart(0).then(EventType::Cancelled, cancel).broken(), BTreeMap::new());
    assert_eq!(Story::begin().depart(0).arrive(0).then(EventType::Cancelled, cancel).broken(), steps(4));
    assert_eq!(whole_journey().then(EventType::Cancelled, cancel).broken(), steps(7));
}

#[test]
fn an_event_must_leave_the_status_that_its_kind_leaves() {
    let mut story = whole_journey();
    story.events[1].status = BookingStatus::Arrived;
    assert_eq!(story.broken(), steps(2));
    let mut story = Story::begin().then(EventType::Amended, |_| {});
    story.events[1].status = BookingStatus::Cancelled;
    assert_eq!(story.broken(), steps(2));
    assert_eq!(story.replay().booking.unwrap().status, BookingStatus::Booked);
}

#[test]
fn a_movement_is_not_before_the_one_it_follows() {
    let mut story = whole_journey();
    story.events[2].occurred_at = at(0);
    assert_eq!(story.broken(), steps(3));
    // Being booked is not a movement: freight may depart before the booking is recorded.
    story.events[1].occurred_at = at(-60);
    assert_eq!(story.broken(), BTreeMap::new());
}

#[test]
fn a_leg_that_was_given_up_stays_so() {
    let story = Story::begin()
        .then(EventType::FlightCancelled, |now| now.legs[1].status = LegStatus::Cancelled)
        .then(EventType::Amended, |now| now.legs[1].status = LegStatus::Booked);
    assert_eq!(story.broken(), steps(3));
}

#[test]
fn all_legs_take_space_or_none_does() {
    let larger = Space::from_columns(20, 13, 0);
    let mut story = Story::begin();
    story.events[0].data["legs"][1]["weight_hg"] = json!(9);
    assert_eq!(story.broken()[&1], [Rule::AllLegs, Rule::AllLegs]);
    let one = Story::begin().then(EventType::Amended, |now| {
        now.space = larger;
        now.legs[0].space = larger;
    });
    assert_eq!(one.broken()[&2], [Rule::AllLegs, Rule::AllLegs]);
    let none = Story::begin().then(EventType::Amended, |now| now.space = larger);
    assert_eq!(none.broken(), legs(2));
    // The same, and then another route for the amended booking.
    let rerouted = none.then(EventType::Rerouted, |now| {
        let mut new = leg(1, "DEL", "LHR", LegStatus::Booked);
        (new.id, new.space) = (Uuid::from_u128(77).into(), larger);
        now.legs.iter_mut().for_each(|leg| leg.status = LegStatus::Replaced);
        now.legs.push(new);
    });
    assert_eq!(rerouted.broken(), BTreeMap::new());
}

#[test]
fn data_that_cannot_be_read_is_reported_and_ends_the_replay() {
    let spoil: [fn(&mut PastEvent); 5] = [
        |event| event.data_version = 2,
        |event| event.data = json!([]),
        |event| event.data["weight_hg"] = json!("much"),
        |event| event.data["colour"] = json!("red"),
        |event| event.data["legs"] = json!([{"id": Uuid::from_u128(99), "status": "BOOKED"}]),
    ];
    for spoil in spoil {
        let mut story = whole_journey();
        spoil(&mut story.events[2]);
        assert_eq!(story.broken(), steps(3));
        assert!(story.replay().booking.is_none());
    }
    let mut story = Story::begin();
    story.events[0].data.as_object_mut().unwrap().remove("awb_number");
    assert_eq!(story.broken(), steps(1));
}

#[test]
fn a_booking_changes_its_organization_when_it_is_claimed_and_only_then() {
    let moved = |now: &mut Booking| now.organization_id = Uuid::from_u128(77).into();
    let story = Story::begin().then(EventType::Claimed, moved).depart(0);
    assert_eq!(story.events[1].data, json!({"organization_id": Uuid::from_u128(77)}));
    let replay = story.replay();
    assert_eq!(replay.contradictions, []);
    assert_eq!(replay.booking, Some(story.now));
    assert_eq!(Story::begin().then(EventType::Amended, moved).broken(), steps(2));
    assert_eq!(Story::begin().then(EventType::Claimed, |_| {}).broken(), steps(2));
}

#[test]
fn a_step_that_is_taken_back_leaves_the_booking_as_before_it() {
    let (begun, departed, arrived) =
        (Story::begin().now, Story::begin().depart(0).now, Story::begin().depart(0).arrive(0).now);
    let no = |_: &mut Value| {};
    let departure = Story::begin().depart(0).correct(&begun, no);
    assert_eq!((departure.now.status, departure.now.moved_at), (BookingStatus::Booked, None));
    let arrival = Story::begin().depart(0).arrive(0).correct(&departed, no);
    let late = Story::begin().depart(0).arrive(0).depart(1).correct(&arrived, no);
    let again = Story::begin().depart(0).correct(&begun, no).depart(0).arrive(0).depart(1).arrive(1);
    let whole = again.now.clone();
    let delivery = again.deliver().correct(&whole, no);
    for story in [departure, arrival, late, delivery] {
        let replay = story.replay();
        assert_eq!(replay.contradictions, []);
        assert_eq!(replay.booking, Some(story.now));
    }
}

#[test]
fn a_correction_that_restores_something_else_or_comes_too_late_is_a_contradiction() {
    let begun = Story::begin().now;
    let of = |change: fn(&mut Value)| Story::begin().depart(0).correct(&begun, change);
    assert_eq!(of(|_| {}).broken(), BTreeMap::new());
    assert_eq!(of(|data| data[Correction::MEMBER]["sequence"] = json!(1)).broken(), steps(3), "another step");
    assert_eq!(of(|data| drop(data.as_object_mut().unwrap().remove(Correction::MEMBER))).broken(), steps(3), "none");
    assert_eq!(of(|data| drop(data.as_object_mut().unwrap().remove("legs"))).broken(), steps(3), "the leg stays");
    assert_eq!(of(|data| data["needs_rerouting"] = json!(true)).broken(), steps(3), "it needs rerouting");
    let mut late = of(|_| {});
    late.events[2].created_at = late.events[1].created_at + TimeDelta::minutes(60);
    assert_eq!(late.broken(), BTreeMap::new());
    late.events[2].created_at += TimeDelta::microseconds(1);
    assert_eq!(late.broken(), steps(3));
}

#[test]
fn only_a_movement_is_taken_back_and_only_once() {
    let (begun, departed) = (Story::begin().now, Story::begin().depart(0).now);
    let no = |_: &mut Value| {};
    assert_eq!(Story::begin().correct(&begun, no).broken(), steps(2), "a booking");
    assert_eq!(Story::begin().depart(0).correct(&begun, no).correct(&departed, no).broken(), steps(4), "a correction");
    let cancelled = Story::begin().then(EventType::Cancelled, |now| now.status = BookingStatus::Cancelled);
    assert_eq!(cancelled.correct(&begun, no).broken(), steps(3), "a cancellation");
    let amended = Story::begin().depart(0).then(EventType::Amended, |now| now.needs_rerouting = true);
    assert_eq!(amended.correct(&begun, no).broken(), steps(4), "something has changed since");
}
