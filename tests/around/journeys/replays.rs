//! Journeys that are worth repeating. What a failure prints can be put here as it is.
use super::{
    Stage,
    steps::{
        Alteration, Amendment, Behind, Call, Caller,
        Caller::{Admin, Operator, Rival, Shipper},
        Change,
        Change::{Aircraft, Capacity, Times, Weight},
        Freight, Operation, Order, Patch, Pick,
        Pick::{Aboard, Whichever},
        Route,
        Route::{Any, Fitting},
        Step,
        Step::{Act, Amend, Book, Fly, Wait},
        To,
        Verb::{self, Arrive, Cancel, Deliver, Depart},
    },
};

/// A journey, and what is refused on it: the kinds of step and the codes, by name.
struct Replay {
    what: &'static str,
    steps: &'static [Step],
    refused: &'static [&'static str],
}

const fn book(by: Caller, route: usize, weight: i64) -> Step {
    let freight = Freight { pieces: 2, weight, volume: Some(500), positions: 0 };
    Book(Order { by, route, freight, codes: 0, awb: None })
}

const fn act(booking: usize, verb: Verb) -> Step {
    Act(Call { by: Operator, booking, verb, at: None, stale: false })
}

const fn fly(flight: usize, verb: Verb) -> Step {
    leave_behind(flight, verb, [None, None])
}

const fn leave_behind(flight: usize, verb: Verb, behind: [Option<Behind>; 2]) -> Step {
    Fly(Operation { by: Admin, flight, verb, at: None, behind, stale: false })
}

const fn amend(by: Caller, booking: usize, patch: Patch) -> Step {
    Amend(Amendment { by, booking, patch, stale: false })
}

const fn change(flight: usize, change: Change, offload: Option<Pick>) -> Step {
    Step::Change(Alteration { by: Admin, flight, change, offload, stale: false })
}

const NOTHING: Patch = Patch {
    pieces: None,
    weight: None,
    volume: None,
    positions: None,
    awb: None,
    description: None,
    codes: None,
    flights: None,
};

const fn onto(route: Route) -> Patch {
    Patch { flights: Some(route), ..NOTHING }
}

const REPLAYS: &[Replay] = &[
    Replay {
        what: "three legs by the flights' own steps, the first connection within one flight number",
        steps: &[
            book(Shipper, 1, 1000),
            fly(0, Depart),
            fly(0, Arrive),
            fly(2, Depart),
            fly(2, Arrive),
            fly(4, Depart),
            fly(4, Arrive),
            act(0, Deliver),
        ],
        refused: &[],
    },
    Replay {
        what: "a missed connection goes on by another flight",
        steps: &[
            book(Shipper, 7, 1000),
            act(0, Depart),
            fly(2, Depart),
            amend(Shipper, 0, onto(Any(11))),
            amend(Operator, 0, onto(Any(11))),
            act(0, Arrive),
            act(0, Depart),
            act(0, Arrive),
            act(0, Deliver),
        ],
        refused: &["Amend invalid_transition"],
    },
    Replay {
        what: "a no-show and a bumped shipment are left behind, one of them flies later, the other is cancelled",
        steps: &[
            book(Shipper, 5, 1000),
            book(Rival, 5, 900),
            book(Operator, 5, 800),
            leave_behind(
                0,
                Depart,
                [Some(Behind { pick: Aboard(0), no_show: true }), Some(Behind { pick: Aboard(1), no_show: false })],
            ),
            amend(Shipper, 0, onto(Any(6))),
            Act(Call { by: Rival, booking: 1, verb: Cancel, at: None, stale: false }),
            fly(0, Arrive),
            fly(1, Depart),
            fly(1, Arrive),
            act(0, Deliver),
        ],
        refused: &[],
    },
    Replay {
        what: "a cancelled flight's freight stays booked until it has another way; the flight stays cancelled",
        steps: &[
            book(Shipper, 7, 1000),
            fly(0, Cancel),
            act(0, Depart),
            fly(0, Depart),
            amend(Shipper, 0, onto(Any(9))),
            book(Shipper, 5, 1000),
        ],
        refused: &["Act invalid_transition", "Book flight_cancelled", "Fly invalid_transition"],
    },
    Replay {
        what: "a retimed flight breaks its connection, and keeps it again when it is moved back",
        steps: &[
            book(Shipper, 2, 1000),
            change(3, Times { departure: -200, arrival: -200 }, None),
            change(3, Times { departure: 200, arrival: 200 }, None),
            fly(0, Depart),
            change(0, Times { departure: 0, arrival: 250 }, None),
            act(0, Arrive),
            act(0, Depart),
        ],
        refused: &[],
    },
    Replay {
        what: "two hours are enough to change flights, a minute less is not; within a flight number no time is enough",
        steps: &[
            book(Shipper, 8, 500),
            change(3, Times { departure: -180, arrival: -180 }, None),
            book(Rival, 8, 500),
            change(3, Times { departure: -1, arrival: 0 }, None),
            book(Rival, 8, 500),
            amend(Operator, 1, onto(Any(8))),
            change(0, Times { departure: 0, arrival: 60 }, None),
            book(Rival, 7, 500),
            amend(Shipper, 0, onto(Any(7))),
            change(0, Times { departure: 0, arrival: 1 }, None),
            amend(Operator, 1, onto(Any(7))),
        ],
        refused: &["Amend itinerary_invalid", "Book itinerary_invalid"],
    },
    Replay {
        what: "a smaller aircraft takes less: first what is too much is taken off",
        steps: &[
            book(Shipper, 5, 2000),
            book(Rival, 5, 2000),
            change(0, Weight { weight: 3000 }, None),
            change(0, Capacity { weight: 2000, volume: 500, positions: 0 }, Some(Aboard(1))),
            change(0, Weight { weight: 1999 }, Some(Whichever(1))),
            amend(Rival, 1, onto(Any(6))),
        ],
        refused: &["Change capacity_below_booked", "Change flight_mismatch"],
    },
    Replay {
        what: "what is cancelled in the air keeps its room and is not landed; its flight can still not be cancelled",
        steps: &[
            book(Shipper, 7, 2600),
            act(0, Depart),
            fly(0, Cancel),
            act(0, Cancel),
            fly(0, Cancel),
            book(Rival, 5, 2600),
            book(Rival, 10, 2600),
            fly(0, Depart),
            fly(0, Arrive),
        ],
        refused: &["Book capacity_exceeded", "Fly invalid_transition"],
    },
    Replay {
        what: "an air waybill number is free again once its booking is cancelled",
        steps: &[
            Book(Order {
                by: Shipper,
                route: 5,
                freight: Freight { pieces: 1, weight: 500, volume: None, positions: 1 },
                codes: 0,
                awb: Some(1),
            }),
            book(Rival, 6, 500),
            amend(Rival, 1, Patch { awb: Some(To::Set(1)), ..NOTHING }),
            act(0, Cancel),
            amend(Rival, 1, Patch { awb: Some(To::Set(1)), ..NOTHING }),
            amend(Rival, 1, Patch { awb: Some(To::Set(1)), ..NOTHING }),
        ],
        refused: &["Amend already_exists"],
    },
    Replay {
        what: "freight for cargo aircraft only stays on freighters",
        steps: &[
            book(Shipper, 5, 500),
            book(Shipper, 6, 500),
            amend(Shipper, 0, Patch { codes: Some(To::Set(2)), ..NOTHING }),
            amend(Shipper, 1, Patch { codes: Some(To::Set(2)), ..NOTHING }),
            amend(Shipper, 1, onto(Any(5))),
            amend(Shipper, 0, Patch { codes: Some(To::Set(2)), flights: Some(Any(6)), ..NOTHING }),
            change(1, Aircraft { freighter: false }, None),
            act(0, Cancel),
            change(1, Aircraft { freighter: false }, Some(Aboard(0))),
        ],
        refused: &["Amend itinerary_invalid", "Change itinerary_invalid"],
    },
    Replay {
        what: "a flight that leaves after it should have landed keeps its duration; it may land in the same minute",
        steps: &[
            book(Shipper, 5, 500),
            Wait(620),
            fly(0, Depart),
            Fly(Operation { by: Operator, flight: 0, verb: Arrive, at: Some(-1), behind: [None, None], stale: false }),
            fly(0, Arrive),
            act(0, Deliver),
        ],
        refused: &["Fly validation_failed"],
    },
    Replay {
        what: "a volume that is given no longer follows the weight, even if it is the one that was assumed",
        steps: &[
            Book(Order {
                by: Shipper,
                route: 5,
                freight: Freight { pieces: 1, weight: 1000, volume: None, positions: 0 },
                codes: 0,
                awb: None,
            }),
            amend(Shipper, 0, Patch { weight: Some(1200), ..NOTHING }),
            amend(Shipper, 0, Patch { volume: Some(To::Set(720)), ..NOTHING }),
            amend(Shipper, 0, Patch { weight: Some(1300), ..NOTHING }),
            amend(Shipper, 0, Patch { volume: Some(To::Null), ..NOTHING }),
            amend(Shipper, 0, Patch { volume: Some(To::Null), ..NOTHING }),
        ],
        refused: &[],
    },
    Replay {
        what: "a leg of a full flight is kept while the others change, also with less weight",
        steps: &[
            book(Shipper, 7, 3000),
            book(Rival, 5, 2000),
            amend(Shipper, 0, onto(Any(8))),
            amend(Shipper, 0, Patch { weight: Some(2900), flights: Some(Any(7)), ..NOTHING }),
            amend(Rival, 1, Patch { weight: Some(2101), ..NOTHING }),
            amend(Rival, 1, Patch { weight: Some(2100), ..NOTHING }),
        ],
        refused: &["Amend capacity_exceeded"],
    },
    Replay {
        what: "customers amend until the cut-off, operators until departure",
        steps: &[
            book(Shipper, 5, 500),
            Wait(420),
            amend(Shipper, 0, Patch { weight: Some(600), ..NOTHING }),
            amend(Shipper, 0, onto(Fitting(1))),
            amend(Shipper, 0, Patch { description: Some(To::Set(1)), ..NOTHING }),
            amend(Operator, 0, Patch { weight: Some(600), ..NOTHING }),
            book(Operator, 5, 500),
            fly(0, Depart),
            amend(Operator, 0, Patch { weight: Some(700), ..NOTHING }),
            amend(Shipper, 0, Patch { description: Some(To::Null), ..NOTHING }),
        ],
        refused: &["Amend flight_closed", "Amend invalid_transition", "Book flight_closed"],
    },
    Replay {
        what: "what is said to have happened minutes ahead is not followed by something earlier",
        steps: &[
            book(Shipper, 7, 500),
            book(Rival, 5, 500),
            Act(Call { by: Operator, booking: 0, verb: Depart, at: Some(5), stale: false }),
            Act(Call { by: Operator, booking: 0, verb: Arrive, at: Some(4), stale: false }),
            act(0, Arrive),
            Fly(Operation { by: Operator, flight: 2, verb: Depart, at: Some(4), behind: [None, None], stale: false }),
            fly(2, Depart),
            Fly(Operation { by: Operator, flight: 0, verb: Depart, at: Some(6), behind: [None, None], stale: false }),
            Fly(Operation { by: Operator, flight: 0, verb: Depart, at: Some(3), behind: [None, None], stale: false }),
            Wait(4),
            fly(2, Arrive),
            fly(0, Arrive),
            act(0, Deliver),
        ],
        refused: &["Act validation_failed", "Fly validation_failed"],
    },
    Replay {
        what: "what changes nothing is let through, also by a customer after the cut-off",
        steps: &[
            book(Shipper, 4, 500),
            change(2, Times { departure: -420, arrival: 0 }, None),
            Wait(180),
            amend(Shipper, 0, Patch { positions: Some(To::Set(0)), ..NOTHING }),
            amend(Shipper, 0, Patch { positions: Some(To::Set(1)), ..NOTHING }),
            amend(Shipper, 0, onto(Route::Empty)),
        ],
        refused: &["Amend flight_closed"],
    },
    Replay {
        what: "freight moved by hand is not moved again by its flight",
        steps: &[
            book(Shipper, 5, 500),
            book(Shipper, 5, 600),
            book(Shipper, 5, 700),
            act(0, Depart),
            act(0, Arrive),
            act(1, Depart),
            fly(0, Depart),
            fly(0, Arrive),
            act(2, Deliver),
        ],
        refused: &[],
    },
];

#[test]
fn replays() {
    let stage = Stage::new();
    for replay in REPLAYS {
        let tally = stage.play(replay.steps);
        let is_step = |what: &&String| what.starts_with(char::is_uppercase) && !what.ends_with(" done");
        let refused: Vec<_> = tally.keys().filter(is_step).collect();
        assert_eq!(refused, replay.refused, "{}", replay.what);
    }
    stage.leave();
}
