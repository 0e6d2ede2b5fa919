//! Whatever is held, booked, waited for and allotted on two flights, in any order: the server answers as a small model of the
//! contract does, and agrees with it after each step.
mod model;
mod steps;

use std::collections::{BTreeSet, HashMap};

use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, Dice, NewFlight, World, WorldOptions,
    freight::{BOOKINGS, order, path_of, text, with},
    holds::hold_on,
    rounds,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::allotments::ALLOTMENTS;
use model::{FLIGHTS, Held, LONGEST, MOST_PASSED_OVER, Model, Waits};
use steps::{Refusal, Step, next};

const WAITLIST: &str = "/api/v1/waitlist";

/// What the server has made, in the model's order.
struct Played {
    world: World,
    anonymous: Client,
    user: (Uuid, Uuid),
    admin: (Uuid, Uuid),
    flights: Vec<Value>,
    /// By flight.
    allotments: Vec<Value>,
    holds: Vec<Value>,
    bookings: Vec<Value>,
    entries: Vec<Value>,
    /// The numbers of holds and entries that were seen to have ended: they are looked at once more at the end of the journey.
    ended_holds: BTreeSet<usize>,
    ended_entries: BTreeSet<usize>,
}

const fn kilograms(weight: i64) -> i64 {
    weight * 100
}

impl Played {
    async fn start() -> Self {
        let world = WorldOptions::patient().with_workers();
        let world = world.set("holds.organization_active", "10000").set("holds.max_seconds", &LONGEST.to_string());
        let world = world.set("waitlist.max_passed_over", &MOST_PASSED_OVER.to_string()).start().await;
        let mut flights = Vec::new();
        for number in ["AI101", "AI102"] {
            let new = NewFlight::new(number, "DEL", "LHR").weight(1000.0).volume(1000.0).leaves_in_hours(200);
            flights.push(world.flight(new).await);
        }
        let (user, admin) = ((Uuid::new_v4(), Uuid::new_v4()), (Uuid::new_v4(), Uuid::new_v4()));
        world.caller_in(Role::Customer, user.0, user.1).await;
        world.caller_in(Role::Admin, admin.0, admin.1).await;
        Self {
            anonymous: world.anonymous(),
            world,
            user,
            admin,
            flights,
            allotments: vec![Value::Null; FLIGHTS],
            holds: Vec::new(),
            bookings: Vec::new(),
            entries: Vec::new(),
            ended_holds: BTreeSet::new(),
            ended_entries: BTreeSet::new(),
        }
    }

    /// Who takes and waits. Tokens end while time goes on.
    fn client(&self) -> Client {
        let token = self.world.token(Role::Customer, self.user.0, self.user.1);
        self.anonymous.with_token(&token)
    }

    fn staff(&self) -> Client {
        let token = self.world.token(Role::Admin, self.admin.0, self.admin.1);
        self.anonymous.with_token(&token)
    }

    fn hold_at(&self, hold: usize) -> String {
        loadmaster_testkit::holds::at(&self.holds[hold])
    }

    fn entry_at(&self, entry: usize) -> String {
        format!("{WAITLIST}/{}", text(&self.entries[entry], "id"))
    }

    async fn play(&mut self, step: &Step) -> Option<Answer> {
        let client = self.client();
        let weight = |weight: i64| json!({ "weight_kg": kilograms(weight) });
        let answer = match step {
            Step::Hold { flight, weight, seconds } => {
                let wanted = json!({ "weight_kg": kilograms(*weight), "ttl_seconds": seconds, "pieces": 1 });
                client.post(loadmaster_testkit::holds::HOLDS, with(hold_on(&[&self.flights[*flight]]), wanted)).await
            }
            Step::AmendHold { hold, weight: to } => client.patch(&self.hold_at(*hold), weight(*to)).await,
            Step::MoveHold { hold, flight } => {
                client.patch(&self.hold_at(*hold), json!({ "flight_ids": [self.flights[*flight]["id"]] })).await
            }
            Step::Extend { hold, seconds } => {
                client.post(&format!("{}/extend", self.hold_at(*hold)), json!({ "ttl_seconds": seconds })).await
            }
            Step::Release { hold } => client.delete(&self.hold_at(*hold)).await,
            Step::Commit { hold } => {
                client.post(&format!("{}/commit", self.hold_at(*hold)), json!({ "pieces": 1 })).await
            }
            Step::Book { flight, weight: taken } => {
                client.post(BOOKINGS, with(order(&[&self.flights[*flight]]), weight(*taken))).await
            }
            Step::AmendBooking { booking, weight: to } => {
                client.patch(&path_of(&self.bookings[*booking]), weight(*to)).await
            }
            Step::Cancel { booking } => client.delete(&path_of(&self.bookings[*booking])).await,
            Step::Join { flight, weight } => {
                let wanted = json!({ "flight_ids": [self.flights[*flight]["id"]], "weight_kg": kilograms(*weight) });
                client.post(WAITLIST, wanted).await
            }
            Step::Leave { entry } => client.delete(&self.entry_at(*entry)).await,
            Step::Prefer { entry, priority } => {
                self.staff().patch(&self.entry_at(*entry), json!({ "priority": priority })).await
            }
            Step::BookOffer { entry } => {
                client.post(&format!("{}/book", self.entry_at(*entry)), json!({ "pieces": 1 })).await
            }
            Step::Decline { entry } => client.poke(&format!("{}/decline", self.entry_at(*entry))).await,
            Step::SetCapacity { flight, weight: to, releases } => {
                let path = format!("/api/v1/flights/{}", text(&self.flights[*flight], "id"));
                self.staff().patch(&path, json!({ "capacity": weight(*to), "release_holds": releases })).await
            }
            Step::Allot { flight, weight: to } if self.allotments[*flight].is_null() => {
                let today = self.world.now().date_naive();
                let wanted = json!({
                    "organization_id": self.user.1, "name": "Own", "origin": "DEL", "destination": "LHR",
                    "flight_number": self.flights[*flight]["flight_number"], "date_from": today,
                    "date_to": today + TimeDelta::days(30), "weight_kg": kilograms(*to),
                });
                self.staff().post(ALLOTMENTS, wanted).await
            }
            Step::Allot { flight, weight: to } => {
                self.staff().patch(&crate::allotments::at(&self.allotments[*flight]), weight(*to)).await
            }
            Step::EndAllotment { flight } => {
                self.staff().delete(&crate::allotments::at(&self.allotments[*flight])).await
            }
            Step::Wait { seconds } => {
                self.world.clock.advance(TimeDelta::seconds(*seconds));
                return None;
            }
        };
        if answer.status.is_success() {
            let made = answer.body.clone();
            match step {
                Step::Hold { .. } => self.holds.push(made),
                Step::Book { .. } | Step::Commit { .. } | Step::BookOffer { .. } => self.bookings.push(made),
                Step::Join { .. } => self.entries.push(made),
                Step::Allot { flight, .. } => self.allotments[*flight] = made,
                Step::EndAllotment { flight } => self.allotments[*flight] = Value::Null,
                _ => {}
            }
        }
        Some(answer)
    }

    async fn agrees_on_allotment(&self, model: &Model, flight: usize) -> Result<(), String> {
        let Some(allotment) = model.flights[flight].allotment else { return Ok(()) };
        let path = format!("{}/flights", crate::allotments::at(&self.allotments[flight]));
        let shown = self.staff().get(&path).await.expect(200);
        let shown = shown.as_array().expect("a list").iter().find(|on| on["flight_id"] == self.flights[flight]["id"]);
        let figure = |member: &str| shown.and_then(|on| on[member]["weight_kg"].as_i64()).unwrap_or(-1);
        let said = (kilograms(allotment.kept), kilograms(allotment.drawn.min(allotment.freight)));
        if (figure("kept"), figure("drawn")) == said {
            Ok(())
        } else {
            Err(format!("the allotment on flight {flight} is {allotment:?} and shown as {shown:?}"))
        }
    }

    /// Whether nothing that becomes free is open to others before those who wait have had their turn.
    async fn opens_nothing_else(&self, model: &Model) -> Result<(), String> {
        for (flight, most) in self.flights.iter().zip(model.most_open) {
            let open = self.staff().room(flight).await["available"]["weight_kg"].as_i64().expect("a weight");
            if open > kilograms(most) {
                return Err(format!("others find {open} kg on {} instead of {most} at most", flight["flight_number"]));
            }
        }
        Ok(())
    }

    async fn agrees_on_all(&mut self, model: &Model) -> Result<(), String> {
        self.agrees(model).await?;
        for flight in 0..FLIGHTS {
            self.agrees_on_allotment(model, flight).await?;
        }
        Ok(())
    }

    /// Whether the server shows what the model says; offers that were made since are taken note of.
    async fn agrees(&mut self, model: &Model) -> Result<(), String> {
        let client = self.client();
        for flight in 0..FLIGHTS {
            let room = client.room(&self.flights[flight]).await;
            let figure = |member: &str| room[member]["weight_kg"].as_i64().unwrap_or(-1);
            let shown = (figure("capacity"), figure("booked"), figure("available"));
            let own = model.available(flight) + model.kept(flight);
            let said = (model.flights[flight].capacity, model.booked(flight), own);
            let said = (kilograms(said.0), kilograms(said.1), kilograms(said.2));
            if shown != said {
                return Err(format!("flight {flight} shows {shown:?} instead of {said:?}"));
            }
            let others = self.staff().room(&self.flights[flight]).await["available"]["weight_kg"].clone();
            if others != kilograms(model.available(flight)) {
                return Err(format!(
                    "others find {others} kg on flight {flight} instead of {}",
                    model.available(flight)
                ));
            }
        }
        let orders = (0..FLIGHTS).map(|flight| model.order(flight));
        let places: HashMap<usize, usize> = orders.flat_map(|order| order.into_iter().zip(1..)).collect();
        for (number, entry) in model.entries.iter().enumerate() {
            if self.ended_entries.contains(&number) {
                continue;
            }
            let shown = client.get(&self.entry_at(number)).await.expect(200);
            if let Some(place) = places.get(&number)
                && shown["place"] != *place
            {
                return Err(format!("entry {number} has place {} instead of {place}", shown["place"]));
            }
            let status = match entry.status {
                Waits::Waiting => "WAITING",
                Waits::Offered => "OFFERED",
                Waits::Booked => "BOOKED",
                Waits::Declined => "DECLINED",
                Waits::Expired => "EXPIRED",
                Waits::Cancelled => "CANCELLED",
            };
            if text(&shown, "status") != status || shown["passed_over"] != entry.passed_over {
                return Err(format!("entry {number} is {entry:?} and shown as {shown}"));
            }
            if let Some(hold) = entry.hold {
                // The model numbers offers as they are made.
                if self.holds.len() <= hold {
                    self.holds.resize(hold + 1, Value::Null);
                }
                self.holds[hold] = shown["offer"].clone();
            }
            if !matches!(entry.status, Waits::Waiting | Waits::Offered) {
                self.ended_entries.insert(number);
            }
        }
        self.agrees_on_holds(model).await
    }

    /// On those of the holds that are known here.
    async fn agrees_on_holds(&mut self, model: &Model) -> Result<(), String> {
        let client = self.client();
        for (number, hold) in model.holds.iter().enumerate().take(self.holds.len()) {
            if self.ended_holds.contains(&number) {
                continue;
            }
            let shown = client.get(&self.hold_at(number)).await.expect(200);
            let status = match hold.status {
                Held::Active => "ACTIVE",
                Held::Committed => "COMMITTED",
                Held::Released => "RELEASED",
                Held::Expired => "EXPIRED",
            };
            let expires = self.world.now() + TimeDelta::seconds(hold.expires - model.now);
            let shown_expiry: chrono::DateTime<chrono::Utc> = text(&shown, "expires_at").parse().expect("a time");
            let is_same = text(&shown, "status") == status && shown["weight_kg"] == kilograms(hold.weight);
            if !is_same || shown_expiry != expires {
                return Err(format!("hold {number} is {hold:?} and shown as {shown}"));
            }
            if hold.status != Held::Active {
                self.ended_holds.insert(number);
            }
        }
        Ok(())
    }
}

fn is_as_said(said: Result<(), Refusal>, answer: &Answer) -> bool {
    match said {
        Ok(()) => answer.status.is_success(),
        Err(Refusal(code)) => answer.text.contains(&format!("\"code\":\"{code}\"")),
    }
}

async fn journey(seed: u64) {
    let mut played = Played::start().await;
    let mut model = Model::new();
    let mut dice = Dice::new(seed);
    let mut story = Vec::new();
    for _ in 0..rounds(60, 80) {
        let step = next(&mut dice, &model);
        story.push(step.clone());
        let was_quiet = model.is_quiet();
        let said = model.play(&step);
        // Whoever waits is served soon, and so are allotments; all else is so at once, even what nobody has recorded yet.
        let takes_time = matches!(step, Step::Join { .. } | Step::Allot { .. } | Step::EndAllotment { .. });
        let is_at_once = was_quiet && model.is_quiet() && !takes_time;
        if let Some(answer) = played.play(&step).await {
            assert!(is_as_said(said, &answer), "seed {seed}, {story:#?}: {said:?}, not {}", answer.text);
        }
        let at_once = if is_at_once {
            played.agrees(&model).await
        } else {
            let holds = played.agrees_on_holds(&model).await;
            if holds.is_ok() { played.opens_nothing_else(&model).await } else { holds }
        };
        assert!(at_once.is_ok(), "seed {seed}, {story:#?}: at once: {at_once:?}");
        let last = std::cell::RefCell::new(String::new());
        let agreeing = tokio::time::timeout(std::time::Duration::from_secs(20), async {
            while let Err(difference) = played.agrees_on_all(&model).await {
                *last.borrow_mut() = difference;
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        });
        assert!(agreeing.await.is_ok(), "seed {seed}, {story:#?}: {}", last.borrow());
    }
    played.ended_holds.clear();
    played.ended_entries.clear();
    let at_last = played.agrees_on_all(&model).await;
    assert!(at_last.is_ok(), "seed {seed}, {story:#?}: at last: {at_last:?}");
    played.world.audit().await;
}

/// Takes seconds: after each step both must agree on everything, and what is offered and expires takes its time.
#[tokio::test]
async fn a_model_of_holds_waiters_and_allotments_agrees_at_each_step() {
    for seed in 1..=rounds(2, 60) {
        journey(seed as u64).await;
    }
}
