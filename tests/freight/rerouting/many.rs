//! Many bookings at once: one after the other, each by the room that those before it left.
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client, NewFlight, World,
    amending::{amend, shown},
    flight_verbs::path_to,
    freight::{order, path_of, text, two_flights, with},
};
use serde_json::{Value, json};

use super::ids;
use crate::bulk::{BOOKINGS, keyed, outcomes};

/// A flight from Delhi to London that is cancelled, the bookings that were on it, and what else flies there.
struct Lost {
    bookings: Vec<Value>,
    /// Lands first, and carries this many kilograms.
    sooner: Value,
    later: Value,
}

impl Lost {
    /// So many bookings of 100 kg; the next flight takes this many kilograms, and the one after it 50 tonnes.
    async fn of(world: &World, bookings: usize, kilograms: f64) -> Self {
        let flight = async |number: &str, hours, kilograms| {
            let new = NewFlight::new(number, "DEL", "LHR").leaves_in_hours(hours).weight(kilograms);
            world.flight(new).await
        };
        let lost = flight("AI101", 24, 20_000.0).await;
        let sooner = flight("AI103", 30, kilograms).await;
        let later = flight("AI105", 40, 50_000.0).await;
        let customer = world.customer().await;
        let mut booked = Vec::new();
        for _ in 0..bookings {
            booked.push(customer.book(order(&[&lost])).await);
        }
        world.admin().await.poke(&format!("{}/cancel", path_to(&lost))).await.expect(200);
        let operator = world.operator().await;
        let mut bookings = Vec::new();
        for booking in &booked {
            bookings.push(shown(&operator, booking).await);
        }
        Self { bookings, sooner, later }
    }

    fn refs(&self) -> Vec<&Value> {
        self.bookings.iter().map(|booking| &booking["ref_id"]).collect()
    }

    /// The request to reroute all of them, with these choices.
    fn request(&self, routes: &Value) -> Value {
        json!({"action": "reroute", "ids": self.refs(), "params": {"routes": routes}})
    }
}

/// The route that each row took.
fn routes(result: &Value) -> Vec<&Value> {
    result["results"].as_array().unwrap().iter().map(|row| &row["flight_ids"]).collect()
}

/// The flights that a booking is on.
async fn flights_of(client: &Client, booking: &Value) -> Value {
    shown(client, booking).await["flight_ids"].clone()
}

#[tokio::test]
async fn forty_bookings_fill_the_next_flight_and_go_on_with_the_one_after_it() {
    let world = World::start().await;
    let (lost, operator) = (Lost::of(&world, 40, 650.0).await, world.operator().await);
    let body = json!({"action": "reroute", "ids": lost.refs()});
    let result = operator.post(BOOKINGS, body).await.expect(200);
    assert_eq!(outcomes(&result), ["done"; 40]);
    for ((number, booking), route) in lost.bookings.iter().enumerate().zip(routes(&result)) {
        let flight = if number < 6 { &lost.sooner } else { &lost.later };
        assert_eq!(route, &ids(&[flight]), "{number}");
        assert_eq!(flights_of(&operator, booking).await, ids(&[flight]), "{number}, in the order given");
    }
    assert_eq!(world.available(&lost.sooner).await["weight_kg"], 50);
    assert_eq!(world.available(&lost.later).await["weight_kg"], 46_600);
    world.audit().await;
}

#[tokio::test]
async fn what_fits_nowhere_is_refused_and_what_is_lighter_still_finds_space() {
    let world = World::start().await;
    let (lost, operator) = (Lost::of(&world, 3, 150.0).await, world.operator().await);
    amend(&operator, &lost.bookings[2], json!({"weight_kg": 40})).await.expect(200);
    world.admin().await.poke(&format!("{}/cancel", path_to(&lost.later))).await.expect(200);
    let body = json!({"action": "reroute", "ids": lost.refs()});
    let result = operator.post(BOOKINGS, body).await.expect(200);
    assert_eq!(outcomes(&result), ["done", "no_bookable_itinerary", "done"]);
    let taken = ids(&[&lost.sooner]);
    assert_eq!(routes(&result), [&taken, &Value::Null, &taken]);
    assert_eq!(shown(&operator, &lost.bookings[1]).await["needs_rerouting"], true);
    world.audit().await;
}

#[tokio::test]
async fn the_chosen_route_is_taken_although_another_lands_sooner() {
    let world = World::start().await;
    let (lost, operator) = (Lost::of(&world, 2, 650.0).await, world.operator().await);
    let [one, other] = &lost.bookings[..] else { panic!("two bookings") };
    let chosen = json!([{"ref_id": one["ref_id"], "flight_ids": [lost.later["id"]], "version": one["version"]}]);
    let result = keyed(&operator, BOOKINGS, "k", &lost.request(&chosen)).await;
    assert_eq!(outcomes(&result), ["done"; 2]);
    assert_eq!(routes(&result), [&ids(&[&lost.later]), &ids(&[&lost.sooner])]);
    assert_eq!(keyed(&operator, BOOKINGS, "k", &lost.request(&chosen)).await, result, "a repetition says the same");
    assert_eq!(flights_of(&operator, one).await, ids(&[&lost.later]));
    assert_eq!(flights_of(&operator, other).await, ids(&[&lost.sooner]), "nothing was chosen for it");
    world.audit().await;
}

#[tokio::test]
async fn the_route_of_cargo_on_its_way_begins_where_it_lands() {
    let world = World::start().await;
    let flights = two_flights(&world).await;
    let onward = world.flight(NewFlight::new("AI107", "BOM", "LHR").leaves_in_hours(40)).await;
    let (operator, customer) = (world.operator().await, world.customer().await);
    let booking = customer.book(order(&[&flights[0], &flights[1]])).await;
    operator.walk(&booking, &["depart"]).await;
    world.admin().await.poke(&format!("{}/cancel", path_to(&flights[1]))).await.expect(200);
    let result = operator.post(BOOKINGS, json!({"action": "reroute", "ids": [booking["ref_id"]]})).await.expect(200);
    assert_eq!(routes(&result), [&ids(&[&onward])]);
    assert_eq!(flights_of(&operator, &booking).await, ids(&[&flights[0], &onward]));
    let arrive = json!({"action": "arrive", "ids": [booking["ref_id"]]});
    assert_eq!(routes(&operator.post(BOOKINGS, arrive).await.expect(200)), [&Value::Null], "it takes no route");
    world.audit().await;
}

#[tokio::test]
async fn a_chosen_route_that_is_full_or_cancelled_by_now_or_leads_elsewhere_is_passed_over() {
    let world = World::start().await;
    let (lost, operator) = (Lost::of(&world, 4, 650.0).await, world.operator().await);
    let full = world.flight(NewFlight::new("AI107", "DEL", "LHR").leaves_in_hours(26).weight(99.0)).await;
    let cancelled = world.flight(NewFlight::new("AI109", "DEL", "LHR").leaves_in_hours(27)).await;
    let elsewhere = world.flight(NewFlight::new("AI111", "DEL", "SYD").leaves_in_hours(27)).await;
    let unknown = json!({"id": "018f0000-0000-7000-8000-000000000000"});
    world.admin().await.poke(&format!("{}/cancel", path_to(&cancelled))).await.expect(200);
    let chosen = lost.bookings.iter().zip([&full, &cancelled, &elsewhere, &unknown]);
    let chosen = chosen.map(|(booking, flight)| json!({"ref_id": booking["ref_id"], "flight_ids": [flight["id"]]}));
    let request = lost.request(&chosen.collect());
    assert_eq!(outcomes(&operator.post(BOOKINGS, request).await.expect(200)), ["done"; 4]);
    for booking in &lost.bookings {
        assert_eq!(flights_of(&operator, booking).await, ids(&[&lost.sooner]));
    }
    world.audit().await;
}

#[tokio::test]
async fn a_booking_that_changed_since_the_choice_was_made_is_left_alone() {
    let world = World::start().await;
    let (lost, operator) = (Lost::of(&world, 2, 650.0).await, world.operator().await);
    let [one, other] = &lost.bookings[..] else { panic!("two bookings") };
    // Somebody else has found it a flight meanwhile.
    let by_hand = amend(&operator, one, json!({"flight_ids": ids(&[&lost.later])})).await.expect(200);
    let version = |booking: &Value| json!({"ref_id": booking["ref_id"], "version": booking["version"]});
    let request = lost.request(&json!([version(one), version(other)]));
    let result = operator.post(BOOKINGS, request).await.expect(200);
    assert_eq!(outcomes(&result), ["version_mismatch", "done"]);
    assert_eq!(result["results"][0]["problem"]["version"], by_hand["version"]);
    assert_eq!(shown(&operator, one).await, by_hand);
    world.audit().await;
}

#[tokio::test]
async fn a_repetition_moves_nothing_again_whatever_else_is_chosen_for_others() {
    let world = World::start().await;
    let (lost, operator) = (Lost::of(&world, 2, 650.0).await, world.operator().await);
    let [one, other] = &lost.bookings[..] else { panic!("two bookings") };
    let choice = |booking: &Value, flight: &Value| json!({"ref_id": booking["ref_id"], "flight_ids": [flight["id"]], "version": booking["version"]});
    let only_one =
        json!({"action": "reroute", "ids": [one["ref_id"]], "params": {"routes": [choice(one, &lost.later)]}});
    assert_eq!(outcomes(&keyed(&operator, BOOKINGS, "k", &only_one).await), ["done"]);
    let written = world.written().await;
    assert_eq!(outcomes(&keyed(&operator, BOOKINGS, "k", &only_one).await), ["done"], "the version is a former one");
    assert_eq!(world.written().await, written, "done once");
    let both = lost.request(&json!([choice(other, &lost.later), choice(one, &lost.later)]));
    assert_eq!(outcomes(&keyed(&operator, BOOKINGS, "k", &both).await), ["done"; 2]);
    let changed = lost.request(&json!([choice(one, &lost.sooner)]));
    let told = outcomes(&keyed(&operator, BOOKINGS, "k", &changed).await);
    assert_eq!(told, ["idempotency_key_reused"; 2], "another choice is another request");
    assert_eq!(flights_of(&operator, one).await, ids(&[&lost.later]));
    world.audit().await;
}

#[tokio::test]
async fn two_people_who_reroute_the_same_bookings_at_once_move_each_of_them_and_sell_nothing_twice() {
    let world = World::start().await;
    let lost = Lost::of(&world, 12, 650.0).await;
    let (ann, bob) = (world.operator().await, world.operator().await);
    let version = |booking: &Value| json!({"ref_id": booking["ref_id"], "version": booking["version"]});
    let request = lost.request(&lost.bookings.iter().map(version).collect());
    let (one, other) = tokio::join!(ann.post(BOOKINGS, request.clone()), bob.post(BOOKINGS, request));
    let (one, other) = (outcomes(&one.expect(200)), outcomes(&other.expect(200)));
    for (at, pair) in one.iter().zip(&other).enumerate() {
        let done = [pair.0, pair.1].into_iter().filter(|outcome| *outcome == "done").count();
        assert_eq!(done, 1, "{at}: {pair:?}");
    }
    let sum = 650 + 50_000 - 1200;
    let left = world.available(&lost.sooner).await["weight_kg"].as_u64().unwrap();
    assert_eq!(left + world.available(&lost.later).await["weight_kg"].as_u64().unwrap(), sum);
    world.audit().await;
}

#[tokio::test]
async fn choices_are_for_rows_of_the_request_and_the_rows_for_the_carriers_staff() {
    let world = World::start().await;
    let (lost, operator) = (Lost::of(&world, 1, 650.0).await, world.operator().await);
    let own = &lost.bookings[0]["ref_id"];
    let many: Vec<Value> = (0..201).map(|number| json!({"ref_id": format!("ACB{number:06}")})).collect();
    for (routes, places) in [
        (json!([{"ref_id": own}, {"ref_id": own}]), &["/params/routes/1/ref_id"][..]),
        (json!([{"ref_id": "ACB99999999"}]), &["/params/routes/0/ref_id"]),
        (json!([{}]), &["/params/routes/0/ref_id"]),
        (json!([{"ref_id": own, "version": 0}]), &["/params/routes/0/version"]),
        (json!([{"ref_id": own, "flight_ids": ["?"]}]), &["/params/routes/0/flight_ids/0"]),
        (json!([{"ref_id": own, "flight_ids": vec![&lost.later["id"]; 5]}]), &["/params/routes/0/flight_ids"]),
        (json!([{"ref_id": own, "price": 1}]), &["/params/routes/0/price"]),
        (json!(["AI101"]), &["/params/routes/0"]),
        (json!(many), &["/params/routes"]),
    ] {
        let told = routes.to_string();
        let faults = operator.post(BOOKINGS, lost.request(&routes)).await.expect_faults();
        assert_eq!(faults.into_iter().map(|(place, _)| place).collect::<Vec<_>>(), places, "{told}");
    }
    for role in [Role::Guest, Role::Customer] {
        world.caller(role).await.post(BOOKINGS, lost.request(&json!([]))).await.expect_problem(403, "forbidden");
    }
    // A booking that is over needs no route, whatever is chosen.
    operator.poke(&format!("{}/cancel", path_of(&lost.bookings[0]))).await.expect(200);
    let chosen = json!([with(json!({"ref_id": own}), json!({"flight_ids": [lost.later["id"]]}))]);
    let result = operator.post(BOOKINGS, lost.request(&chosen)).await.expect(200);
    assert_eq!(outcomes(&result), ["invalid_transition"]);
    assert_eq!(text(&result["results"][0]["problem"], "action"), "amend");
    world.audit().await;
}
