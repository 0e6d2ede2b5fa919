//! Hundreds of odd changes to a few bookings and flights at once, the same in every run: whatever is sent, the server
//! does not fail and the books stay in order.
use loadmaster_testkit::{
    Answer, Client, Dice, NewFlight, World, WorldOptions,
    freight::{at_once, order, path_of, raw, text},
    rounds,
};
use reqwest::Method;
use serde_json::{Map, Value, json};

/// Of one set of flights and bookings.
const CHANGES: usize = 100;

/// Values that no member takes, or only some do.
const ODD: &[&str] = &[
    "null",
    "true",
    "[]",
    "{}",
    "[null]",
    "[[]]",
    "{\"name\": null}",
    "{\"weight_kg\": null}",
    "{\"name\": {\"name\": \"Ann\"}}",
    "0",
    "-0",
    "-1",
    "0.05",
    "1e400",
    "-1e400",
    "1e-400",
    "9999999.9",
    "10000000",
    "9223372036854775808",
    "99999",
    "\"\"",
    "\" \"",
    "\"\\u0000\"",
    "\"a\\u0000b\"",
    "\"\\ud83d\\ude00\"",
    "\"9999-12-31T23:59:59Z\"",
    "\"2026-11-21T10:00:00.1234567Z\"",
    "\"2026-02-30T10:00:00Z\"",
    "\"ACB000000000\"",
    "\"01890000-0000-7000-8000-000000000000\"",
    "[\"01890000-0000-7000-8000-000000000000\"]",
    "'; drop table bookings; --",
];

const OTHER_NAMES: &[&str] = &["status", "version", "origin", "", "\u{0}", "a/b~c", "__proto__", "Pieces"];

/// What may be sent to an address: members with values that they take.
struct Target {
    method: Method,
    path: String,
    members: Vec<(&'static str, Vec<Value>)>,
}

fn texts(values: &[&str]) -> Vec<Value> {
    values.iter().map(|text| raw(text)).collect()
}

fn booking_members(ways: &[Value]) -> Vec<(&'static str, Vec<Value>)> {
    let party = texts(&["{\"name\": \"Ann\"}", "{\"city\": \"Delhi\"}", "{\"city\": null, \"name\": \"Bob\"}", "null"]);
    vec![
        ("pieces", texts(&["1", "7", "99999"])),
        ("weight_kg", texts(&["1", "55.5", "250", "900"])),
        ("volume_m3", texts(&["0.001", "2", "null"])),
        ("positions", texts(&["0", "2", "null"])),
        ("awb_number", texts(&["\"020-12345675\"", "\"098-12345675\"", "null"])),
        ("description", texts(&["\"Figs\"", "null"])),
        ("customer_reference", texts(&["\"PO 1\"", "null"])),
        ("special_handling_codes", texts(&["[\"PER\"]", "[\"CAO\"]", "[]", "null"])),
        ("shipper", party.clone()),
        ("consignee", party),
        ("flight_ids", ways.to_vec()),
    ]
}

fn flight_members(references: &[Value]) -> Vec<(&'static str, Vec<Value>)> {
    let moments = [
        "\"2026-11-21T08:00:00Z\"",
        "\"2026-11-21T14:00:00Z\"",
        "\"2026-11-21T20:00:00Z\"",
        "\"2026-11-22T02:00:00Z\"",
    ];
    vec![
        ("departure_datetime", texts(&moments)),
        ("arrival_datetime", texts(&moments)),
        ("aircraft_code", texts(&["\"77W\"", "\"77X\"", "null"])),
        (
            "capacity",
            texts(&["{\"weight_kg\": 300}", "{\"volume_m3\": null}", "{\"positions\": 9}", "{\"weight_kg\": 5000}"]),
        ),
        ("cutoff_minutes", texts(&["0", "90", "null"])),
        ("offload", references.iter().map(|reference| json!([reference])).collect()),
    ]
}

fn targets(bookings: &[Value], flights: &[Value]) -> Vec<Target> {
    let references: Vec<Value> = bookings.iter().map(|booking| booking["ref_id"].clone()).collect();
    let ids: Vec<&Value> = flights.iter().map(|flight| &flight["id"]).collect();
    let ways: Vec<Value> = ids
        .iter()
        .flat_map(|one| ids.iter().map(move |two| json!([one, two])))
        .chain(ids.iter().map(|id| json!([id])))
        .collect();
    let left =
        references.iter().map(|reference| json!([{"ref_id": reference, "reason": "NO_SHOW"}])).collect::<Vec<_>>();
    let when = texts(&["\"2026-11-20T08:00:00Z\"", "\"2026-11-20T08:04:00Z\"", "null"]);
    let mut targets = Vec::new();
    for booking in bookings {
        let path = path_of(booking);
        for _ in 0..6 {
            targets.push(Target { method: Method::PATCH, path: path.clone(), members: booking_members(&ways) });
        }
        for (verb, member) in [("depart", "notes"), ("arrive", "notes"), ("cancel", "reason")] {
            let members = vec![(member, texts(&["\"late\""]))];
            targets.push(Target { method: Method::POST, path: format!("{path}/{verb}"), members });
        }
    }
    for flight in flights {
        let path = format!("/api/v1/flights/{}", text(flight, "id"));
        for _ in 0..4 {
            targets.push(Target { method: Method::PATCH, path: path.clone(), members: flight_members(&references) });
        }
        for (verb, members) in [
            ("depart", vec![("occurred_at", when.clone()), ("left_behind", left.clone())]),
            ("arrive", vec![("occurred_at", when.clone())]),
            ("cancel", vec![("reason", texts(&["\"fog\""]))]),
        ] {
            targets.push(Target { method: Method::POST, path: format!("{path}/{verb}"), members });
        }
    }
    targets
}

/// A body with some members that are taken, and now and then some that are not; sometimes its text is damaged.
fn body(dice: &mut Dice, target: &Target) -> String {
    let mut object = Map::new();
    for _ in 0..=dice.below(3) {
        let (name, values) = dice.pick(&target.members);
        object.insert((*name).to_owned(), dice.pick(values).clone());
    }
    if dice.below(4) == 0 {
        let name = if dice.below(4) == 0 { *dice.pick(OTHER_NAMES) } else { dice.pick(&target.members).0 };
        let odd = *dice.pick(ODD);
        object.insert(name.to_owned(), serde_json::from_str(odd).unwrap_or_else(|_| json!(odd)));
    }
    let mut text = Value::Object(object).to_string();
    if dice.below(20) == 0 {
        text.truncate(usize::try_from(dice.below(text.len() as u64)).unwrap());
    }
    text
}

async fn send(client: Client, method: Method, path: String, body: String) -> u16 {
    let told = format!("{method} {path} with {body}");
    let request = client.request(method, &path).header("content-type", "application/json");
    let answer = Answer::of(request.body(body)).await;
    let status = answer.status.as_u16();
    assert!(status < 500, "{told}: {}", answer.text);
    if status >= 400 {
        let code = answer.body["code"].as_str().unwrap_or_else(|| panic!("{told}: {}", answer.text)).to_owned();
        answer.expect_problem(status, &code);
    }
    status
}

/// Flights of three routes, some of them freighters, and bookings on them.
async fn stage(world: &World, customer: &Client, round: usize) -> (Vec<Value>, Vec<Value>) {
    let mut flights = Vec::new();
    for (index, (origin, destination, hours)) in
        [("DEL", "BOM", 24), ("BOM", "LHR", 36), ("DEL", "LHR", 26), ("DEL", "LHR", 30), ("BOM", "LHR", 40)]
            .into_iter()
            .enumerate()
    {
        let new = NewFlight::new(&format!("AI{}", 10 * round + index + 1), origin, destination).leaves_in_hours(hours);
        flights.push(world.flight(if index % 2 == 0 { new.aircraft("77X") } else { new }).await);
    }
    let mut bookings = Vec::new();
    for way in [vec![0, 1], vec![0, 4], vec![2], vec![3], vec![0, 1], vec![0]] {
        let chosen: Vec<_> = way.into_iter().map(|index: usize| &flights[index]).collect();
        bookings.push(customer.book(order(&chosen)).await);
    }
    (bookings, flights)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn odd_changes_never_make_the_server_fail() {
    let world = WorldOptions::patient().start().await;
    let (customer, operator, admin) = (world.customer().await, world.operator().await, world.admin().await);
    let callers = [&customer, &operator, &admin, &admin];
    let mut dice = Dice::new(20_261_121);
    let (mut done, mut sent) = (0, 0);
    // Flights leave for good: each round has fresh ones.
    for round in 0..rounds(8, 20) {
        let (bookings, flights) = stage(&world, &customer, round).await;
        let targets = targets(&bookings, &flights);
        let requests: Vec<_> = (0..CHANGES)
            .map(|_| {
                let target = dice.pick(&targets);
                let caller = *dice.pick(&callers);
                (caller.clone(), target.method.clone(), target.path.clone(), body(&mut dice, target))
            })
            .collect();
        for batch in requests.chunks(8) {
            let statuses =
                at_once(batch.iter().cloned().map(|(caller, method, path, body)| send(caller, method, path, body)))
                    .await;
            sent += statuses.len();
            done += statuses.iter().filter(|status| **status == 200).count();
        }
    }
    // The sweep is worth something only if much of it is done.
    assert!(done * 5 > sent, "only {done} of {sent} changes were made");
    world.audit().await;
}

#[tokio::test]
async fn lists_of_references_may_be_long_and_do_not_make_it_fail() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let admin = world.admin().await;
    let path = format!("/api/v1/flights/{}", text(&flight, "id"));
    let references: Vec<_> = (0..5000).map(|number| format!("ACB{number:09}")).collect();
    let entries: Vec<_> = references.iter().map(|it| json!({"ref_id": it, "reason": "NO_SHOW"})).collect();
    let before = world.written().await;
    for answer in [
        loadmaster_testkit::amending::patch(&admin, &path, json!({"offload": references})).await,
        admin.post(&format!("{path}/depart"), json!({"left_behind": entries})).await,
    ] {
        let status = answer.status.as_u16();
        let code = if status == 400 { "validation_failed" } else { "flight_mismatch" };
        answer.expect_problem(if status == 400 { 400 } else { 409 }, code);
    }
    assert_eq!(world.written().await, before);
}
