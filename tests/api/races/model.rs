//! Whatever is done to some bookings on shared flights, in whatever order: the server answers as a model of a few lines
//! would.
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::Value;

use super::{booked_kg, kilograms, order, text};
use crate::support::{Client, NewFlight, World};

const AIRPORTS: [&str; 4] = ["DEL", "BOM", "DXB", "LHR"];
/// What each flight of the chain may sell, in kilograms.
const CAPACITY: [u64; 3] = [250, 150, 200];

#[derive(Debug, Clone)]
enum Step {
    /// From one airport to a later one.
    Book { from: usize, to: usize, weight: u64 },
    /// On one of the bookings so far.
    Do { booking: usize, action: &'static str, by_operator: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let stretch = prop::sample::select(vec![(0, 1), (1, 2), (2, 3), (0, 2), (1, 3), (0, 3)]);
    let book = (stretch, 20u64..120).prop_map(|((from, to), weight)| Step::Book { from, to, weight });
    let action = prop::sample::select(vec!["depart", "arrive", "deliver", "cancel"]);
    let act = (0usize..4, action, any::<bool>()).prop_map(|(booking, action, by_operator)| Step::Do {
        booking,
        action,
        by_operator,
    });
    prop_oneof![2 => book, 5 => act]
}

/// A booking as the model has it: its flights, how many have landed, whether one is in the air, how it ended.
struct Shipment {
    from: usize,
    to: usize,
    weight: u64,
    landed: usize,
    in_air: bool,
    end: Option<&'static str>,
}

impl Shipment {
    fn status(&self) -> &'static str {
        match (self.end, self.in_air, self.landed) {
            (Some(end), _, _) => end,
            (None, true, _) => "DEPARTED",
            (None, false, 0) => "BOOKED",
            (None, false, _) => "ARRIVED",
        }
    }

    /// Does it if it may be done; tells whether it was.
    fn act(&mut self, action: &str, by_operator: bool) -> bool {
        let legs = self.to - self.from;
        let possible = self.end.is_none()
            && match action {
                "depart" => !self.in_air && self.landed < legs,
                "arrive" => self.in_air,
                "deliver" => !self.in_air && self.landed == legs,
                _ => self.landed == 0 && (by_operator || !self.in_air),
            };
        match action {
            _ if !possible => {}
            "depart" => self.in_air = true,
            "arrive" => (self.in_air, self.landed) = (false, self.landed + 1),
            "deliver" => self.end = Some("DELIVERED"),
            _ => self.end = Some("CANCELLED"),
        }
        possible
    }

    /// What it takes of a flight: after a cancel only what has departed stays.
    fn takes(&self, flight: usize) -> u64 {
        let kept = if self.end == Some("CANCELLED") { self.from + usize::from(self.in_air) } else { self.to };
        if (self.from..kept).contains(&flight) { self.weight } else { 0 }
    }
}

struct Play<'a> {
    world: &'a World,
    customer: Client,
    operator: Client,
    flights: Vec<Value>,
    shipments: Vec<(String, Shipment)>,
}

impl Play<'_> {
    fn left(&self, flight: usize) -> u64 {
        CAPACITY[flight] - self.shipments.iter().map(|(_, shipment)| shipment.takes(flight)).sum::<u64>()
    }

    async fn book(&mut self, from: usize, to: usize, weight: u64) {
        let legs: Vec<&Value> = self.flights[from..to].iter().collect();
        let wish = order(AIRPORTS[from], AIRPORTS[to], &legs, weight);
        let answer = self.customer.post("/api/v1/bookings", wish).await;
        if let Some(full) = (from..to).find(|&flight| self.left(flight) < weight) {
            let problem = answer.expect_problem(409, "capacity_exceeded");
            assert_eq!(problem["flight_id"], self.flights[full]["id"]);
            assert_eq!(kilograms(&problem["available"]), self.left(full));
        } else {
            let reference = text(&answer.expect(201)["ref_id"]);
            self.shipments.push((reference, Shipment { from, to, weight, landed: 0, in_air: false, end: None }));
        }
    }

    async fn act(&mut self, booking: usize, action: &str, by_operator: bool) {
        let Some((reference, shipment)) = self.shipments.get_mut(booking) else { return };
        // Only cancelling is for both.
        let by_operator = by_operator || action != "cancel";
        let caller = if by_operator { &self.operator } else { &self.customer };
        let answer = caller.poke(&format!("/api/v1/bookings/{reference}/{action}")).await;
        if shipment.act(action, by_operator) {
            answer.expect(200);
        } else {
            answer.expect_problem(409, "invalid_transition");
        }
    }

    async fn compare(&self) {
        for (reference, shipment) in &self.shipments {
            let found = self.customer.get(&format!("/api/v1/bookings/{reference}")).await.expect(200);
            assert_eq!(found["status"], shipment.status(), "{found}");
        }
        for (number, flight) in self.flights.iter().enumerate() {
            let booked = booked_kg(&self.customer, flight).await;
            assert_eq!(kilograms(&serde_json::json!(booked)), CAPACITY[number] - self.left(number));
        }
        self.world.audit().await;
    }
}

async fn play(world: &World, case: usize, steps: &[Step]) {
    // The last flight first: ids ascend against the order of flying.
    let mut flights = Vec::new();
    for leg in (0..3).rev() {
        let hours = 24 + 8 * i64::try_from(leg).unwrap();
        let new = NewFlight::new(&format!("AI{}", 1 + case * 3 + leg), AIRPORTS[leg], AIRPORTS[leg + 1]);
        let capacity = f64::from(u32::try_from(CAPACITY[leg]).unwrap());
        flights.insert(0, world.flight(new.leaves_in_hours(hours).weight(capacity)).await);
    }
    let (customer, operator) = (world.customer().await, world.operator().await);
    let mut play = Play { world, customer, operator, flights, shipments: Vec::new() };
    for step in steps {
        match *step {
            Step::Book { from, to, weight } => play.book(from, to, weight).await,
            Step::Do { booking, action, by_operator } => play.act(booking, action, by_operator).await,
        }
    }
    play.compare().await;
}

#[test]
fn capacity_and_statuses_follow_the_model() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::start());
    let cases = if std::env::var_os("LOADMASTER_TEST_LONG").is_some() { 500 } else { 40 };
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let seeded = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, seeded);
    let played = std::cell::Cell::new(0);
    let strategy = prop::collection::vec(step(), 10..40);
    let outcome = runner.run(&strategy, |steps| {
        let case = played.replace(played.get() + 1);
        runtime.block_on(play(&world, case, &steps));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    runtime.block_on(world.shutdown());
}
