use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_platform::timing::Timing;
use loadmaster_search::SearchService;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{DEMAND, SEARCHES, at, report, rows};
use loadmaster_testkit::{
    Answer, Client, Dice, NewFlight, TestDatabase, World, WorldOptions,
    embargoes::{embargo, impose},
    freight::open_order,
    until,
};

const SEARCH: &str = "/api/v1/routes/search";

/// Writes what this server has counted.
pub(super) async fn write(world: &World) {
    let search: SearchService = world.state().service().unwrap();
    search.write_counts().await.unwrap();
}

pub(super) fn asked(origin: &str, destination: &str, more: Value) -> Value {
    let mut body = json!({"origin": origin, "destination": destination, "departure_date": "2026-11-21"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn search(client: &Client, origin: &str, destination: &str, more: Value) -> Value {
    client.post(SEARCH, asked(origin, destination, more)).await.expect(200)
}

/// What was counted, the latest first.
async fn counted(world: &World, query: &str) -> Vec<Value> {
    write(world).await;
    let found = world.operator().await.get(&format!("{SEARCHES}?{query}")).await.expect(200);
    found.as_array().unwrap().clone()
}

/// These members of each entry, sorted.
fn members(entries: &[Value], names: &[&str]) -> Vec<Vec<Value>> {
    let mut found: Vec<Vec<Value>> =
        entries.iter().map(|entry| names.iter().map(|name| entry[*name].clone()).collect()).collect();
    found.sort_by_key(|members| members.iter().map(Value::to_string).collect::<Vec<_>>());
    found
}

#[tokio::test]
async fn a_search_between_cities_counts_once_on_the_lane_with_the_most_options() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "LHR", "JFK").weight(100.0)).await;
    world.flight(NewFlight::new("AI102", "LHR", "JFK").weight(100.0)).await;
    world.flight(NewFlight::new("AI103", "STN", "EWR").weight(500.0)).await;
    for weight in [200, 1000] {
        search(&world.anonymous(), "LON", "NYC", json!({"weight_kg": weight})).await;
    }
    search(&world.anonymous(), "LON", "TYO", json!({"weight_kg": 50})).await;
    let found = counted(&world, "").await;
    let figures = members(&found, &["origin", "destination", "weight_class", "outcome", "searches", "options"]);
    let expected = [
        json!(["LHR", "JFK", 1000, "NO_ROOM", 1, 3]),
        json!(["LHR", "NRT", 45, "NO_FLIGHT", 1, 0]),
        json!(["STN", "EWR", 100, "BOOKABLE", 1, 3]),
    ];
    assert_eq!(figures, expected.map(|row| row.as_array().unwrap().clone()));
}

#[tokio::test]
async fn each_origin_of_a_group_search_counts_as_a_search_for_the_sum_of_its_parts() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(500.0)).await;
    let parts = json!([{"origin": "DEL", "weight_kg": 120}, {"origin": "BOM", "weight_kg": 50}, {"origin": "DEL", "weight_kg": 200}]);
    let question = json!({"destination": "LHR", "departure_date": "2026-11-21", "parts": parts});
    world.anonymous().post("/api/v1/routes/group-search", question).await.expect(200);
    let found = counted(&world, "").await;
    let figures = members(&found, &["origin", "destination", "weight_class", "outcome", "searches"]);
    assert_eq!(json!(figures), json!([["BOM", "LHR", 45, "NO_FLIGHT", 1], ["DEL", "LHR", 300, "BOOKABLE", 1]]));
}

#[tokio::test]
async fn a_search_is_counted_with_its_outcome_and_without_its_caller() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(500.0)).await;
    let customer = world.customer().await;
    search(&world.anonymous(), "DEL", "LHR", json!({"weight_kg": 120.5, "special_handling_codes": ["PER"]})).await;
    search(&customer, "DEL", "LHR", json!({"weight_kg": 800})).await;
    customer.get("/api/v1/routes?origin=BOM&destination=LHR&departure_date=2026-12-01").await.expect(200);
    let found = counted(&world, "").await;
    let one = |members: Value| {
        let entry =
            found.iter().find(|entry| members.as_object().unwrap().iter().all(|(name, value)| entry[name] == *value));
        entry.unwrap_or_else(|| panic!("{members} in {found:#?}")).clone()
    };
    assert_eq!(found.len(), 3);
    let first = one(
        json!({"asked_on": "2026-11-20", "origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21",
                           "weight_class": 100, "role": null, "channel": "ANONYMOUS", "outcome": "BOOKABLE", "searches": 1,
                           "options": 1, "bookable": 1, "cache_hits": 0, "counted_at": "2026-11-20T08:00:00Z"}),
    );
    assert!(first["took_us"].as_i64().unwrap() > 0 && first["id"].is_string(), "{first}");
    assert_eq!(first.as_object().unwrap().len(), 15);
    one(
        json!({"weight_class": 500, "role": "customer", "channel": "API", "outcome": "NO_ROOM", "options": 1, "bookable": 0,
               "cache_hits": 1}),
    );
    one(
        json!({"origin": "BOM", "departure_date": "2026-12-01", "weight_class": 0, "outcome": "NO_FLIGHT", "options": 0}),
    );
    assert!(counted(&world, "from=2026-11-21").await.is_empty());
}

#[tokio::test]
async fn each_outcome_is_reported() {
    let world = World::start().await;
    let (admin, anyone) = (world.admin().await, world.anonymous());
    world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(500.0).departs("2026-11-21T10:00:00Z")).await;
    world.flight(NewFlight::new("AI102", "BOM", "LHR").departs("2026-11-20T08:30:00Z")).await;
    impose(&admin, embargo(json!({"origin": "DEL", "handling_codes": ["AVI"]}))).await;
    search(&anyone, "DEL", "LHR", json!({"special_handling_codes": ["CAO"]})).await;
    search(&anyone, "DEL", "LHR", json!({"special_handling_codes": ["AVI"]})).await;
    search(&anyone, "DEL", "LHR", json!({"weight_kg": 501})).await;
    search(&anyone, "DEL", "LHR", json!({"weight_kg": 1, "price": true})).await;
    search(&anyone, "DEL", "LHR", json!({"weight_kg": 50})).await;
    search(&anyone, "BOM", "LHR", json!({"departure_date": "2026-11-20"})).await;
    search(&anyone, "CDG", "LHR", json!({})).await;
    let found = members(&counted(&world, "").await, &["outcome", "bookable"]);
    let expected = [
        ("AIRCRAFT", 0),
        ("BOOKABLE", 1),
        ("CUTOFF", 0),
        ("EMBARGO", 0),
        ("NO_FLIGHT", 0),
        ("NO_RATE", 1),
        ("NO_ROOM", 0),
    ];
    assert_eq!(found, expected.map(|(outcome, bookable)| vec![json!(outcome), json!(bookable)]));
}

#[tokio::test]
async fn a_callers_same_question_counts_once_in_ten_minutes() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
    let (ann, ben) = (world.caller_in(Role::Customer, user, organization).await, world.customer().await);
    let codes = |codes: [&str; 2]| json!({"weight_kg": 46, "special_handling_codes": codes});
    for _ in 0..3 {
        search(&ann, "DEL", "LHR", codes(["PER", "HEA"])).await;
        // The same for the table: of the same class, and the order of codes does not matter.
        search(&ann, "DEL", "LHR", json!({"weight_kg": 99.9, "special_handling_codes": ["HEA", "PER"]})).await;
    }
    let sum =
        async || -> i64 { counted(&world, "").await.iter().map(|entry| entry["searches"].as_i64().unwrap()).sum() };
    assert_eq!(sum().await, 1);
    search(&ben, "DEL", "LHR", codes(["PER", "HEA"])).await;
    assert_eq!(sum().await, 2, "another caller");
    search(&ann, "DEL", "LHR", json!({"weight_kg": 100, "special_handling_codes": ["HEA", "PER"]})).await;
    search(&ann, "DEL", "LHR", json!({"weight_kg": 46})).await;
    search(&ann, "LHR", "DEL", codes(["PER", "HEA"])).await;
    search(
        &ann,
        "DEL",
        "LHR",
        json!({"weight_kg": 46, "special_handling_codes": ["PER", "HEA"], "departure_date": "2026-11-22"}),
    )
    .await;
    assert_eq!(sum().await, 6, "another class, other codes, another lane, another date");
    world.clock.advance(TimeDelta::seconds(599));
    search(&ann, "DEL", "LHR", codes(["PER", "HEA"])).await;
    assert_eq!(sum().await, 6);
    world.clock.advance(TimeDelta::seconds(1));
    search(&ann, "DEL", "LHR", codes(["PER", "HEA"])).await;
    search(&ann, "DEL", "LHR", codes(["PER", "HEA"])).await;
    assert_eq!(sum().await, 7, "ten minutes after it counted");
}

#[tokio::test]
async fn day_strips_quotes_and_bookings_are_no_searches() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    customer.get("/api/v1/routes/days?origin=DEL&destination=LHR&from=2026-11-20").await.expect(200);
    customer.book(open_order("DEL", "LHR")).await;
    customer.post(SEARCH, asked("DEL", "DEL", json!({}))).await.expect_problem(400, "validation_failed");
    assert_eq!(counted(&world, "").await, Vec::<Value>::new());
    // Nothing can be booked: the alternatives that it looks for count no more than the search itself.
    search(&customer, "DEL", "LHR", json!({"weight_kg": 9000})).await;
    assert_eq!(members(&counted(&world, "").await, &["outcome", "searches"]), [[json!("NO_ROOM"), json!(1)]]);
}

/// An access token of a browser's session.
pub(super) async fn console(world: &World) -> Client {
    let client = world.anonymous();
    let body = json!({"email": "ann@forwarder.example", "password": "a long and odd password", "session": "cookie"});
    let request = client.request(Method::POST, "/api/v1/auth/register").header("content-type", "application/json");
    let answer = Answer::of(request.header("origin", &client.base).body(body.to_string())).await;
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    answer.expect(201);
    let request = client.request(Method::POST, "/api/v1/auth/refresh").header("content-type", "application/json");
    let request = request.header("origin", &client.base).header("cookie", cookie);
    let renewed = Answer::of(request.body(json!({"session": "cookie"}).to_string())).await.expect(200);
    client.with_token(renewed["access_token"].as_str().unwrap())
}

#[tokio::test]
async fn a_channel_is_that_of_the_credential() {
    let world = World::start().await;
    let (customer, guest) = (world.customer().await, world.anonymous());
    let guest = guest.poke("/api/v1/auth/guest").await.expect(200);
    let guest = world.anonymous().with_token(guest["access_token"].as_str().unwrap());
    let key = customer.post("/api/v1/api-keys", json!({"name": "Robot"})).await.expect(201);
    let robot = world.anonymous().with_token(key["key"].as_str().unwrap());
    for client in [&console(&world).await, &customer, &robot, &guest, &world.anonymous()] {
        search(client, "DEL", "LHR", json!({})).await;
    }
    // The key acts for the user who made it: it is the same caller, and asks something else.
    search(&robot, "DEL", "LHR", json!({"weight_kg": 500})).await;
    let found = members(&counted(&world, "").await, &["channel", "role"]);
    let expected = [
        ("ANONYMOUS", Value::Null),
        ("API", json!("customer")),
        ("API_KEY", json!("customer")),
        ("CONSOLE", json!("customer")),
        ("GUEST", json!("guest")),
    ];
    assert_eq!(found, expected.map(|(channel, role)| vec![json!(channel), role]));
}

#[tokio::test]
async fn a_search_counts_on_the_date_at_its_origin() {
    let world = World::start().await;
    // In Delhi 01:30 of the 21st, in New York 15:00 of the 20th, on Kiritimati 10:00 of the 21st.
    at(&world, "2026-11-20T20:00:00Z");
    for origin in ["DEL", "JFK", "CXI"] {
        search(&world.anonymous(), origin, "LHR", json!({})).await;
    }
    let days = members(&counted(&world, "from=2026-11-20&to=2026-11-21").await, &["origin", "asked_on"]);
    let expected = [("CXI", "2026-11-21"), ("DEL", "2026-11-21"), ("JFK", "2026-11-20")];
    assert_eq!(days, expected.map(|(origin, date)| vec![json!(origin), json!(date)]));
    assert_eq!(members(&counted(&world, "from=2026-11-21&to=2026-11-21").await, &["origin"]).len(), 2);
}

/// What a thousand random searches of twenty callers at two servers must count, by lane.
type Expected = BTreeMap<(&'static str, &'static str), i64>;

struct Crowd {
    servers: [World; 2],
    users: Vec<(Uuid, Uuid)>,
    dice: Dice,
    /// When each question counted last, by server and caller.
    known: BTreeMap<String, i64>,
    expected: Expected,
}

impl Crowd {
    async fn gather() -> Self {
        let first = World::start().await;
        let second = WorldOptions::default().on(&first.database).start().await;
        for (number, (from, to)) in [("AI101", ("DEL", "LHR")), ("AI102", ("BOM", "LHR"))] {
            first.flight(NewFlight::new(number, from, to)).await;
        }
        let users: Vec<_> = (0..19).map(|_| (Uuid::new_v4(), Uuid::new_v4())).collect();
        for (user, organization) in &users {
            first.caller_in(Role::Customer, *user, *organization).await;
        }
        let (known, expected) = (BTreeMap::new(), Expected::new());
        Self { servers: [first, second], users, dice: Dice::new(20_261_128), known, expected }
    }

    /// Somebody asks something, for the first time or again.
    async fn ask(&mut self) {
        let dice = &mut self.dice;
        let (server, caller) = (*dice.pick(&[0, 1]), usize::try_from(dice.below(20)).unwrap());
        let lane = *dice.pick(&[("DEL", "LHR"), ("BOM", "LHR"), ("CDG", "LHR")]);
        let date = *dice.pick(&["2026-11-21", "2026-11-22"]);
        let (weight, class) =
            *dice.pick(&[(10.0, 0), (44.9, 0), (45.0, 45), (250.0, 100), (299.9, 100), (2_000.0, 1000)]);
        let codes = *dice.pick(&[&[] as &[&str], &["PER"], &["PER", "HEA"], &["HEA", "PER"]]);
        let world = &self.servers[server];
        let token = self.users.get(caller).map(|(user, of)| world.token(Role::Customer, *user, *of));
        let anyone = world.anonymous();
        let client = token.map_or(anyone.clone(), |token| anyone.with_token(&token));
        let body = json!({"departure_date": date, "weight_kg": weight, "special_handling_codes": codes});
        search(&client, lane.0, lane.1, body).await;
        let sorted: BTreeSet<_> = codes.iter().collect();
        let question = format!("{server} {caller} {lane:?} {date} {class} {sorted:?}");
        let now = world.now().timestamp();
        if self.known.get(&question).is_none_or(|counted| now - counted >= 600) {
            self.known.insert(question, now);
            *self.expected.entry(lane).or_default() += 1;
        }
    }
}

/// The searches of each lane, as they were counted.
pub(super) async fn by_lane(database: &TestDatabase) -> BTreeMap<(String, String), i64> {
    let query = "select origin, destination, sum(searches)::bigint from searches group by 1, 2";
    let rows: Vec<(String, String, i64)> = sqlx::query_as(query).fetch_all(&mut database.owner().await).await.unwrap();
    rows.into_iter().map(|(origin, destination, searches)| ((origin, destination), searches)).collect()
}

#[tokio::test]
async fn a_thousand_searches_of_twenty_callers_count_without_their_repetitions() {
    let mut crowd = Crowd::gather().await;
    for number in 0..1_000 {
        if number % 50 == 0 {
            for world in &crowd.servers {
                world.clock.advance(TimeDelta::minutes(3));
                write(world).await;
            }
        }
        crowd.ask().await;
    }
    for world in &crowd.servers {
        write(world).await;
    }
    let expected: BTreeMap<_, _> =
        crowd.expected.iter().map(|((from, to), sum)| (((*from).to_owned(), (*to).to_owned()), *sum)).collect();
    let total: i64 = expected.values().sum();
    assert!(total > 300 && total < 990, "some are repetitions: {total}");
    assert_eq!(by_lane(&crowd.servers[0].database).await, expected);
    let demand = report(&crowd.servers[1].operator().await, DEMAND, "group=lane").await;
    let lanes = rows(&demand, "searches").into_iter().map(|(_, lane, sum)| (lane.to_owned(), sum.as_i64().unwrap()));
    let expected: BTreeMap<_, _> =
        expected.into_iter().map(|((from, to), sum)| (format!("{from}-{to}"), sum)).collect();
    assert_eq!((lanes.collect::<BTreeMap<_, _>>(), &demand["total"]["searches"]), (expected, &json!(total)));
}

#[tokio::test]
async fn a_server_that_stops_writes_what_it_has_counted() {
    let world = World::working().await;
    for origin in ["DEL", "BOM", "CDG"] {
        search(&world.anonymous(), origin, "LHR", json!({})).await;
    }
    let database = world.database.clone();
    world.shutdown().await;
    assert_eq!(by_lane(&database).await.values().sum::<i64>(), 3);
}

#[tokio::test]
async fn a_server_writes_by_itself_at_intervals() {
    assert_eq!(Timing::STANDARD.search_counts.as_secs(), 30);
    let world = World::working().await;
    search(&world.anonymous(), "DEL", "LHR", json!({})).await;
    until("it is written", async || by_lane(&world.database).await.values().sum::<i64>() == 1).await;
}

#[tokio::test]
async fn no_column_links_a_search_to_a_caller() {
    let world = World::start().await;
    let columns = "select table_name || '.' || column_name from information_schema.columns
                   where table_schema = 'public' and table_name in ('searches', 'search_days') order by 1";
    let of =
        |table: &'static str, names: &[&str]| names.iter().map(|name| format!("{table}.{name}")).collect::<Vec<_>>();
    let (mut expected, sums) = (
        of("searches", &["id", "counted_at", "departure_date", "role"]),
        [
            "asked_on",
            "origin",
            "destination",
            "weight_class",
            "channel",
            "outcome",
            "searches",
            "options",
            "bookable",
            "took_us",
            "cache_hits",
        ],
    );
    expected.extend(of("searches", &sums));
    expected.extend(of("search_days", &sums));
    expected.sort();
    assert_eq!(world.texts(columns).await, expected);
    let links = "select conname::text from pg_constraint where contype = 'f'
                 and ('searches'::regclass in (conrelid, confrelid) or 'search_days'::regclass in (conrelid, confrelid))
                 union all
                 select table_name || '.' || column_name from information_schema.columns
                 where table_schema = 'public' and column_name like '%search%_id'";
    assert_eq!(world.texts(links).await, Vec::<String>::new());
}

#[tokio::test]
async fn old_counts_are_kept_as_sums_of_their_days() {
    let world = World::working().await;
    let anyone = world.anonymous();
    search(&anyone, "DEL", "LHR", json!({"departure_date": "2026-11-21"})).await;
    search(&world.customer().await, "DEL", "LHR", json!({"departure_date": "2026-11-22"})).await;
    search(&anyone, "DEL", "LHR", json!({"departure_date": "2026-11-23"})).await;
    write(&world).await;
    at(&world, "2026-12-20T08:00:00Z");
    search(&anyone, "DEL", "LHR", json!({"departure_date": "2026-12-21"})).await;
    write(&world).await;
    let summed = "select asked_on || ' ' || channel || ' ' || searches from search_days order by 1";
    for (now, kept, sums) in [
        ("2026-12-20T09:00:00Z", 4, vec![]),
        ("2026-12-21T09:00:00Z", 1, vec!["2026-11-20 ANONYMOUS 2", "2026-11-20 API 1"]),
        ("2027-01-20T09:00:00Z", 0, vec!["2026-11-20 ANONYMOUS 2", "2026-11-20 API 1", "2026-12-20 ANONYMOUS 1"]),
    ] {
        at(&world, now);
        world.state().background.run_now("old_searches").await.unwrap();
        let left: i64 = by_lane(&world.database).await.values().sum();
        assert_eq!((left, world.texts(summed).await), (kept, sums.into_iter().map(str::to_owned).collect()), "{now}");
    }
}

#[tokio::test]
async fn counts_are_listed_page_by_page_and_exported() {
    let world = World::start().await;
    let operator = world.operator().await;
    for (origin, weight) in [("DEL", 10), ("DEL", 500), ("BOM", 10), ("CDG", 10)] {
        search(&world.anonymous(), origin, "LHR", json!({"weight_kg": weight})).await;
        write(&world).await;
    }
    let mut page = operator.get(&format!("{SEARCHES}?limit=3")).await;
    let next = page.header("link").unwrap().split('>').next().unwrap()[1..].to_owned();
    let mut origins: Vec<Value> = members_in_order(&page.clone().expect(200), "origin");
    page = operator.get(&next).await;
    assert!(page.header("link").is_none());
    origins.extend(members_in_order(&page.expect(200), "origin"));
    assert_eq!(origins, ["CDG", "BOM", "DEL", "DEL"], "the latest first");
    for (filter, found) in [
        ("origin=DEL", 2),
        ("origin=DEL&destination=BOM", 0),
        ("destination=LHR&outcome=NO_FLIGHT", 4),
        ("outcome=BOOKABLE", 0),
        ("from=2026-11-20&to=2026-11-20", 4),
        ("to=2026-11-19", 0),
    ] {
        assert_eq!(counted(&world, filter).await.len(), found, "{filter}");
    }
    let table = operator.get(&format!("{SEARCHES}/export?origin=DEL")).await.text;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines[0].starts_with("\"id\",\"asked_on\",\"origin\",\"destination\",\"departure_date\",\"weight_class\""),
        "{table}"
    );
    assert!(lines[1].contains(",500,"), "{table}");
}

fn members_in_order(list: &Value, name: &str) -> Vec<Value> {
    list.as_array().unwrap().iter().map(|entry| entry[name].clone()).collect()
}

#[tokio::test]
async fn only_the_carriers_staff_reads_counts() {
    let world = World::start().await;
    for path in [SEARCHES.to_owned(), format!("{SEARCHES}/export")] {
        world.anonymous().get(&path).await.expect_problem(401, "unauthenticated");
        world.caller(Role::Guest).await.get(&path).await.expect_problem(403, "forbidden");
        world.customer().await.get(&format!("{path}?outcome=GOOD")).await.expect_problem(403, "forbidden");
        let operator = world.operator().await;
        operator.get(&path).await.expect(200);
        for (query, name, code) in [
            ("outcome=GOOD", "outcome", "unknown_value"),
            ("origin=QQQ", "origin", "unknown_value"),
            ("destination=Delhi", "destination", "invalid_format"),
            ("from=2026-11-20&to=2026-11-19", "to", "out_of_order"),
            ("from=2025-10-16&to=2026-11-20", "to", "out_of_order"),
            ("from=yesterday", "from", "invalid_format"),
            ("by=week", "by", "unknown_field"),
        ] {
            let faults = operator.get(&format!("{path}?{query}")).await.expect_faults();
            assert_eq!(faults, [(name.to_owned(), code.to_owned())], "{path}?{query}");
        }
    }
    let operator = world.operator().await;
    operator.get(&format!("{SEARCHES}?cursor=abc")).await.expect_problem(400, "invalid_cursor");
}
