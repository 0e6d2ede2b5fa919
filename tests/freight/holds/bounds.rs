use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, NewFlight, World, WorldOptions,
    freight::{at_once, text, with},
    holds::{HOLDS, at, hold_on},
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn a_guest_holds_at_most_a_fifth_of_a_flight_and_all_guests_a_third_of_it() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(1000.0).volume(100.0)).await;
    let guests = [world.caller(Role::Guest).await, world.caller(Role::Guest).await];
    let wanted = |kilograms: f64| with(hold_on(&[&flight]), json!({ "weight_kg": kilograms }));
    let refused = guests[0].post(HOLDS, wanted(200.1)).await.expect_problem(409, "hold_limit_exceeded");
    assert_eq!((text(&refused, "limit"), &refused["maximum"]), ("flight_share", &json!(20)));
    guests[0].hold(wanted(200.0)).await;
    let refused = guests[1].post(HOLDS, wanted(100.1)).await.expect_problem(409, "hold_limit_exceeded");
    assert_eq!((text(&refused, "limit"), &refused["maximum"]), ("flight_share", &json!(30)));
    guests[1].hold(wanted(100.0)).await;
    world.customer().await.hold(wanted(700.0)).await;
    world.audit().await;
}

#[tokio::test]
async fn a_guest_has_three_holds_at_once_and_an_operator_any_number() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    let guest = world.caller(Role::Guest).await;
    for _ in 0..3 {
        guest.hold(hold_on(&[&flight])).await;
    }
    let refused = guest.post(HOLDS, hold_on(&[&flight])).await.expect_problem(409, "hold_limit_exceeded");
    assert_eq!((text(&refused, "limit"), &refused["maximum"]), ("active", &json!(3)));
    let operator = world.operator().await;
    for _ in 0..5 {
        operator.hold(hold_on(&[&flight])).await;
    }
    world.audit().await;
}

/// A world that believes what a proxy says of addresses.
async fn behind_a_proxy() -> World {
    WorldOptions::default().set("server.trusted_proxies", "127.0.0.0/8").start().await
}

/// A guest's hold from this address.
async fn hold_from(guest: &Client, address: &str, wanted: &Value) -> Answer {
    guest.send(Method::POST, HOLDS, &[("x-forwarded-for", address)], Some(wanted)).await
}

async fn guests<const N: usize>(world: &World) -> [Client; N] {
    let mut guests = Vec::new();
    for _ in 0..N {
        guests.push(world.caller(Role::Guest).await);
    }
    guests.try_into().expect("as many as were made")
}

#[tokio::test]
async fn guests_at_one_address_have_five_holds_at_once() {
    let world = behind_a_proxy().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    let wanted = hold_on(&[&flight]);
    let [one, two, three] = guests(&world).await;
    let mut made = Vec::new();
    for guest in [&one, &one, &one, &two, &two] {
        made.push(hold_from(guest, "203.0.113.1", &wanted).await.expect(201));
    }
    let refused = hold_from(&three, "203.0.113.1", &wanted).await.expect_problem(409, "hold_limit_exceeded");
    assert_eq!((text(&refused, "limit"), &refused["maximum"]), ("active", &json!(5)));
    hold_from(&three, "203.0.113.2", &wanted).await.expect(201);
    // A customer at that address is none of them.
    hold_from(&world.customer().await, "203.0.113.1", &wanted).await.expect(201);
    one.delete(&at(&made[0])).await.expect(200);
    hold_from(&three, "203.0.113.1", &wanted).await.expect(201);
    world.audit().await;
}

#[tokio::test]
async fn guests_at_one_address_make_twenty_holds_in_an_hour() {
    let world = behind_a_proxy().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    let wanted = hold_on(&[&flight]);
    let [one, two] = guests(&world).await;
    for number in 0..20 {
        let guest = if number % 2 == 0 { &one } else { &two };
        let hold = hold_from(guest, "203.0.113.1", &wanted).await.expect(201);
        guest.delete(&at(&hold)).await.expect(200);
        if number == 0 {
            world.clock.advance(TimeDelta::minutes(10));
        }
    }
    let refused = hold_from(&one, "203.0.113.1", &wanted).await;
    assert_eq!(refused.header("retry-after"), Some("3001"), "{}", refused.text);
    refused.expect_problem(429, "rate_limited");
    hold_from(&one, "203.0.113.2", &wanted).await.expect(201);
    world.clock.advance(TimeDelta::seconds(3001));
    let [later] = guests(&world).await;
    hold_from(&later, "203.0.113.1", &wanted).await.expect(201);
    world.audit().await;
}

#[tokio::test]
async fn an_organization_has_so_many_holds_at_once_and_those_that_ran_out_do_not_count() {
    let world = WorldOptions::default().set("holds.organization_active", "2").start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(1000.0)).await;
    let organization = Uuid::new_v4();
    let one = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
    let colleague = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
    one.hold(with(hold_on(&[&flight]), json!({ "ttl_seconds": 10 }))).await;
    let reservations = format!("/api/v1/flights/{}/reservations", text(&flight, "id"));
    one.post(&reservations, json!({ "weight_kg": 10 })).await.expect(201);
    for refused in [
        colleague.post(HOLDS, hold_on(&[&flight])).await,
        colleague.post(&reservations, json!({ "weight_kg": 10 })).await,
    ] {
        let refused = refused.expect_problem(409, "hold_limit_exceeded");
        assert_eq!((text(&refused, "limit"), &refused["maximum"]), ("active", &json!(2)));
    }
    world.customer().await.hold(hold_on(&[&flight])).await;
    world.clock.advance(TimeDelta::seconds(10));
    colleague.hold(hold_on(&[&flight])).await;
    world.audit().await;
}

#[tokio::test]
async fn of_many_holds_at_once_no_more_are_made_than_an_organization_may_have() {
    let world = WorldOptions::patient().set("holds.organization_active", "7").start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    let customer = world.customer().await;
    let answers = at_once((0..40).map(|_| customer.sending(HOLDS, hold_on(&[&flight])))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 7);
    world.audit().await;
}

#[tokio::test]
async fn one_position_is_always_a_guests_and_the_share_counts_in_each_dimension() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").volume(100.0).positions(4)).await;
    let [one, two] = guests(&world).await;
    let wanted = |members| with(hold_on(&[&flight]), members);
    for too_much in [json!({ "positions": 2 }), json!({ "volume_m3": 20.001 })] {
        let refused = one.post(HOLDS, wanted(too_much)).await.expect_problem(409, "hold_limit_exceeded");
        assert_eq!(text(&refused, "limit"), "flight_share");
    }
    let hold = one.hold(wanted(json!({ "positions": 1, "volume_m3": 20 }))).await;
    one.patch(&at(&hold), json!({ "weight_kg": 201 })).await.expect_problem(409, "hold_limit_exceeded");
    one.patch(&at(&hold), json!({ "weight_kg": 200 })).await.expect(200);
    // The share of all guests knows no such exception: that is one position more than 30 %.
    two.post(HOLDS, wanted(json!({ "positions": 1 }))).await.expect_problem(409, "hold_limit_exceeded");
    world.audit().await;
}

#[tokio::test]
async fn a_hold_lives_at_most_an_hour() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
    let mut customer = world.caller_in(Role::Customer, user, organization).await;
    let hold = customer.hold(hold_on(&[&flight])).await;
    let made: DateTime<Utc> = text(&hold, "created_at").parse().unwrap();
    let ends = |hold: &Value| text(hold, "expires_at").parse::<DateTime<Utc>>().unwrap() - made;
    assert_eq!(ends(&hold), TimeDelta::minutes(15));
    let extend = format!("{}/extend", at(&hold));
    // No gain, and none to be given back.
    customer.post(&extend, json!({ "ttl_seconds": 10 })).await.expect_problem(409, "hold_limit_exceeded");
    for (minute, end) in [(14, 29), (28, 43), (42, 57), (50, 60)] {
        world.clock.advance(made + TimeDelta::minutes(minute) - world.now());
        customer = customer.with_token(&world.token(Role::Customer, user, organization));
        let extended = customer.poke(&extend).await.expect(200);
        assert_eq!(ends(&extended), TimeDelta::minutes(end), "at minute {minute}");
    }
    let refused = customer.poke(&extend).await.expect_problem(409, "hold_limit_exceeded");
    assert_eq!((text(&refused, "limit"), &refused["maximum"]), ("lifetime", &json!(3600)));
    world.clock.advance(made + TimeDelta::minutes(60) - world.now());
    customer = customer.with_token(&world.token(Role::Customer, user, organization));
    customer.poke(&extend).await.expect_problem(409, "hold_expired");
    world.audit().await;
}
