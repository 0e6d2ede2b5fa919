//! What many operations take, taken by each that documents it.
use loadmaster_search::SearchService;
use loadmaster_testkit::{
    Answer, Client, NewFlight, World, WorldOptions,
    freight::{order, text},
    jobs::dead_job,
    notifications::notify,
    payments::{any_payment, with_test},
    pricing::{sale, surcharge, tariff},
};
use reqwest::Method;
use serde_json::json;

use super::{document, operations, problems::Requests};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

async fn get(caller: &Client, path: &str, query: &str) -> Answer {
    let mark = if path.contains('?') { '&' } else { '?' };
    caller.get(&format!("{path}{mark}{query}")).await
}

/// Where the next page is.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link")?.split(',').find(|link| link.contains("rel=\"next\""))?;
    let address = link.split(['<', '>']).nth(1).expect("an address");
    Some(address[address.find("/api/").expect("a path of the API")..].to_owned())
}

#[tokio::test]
async fn every_representation_with_a_tag_that_the_client_has_is_not_sent_again() {
    let world = with_test().start().await;
    let (admin, document) = (world.admin().await, document());
    let requests = Requests::to(&world, &admin).await;
    let tagged = operations(&document).into_iter().filter(|it| it.parameters("header").contains(&"If-None-Match"));
    for operation in tagged {
        let answer = Answer::of(requests.request(&admin, &operation, None).header("if-none-match", "*")).await;
        assert_eq!(answer.status, 304, "{}: {}", operation.name(), answer.text);
    }
}

#[tokio::test]
async fn every_list_is_given_page_by_page() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let requests = Requests::to(&world, &admin).await;
    add_entries(&world, &admin, &requests).await;
    let document = document();
    for operation in operations(&document).iter().filter(|it| it.parameters("query").contains(&"cursor")) {
        let path = requests.path(operation);
        let page = get(&admin, &path, "limit=1").await;
        if let Some(next) = next(&page) {
            admin.get(&next).await.expect(200);
        }
        assert_eq!(page.status, 200, "{}: {}", operation.name(), page.text);
        if operation.parameters("query").contains(&"offset") {
            get(&admin, &path, "limit=1&offset=1").await.expect(200);
        }
    }
}

/// More than one entry of the lists that have one or none so far.
async fn add_entries(world: &World, admin: &Client, requests: &Requests) {
    let me = admin.get("/api/v1/auth/me").await.expect(200);
    let organization = &me["organization_id"];
    let flight = world.flight(NewFlight::new("AI301", "DEL", "LHR")).await;
    loadmaster_testkit::waitlist::fill(admin, &flight).await;
    let allotment = json!({"organization_id": organization, "name": "Weekly", "origin": "SYD", "destination": "LHR",
                           "date_from": "2026-12-01", "date_to": "2026-12-31", "weight_kg": 1});
    let waiting = json!({"flight_ids": [flight["id"]], "weight_kg": 1});
    for number in 0..2 {
        dead_job(world).await;
        any_payment(world, "tok_ok").await;
        let organization = json!({"name": format!("Crate {number}")});
        let kind = if number == 0 { "FLIGHTS" } else { "SEASON" };
        for (list, entry) in [
            ("alerts", json!({"kind": "SPACE", "origin": "DEL", "destination": "LHR", "weight_kg": 100})),
            ("feeds", json!({"name": "Feed", "kind": kind, "format": "CSV", "airline_codes": ["AI"]})),
            ("consolidations", json!({"name": "Week 49", "destination": "LHR"})),
            ("allotments", allotment.clone()),
            ("organizations", organization),
            ("booking-templates", json!({"name": format!("Roses {number}")})),
            ("parties", json!({"name": "Nordwerk"})),
            ("sales", sale(json!({}))),
            ("surcharges", surcharge("MYC", json!({}))),
            ("station-collections", json!({"slug": format!("asia-{number}"), "name": "Asia"})),
            ("station-tags", json!({"code": format!("hub-{number}"), "name": "Hub", "color": "#2563eb"})),
            ("tariffs", tariff(&format!("T{number}"), json!({}))),
            ("waitlist", waiting.clone()),
            ("webhooks", json!({"url": "https://nowhere.example/"})),
        ] {
            let made = admin.post(&format!("/api/v1/{list}"), entry).await;
            // The first of some rules is there.
            assert!([201, 409].contains(&made.status.as_u16()), "{list}: {}", made.text);
        }
        notify(world, text(&me, "id")).await;
    }
    let author = world.customer().await;
    for station in ["DEL", "BOM"] {
        let path = format!("/api/v1/stations/{station}");
        admin.change_if(Method::PUT, &path, "*", json!({"summary": "Two halls."})).await.expect(200);
        let tip = json!({"topic": "OTHER", "text": "Use gate 2."});
        let tip = author.post("/api/v1/stations/DEL/tips", tip).await.expect(202);
        admin.poke(&format!("/api/v1/tips/{}/approve", text(&tip, "id"))).await.expect(200);
    }
    let document = document();
    let path = |template: &str, method: &str| {
        let operations = operations(&document);
        let found = operations.iter().find(|it| it.path == template && it.method == method);
        requests.path(found.expect("an operation"))
    };
    admin.poke(&path("/api/v1/webhooks/{id}/test", "POST")).await.expect(202);
    let paid = json!({"amount": {"amount": "10", "currency": "USD"}, "reference": "INV-1"});
    admin.post(&path("/api/v1/organizations/{id}/credit/payments", "POST"), paid).await.expect(201);
}

/// The workbook of an export.
async fn workbook(caller: &Client, path: &str) -> Vec<u8> {
    let answer = caller.request(Method::GET, path).send().await.unwrap();
    answer.bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn every_table_goes_out_as_a_workbook_and_what_can_be_imported_comes_back() {
    let world = with_test().start().await;
    let (admin, document) = (world.admin().await, document());
    let requests = Requests::to(&world, &admin).await;
    // A season in the form of SSIM is no table.
    let is_table = |path: &str| path.ends_with("/export") && path != "/api/v1/schedules/export";
    let exports = operations(&document).into_iter().filter(|it| is_table(it.path));
    for operation in exports {
        let answer = get(&admin, &requests.path(&operation), "format=xlsx").await;
        assert_eq!(answer.header("content-type"), Some(XLSX), "{}: {}", operation.name(), answer.text);
    }
    for (list, few) in
        [("airports", "&country=IS"), ("airlines", ""), ("aircraft", ""), ("tariffs", ""), ("stations", "")]
    {
        let table = workbook(&admin, &format!("/api/v1/{list}/export?format=xlsx{few}")).await;
        let import = format!("/api/v1/{list}/import?dry_run=true");
        let summary = admin.post_raw(&import, XLSX, table).await.expect(200);
        assert_eq!((&summary["created"], &summary["updated"]), (&0.into(), &0.into()), "{list}: {summary}");
    }
}

/// What differs between copies of a row.
const COPIES: [(&str, &str); 7] = [
    ("flights", "'id', lpad(to_hex(n), 32, '0'), 'cancelled_at', created_at"),
    ("flight_capacity", "'flight_id', lpad(to_hex(n), 32, '0')"),
    ("tariffs", "'id', gen_random_uuid(), 'code', 'C' || n"),
    ("users", "'id', gen_random_uuid(), 'email', n || '@example.com', 'email_key', n || '@example.com'"),
    ("bookings", "'id', lpad(to_hex(n), 32, '0'), 'ref_id', 'ACB' || n"),
    ("searches", "'id', left(id::text, 24) || lpad(to_hex(n), 12, '0')"),
    ("booking_legs", "'booking_id', lpad(to_hex(n), 32, '0'), 'id', gen_random_uuid()"),
];

// Some seconds: a workbook may have 100 000 rows.
#[tokio::test]
async fn every_export_of_more_rows_than_a_workbook_may_have_is_refused() {
    let world = WorldOptions::patient().start().await;
    let admin = world.admin().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    admin.book(order(&[&flight])).await;
    admin.post("/api/v1/tariffs", tariff("T1", json!({}))).await.expect(201);
    admin.get("/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-21").await.expect(200);
    let search: SearchService = world.state().service().unwrap();
    search.write_counts().await.unwrap();
    for (table, differences) in COPIES {
        let copy = format!(
            "insert into {table} select copy.* from (select it as whole, it.* from {table} it limit 1) one
             cross join generate_series(1, 100001) n
             cross join lateral jsonb_populate_record(whole, jsonb_build_object({differences})) copy"
        );
        world.sql(&copy).await;
    }
    let manifest = format!("flights/{}/manifest", text(&flight, "id"));
    for list in ["flights", "tariffs", "users", "bookings", "analytics/searches", &manifest] {
        let refused = admin.get(&format!("/api/v1/{list}/export?format=xlsx")).await;
        assert_eq!(refused.expect_problem(409, "export_too_large")["limit"], 100_000, "{list}");
    }
}

#[tokio::test]
async fn every_action_on_many_takes_a_key() {
    let world = with_test().start().await;
    let (admin, document) = (world.admin().await, document());
    let requests = Requests::to(&world, &admin).await;
    for operation in operations(&document).into_iter().filter(|it| it.path.ends_with("/bulk")) {
        let request = requests.request(&admin, &operation, None).header("idempotency-key", "k");
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, 200, "{}: {}", operation.name(), answer.text);
    }
}

#[tokio::test]
async fn every_stream_takes_a_ticket_and_the_id_of_its_last_event_and_has_a_bound() {
    let world = with_test().set("stream.max_per_caller", "1").start().await;
    let (requests, document) = (Requests::to(&world, &world.admin().await).await, document());
    let streams: Vec<_> = operations(&document).into_iter().filter(|it| it.path.ends_with("/stream")).collect();
    assert_eq!(streams.len(), 4);
    for operation in streams {
        let path = requests.path(&operation);
        // Each caller has a bound of its own.
        let [first, second, third] = [world.admin().await, world.admin().await, world.admin().await];
        let ticket = first.post("/api/v1/stream-tickets", json!({ "path": path })).await.expect(201);
        let by_ticket = format!("{path}?ticket={}", text(&ticket, "ticket"));
        let answer = world.anonymous().get(&by_ticket).await;
        assert_eq!(answer.status, 200, "{}: {}", operation.name(), answer.text);
        let answer = Answer::of(second.request(Method::GET, &path).header("last-event-id", "1")).await;
        assert_eq!(answer.status, 200, "{}: {}", operation.name(), answer.text);
        let open = third.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(open.status(), 200, "{}", operation.name());
        third.get(&path).await.expect_problem(429, "too_many_streams");
        drop(open);
    }
}
