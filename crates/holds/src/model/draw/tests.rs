use std::collections::HashMap;

use chrono::DateTime;
use proptest::prelude::*;

use super::*;

fn id<T: From<Uuid>>(number: u128) -> T {
    Uuid::from_u128(number).into()
}

fn space(weight: i64, volume: i64) -> Space {
    Space::from_columns(weight, volume, 0)
}

fn kept(number: u128, organization: u128, flight: u128, space: Space) -> (HoldId, AllottedSpace) {
    (
        id(number),
        AllottedSpace { organization_id: id(organization), flight_id: id(flight), space, excess: Some(NOTHING) },
    )
}

/// The entries as they are written: the kind, the hold if it is an allotment's, and the weight.
fn kinds_and_weights(shifts: &[Shift]) -> Vec<(&'static str, i64)> {
    shifts.iter().map(|shift| (shift.kind(), shift.more.figures()[0])).collect()
}

fn booked(leg: u128, weight: i64) -> Shift {
    Shift::booked(id(9), id(50), id(leg), space(weight, weight))
}

#[test]
fn a_taking_draws_first_and_gives_back_first() {
    let mut draws = Draws::default();
    draws.know_kept([kept(1, 7, 9, space(100, 100))]);
    let own = Some(id(7));
    assert_eq!(
        kinds_and_weights(&draws.apply_allotments(own, &[booked(20, 60)])),
        [("HOLD_AMENDED", -60), ("BOOKED", 60)]
    );
    assert_eq!(
        kinds_and_weights(&draws.apply_allotments(own, &[booked(21, 60)])),
        [("HOLD_AMENDED", -40), ("BOOKED", 60)]
    );
    assert_eq!(kinds_and_weights(&draws.apply_allotments(own, &[booked(22, 60)])), [("BOOKED", 60)]);
    let less = Shift::amended(id(9), id(50), id(21), space(-30, -30));
    assert_eq!(kinds_and_weights(&draws.apply_allotments(None, &[less])), [("AMENDED", -30), ("HOLD_AMENDED", 30)]);
    let released = Shift::released(id(9), id(50), id(21), space(30, 30));
    let applied = draws.apply_allotments(None, &[released]);
    assert_eq!(kinds_and_weights(&applied), [("RELEASED", -30), ("HOLD_AMENDED", 10)]);
    assert_eq!(applied[0].freed(), Some(space(20, 20)), "the rest is free for those who wait");
    assert_eq!(draws.changed_holds().get(&id(1)), Some(&space(-60, -60)));
    let left: Vec<_> = draws.changed_draws().iter().map(|draw| (draw.taker, draw.space)).collect();
    assert_eq!(left, [(id(20), space(60, 60)), (id(21), space(0, 0))]);
}

#[test]
fn others_and_other_flights_draw_nothing() {
    let mut draws = Draws::default();
    draws.know_kept([kept(1, 7, 9, space(100, 100))]);
    assert_eq!(kinds_and_weights(&draws.apply_allotments(Some(id(8)), &[booked(20, 60)])), [("BOOKED", 60)]);
    assert_eq!(kinds_and_weights(&draws.apply_allotments(None, &[booked(20, 60)])), [("BOOKED", 60)]);
    let elsewhere = Shift::held(id(10), id(30), space(5, 5));
    assert_eq!(kinds_and_weights(&draws.apply_allotments(Some(id(7)), &[elsewhere])), [("HELD", 5)]);
    let own = Shift::hold_released(id(9), id(1), space(100, 100));
    assert_eq!(kinds_and_weights(&draws.apply_allotments(None, &[own])), [("HOLD_RELEASED", -100)]);
    assert!(draws.changed_draws().is_empty());
}

#[test]
fn what_a_hold_has_drawn_moves_on_to_its_booking() {
    let mut draws = Draws::default();
    draws.know_kept([kept(1, 7, 9, space(100, 100))]);
    draws.know_drawn([Draw { taker: id(30), hold_id: id(1), flight_id: id(9), space: space(40, 40) }]);
    let committed = [Shift::hold_posted(id(9), id(30), space(60, 60)), booked(20, 60)];
    assert_eq!(
        kinds_and_weights(&draws.apply_allotments(Some(id(7)), &committed)),
        [("HOLD_POSTED", -60), ("BOOKED", 60)]
    );
    assert_eq!(draws.drawn_by(id(20)).collect::<Vec<_>>(), [(id(1), space(40, 40))]);
    assert_eq!(draws.drawn_by(id(30)).collect::<Vec<_>>(), [(id(1), space(0, 0))]);
    assert!(draws.changed_holds().is_empty());
}

#[test]
fn nothing_returns_to_an_allotment_that_ends() {
    let mut draws = Draws::default();
    draws.know_kept([kept(1, 7, 9, space(0, 0)), kept(2, 7, 9, space(5, 5))]);
    draws.know_drawn([Draw { taker: id(20), hold_id: id(1), flight_id: id(9), space: space(40, 40) }]);
    draws.know_drawn([Draw { taker: id(20), hold_id: id(2), flight_id: id(9), space: space(5, 5) }]);
    draws.close(id(1));
    let less = Shift::amended(id(9), id(50), id(20), space(-10, -10));
    assert_eq!(
        kinds_and_weights(&draws.apply_allotments(None, &[less])),
        [("AMENDED", -10), ("HOLD_AMENDED", 5)],
        "first what returns"
    );
    let left: Vec<_> = draws.changed_draws().iter().map(|draw| draw.space).collect();
    assert_eq!(left, [space(35, 35), space(0, 0)], "what was drawn from it stays known");
}

#[test]
fn what_was_drawn_beyond_a_smaller_freight_does_not_return() {
    assert_eq!(left_of(space(100, 50), space(70, 20)), space(30, 30));
    assert_eq!(left_of(space(50, 50), space(70, 20)), space(0, 30));
    let mut draws = Draws::default();
    let (hold, kept) = kept(1, 7, 9, space(0, 30));
    draws.know_kept([(hold, AllottedSpace { excess: Some(space(20, 0)), ..kept })]);
    draws.know_drawn([Draw { taker: id(20), hold_id: id(1), flight_id: id(9), space: space(70, 20) }]);
    let less = Shift::amended(id(9), id(50), id(20), space(-30, -5));
    assert_eq!(kinds_and_weights(&draws.apply_allotments(None, &[less])), [("AMENDED", -30), ("HOLD_AMENDED", 10)]);
    assert_eq!(draws.drawn_by(id(20)).collect::<Vec<_>>(), [(id(1), space(40, 15))]);
}

/// A model of one dimension: what each taker has, and of that has drawn.
#[derive(Debug, Default)]
struct Naive {
    kept: i64,
    free: i64,
    taken: HashMap<u128, (i64, i64)>,
}

impl Naive {
    fn change(&mut self, taker: u128, more: i64) {
        let (has, drawn) = self.taken.entry(taker).or_default();
        for _ in 0..more {
            if self.kept > 0 {
                self.kept -= 1;
                *drawn += 1;
            } else {
                self.free -= 1;
            }
            *has += 1;
        }
        for _ in more..0 {
            if *drawn > 0 {
                *drawn -= 1;
                self.kept += 1;
            } else {
                self.free += 1;
            }
            *has -= 1;
        }
    }
}

proptest! {
    /// Any sequence of takings and returns leaves what unit by unit would, and the sum of all space is the same after each.
    #[test]
    fn drawing_is_as_unit_by_unit(
        weights in (0i64..60, 0i64..60),
        steps in proptest::collection::vec((0u128..4, -30i64..40, -30i64..40), 0..40),
    ) {
        let mut draws = Draws::default();
        // Two allotments are as one.
        let half = space(weights.0 / 2, weights.1);
        draws.know_kept([kept(1, 7, 9, half), kept(2, 7, 9, space(weights.0 - weights.0 / 2, 0))]);
        let mut models = [Naive { kept: weights.0, free: 5000, ..Naive::default() }, Naive { kept: weights.1, free: 5000, ..Naive::default() }];
        let mut capacity = FlightCapacity::opened(id(9), space(5000 + weights.0, 5000 + weights.1), DateTime::UNIX_EPOCH);
        capacity.held = space(weights.0, weights.1);
        for (taker, weight, volume) in steps {
            let has = |model: &Naive| model.taken.get(&taker).map_or(0, |(has, _)| *has);
            let (weight, volume) = (weight.max(-has(&models[0])), volume.max(-has(&models[1])));
            models[0].change(taker, weight);
            models[1].change(taker, volume);
            let shift = Shift::amended(id(9), id(50), id(100 + taker), space(weight, volume));
            for applied in draws.apply_allotments(Some(id(7)), &[shift]) {
                capacity.apply(&applied, DateTime::UNIX_EPOCH);
                for figure in capacity.available().figures().into_iter().chain(capacity.held.figures()) {
                    prop_assert!(figure >= 0);
                }
            }
            prop_assert_eq!(capacity.available(), space(models[0].free, models[1].free));
            prop_assert_eq!(capacity.held, space(models[0].kept, models[1].kept));
            let found = draws.capacity_for(id(7), capacity);
            prop_assert_eq!(found.available(), capacity.available() + capacity.held);
            for taker in 0..4 {
                let drawn = draws.drawn_by(Uuid::from_u128(100 + taker)).fold(NOTHING, |sum, (_, space)| sum + space);
                let of = |model: &Naive| model.taken.get(&taker).map_or(0, |(_, drawn)| *drawn);
                prop_assert_eq!(drawn, space(of(&models[0]), of(&models[1])));
            }
        }
    }
}
