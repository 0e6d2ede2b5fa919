//! What is wrong with a request about the waitlist is told completely, and nothing is written. Roles and repeated keys are
//! tested for all operations together.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, NewFlight, World, WorldOptions,
    bad_input::{Case, each_alone},
    embargoes::{embargo, impose, only_with},
    flight_verbs::path_to,
    freight::{raw, text, with},
    holds,
    waitlist::{WAITLIST, at, fill, join, reached, wanted},
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

fn of_freight() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (member, most, step) in
        [("weight_kg", "10000000", "0.05"), ("volume_m3", "10000000", "0.0005"), ("positions", "10000", "0.5")]
    {
        cases.push((member, raw(most), "too_large"));
        cases.push((member, raw(step), "too_precise"));
        cases.push((member, raw("-1"), "too_small"));
        cases.push((member, json!("1"), "wrong_type"));
    }
    let codes: Vec<&str> = vec!["GEN"; 10];
    cases.extend([
        ("weight_kg", json!(0), "too_small"),
        ("volume_m3", json!(0), "too_small"),
        ("special_handling_codes|/special_handling_codes/0", json!(["XYZ"]), "unknown_value"),
        ("special_handling_codes", json!(codes), "too_long"),
        ("special_handling_codes", json!("AVI"), "wrong_type"),
        ("pieces", json!(1), "unknown_field"),
        ("priority", json!(1), "unknown_field"),
    ]);
    cases
}

#[tokio::test]
async fn each_member_of_a_new_entry_is_checked() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let id = "01900000-0000-7000-8000-000000000001";
    let mut cases = of_freight();
    cases.extend([
        ("flight_ids", json!([id, id, id, id, id]), "too_long"),
        ("flight_ids|/flight_ids/0", json!(["AI101"]), "invalid_format"),
        ("flight_ids", json!(id), "wrong_type"),
        ("origin", json!("DELHI"), "invalid_format"),
        ("destination", json!("QQQ"), "unknown_value"),
        ("departure_date", json!("2026-02-30"), "invalid_format"),
    ]);
    each_alone(&world, &customer, WAITLIST, &wanted(&flight, 100.0), cases).await;
    let by_date = json!({ "origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21", "weight_kg": 100, "flight_ids": [] });
    let cases: Vec<Case> = vec![
        ("origin", Value::Null, "required"),
        ("destination", Value::Null, "required"),
        ("departure_date", Value::Null, "required"),
        ("destination", json!("DEL"), "same_as_origin"),
        ("weight_kg", Value::Null, "required"),
        ("departure_date", json!(20_261_121), "wrong_type"),
    ];
    each_alone(&world, &customer, WAITLIST, &by_date, cases).await;
    let odd = customer.post_raw(WAITLIST, "application/json", "{\"weight_kg\": 1").await;
    assert_eq!(odd.status, 400, "{}", odd.text);
    let long = json!({ "weight_kg": 1, "note": "x".repeat(2_000_000) });
    assert_eq!(customer.post(WAITLIST, long).await.status, 413);
    let query = customer.post(&format!("{WAITLIST}?dry_run=true"), wanted(&flight, 1.0)).await.expect_faults();
    assert_eq!(query, [("dry_run".to_owned(), "unknown_field".to_owned())]);
    assert_eq!(world.count("waitlist_entries").await, 0);
}

#[tokio::test]
async fn each_change_of_an_entry_and_each_filter_is_checked() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let operator = world.operator().await;
    fill(&operator, &flight).await;
    let entry = join(&operator, wanted(&flight, 100.0)).await;
    for (patch, pointer, code) in [
        (json!({}), "/priority", "required"),
        (json!({ "priority": null }), "/priority", "required"),
        (json!({ "priority": 0 }), "/priority", "too_small"),
        (json!({ "priority": 10 }), "/priority", "too_large"),
        (json!({ "priority": 1.5 }), "/priority", "too_precise"),
        (json!({ "priority": "1" }), "/priority", "wrong_type"),
        (json!({ "priority": 1, "weight_kg": 1 }), "/weight_kg", "unknown_field"),
    ] {
        let told = patch.to_string();
        let faults = operator.patch(&at(&entry), patch).await.expect_faults();
        assert_eq!(faults, [(pointer.to_owned(), code.to_owned())], "{told}");
    }
    let to = |verb: &str| format!("{}/{verb}", at(&entry));
    let cases: Vec<Case> = vec![
        ("before", json!("first"), "invalid_format"),
        ("before", json!(1), "wrong_type"),
        ("before", Value::Null, "required"),
        ("after", entry["id"].clone(), "unknown_field"),
    ];
    each_alone(&world, &operator, &to("move"), &json!({ "before": entry["id"] }), cases).await;
    let unknown: Case = ("reason", json!("Late"), "unknown_field");
    for verb in ["cancel", "decline"] {
        each_alone(&world, &operator, &to(verb), &json!({}), vec![unknown.clone()]).await;
    }
    let pieces: Case = ("pieces", json!(0), "too_small");
    each_alone(&world, &operator, &to("book"), &json!({}), vec![pieces, unknown]).await;
    for (query, code) in
        [("status=GONE", "unknown_value"), ("flight_id=AI101", "invalid_format"), ("limit=0", "too_small")]
    {
        let faults = operator.get(&format!("{WAITLIST}?{query}")).await.expect_faults();
        assert_eq!(faults, [(query.split('=').next().unwrap().to_owned(), code.to_owned())]);
    }
    assert_eq!(operator.get(&at(&entry)).await.expect(200)["version"], 1);
}

#[tokio::test]
async fn freight_that_flights_can_never_carry_does_not_wait() {
    let world = World::start().await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let new = |number: &str, hours: i64| {
        NewFlight::new(number, "DEL", "LHR").positions(2).volume(50.0).leaves_in_hours(hours)
    };
    let flight = world.flight(new("AI101", 30)).await;
    for more in [json!({ "weight_kg": 1000.1 }), json!({ "volume_m3": 50.001 }), json!({ "positions": 3 })] {
        let refused = customer.post(WAITLIST, with(wanted(&flight, 1.0), more)).await;
        let refused = refused.expect_problem(409, "capacity_exceeded");
        assert_eq!(refused["flight_id"], flight["id"], "{refused}");
    }
    let [closed, cancelled] = [world.flight(new("AI103", 2)).await, world.flight(new("AI105", 32)).await];
    let onward = world.flight(NewFlight::new("AI107", "BOM", "JFK").leaves_in_hours(50)).await;
    admin.poke(&format!("{}/cancel", path_to(&cancelled))).await.expect(200);
    let short = json!({ "flight_ids": [flight["id"], onward["id"]], "weight_kg": 1 });
    customer.post(WAITLIST, short).await.expect_problem(409, "itinerary_invalid");
    let unknown = json!({ "flight_ids": [Uuid::nil()], "weight_kg": 1 });
    customer.post(WAITLIST, unknown).await.expect_problem(409, "itinerary_invalid");
    let elsewhere = with(wanted(&flight, 1.0), json!({ "destination": "JFK" }));
    customer.post(WAITLIST, elsewhere).await.expect_problem(409, "itinerary_invalid");
    customer.post(WAITLIST, wanted(&cancelled, 1.0)).await.expect_problem(409, "flight_cancelled");
    world.clock.advance(TimeDelta::minutes(100));
    let customer = world.customer().await;
    customer.post(WAITLIST, wanted(&closed, 1.0)).await.expect_problem(409, "flight_closed");
    let admin = world.admin().await;
    impose(&admin, embargo(json!({ "handling_codes": ["AVI"] }))).await;
    impose(&admin, only_with(&["COL", "FRO"], json!({ "handling_codes": ["PER"] }))).await;
    let carrying = |codes: Value| with(wanted(&flight, 1.0), json!({ "special_handling_codes": codes }));
    customer.post(WAITLIST, carrying(json!(["AVI"]))).await.expect_problem(409, "embargoed");
    customer.post(WAITLIST, carrying(json!(["PER"]))).await.expect_problem(409, "handling_required");
    let nowhere = json!({ "origin": "LHR", "destination": "DEL", "departure_date": "2026-11-21", "weight_kg": 1 });
    customer.post(WAITLIST, nowhere).await.expect_problem(409, "no_bookable_itinerary");
    assert_eq!(customer.get(WAITLIST).await.expect(200), json!([]));
    fill(&admin, &flight).await;
    customer.post(WAITLIST, carrying(json!(["PER", "COL"]))).await.expect(201);
    world.audit().await;
}

/// Everything that can be done with an entry: the method, the path below the entry, the body.
fn steps(other: &Value) -> [(Method, &'static str, Value); 6] {
    [
        (Method::PATCH, "", json!({ "priority": 2 })),
        (Method::POST, "/move", json!({ "before": other["id"] })),
        (Method::POST, "/cancel", json!({})),
        (Method::DELETE, "", json!({})),
        (Method::POST, "/book", json!({ "pieces": 1 })),
        (Method::POST, "/decline", json!({})),
    ]
}

async fn step(
    client: &Client,
    entry: &Value,
    (method, path, body): (Method, &str, Value),
    tag: Option<&str>,
) -> Answer {
    let mut request =
        client.request(method, &format!("{}{path}", at(entry))).header("content-type", "application/json");
    if let Some(tag) = tag {
        request = request.header("if-match", tag);
    }
    Answer::of(request.body(body.to_string())).await
}

#[tokio::test]
async fn a_step_by_another_customer_or_by_a_stale_tag_is_refused() {
    let world = WorldOptions::working().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").leaves_in_hours(200)).await;
    let (operator, stranger) = (world.operator().await, world.customer().await);
    let booking = fill(&operator, &flight).await;
    let offered = join(&operator, wanted(&flight, 1000.0)).await;
    operator.walk(&booking, &["cancel"]).await;
    let offered = reached(&operator, &offered, "OFFERED").await;
    let waiting = join(&operator, wanted(&flight, 1000.0)).await;
    let other = join(&operator, wanted(&flight, 1000.0)).await;
    for (number, (method, path, body)) in steps(&other).into_iter().enumerate() {
        let entry = if number < 4 { &waiting } else { &offered };
        let told = format!("{method} {path}");
        for tag in ["\"7\"", "\"x\"", "\"\""] {
            let answer = step(&operator, entry, (method.clone(), path, body.clone()), Some(tag)).await;
            assert_eq!(answer.status, 412, "{told} {tag}: {}", answer.text);
        }
        let answer = step(&stranger, entry, (method.clone(), path, body.clone()), None).await;
        let expected = if number < 2 { (403, "forbidden") } else { (404, "not_found") };
        assert_eq!((answer.status.as_u16(), text(&answer.body, "code")), expected, "{told}");
        let unknown = json!({ "id": Uuid::nil() });
        let answer = step(&operator, &unknown, (method, path, body), None).await;
        answer.expect_problem(404, "not_found");
    }
    assert_eq!(operator.get(&at(&waiting)).await.expect(200)["version"], 1);
    // The tag of a reading allows a change, whatever place the entry has by now.
    let tag = operator.get(&at(&waiting)).await.header("etag").unwrap().to_owned();
    let changed = step(&operator, &waiting, (Method::PATCH, "", json!({ "priority": 9 })), Some(&tag)).await;
    assert_eq!((changed.header("etag"), changed.status.as_u16()), (Some("\"2\""), 200));
    // A priority that it has already changes nothing.
    let again = step(&operator, &waiting, (Method::PATCH, "", json!({ "priority": 9 })), None).await.expect(200);
    assert_eq!(again["version"], 2);
    for filter in ["", "?status=WAITING", "?status=OFFERED"] {
        assert_eq!(stranger.get(&format!("{WAITLIST}{filter}")).await.expect(200), json!([]));
    }
    let faults = stranger.get(&format!("{WAITLIST}?organization_id={}", Uuid::nil())).await.expect_faults();
    assert_eq!(faults, [("organization_id".to_owned(), "unknown_value".to_owned())]);
    world.audit().await;
}

#[tokio::test]
async fn a_step_from_the_wrong_status_is_refused() {
    let world = WorldOptions::working().start().await;
    let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
    world.caller_in(Role::Operator, user, organization).await;
    let operator = || world.anonymous().with_token(&world.token(Role::Operator, user, organization));
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100.0).leaves_in_hours(200)).await;
    let booking = fill(&operator(), &flight).await;
    let mut entries = [const { Value::Null }; 3];
    for entry in &mut entries {
        *entry = join(&operator(), wanted(&flight, 30.0)).await;
    }
    operator().walk(&booking, &["cancel"]).await;
    for entry in &entries {
        reached(&operator(), entry, "OFFERED").await;
    }
    let [booked, declined, offered] = entries;
    let waiting = join(&operator(), wanted(&flight, 100.0)).await;
    let cancelled = join(&operator(), wanted(&flight, 100.0)).await;
    operator().post(&format!("{}/book", at(&booked)), json!({ "pieces": 1 })).await.expect(201);
    operator().poke(&format!("{}/decline", at(&declined))).await.expect(200);
    operator().delete(&at(&cancelled)).await.expect(200);
    let refusing = async |entry: &Value, refused: std::ops::Range<usize>, from: &str, allowed: Value| {
        for action in &steps(&waiting)[refused] {
            let answer = step(&operator(), entry, action.clone(), None).await;
            let told = format!("{action:?} from {from}: {}", answer.text);
            let problem = answer.expect_problem(409, "invalid_transition");
            assert_eq!((&problem["from"], &problem["allowed"]), (&json!(from), &allowed), "{told}");
        }
    };
    refusing(&waiting, 4..6, "WAITING", json!(["cancel"])).await;
    refusing(&offered, 0..4, "OFFERED", json!(["book", "decline"])).await;
    refusing(&booked, 0..6, "BOOKED", json!([])).await;
    refusing(&declined, 0..6, "DECLINED", json!([])).await;
    refusing(&cancelled, 0..6, "CANCELLED", json!([])).await;
    // Before itself, and before one that does not wait.
    for before in [&waiting, &offered] {
        let place = json!({ "before": before["id"] });
        operator().post(&format!("{}/move", at(&waiting)), place).await.expect_problem(409, "invalid_transition");
    }
    let incomplete = operator().post(&format!("{}/book", at(&offered)), json!({})).await;
    assert_eq!(incomplete.expect_problem(409, "hold_incomplete")["missing"], json!(["/pieces"]));
    world.clock.advance(TimeDelta::hours(24));
    for action in &steps(&waiting)[4..] {
        step(&operator(), &offered, action.clone(), None).await.expect_problem(409, "hold_expired");
    }
    refusing(&offered, 0..4, "EXPIRED", json!([])).await;
    world.audit().await;
}

#[tokio::test]
async fn what_is_done_to_the_hold_of_an_offer_is_done_to_the_entry() {
    let world = WorldOptions::working().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100.0).leaves_in_hours(200)).await;
    let customer = world.customer().await;
    let booking = fill(&customer, &flight).await;
    let entries = [join(&customer, wanted(&flight, 50.0)).await, join(&customer, wanted(&flight, 50.0)).await];
    customer.walk(&booking, &["cancel"]).await;
    let mut offers = Vec::new();
    for entry in &entries {
        offers.push(reached(&customer, entry, "OFFERED").await);
    }
    let other = join(&customer, wanted(&flight, 50.0)).await;
    customer.post(&format!("{}/commit", holds::at(&offers[0]["offer"])), json!({ "pieces": 1 })).await.expect(201);
    customer.delete(&holds::at(&offers[1]["offer"])).await.expect(200);
    assert_eq!(text(&customer.get(&at(&offers[0])).await.expect(200), "status"), "BOOKED");
    assert_eq!(text(&customer.get(&at(&offers[1])).await.expect(200), "status"), "DECLINED");
    let recorded = "select coalesce(string_agg(status, ' ' order by id), '') from waitlist_entries
                    where status in ('BOOKED', 'DECLINED')";
    loadmaster_testkit::until("it is recorded", async || world.texts(recorded).await == ["BOOKED DECLINED"]).await;
    // An offer is for what was waited for, and no more.
    let other = reached(&customer, &other, "OFFERED").await;
    let more = json!({ "pieces": 1, "weight_kg": 51 });
    customer.post(&format!("{}/book", at(&other)), more).await.expect_problem(409, "invalid_transition");
    world.audit().await;
}
