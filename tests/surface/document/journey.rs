//! What is answered on a whole journey has the shape that the document says.
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use chrono::TimeDelta;
use loadmaster_accounts::{NewToken, OneTime, Purpose};
use loadmaster_consolidations::INVITATION;
use loadmaster_search::SearchService;
use loadmaster_testkit::{
    Answer, Client, NewFlight, World, WorldOptions,
    freight::with,
    payments::{any_credit, any_payment, signed_webhook, unpaid_of_guest, with_test},
    pricing::{sale, surcharge, tariff},
    until,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{document, examples::Examples, operations, schema::Checker};

/// Sends requests and holds the answers against the document.
struct Journey<'a> {
    document: &'a Value,
    visited: BTreeSet<String>,
    faults: BTreeMap<String, Vec<String>>,
    examples: Examples,
}

impl Journey<'_> {
    async fn visit(
        &mut self,
        caller: &Client,
        method: &str,
        template: &str,
        values: &[&str],
        body: Option<Value>,
    ) -> Value {
        let mut parts = template.split_inclusive(['{', '}']);
        let mut values = values.iter();
        let mut path = String::new();
        while let Some(part) = parts.next() {
            path.push_str(part.trim_end_matches('{'));
            if part.ends_with('{') {
                path.push_str(values.next().expect("a value for each hole"));
                parts.next();
            }
        }
        // What is left is the query.
        values.for_each(|query| path.push_str(query));
        let mut request = caller.request(method.parse().unwrap(), &path);
        if let Some(body) = &body {
            let is_image = ["/image", "/logo"].iter().any(|end| template.ends_with(end));
            let media_type = match body {
                Value::String(_) if is_image => "image/webp",
                Value::String(_) => "text/csv",
                _ => "application/json",
            };
            let text = body.as_str().map_or_else(|| body.to_string(), ToOwned::to_owned);
            request = request.header("content-type", media_type).body(text);
        }
        if (method, template) == ("PUT", "/api/v1/stations/{code}") {
            request = request.header("if-match", "\"0\"");
        }
        let answer = Answer::of(request).await;
        assert!(answer.status.is_success(), "{method} {path}: {}", answer.text);
        self.hold(&format!("{method} {template}"), method, template, &answer);
        let operation = &self.document["paths"][template][method.to_lowercase()];
        self.examples.note(operation, body.as_ref(), &answer);
        answer.body
    }

    fn hold(&mut self, name: &str, method: &str, template: &str, answer: &Answer) {
        self.visited.insert(name.to_owned());
        let responses = &self.document["paths"][template][method.to_lowercase()]["responses"];
        let response = &responses[answer.status.as_str()];
        assert!(response.is_object(), "{name} does not tell of {}", answer.status);
        for header in response["headers"].as_object().into_iter().flat_map(|headers| headers.keys()) {
            // Only a page that has a next one links to it, only a repetition says that it is one, only a list that is asked to counts,
            // and here is neither a limit nor a standby.
            let may_lack = ["Link", "Idempotency-Replayed", "Loadmaster-Position", "Total-Count"]
                .contains(&header.as_str())
                || header.starts_with("RateLimit-");
            assert!(answer.header(header).is_some() || may_lack, "{name}: {header}");
        }
        if answer.status == 204 || (answer.status == 202 && response["content"].is_null()) {
            assert!(response["content"].is_null() && answer.text.is_empty(), "{name}: there is no content");
            return;
        }
        let media_type = answer.header("content-type").unwrap().split(';').next().unwrap();
        let schema = &response["content"][media_type]["schema"];
        assert!(schema.is_object(), "{name} does not tell of {media_type}");
        if media_type == "application/json" {
            let mut checker = Checker::new(self.document);
            checker.check(schema, &answer.body, "");
            if !checker.faults.is_empty() {
                self.faults.insert(name.to_owned(), checker.faults);
            }
        }
    }
}

const CSV: &str = "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,\
                   positions,cutoff_minutes\nAI205,DEL,LHR,2026-11-23T08:00:00Z,2026-11-23T16:00:00Z,,500,,,\n";

const TARIFFS: &str = "code,airline_code,origin,destination,flight_numbers,organization_id,product,handling_code,currency,minimum,\
                       normal,breaks,valid_from,valid_to\nT9,,SYD,*,,,,,USD,75,16,45=10;100=9,2026-01-01,\n";

#[tokio::test]
async fn every_success_has_exactly_the_documented_members() {
    let directory = tempfile::tempdir().unwrap();
    let mailbox = with_test().set("mail.transport", "mailbox");
    let world = mailbox.set("embedded.data_dir", directory.path().to_str().unwrap()).start().await;
    let document = document();
    let mut journey = Journey {
        document: &document,
        visited: BTreeSet::new(),
        faults: BTreeMap::new(),
        examples: Examples::default(),
    };
    let (anyone, admin) = (world.anonymous(), world.admin().await);
    schedule_and_reference(&world, &mut journey, &anyone, &admin).await;
    rules(&mut journey, &anyone, &admin).await;
    prices(&mut journey, &admin).await;
    let customer = accounts(&mut journey, &anyone).await;
    world.sql("update users set email_verified_at = now()").await;
    callers(&mut journey, &anyone, &customer, &admin).await;
    messages(&world, &mut journey, &anyone, &admin, directory.path()).await;
    shipments(&mut journey, &anyone, &customer, &admin).await;
    operations_of(&world, &mut journey, &customer, &admin).await;
    holds(&world, &mut journey, &admin).await;
    waitlist(&world, &mut journey, &admin).await;
    allotments(&mut journey, &admin).await;
    parties(&mut journey, &customer).await;
    templates(&mut journey, &customer).await;
    alerts(&mut journey, &customer).await;
    feeds(&world, &mut journey, &admin).await;
    consolidations(&world, &mut journey, &customer, &admin).await;
    stations(&world, &mut journey, [&anyone, &customer, &admin]).await;
    webhooks(&world, &mut journey, &admin).await;
    claims(&world, &mut journey, &anyone, &customer).await;
    payments(&world, &mut journey, &admin).await;
    bills(&world, &mut journey, &admin).await;
    notifications(&world, &mut journey, &anyone, &admin).await;
    system(&mut journey, &anyone, &admin).await;
    administration(&world, &mut journey, &anyone, &admin).await;

    assert!(journey.faults.is_empty(), "{:#?}", journey.faults);
    let all: BTreeSet<_> = operations(&document).iter().map(super::Operation::name).collect();
    let missed: Vec<_> = all.difference(&journey.visited).collect();
    assert!(missed.is_empty(), "the journey must visit {missed:?} too");
    journey.examples.compare_or_write(&document);
}

async fn schedule_and_reference(world: &World, journey: &mut Journey<'_>, anyone: &Client, admin: &Client) {
    world.flight(NewFlight::new("AI103", "DEL", "BOM").leaves_in_hours(20)).await;
    world.flight(NewFlight::new("AI131", "BOM", "LHR").leaves_in_hours(30)).await;
    let new = json!({"flight_number": "AI101", "origin": "DEL", "destination": "LHR", "aircraft_code": "77X",
                     "departure_datetime": "2026-11-21T04:00:00Z", "arrival_datetime": "2026-11-21T13:00:00Z"});
    let flight = journey.visit(admin, "POST", "/api/v1/flights", &[], Some(new)).await;
    let id = flight["id"].as_str().unwrap();
    journey.visit(admin, "POST", "/api/v1/flights/import", &[], Some(CSV.into())).await;
    let search = json!({"origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21", "weight_kg": 2000,
                        "special_handling_codes": ["CAO"]});
    let found = journey.visit(anyone, "POST", "/api/v1/routes/search", &[], Some(search)).await;
    assert!(found["direct_flights"].as_array().is_some_and(|it| !it.is_empty()), "{found}");
    assert!(found["transit_routes"].as_array().is_some_and(|it| !it.is_empty()), "{found}");
    let parts = json!([{"origin": "DEL", "pieces": 4, "weight_kg": 200, "volume_m3": 1.5, "special_handling_codes": ["PER"],
                        "ready_at": "2026-11-20T18:00:00Z"}, {"origin": "BOM", "weight_kg": 100}]);
    let group = json!({"destination": "LHR", "departure_date": "2026-11-21", "parts": parts, "price": true});
    let found = journey.visit(anyone, "POST", "/api/v1/routes/group-search", &[], Some(group)).await;
    assert!(found.as_array().is_some_and(|it| !it.is_empty()), "{found}");
    for (template, values) in [
        ("/api/v1/flights", &[][..]),
        ("/api/v1/flights/{id}", &[id]),
        ("/api/v1/flights/{id}/availability", &[id]),
        ("/api/v1/flights/{id}/stream", &[id]),
        ("/api/v1/routes", &["?origin=DEL&destination=LHR&departure_date=2026-11-21"]),
        ("/api/v1/routes/days", &["?origin=DEL&destination=LHR&from=2026-11-21"]),
        ("/api/v1/routes/days", &["?origin=DEL&destination=LHR&month=2026-11&price=true&weight_kg=100&product=ROSES"]),
        ("/api/v1/airports", &["?country=IN"]),
        ("/api/v1/airports/search", &["?q=del"]),
        ("/api/v1/airports/popular", &[]),
        ("/api/v1/airports/city/{name}", &["London"]),
        ("/api/v1/airports/{code}", &["DEL"]),
        ("/api/v1/cities", &[]),
        ("/api/v1/cities/{code}", &["LON"]),
        ("/api/v1/airlines", &[]),
        ("/api/v1/airlines/{code}", &["AI"]),
        ("/api/v1/airlines/{code}/routes", &["AI"]),
        ("/api/v1/airlines/routes/search", &["?origin=DEL"]),
        ("/api/v1/aircraft", &[]),
        ("/api/v1/aircraft/{code}", &["77X"]),
        ("/api/v1/aircraft/{code}/fit", &["77X", "?length_cm=120&width_cm=80&height_cm=150"]),
        ("/api/v1/handling-codes", &[]),
        ("/api/v1/regions", &[]),
    ] {
        let body = journey.visit(anyone, "GET", template, values, None).await;
        assert!(body.as_array().is_none_or(|list| !list.is_empty()), "{template}: an empty list shows nothing");
    }
}

async fn rules(journey: &mut Journey<'_>, anyone: &Client, admin: &Client) {
    let least = json!({"name": "No flights", "reason": "Closed", "origin": "SYD", "destination": "*",
                       "valid_from": "2026-11-20", "effect": "FORBID"});
    let full = json!({"name": "Cool chain", "reason": "Heat", "airline_code": "AI", "origin": "country:IN",
                      "destination": "region:OCEANIA", "flight_numbers": ["AI301"], "valid_from": "2026-11-20",
                      "valid_to": "2026-12-20", "aircraft_code": "77X", "is_freighter": true, "weekdays": [6, 7],
                      "handling_codes": ["PER"], "effect": {"require_any": ["COL", "FRO"]}});
    journey.visit(admin, "POST", "/api/v1/embargoes", &[], Some(least)).await;
    let embargo = journey.visit(admin, "POST", "/api/v1/embargoes", &[], Some(full)).await;
    let id = embargo["id"].as_str().unwrap();
    journey.visit(anyone, "GET", "/api/v1/embargoes", &[], None).await;
    journey.visit(anyone, "GET", "/api/v1/embargoes/{id}", &[id], None).await;
    let change = Some(json!({"weekdays": null, "effect": "FORBID"}));
    journey.visit(admin, "PATCH", "/api/v1/embargoes/{id}", &[id], change).await;
    journey.visit(admin, "DELETE", "/api/v1/embargoes/{id}", &[id], None).await;
}

/// What a lane has cost, as runs would have kept it.
async fn rates(journey: &mut Journey<'_>, world: &World, anyone: &Client) {
    world.sql("insert into rate_lanes values ('DEL', 'LHR', '2026-11-20T07:45:00Z', '2026-11-20T07:46:00Z')").await;
    let points = "insert into rate_points
        select 'DEL', 'LHR', 'offered', 100, departs::date, at::timestamptz, 'USD', 30000, 30000, 'AI'
        from (values ('2026-11-12', '2026-11-08T08:00:00Z'), ('2026-11-25', '2026-11-08T08:00:00Z')) as v (departs, at)";
    world.sql(points).await;
    world
        .sql("insert into rate_points values ('DEL', 'LHR', 'offered', 100, '2026-11-12', '2026-11-10T08:00:00Z')")
        .await;
    let days = "insert into rate_days
        select 'DEL', 'LHR', 100, 'offered', 'USD', date '2026-11-20' - ago, 31000, 33000, 64000, 2
        from generate_series(0, 59) as ago";
    world.sql(days).await;
    let lane = "?origin=DEL&destination=LHR&weight_kg=120";
    let more = format!("{lane}&from=2026-10-01&to=2026-11-20&by=month&currency=USD&departure_date=2026-11-12");
    let history = journey.visit(anyone, "GET", "/api/v1/rates/history", &[&more], None).await;
    assert_eq!((&history["series"][0]["level"], &history["changes"][1]["price"]), (&json!("LOW"), &Value::Null));
    let windows = journey.visit(anyone, "GET", "/api/v1/rates/booking-window", &[lane], None).await;
    assert_eq!(windows[4]["bookable_percent"], 100);
}

/// Reference data, organizations, tables to take along, and the work in the background.
async fn administration(world: &World, journey: &mut Journey<'_>, anyone: &Client, admin: &Client) {
    let kinds = [
        ("airports", loadmaster_testkit::reference::airport("QQA"), "QQA", "activate"),
        ("airlines", loadmaster_testkit::reference::airline("Q0"), "Q0", "activate"),
        ("aircraft", loadmaster_testkit::reference::aircraft("Q0Q"), "Q0Q", "deactivate"),
    ];
    for (kind, new, code, action) in kinds {
        let (list, one) = (format!("/api/v1/{kind}"), format!("/api/v1/{kind}/{{code}}"));
        journey.visit(admin, "POST", &list, &[], Some(new)).await;
        journey.visit(admin, "PATCH", &one, &[code], Some(json!({"name": "Another"}))).await;
        let bulk = json!({"action": action, "ids": [code]});
        journey.visit(admin, "POST", &format!("{list}/bulk"), &[], Some(bulk)).await;
        let export = format!("{list}/export");
        journey.visit(anyone, "GET", &export, &[], None).await;
        let table = anyone.get(&format!("{export}?active=true")).await.text;
        let few: Vec<&str> = table.lines().take(3).collect();
        journey.visit(admin, "POST", &format!("{list}/import"), &[], Some(few.join("\n").into())).await;
        journey.visit(admin, "DELETE", &one, &[code], None).await;
    }
    let made = journey.visit(admin, "POST", "/api/v1/organizations", &[], Some(json!({"name": "Blue"}))).await;
    let id = made["id"].as_str().unwrap();
    journey.visit(admin, "GET", "/api/v1/organizations", &[], None).await;
    journey.visit(admin, "GET", "/api/v1/organizations/{id}", &[id], None).await;
    journey.visit(admin, "PATCH", "/api/v1/organizations/{id}", &[id], Some(json!({"name": "Red"}))).await;
    let flight = admin.get("/api/v1/flights?limit=1").await.expect(200);
    let flight = flight[0]["id"].as_str().unwrap();
    journey.visit(admin, "GET", "/api/v1/flights/{id}/manifest/export", &[flight], None).await;
    let search: SearchService = world.state().service().unwrap();
    search.write_counts().await.unwrap();
    world.sql("insert into popular_lanes values ('week', 'DEL', 'LHR', 1, 2, 1, 1, 120, 7)").await;
    journey.visit(admin, "GET", "/api/v1/routes/popular", &["?origin=DEL"], None).await;
    rates(journey, world, anyone).await;
    journey.visit(admin, "GET", "/api/v1/analytics/searches", &["?origin=DEL"], None).await;
    for list in ["flights", "bookings", "tariffs", "users", "admin/audit", "analytics/searches"] {
        journey.visit(admin, "GET", &format!("/api/v1/{list}/export"), &[], None).await;
    }
    let season = "?airline=AI&from=2026-11-20&to=2026-12-20&time_mode=LOCAL";
    journey.visit(anyone, "GET", "/api/v1/schedules/export", &[season], None).await;
    for name in ["volume", "flights", "transit-times", "funnel", "demand"] {
        let one = format!("/api/v1/analytics/{name}");
        journey.visit(admin, "GET", &one, &["?group=lane&limit=1&by=month"], None).await;
        journey.visit(admin, "GET", &format!("{one}/export"), &[], None).await;
    }
    journey.visit(admin, "GET", "/api/v1/analytics/daily", &["?by=month"], None).await;
    journey.visit(admin, "GET", "/api/v1/analytics/daily/export", &[], None).await;
    let [again, never] =
        [loadmaster_testkit::jobs::dead_job(world).await, loadmaster_testkit::jobs::dead_job(world).await];
    world.sql("insert into schedules (name, next_run_at) values ('made_up', now())").await;
    journey.visit(admin, "GET", "/api/v1/admin/jobs", &["?state=DEAD"], None).await;
    journey.visit(admin, "POST", "/api/v1/admin/jobs/{id}/retry", &[&again], None).await;
    journey.visit(admin, "DELETE", "/api/v1/admin/jobs/{id}", &[&never], None).await;
    journey.visit(admin, "GET", "/api/v1/admin/schedules", &[], None).await;
    journey.visit(admin, "POST", "/api/v1/admin/schedules/{name}/run", &["made_up"], None).await;
    journey.visit(admin, "GET", "/api/v1/admin/sinks", &[], None).await;
}

/// Rules of prices with all members and with few, and quotes by them.
async fn prices(journey: &mut Journey<'_>, admin: &Client) {
    let me = journey.visit(admin, "GET", "/api/v1/auth/me", &[], None).await;
    let narrow = json!({"airline_code": "AI", "flight_numbers": ["AI101"], "valid_to": "2026-12-31",
                        "organization_id": me["organization_id"], "product": "ROSES", "handling_code": "PER",
                        "breaks": [{"from_kg": 45, "rate": "10"}]});
    let limits = json!({"airline_code": "AI", "flight_numbers": ["AI101"], "valid_to": "2026-12-31", "minimum": "1",
                        "maximum": "9.5", "handling_codes": ["PER"]});
    let coded = json!({"code": "SPRING", "airline_code": "AI", "flight_numbers": ["AI101"], "valid_to": "2026-12-31",
                       "max_uses": 5});
    let kinds = [
        ("/api/v1/tariffs", "/api/v1/tariffs/{id}", tariff("T1", json!({})), tariff("T2", narrow)),
        ("/api/v1/surcharges", "/api/v1/surcharges/{id}", surcharge("MYC", json!({})), surcharge("MYC", limits)),
        ("/api/v1/sales", "/api/v1/sales/{id}", sale(json!({})), sale(coded)),
    ];
    let mut full = Vec::new();
    for (list, template, least, most) in &kinds {
        journey.visit(admin, "POST", list, &[], Some(least.clone())).await;
        let rule = journey.visit(admin, "POST", list, &[], Some(most.clone())).await;
        let id = rule["id"].as_str().unwrap().to_owned();
        journey.visit(admin, "GET", list, &[], None).await;
        journey.visit(admin, "GET", template, &[&id], None).await;
        full.push((*template, id));
    }
    journey.visit(admin, "POST", "/api/v1/tariffs/import", &[], Some(TARIFFS.into())).await;
    journey.visit(admin, "GET", "/api/v1/tariffs/default", &[], None).await;
    let asked = json!({"origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21", "weight_kg": 10,
                       "special_handling_codes": ["PER", "COL"], "product": "ROSES", "discount_code": "SPRING"});
    let quote = journey.visit(admin, "POST", "/api/v1/quotes", &[], Some(asked)).await;
    assert_eq!(quote["lines"].as_array().map(Vec::len), Some(3), "{quote}");
    journey.visit(admin, "GET", "/api/v1/quotes", &["?limit=1"], None).await;
    journey.visit(admin, "GET", "/api/v1/quotes/{id}", &[quote["id"].as_str().unwrap()], None).await;
    for (template, id) in &full {
        journey.visit(admin, "PATCH", template, &[id], Some(json!({"airline_code": null}))).await;
        journey.visit(admin, "DELETE", template, &[id], None).await;
    }
}

/// What messages to people need: tokens as a letter would carry them, and a letter.
async fn messages(world: &World, journey: &mut Journey<'_>, anyone: &Client, admin: &Client, data: &Path) {
    let account = json!({"email": "tom@forwarder.example", "password": "correct horse battery"});
    let session = anyone.post("/api/v1/auth/register", account).await.expect(201);
    let tom = anyone.with_token(session["access_token"].as_str().unwrap());
    tom.patch("/api/v1/auth/me", json!({"phone": "+442079460123"})).await.expect(200);
    let user: Uuid = session["user"]["id"].as_str().unwrap().parse().unwrap();
    let one_time: OneTime = world.state().service().unwrap();
    let issue = async |purpose, kind, address| {
        let mut tx = world.db.begin().await.unwrap();
        let new = NewToken::of_user(purpose, user.into(), one_time.address_hash(kind, address), TimeDelta::hours(1));
        let (id, _) = one_time.issue_in_tx(&mut tx, &new).await.unwrap();
        loadmaster_platform::postgres::commit(tx).await.unwrap();
        id
    };
    let of_mail = async |purpose| one_time.token_of(purpose, issue(purpose, "email", "tom@forwarder.example").await);
    let token = of_mail(Purpose::VERIFY_EMAIL).await;
    journey.visit(anyone, "GET", "/verify-email/{token}", &[&token], None).await;
    journey.visit(anyone, "POST", "/verify-email/{token}", &[&token], None).await;
    let token = Some(json!({"token": of_mail(Purpose::VERIFY_EMAIL).await}));
    journey.visit(anyone, "POST", "/api/v1/auth/email/verify", &[], token).await;
    let digits = issue(Purpose::VERIFY_PHONE, "phone", "+442079460123").await;
    let code = Some(json!({"code": one_time.code_of(Purpose::VERIFY_PHONE, digits)}));
    journey.visit(&tom, "POST", "/api/v1/auth/phone/verify", &[], code).await;
    let token = of_mail(Purpose::RESET_PASSWORD).await;
    journey.visit(anyone, "GET", "/reset-password/{token}", &[&token], None).await;
    let path = format!("/reset-password/{token}");
    let answer = anyone.post_raw(&path, "application/x-www-form-urlencoded", "new=another+horse+battery").await;
    journey.hold("POST /reset-password/{token}", "POST", "/reset-password/{token}", &answer);
    let token = of_mail(Purpose::RESET_PASSWORD).await;
    let new = Some(json!({"token": token, "new": "one more horse battery"}));
    journey.visit(anyone, "POST", "/api/v1/auth/password/reset", &[], new).await;

    let id = Uuid::now_v7();
    let letter = json!({"id": id, "channel": "email", "kind": "verify_email", "to": "tom@forwarder.example",
        "subject": "Confirm", "text": "text", "html": "<p>text</p>", "created_at": "2026-11-23T08:00:00Z"});
    std::fs::write(data.join(format!("mailbox/{id}.eml")), "Subject: Confirm").unwrap();
    std::fs::write(data.join(format!("mailbox-parts/{id}.json")), letter.to_string()).unwrap();
    journey.visit(admin, "GET", "/api/v1/admin/mailbox", &[], None).await;
    journey.visit(admin, "GET", "/api/v1/admin/mailbox/{id}", &[&id.to_string()], None).await;
}

async fn accounts(journey: &mut Journey<'_>, anyone: &Client) -> Client {
    let account = json!({"email": "ann@forwarder.example", "password": "correct horse battery"});
    journey.visit(anyone, "POST", "/api/v1/auth/register", &[], Some(account.clone())).await;
    let session = journey.visit(anyone, "POST", "/api/v1/auth/login", &[], Some(account)).await;
    let form = "grant_type=password&username=ann@forwarder.example&password=correct+horse+battery";
    let path = "/api/v1/auth/token";
    for form in [form, "grant_type=password"] {
        let answer = anyone.post_raw(path, "application/x-www-form-urlencoded", form).await;
        journey.hold(&format!("POST {path}"), "POST", path, &answer);
    }
    let customer = anyone.with_token(session["access_token"].as_str().unwrap());
    journey.visit(&customer, "GET", "/api/v1/auth/me", &[], None).await;
    customer
}

async fn callers(journey: &mut Journey<'_>, anyone: &Client, customer: &Client, admin: &Client) {
    let login = json!({"email": "ann@forwarder.example", "password": "correct horse battery"});
    let session = journey.visit(anyone, "POST", "/api/v1/auth/login", &[], Some(login)).await;
    let token = |session: &Value| Some(json!({"refresh_token": session["refresh_token"]}));
    let session = journey.visit(anyone, "POST", "/api/v1/auth/refresh", &[], token(&session)).await;
    journey.visit(anyone, "POST", "/api/v1/auth/logout", &[], token(&session)).await;
    journey.visit(anyone, "POST", "/api/v1/auth/guest", &[], None).await;
    journey.visit(anyone, "GET", "/.well-known/jwks.json", &[], None).await;
    journey
        .visit(
            customer,
            "PATCH",
            "/api/v1/auth/me",
            &[],
            Some(json!({"name": "Ann", "phone": "+442079460123", "language": "en", "weight_unit": "lb",
                        "home_airport": "DEL"})),
        )
        .await;
    journey.visit(customer, "POST", "/api/v1/auth/email/verification", &[], None).await;
    journey.visit(customer, "POST", "/api/v1/auth/phone/verification", &[], None).await;
    let ann = Some(json!({"email": "ann@forwarder.example"}));
    journey.visit(anyone, "POST", "/api/v1/auth/password/forgot", &[], ann.clone()).await;
    journey.visit(admin, "POST", "/api/v1/admin/suppressions", &[], ann.clone()).await;
    journey.visit(admin, "DELETE", "/api/v1/admin/suppressions", &[], ann).await;
    let passwords = json!({"current": "correct horse battery", "new": "battery staple horse"});
    journey.visit(customer, "POST", "/api/v1/auth/password", &[], Some(passwords)).await;

    let key = journey.visit(customer, "POST", "/api/v1/api-keys", &[], Some(json!({"name": "scanner"}))).await;
    let id = key["id"].as_str().unwrap();
    let limit = Some(json!({"rate_limit_per_minute": 5}));
    journey.visit(admin, "PATCH", "/api/v1/api-keys/{id}", &[id], limit).await;
    journey.visit(customer, "GET", "/api/v1/api-keys", &[], None).await;
    journey.visit(customer, "DELETE", "/api/v1/api-keys/{id}", &[id], None).await;

    let users = journey.visit(admin, "GET", "/api/v1/users", &[], None).await;
    let user = users.as_array().unwrap().iter().find(|user| user["role"] == "customer").expect("a customer");
    let id = user["id"].as_str().unwrap();
    journey.visit(admin, "GET", "/api/v1/users/{id}", &[id], None).await;
    let enable = Some(json!({"disabled": false}));
    journey.visit(admin, "PATCH", "/api/v1/users/{id}", &[id], enable).await;
    let enable = json!({"action": "enable", "ids": [id]});
    journey.visit(admin, "POST", "/api/v1/users/bulk", &[], Some(enable)).await;
    let acts = journey.visit(admin, "GET", "/api/v1/admin/audit", &[], None).await;
    assert!(acts.as_array().is_some_and(|list| !list.is_empty()), "an empty list shows nothing");
}

async fn shipments(journey: &mut Journey<'_>, anyone: &Client, customer: &Client, staff: &Client) {
    let party = json!({"name": "Forwarder Ltd", "city": "Delhi", "country_code": "IN"});
    let full = json!({"origin": "DEL", "destination": "LHR", "pieces": 10, "weight_kg": 500.5, "volume_m3": 3,
                      "positions": 1, "description": "mangoes", "special_handling_codes": ["PER", "COL"],
                      "awb_number": "098-12345675", "shipper": party, "consignee": party,
                      "customer_reference": "A-7"});
    let least = json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 1});
    let bookings = "/api/v1/bookings";
    let full = journey.visit(customer, "POST", bookings, &[], Some(full)).await;
    let full = full["ref_id"].as_str().unwrap();
    for (action, method) in [("/cancel", "POST"), ("", "DELETE")] {
        let booking = journey.visit(customer, "POST", bookings, &[], Some(least.clone())).await;
        let template = format!("{bookings}/{{ref_id}}{action}");
        let reason = Some(json!({"reason": "mistake"}));
        journey.visit(customer, method, &template, &[booking["ref_id"].as_str().unwrap()], reason).await;
    }
    for action in ["depart", "arrive", "deliver"] {
        let template = format!("{bookings}/{{ref_id}}/{action}");
        journey.visit(staff, "POST", &template, &[full], Some(json!({"notes": "fine"}))).await;
        for (caller, template, values) in [
            (customer, "/api/v1/bookings/{ref_id}", &[full][..]),
            (customer, "/api/v1/bookings/{ref_id}", &[full, "?include=history"]),
            (customer, "/api/v1/bookings/{ref_id}/status", &[full]),
            (customer, "/api/v1/bookings/{ref_id}/history", &[full]),
            (anyone, "/api/v1/tracking/{number}", &[full]),
        ] {
            journey.visit(caller, "GET", template, values, None).await;
        }
    }
    let reason = Some(json!({"reason": "Wrong booking"}));
    journey.visit(staff, "POST", "/api/v1/bookings/{ref_id}/correct", &[full], reason).await;
    journey.visit(staff, "POST", "/api/v1/bookings/{ref_id}/deliver", &[full], None).await;
    journey.visit(customer, "GET", bookings, &[], None).await;
    journey.visit(customer, "GET", "/api/v1/bookings/{ref_id}/stream", &[full], None).await;
    journey.visit(anyone, "GET", "/api/v1/tracking/{number}/stream", &[full], None).await;
    journey.visit(staff, "GET", "/api/v1/stream", &[], None).await;
    let path = Some(json!({"path": "/api/v1/stream"}));
    journey.visit(staff, "POST", "/api/v1/stream-tickets", &[], path).await;
    let query = Some(json!({"query": "{ flights(first: 1, origin: \"DEL\", destination: \"LHR\") { totalCount } }"}));
    journey.visit(anyone, "POST", "/graphql", &[], query).await;
    journey.visit(anyone, "GET", "/graphql/schema", &[], None).await;
}

/// A flight with a shipment that it takes and one that it leaves behind, and one that does not go.
async fn operations_of(world: &World, journey: &mut Journey<'_>, customer: &Client, staff: &Client) {
    let flight = world.flight(NewFlight::new("AI301", "DEL", "LHR").leaves_in_hours(30)).await;
    let doomed = world.flight(NewFlight::new("AI303", "DEL", "LHR").leaves_in_hours(30)).await;
    let (flight, doomed) = (flight["id"].as_str().unwrap(), doomed["id"].as_str().unwrap());
    let wish = json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 1, "flight_ids": [doomed],
                      "special_handling_codes": ["PER", "COL"], "shipper": {"name": "Forwarder Ltd"}});
    let mut booked = Vec::new();
    for _ in 0..2 {
        let booking = journey.visit(customer, "POST", "/api/v1/bookings", &[], Some(wish.clone())).await;
        booked.push(booking["ref_id"].as_str().unwrap().to_owned());
    }
    let template = "/api/v1/bookings/{ref_id}";
    for reference in &booked {
        let amendment =
            json!({"weight_kg": 2.5, "shipper": {"name": "Forwarder Ltd", "city": "Delhi"}, "flight_ids": [flight]});
        journey.visit(customer, "PATCH", template, &[reference], Some(amendment)).await;
    }
    let template = "/api/v1/flights/{id}";
    journey.visit(staff, "PATCH", template, &[flight], Some(json!({"cutoff_minutes": 30}))).await;
    let template = "/api/v1/flights/{id}/depart";
    journey.visit(staff, "POST", template, &[flight, "?dry_run=true"], None).await;
    let third = journey.visit(customer, "POST", "/api/v1/bookings", &[], Some(wish)).await;
    let route = json!({"ref_id": third["ref_id"], "flight_ids": [flight], "version": third["version"]});
    let many = json!({"action": "reroute", "ids": [third["ref_id"]], "params": {"routes": [route]}});
    journey.visit(staff, "POST", "/api/v1/bookings/bulk", &[], Some(many)).await;
    let left = json!({"left_behind": [{"ref_id": booked[0], "reason": "NO_SHOW"}]});
    journey.visit(staff, "POST", "/api/v1/flights/{id}/depart", &[flight], Some(left)).await;
    journey.visit(staff, "GET", "/api/v1/flights/{id}/manifest", &[flight], None).await;
    let window = "?from=2026-11-20T00:00:00Z&to=2026-11-24T00:00:00Z";
    journey.visit(staff, "GET", "/api/v1/flights/connections", &[window], None).await;
    journey.visit(staff, "GET", "/api/v1/flights/{id}/connections", &[flight], None).await;
    journey.visit(staff, "POST", "/api/v1/flights/{id}/arrive", &[flight], None).await;
    let reason = Some(json!({"reason": "weather"}));
    let many = json!({"action": "cancel", "ids": [flight]});
    journey.visit(staff, "POST", "/api/v1/flights/bulk", &[], Some(many)).await;
    journey.visit(staff, "POST", "/api/v1/flights/{id}/cancel", &[doomed], reason).await;
    journey.visit(staff, "GET", "/api/v1/bookings/{ref_id}/history", &[&booked[0]], None).await;
    world.audit().await;
}

/// A hold for each end, and reservations.
async fn holds(world: &World, journey: &mut Journey<'_>, staff: &Client) {
    let flight = world.flight(NewFlight::new("AI401", "DEL", "LHR").leaves_in_hours(60)).await;
    let flight = flight["id"].as_str().unwrap();
    let wish = json!({"flight_ids": [flight], "weight_kg": 1, "contact": {"email": "asha@example.com"},
                      "shipper": {"name": "Forwarder Ltd"}, "position_names": {flight: ["P1"]}});
    let template = "/api/v1/holds/{id}";
    let hold = journey.visit(staff, "POST", "/api/v1/holds", &[], Some(wish)).await;
    let hold = hold["id"].as_str().unwrap();
    journey.visit(staff, "PATCH", template, &[hold], Some(json!({"pieces": 2}))).await;
    let extension = Some(json!({"ttl_seconds": 900}));
    world.clock.advance(chrono::TimeDelta::seconds(1));
    journey.visit(staff, "POST", "/api/v1/holds/{id}/extend", &[hold], extension).await;
    journey.visit(staff, "GET", template, &[hold], None).await;
    journey.visit(staff, "GET", "/api/v1/holds", &[], None).await;
    journey.visit(staff, "GET", "/api/v1/flights/{id}/positions", &[flight], None).await;
    journey.visit(staff, "POST", "/api/v1/holds/{id}/commit", &[hold], None).await;
    let wish = || Some(json!({"origin": "DEL", "destination": "LHR", "weight_kg": 1}));
    let hold = journey.visit(staff, "POST", "/api/v1/holds", &[], wish()).await;
    let released = "/api/v1/holds/{id}/release";
    journey.visit(staff, "POST", released, &[hold["id"].as_str().unwrap()], None).await;
    let hold = journey.visit(staff, "POST", "/api/v1/holds", &[], wish()).await;
    journey.visit(staff, "DELETE", template, &[hold["id"].as_str().unwrap()], None).await;
    let reservations = "/api/v1/flights/{id}/reservations";
    let hold = journey.visit(staff, "POST", reservations, &[flight], Some(json!({"weight_kg": 1}))).await;
    journey.visit(staff, "GET", reservations, &[flight], None).await;
    let ended = "/api/v1/flights/{id}/reservations/{hold_id}";
    journey.visit(staff, "DELETE", ended, &[flight, hold["id"].as_str().unwrap()], None).await;
    world.audit().await;
}

/// An allotment from its making to its end.
async fn allotments(journey: &mut Journey<'_>, staff: &Client) {
    let caller = journey.visit(staff, "GET", "/api/v1/auth/me", &[], None).await;
    let wish = json!({"organization_id": caller["organization_id"], "name": "Weekly", "origin": "DEL",
                      "destination": "LHR", "date_from": "2026-11-20", "date_to": "2026-12-31", "weight_kg": 1});
    let (list, template) = ("/api/v1/allotments", "/api/v1/allotments/{id}");
    let allotment = journey.visit(staff, "POST", list, &[], Some(wish)).await;
    let id = allotment["id"].as_str().unwrap();
    journey.visit(staff, "GET", list, &[], None).await;
    journey.visit(staff, "GET", template, &[id], None).await;
    journey.visit(staff, "PATCH", template, &[id], Some(json!({"name": "Daily"}))).await;
    journey.visit(staff, "GET", "/api/v1/allotments/{id}/flights", &[id], None).await;
    journey.visit(staff, "DELETE", template, &[id], None).await;
}

/// A party of an address book.
async fn parties(journey: &mut Journey<'_>, customer: &Client) {
    let (list, template) = ("/api/v1/parties", "/api/v1/parties/{id}");
    let full = json!({"name": "Nordwerk GmbH", "account_number": "4711", "street": "Am Wall 1", "city": "Bremen",
                      "postal_code": "28195", "country_code": "DE", "phone": "+4930555777", "email": "dock@nordwerk.example"});
    let party = journey.visit(customer, "POST", list, &[], Some(full)).await;
    let id = party["id"].as_str().unwrap();
    journey.visit(customer, "GET", list, &["?q=nord"], None).await;
    journey.visit(customer, "GET", template, &[id], None).await;
    journey.visit(customer, "PATCH", template, &[id], Some(json!({"city": "Kiel", "account_number": null}))).await;
    journey.visit(customer, "DELETE", template, &[id], None).await;
}

/// A template of the bookings of an organization.
async fn templates(journey: &mut Journey<'_>, customer: &Client) {
    let (list, template) = ("/api/v1/booking-templates", "/api/v1/booking-templates/{id}");
    let full = json!({"name": "Roses to London", "origin": "DEL", "destination": "LHR", "weight_kg": 500.5, "pieces": 10,
                      "volume_m3": 3.125, "description": "Roses", "special_handling_codes": ["PER"], "product": "GENERAL",
                      "shipper": {"name": "Nordwerk GmbH", "city": "Bremen", "country_code": "DE"},
                      "consignee": {"name": "Rose Trade Ltd"}});
    let roses = journey.visit(customer, "POST", list, &[], Some(full)).await;
    let id = roses["id"].as_str().unwrap();
    journey.visit(customer, "GET", list, &["?q=roses"], None).await;
    journey.visit(customer, "GET", template, &[id], None).await;
    let change = json!({"pieces": 12, "volume_m3": null, "shipper": {"city": "Kiel"}});
    journey.visit(customer, "PATCH", template, &[id], Some(change)).await;
    journey.visit(customer, "DELETE", template, &[id], None).await;
}

/// Alerts on a price and on space.
async fn alerts(journey: &mut Journey<'_>, customer: &Client) {
    let (list, template) = ("/api/v1/alerts", "/api/v1/alerts/{id}");
    let least = json!({"kind": "SPACE", "origin": "DEL", "destination": "LHR", "weight_kg": 100});
    let full = json!({"kind": "PRICE", "origin": "DEL", "destination": "LHR", "date_from": "2026-12-01",
                      "date_to": "2026-12-31", "weight_kg": 300, "volume_m3": 1.8, "positions": 0,
                      "special_handling_codes": ["PER"], "below": {"amount": "450.00", "currency": "USD"},
                      "expires_at": "2026-12-24T12:00:00Z"});
    journey.visit(customer, "POST", list, &[], Some(least)).await;
    let alert = journey.visit(customer, "POST", list, &[], Some(full)).await;
    let id = alert["id"].as_str().unwrap();
    journey.visit(customer, "GET", list, &["?kind=PRICE&status=ACTIVE"], None).await;
    journey.visit(customer, "GET", template, &[id], None).await;
    let change = json!({"date_from": null, "date_to": null, "below": null, "drop_percent": 10, "status": "PAUSED"});
    journey.visit(customer, "PATCH", template, &[id], Some(change)).await;
    let bulk = json!({"action": "resume", "ids": [id]});
    journey.visit(customer, "POST", "/api/v1/alerts/bulk", &[], Some(bulk)).await;
    journey.visit(customer, "DELETE", template, &[id], None).await;
}

/// Feeds, with runs that are applied, rejected and faulty.
async fn feeds(world: &World, journey: &mut Journey<'_>, admin: &Client) {
    let (list, template, runs) = ("/api/v1/feeds", "/api/v1/feeds/{id}", "/api/v1/feeds/{id}/runs");
    let full = json!({"name": "Flights", "kind": "FLIGHTS", "format": "CSV", "url": "https://nowhere.example/flights.csv",
                      "headers": [{"name": "Authorization", "value": "Bearer x"}], "airline_codes": ["AI"],
                      "every_minutes": 60, "apply": "REVIEW", "cancels_absent": true});
    let feed = journey.visit(admin, "POST", list, &[], Some(full)).await;
    let id = feed["id"].as_str().unwrap();
    journey.visit(admin, "GET", list, &["?kind=FLIGHTS&status=ACTIVE"], None).await;
    journey.visit(admin, "PATCH", template, &[id], Some(json!({"url": null, "name": "Flights of Air India"}))).await;
    journey.visit(admin, "POST", "/api/v1/feeds/{id}/reset", &[id], None).await;
    journey.visit(admin, "GET", template, &[id], None).await;
    let rows = "2026-11-25T08:00:00Z,2026-11-25T16:00:00Z,77X,,,,";
    let header = CSV.lines().next().unwrap();
    let working = WorldOptions::working().on(&world.database).start().await;
    working.clock.set(world.now());
    for (file, action) in [
        (format!("{header}\nAI931,DEL,LHR,{rows}\n"), Some("/api/v1/feeds/{id}/runs/{run_id}/reject")),
        (format!("{header}\nAI931,DEL,LHR,{rows}\n"), Some("/api/v1/feeds/{id}/runs/{run_id}/apply")),
        (format!("{header}\nAI931,DEL,XXX,{rows}\n"), None),
    ] {
        let run = journey.visit(admin, "POST", runs, &[id], Some(file.into())).await;
        let run = run["id"].as_str().unwrap();
        let path = format!("/api/v1/feeds/{id}/runs/{run}");
        let has_ended = async || admin.get(&path).await.expect(200)["status"] != "RUNNING";
        until("the run has ended", has_ended).await;
        journey.visit(admin, "GET", "/api/v1/feeds/{id}/runs/{run_id}", &[id, run], None).await;
        journey.visit(admin, "GET", "/api/v1/feeds/{id}/runs/{run_id}/faults", &[id, run], None).await;
        journey.visit(admin, "GET", "/api/v1/feeds/{id}/runs/{run_id}/differences", &[id, run], None).await;
        if let Some(action) = action {
            journey.visit(admin, "POST", action, &[id, run], None).await;
            until("the run has ended", has_ended).await;
        }
    }
    working.shutdown().await;
    journey.visit(admin, "GET", runs, &[id, "?status=APPLIED"], None).await;
    journey.visit(admin, "DELETE", template, &[id], None).await;
}

/// A consolidation of one origin, from its plan to its end.
async fn consolidations(world: &World, journey: &mut Journey<'_>, customer: &Client, other: &Client) {
    let (list, template) = ("/api/v1/consolidations", "/api/v1/consolidations/{id}");
    let full =
        json!({"name": "Week 49", "destination": "LHR", "latest_arrival": "2026-12-24T12:00:00Z", "origin": "DEL"});
    let consolidation = journey.visit(customer, "POST", list, &[], Some(full)).await;
    let id = consolidation["id"].as_str().unwrap();
    journey.visit(customer, "GET", list, &[""], None).await;
    journey.visit(customer, "PATCH", template, &[id], Some(json!({"name": "Week 50", "latest_arrival": null}))).await;
    let (members, parts) = (format!("{template}/members"), format!("{template}/parts"));
    // An address that is the same in each run, for the examples.
    let email = "zoe@forwarder.example";
    let own = other.get("/api/v1/auth/me").await.expect(200)["email"].as_str().unwrap().to_owned();
    world.sql(&format!("update users set email = '{email}', email_key = '{email}' where email = '{own}'")).await;
    world.sql("update users set email_verified_at = now()").await;
    let invited =
        journey.visit(customer, "POST", &members, &[id], Some(json!({"email": email, "origin": "BOM"}))).await;
    let token = world.texts("select token_id::text from consolidation_members where token_id is not null").await;
    let one_time: OneTime = world.state().service().unwrap();
    let token = one_time.token_of(INVITATION, token[0].parse::<Uuid>().unwrap().into());
    let answer = json!({"token": token, "answer": "ACCEPT"});
    journey.visit(other, "POST", "/api/v1/consolidations/join", &[], Some(answer)).await;
    let part = json!({"origin": "DEL", "pieces": 10, "weight_kg": 100, "volume_m3": 0.6, "positions": 0, "status": "READY",
                      "special_handling_codes": ["PER"], "ready_at": "2026-12-01T12:00:00Z", "house_number": "H-1",
                      "description": "Roses", "shipper": {"name": "Nordwerk"}, "consignee": {"name": "Flora"}});
    let part = journey.visit(customer, "POST", &parts, &[id], Some(part)).await;
    let (of_part, part) = (format!("{parts}/{{part_id}}"), part["id"].as_str().unwrap());
    journey.visit(customer, "GET", &parts, &[id], None).await;
    journey.visit(customer, "PATCH", &of_part, &[id, part], Some(json!({"pieces": 12, "volume_m3": null}))).await;
    journey.visit(customer, "GET", &of_part, &[id, part], None).await;
    let flight = world.flight(NewFlight::new("AI349", "DEL", "LHR")).await;
    world.flight(NewFlight::new("AI351", "DEL", "LHR").departs("2026-12-02T04:00:00Z")).await;
    let search =
        json!({"departure_date": "2026-12-02", "latest_arrival": "2026-12-24T12:00:00Z", "hub": "DEL", "price": true});
    let combinations = journey.visit(customer, "POST", &format!("{template}/search"), &[id], Some(search)).await;
    assert!(combinations.as_array().is_some_and(|it| !it.is_empty()), "{combinations}");
    let ways = json!({"ways": [{"origin": "DEL", "flight_ids": [flight["id"]]}]});
    journey.visit(customer, "POST", &format!("{template}/hold"), &[id], Some(ways.clone())).await;
    journey.visit(customer, "POST", &format!("{template}/release"), &[id], None).await;
    journey.visit(customer, "POST", &format!("{template}/hold"), &[id], Some(ways)).await;
    journey.visit(customer, "POST", &format!("{template}/book"), &[id], Some(json!({"origins": ["DEL"]}))).await;
    let master = format!("{template}/masters/{{origin}}");
    journey.visit(customer, "POST", &format!("{master}/amend"), &[id, "DEL"], None).await;
    journey.visit(customer, "GET", &format!("{master}/manifest"), &[id, "DEL"], None).await;
    journey.visit(customer, "GET", &format!("{master}/manifest/export"), &[id, "DEL", "?format=csv"], None).await;
    journey.visit(customer, "GET", &format!("{template}/split"), &[id], None).await;
    journey.visit(customer, "GET", template, &[id], None).await;
    journey.visit(customer, "GET", &format!("{template}/events"), &[id], None).await;
    let member = invited["id"].as_str().unwrap();
    journey.visit(customer, "DELETE", &format!("{members}/{{organization_id}}"), &[id, member], None).await;
    journey.visit(customer, "DELETE", &of_part, &[id, part], None).await;
    journey.visit(customer, "DELETE", template, &[id], None).await;
}

/// What a station says and shows, and what is said about it.
async fn stations(world: &World, journey: &mut Journey<'_>, [anyone, customer, admin]: [&Client; 3]) {
    let tag = json!({"code": "pharma-hub", "name": "Pharma hub", "color": "#2563eb", "order": 1, "is_active": true});
    let collection = json!({"slug": "asia", "name": "Asia", "text": "Three hubs", "stations": ["DEL", "BOM"], "order": 1,
                            "is_active": true});
    for (list, key, entry) in
        [("/api/v1/station-tags", "code", tag), ("/api/v1/station-collections", "slug", collection)]
    {
        let template = format!("{list}/{{id}}");
        let other = admin.post(list, with(entry.clone(), json!({key: "other", "name": "Other"}))).await.expect(201);
        journey.visit(admin, "DELETE", &template, &[other["id"].as_str().unwrap()], None).await;
        let entry = journey.visit(admin, "POST", list, &[], Some(entry)).await;
        let id = entry["id"].as_str().unwrap();
        journey.visit(anyone, "GET", list, &[], None).await;
        journey.visit(anyone, "GET", &template, &[id], None).await;
        journey.visit(admin, "PATCH", &template, &[id], Some(json!({"name": "Another name"}))).await;
    }
    let (list, template) = ("/api/v1/stations", "/api/v1/stations/{code}");
    let full = json!({
        "summary": "Perishables around the clock.", "text": "Two halls.", "highlights": ["Cool chain"],
        "tags": ["pharma-hub"], "capabilities": ["COOL_ROOM", "LIVE_ANIMALS"],
        "hours": [{"desk": "EXPORT", "days": [1, 2, 3, 4, 5], "from": "06:00", "to": "22:00"}],
        "acceptance": [{"minutes_before": 240}, {"minutes_before": 90, "product": "EXPRESS", "handling_code": "PER"}],
        "notices": [{"text": "Gate 2 is closed.", "from": "2026-12-24", "to": "2026-12-26"}],
        "contacts": [{"desk": "EXPORT", "name": "Duty manager", "phone": "+911123456789", "email": "duty@example.com"}],
    });
    journey.visit(admin, "PUT", template, &["DEL"], Some(full)).await;
    journey.visit(anyone, "GET", list, &["?country=IN&capability=COOL_ROOM&tag=pharma-hub&q=del"], None).await;
    journey.visit(customer, "GET", template, &["DEL"], None).await;
    let table = "iata_code,summary\nBOM,One hall\n";
    journey.visit(admin, "POST", "/api/v1/stations/import", &[], Some(table.into())).await;
    journey.visit(anyone, "GET", "/api/v1/stations/export", &["?format=csv&collection=asia"], None).await;
    let bulk = json!({"action": "feature", "ids": ["DEL", "BOM"]});
    journey.visit(admin, "POST", "/api/v1/stations/bulk", &[], Some(bulk)).await;
    let pixel = "RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0";
    for (template, code) in [("/api/v1/stations/{code}/image", "DEL"), ("/api/v1/airlines/{code}/logo", "AI")] {
        journey.visit(admin, "PUT", template, &[code], Some(pixel.into())).await;
        journey.visit(anyone, "GET", template, &[code], None).await;
        if code == "AI" {
            journey.visit(anyone, "GET", "/api/v1/airline-logos", &[], None).await;
        }
        journey.visit(admin, "DELETE", template, &[code], None).await;
    }
    let tips = "/api/v1/stations/{code}/tips";
    let tip = json!({"topic": "TRAFFIC", "text": "Use gate 2.", "link": "https://www.example.com/gates"});
    let tip = journey.visit(customer, "POST", tips, &["DEL"], Some(tip)).await;
    let id = tip["id"].as_str().unwrap();
    journey.visit(admin, "GET", "/api/v1/tips", &["?status=PENDING&station=DEL"], None).await;
    let reason = Some(json!({"reason": "Checked on site"}));
    journey.visit(admin, "POST", "/api/v1/tips/{id}/approve", &[id], reason.clone()).await;
    journey.visit(anyone, "GET", tips, &["DEL"], None).await;
    journey.visit(admin, "POST", "/api/v1/tips/{id}/report", &[id], None).await;
    journey.visit(admin, "POST", "/api/v1/tips/{id}/reject", &[id], reason).await;
    journey.visit(admin, "POST", "/api/v1/tips/bulk", &[], Some(json!({"action": "approve", "ids": [id]}))).await;
    world.sql("insert into station_trends values ('LHR', 1, 40, 2, 16, '2026-11-20T04:00:00Z')").await;
    let lanes = r#"[{"destination": "LHR", "departures": 56, "currency": "USD", "low": 20000, "average": 30000, "high": 40000}]"#;
    let insights = format!(
        "insert into station_insights
         values ('DEL', '2026-10-23', '2026-11-19', 56, 50, 40, 3000000, 5000000, '{lanes}', '2026-11-20T04:00:00Z')"
    );
    world.sql(&insights).await;
    journey.visit(admin, "GET", "/api/v1/stations/trending", &["?limit=5"], None).await;
    journey.visit(anyone, "GET", "/api/v1/stations/{code}/insights", &["DEL"], None).await;
}

/// A webhook whose receiver is nowhere.
async fn webhooks(world: &World, journey: &mut Journey<'_>, staff: &Client) {
    let (list, template) = ("/api/v1/webhooks", "/api/v1/webhooks/{id}");
    let least = json!({"url": "https://nowhere.example/"});
    let full = json!({"url": "https://nowhere.example/hook", "description": "All", "types": ["loadmaster.*"],
                      "origins": ["DEL"], "destinations": ["LHR"], "scope": "all"});
    journey.visit(staff, "POST", list, &[], Some(full)).await;
    let webhook = journey.visit(staff, "POST", list, &[], Some(least)).await;
    let id = webhook["id"].as_str().unwrap();
    journey.visit(staff, "GET", list, &[], None).await;
    journey.visit(staff, "GET", template, &[id], None).await;
    journey.visit(staff, "PATCH", template, &[id], Some(json!({"description": "Mine"}))).await;
    journey.visit(staff, "POST", "/api/v1/webhooks/{id}/secret", &[id], Some(json!({"overlap_hours": 1}))).await;
    journey.visit(staff, "POST", "/api/v1/webhooks/{id}/test", &[id], None).await;
    let sending = WorldOptions::working().on(&world.database).start().await;
    sending.clock.set(world.now());
    let path = format!("/api/v1/webhooks/{id}/deliveries");
    until("it was tried", async || staff.get(&path).await.expect(200)[0]["attempt_count"] == 1).await;
    sending.shutdown().await;
    let deliveries = journey.visit(staff, "GET", "/api/v1/webhooks/{id}/deliveries", &[id], None).await;
    let delivery = deliveries[0]["id"].as_str().unwrap();
    let one = "/api/v1/webhooks/{id}/deliveries/{delivery_id}";
    journey.visit(staff, "GET", one, &[id, delivery], None).await;
    let again = "/api/v1/webhooks/{id}/deliveries/{delivery_id}/resend";
    journey.visit(staff, "POST", again, &[id, delivery], None).await;
    let since = json!({"since": "2026-11-01T00:00:00Z", "only": "all"});
    journey.visit(staff, "POST", "/api/v1/webhooks/{id}/resend", &[id], Some(since)).await;
    journey.visit(staff, "DELETE", template, &[id], None).await;
}

/// Entries that are cancelled, moved, offered and booked, and offered and declined.
async fn waitlist(world: &World, journey: &mut Journey<'_>, staff: &Client) {
    let flight = world.flight(NewFlight::new("AI403", "DEL", "LHR").leaves_in_hours(60)).await;
    let full = loadmaster_testkit::waitlist::fill(staff, &flight).await;
    let wish = json!({"flight_ids": [flight["id"]], "weight_kg": 1});
    let (list, template) = ("/api/v1/waitlist", "/api/v1/waitlist/{id}");
    let mut entries = Vec::new();
    for _ in 0..4 {
        let entry = journey.visit(staff, "POST", list, &[], Some(wish.clone())).await;
        entries.push(entry["id"].as_str().unwrap().to_owned());
    }
    journey.visit(staff, "PATCH", template, &[&entries[0]], Some(json!({"priority": 9}))).await;
    let before = Some(json!({"before": entries[1]}));
    journey.visit(staff, "POST", "/api/v1/waitlist/{id}/move", &[&entries[0]], before).await;
    journey.visit(staff, "GET", template, &[&entries[0]], None).await;
    journey.visit(staff, "GET", list, &[], None).await;
    journey.visit(staff, "POST", "/api/v1/waitlist/{id}/cancel", &[&entries[0]], None).await;
    journey.visit(staff, "DELETE", template, &[&entries[1]], None).await;
    staff.walk(&full, &["cancel"]).await;
    // A server with a matcher makes the offers.
    let matching = WorldOptions::working().on(&world.database).start().await;
    for entry in &entries[2..] {
        let path = format!("{list}/{entry}");
        until("it is offered", async || staff.get(&path).await.expect(200)["status"] == "OFFERED").await;
    }
    matching.shutdown().await;
    let body = Some(json!({"pieces": 1}));
    journey.visit(staff, "POST", "/api/v1/waitlist/{id}/book", &[&entries[2]], body).await;
    journey.visit(staff, "POST", "/api/v1/waitlist/{id}/decline", &[&entries[3]], None).await;
}

/// Payments at the provider `test`, its webhook, and an organization's credit.
async fn payments(world: &World, journey: &mut Journey<'_>, staff: &Client) {
    for verb in ["confirm", "fail"] {
        let payment = any_payment(world, "tok_confirm").await;
        let reference = payment["provider_reference"].as_str().unwrap();
        journey.visit(staff, "GET", "/api/v1/payments/{id}", &[payment["id"].as_str().unwrap()], None).await;
        let template = format!("/api/v1/test-payments/{{reference}}/{verb}");
        journey.visit(staff, "POST", &template, &[reference], None).await;
    }
    any_payment(world, "tok_declined").await;
    journey.visit(staff, "GET", "/api/v1/payments", &["?limit=1"], None).await;
    journey.visit(staff, "GET", "/api/v1/test-payments/journal", &[], None).await;
    let answer = signed_webhook(world, "msg_1", "test_of_nobody").await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    let template = "/api/v1/payments/webhooks/{provider}";
    journey.hold(&format!("POST {template}"), "POST", template, &answer);
    let caller = staff.get("/api/v1/auth/me").await.expect(200);
    let id = caller["organization_id"].as_str().unwrap();
    any_credit(world, id.parse().unwrap()).await;
    let credit = "/api/v1/organizations/{id}/credit";
    let limit = json!({"limit": {"amount": "2000", "currency": "USD"}});
    journey.visit(staff, "PATCH", credit, &[id], Some(limit)).await;
    let paid = json!({"amount": {"amount": "10", "currency": "USD"}, "reference": "INV-1"});
    journey.visit(staff, "POST", "/api/v1/organizations/{id}/credit/payments", &[id], Some(paid)).await;
    journey.visit(staff, "GET", credit, &[id], None).await;
    journey.visit(staff, "GET", "/api/v1/organizations/{id}/credit/entries", &[id], None).await;
    let statement = "/api/v1/organizations/{id}/credit/statement";
    journey.visit(staff, "GET", statement, &[id, "?from=2026-11-01&to=2026-11-30"], None).await;
}

/// What bookings cost, and being paid for them.
async fn bills(world: &World, journey: &mut Journey<'_>, staff: &Client) {
    let flight = world.flight(NewFlight::new("AI407", "DEL", "LHR").leaves_in_hours(90)).await;
    staff.post("/api/v1/tariffs", tariff("BILLS", json!({"origin": "DEL", "destination": "LHR"}))).await.expect(201);
    let manual = with_test().set("payments.capture", "manual").on(&world.database).start().await;
    let payer = manual.admin().await;
    let wish = json!({"flight_ids": [flight["id"]], "weight_kg": 10, "pieces": 1});
    let commit = "/api/v1/holds/{id}/commit";
    let held = async || {
        let hold = payer.post("/api/v1/holds", wish.clone()).await.expect(201);
        hold["id"].as_str().unwrap().to_owned()
    };
    let waits = held().await;
    journey.visit(&payer, "POST", commit, &[&waits], Some(json!({"payment_token": "tok_confirm"}))).await;
    journey.visit(staff, "GET", "/api/v1/holds/{id}", &[&waits], None).await;
    let booking = journey.visit(&payer, "POST", commit, &[&held().await], Some(json!({}))).await;
    let reference = booking["ref_id"].as_str().unwrap();
    let payments = "/api/v1/bookings/{ref_id}/payments";
    let token = Some(json!({"payment_token": "tok_ok"}));
    let payment = journey.visit(&payer, "POST", payments, &[reference], token.clone()).await;
    let id = [payment["id"].as_str().unwrap()];
    journey.visit(&payer, "POST", "/api/v1/payments/{id}/capture", &id, Some(json!({}))).await;
    journey.visit(staff, "GET", payments, &[reference], None).await;
    journey.visit(staff, "GET", "/api/v1/bookings/{ref_id}/cancellation", &[reference], None).await;
    let part = json!({"amount": {"amount": "1.00", "currency": "USD"}, "reason": "Late"});
    journey.visit(staff, "POST", "/api/v1/bookings/{ref_id}/refunds", &[reference], Some(part)).await;
    journey.visit(staff, "GET", "/api/v1/bookings/{ref_id}", &[reference], None).await;
    let [voided, resolved] = [any_payment(world, "tok_confirm").await, any_payment(world, "tok_confirm").await];
    let id = |payment: &Value| payment["id"].as_str().unwrap().to_owned();
    journey.visit(staff, "POST", "/api/v1/payments/{id}/void", &[&id(&voided)], None).await;
    world.forget_outcome(&resolved).await;
    let told = Some(json!({"done": false, "note": "By telephone"}));
    journey.visit(staff, "POST", "/api/v1/payments/{id}/resolve", &[&id(&resolved)], told).await;
    manual.shutdown().await;
}

/// What the staff wants to be told, whom a booking names, and what that contact answers.
async fn notifications(world: &World, journey: &mut Journey<'_>, anyone: &Client, staff: &Client) {
    let preferences = "/api/v1/notifications/preferences";
    journey.visit(staff, "PUT", preferences, &[], Some(json!({"types": {"departed": {"email": true}}}))).await;
    journey.visit(staff, "GET", preferences, &[], None).await;
    journey.visit(staff, "GET", "/api/v1/notifications", &[], None).await;
    let flight = world.flight(NewFlight::new("AI409", "DEL", "LHR").leaves_in_hours(90)).await;
    let order =
        json!({"origin": "DEL", "destination": "LHR", "flight_ids": [flight["id"]], "pieces": 1, "weight_kg": 1});
    let booking = staff.post("/api/v1/bookings", order).await.expect(201);
    let (contacts, reference) = ("/api/v1/bookings/{ref_id}/contacts", booking["ref_id"].as_str().unwrap());
    let cora = json!([loadmaster_testkit::notifications::contact("cora@journey.example")]);
    journey.visit(staff, "PUT", contacts, &[reference], Some(cora)).await;
    journey.visit(staff, "GET", contacts, &[reference], None).await;
    let sent = loadmaster_testkit::notifications::any_notification(world).await;
    journey.visit(staff, "GET", "/api/v1/admin/notifications", &[], None).await;
    journey.visit(staff, "POST", "/api/v1/admin/notifications/{id}/resend", &[&sent], None).await;
    for (template, path) in [
        ("/confirm/{token}", loadmaster_testkit::notifications::confirm_path(world, "cora@journey.example").await),
        (
            "/unsubscribe/{token}",
            loadmaster_testkit::notifications::unsubscribe_path(world, "cora@journey.example", "departed").await,
        ),
    ] {
        let token = path.rsplit('/').next().unwrap();
        journey.visit(anyone, "GET", template, &[token], None).await;
        journey.visit(anyone, "POST", template, &[token], None).await;
    }
}

/// A guest's booking, which goes to an account.
async fn claims(world: &World, journey: &mut Journey<'_>, anyone: &Client, customer: &Client) {
    let flight = world.flight(NewFlight::new("AI405", "DEL", "LHR").leaves_in_hours(30)).await;
    let pass = journey.visit(anyone, "POST", "/api/v1/auth/guest", &[], None).await;
    let guest = anyone.with_token(pass["access_token"].as_str().unwrap());
    let wish = json!({"flight_ids": [flight["id"]], "weight_kg": 1, "contact": {"email": "gus@example.com"}});
    let hold = journey.visit(&guest, "POST", "/api/v1/holds", &[], Some(wish)).await;
    let id = hold["id"].as_str().unwrap();
    let pieces = Some(json!({"pieces": 1, "payment_token": "tok_ok"}));
    let booking = journey.visit(&guest, "POST", "/api/v1/holds/{id}/commit", &[id], pieces).await;
    journey.visit(&guest, "GET", "/api/v1/bookings/{ref_id}", &[booking["ref_id"].as_str().unwrap()], None).await;
    let token = &booking["claim"]["token"];
    let claim = Some(json!({"claim_token": token}));
    journey.visit(anyone, "POST", "/api/v1/bookings/guest", &[], claim.clone()).await;
    journey.visit(customer, "POST", "/api/v1/bookings/claim", &[], claim).await;
    let booking = unpaid_of_guest(world, &flight).await;
    let token = &booking["claim"]["token"];
    let guest_pays = Some(json!({"claim_token": token, "payment_token": "tok_ok"}));
    journey.visit(anyone, "POST", "/api/v1/bookings/guest/payments", &[], guest_pays).await;
    let ends = Some(json!({"claim_token": token, "reason": "Not ready"}));
    journey.visit(anyone, "POST", "/api/v1/bookings/guest/cancel", &[], ends).await;
}

async fn system(journey: &mut Journey<'_>, anyone: &Client, staff: &Client) {
    for template in [
        "/livez",
        "/readyz",
        "/health",
        "/api/v1/health",
        "/api/v1/info",
        "/api/v1/event-types",
        "/metrics",
        "/problems",
        "/health/detailed",
        "/api/metrics/summary",
    ] {
        journey.visit(staff, "GET", template, &[], None).await;
    }
    journey.visit(anyone, "GET", "/problems/{code}", &["not_found"], None).await;
    journey.visit(anyone, "GET", "/api/v1/event-types/{type}", &["loadmaster.booking.booked.v1"], None).await;
}
