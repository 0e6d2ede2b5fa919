//! Every operation that changes something.
use std::collections::BTreeSet;

use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, NewFlight, World, WorldOptions,
    flight_verbs::path_to,
    freight::{BOOKINGS, order, path_of, with},
    holds::{HOLDS, at, hold_on},
    jobs::dead_job,
    notifications::{PREFERENCES, any_notification, contact},
    parties::{PARTIES, TEMPLATES},
    payments::{any_credit, any_payment, audit_of_charges, unpaid_of_guest, with_test},
    until,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{HEADER, consolidations, effects, feeds, fresh, kept, repeats, stations};

const ALERTS: &str = "/api/v1/alerts";
const ALLOTMENTS: &str = "/api/v1/allotments";
const PAY: &str = "/api/v1/bookings/{ref_id}/payments";
const REFUND: &str = "/api/v1/bookings/{ref_id}/refunds";
const CREDIT_PAYMENTS: &str = "/api/v1/organizations/{id}/credit/payments";
const RESEND_DELIVERY: &str = "/api/v1/webhooks/{id}/deliveries/{delivery_id}/resend";
const RESEND_SINCE: &str = "/api/v1/webhooks/{id}/resend";
const WAITLIST: &str = "/api/v1/waitlist";
const CONTACTS: &str = "/api/v1/bookings/{ref_id}/contacts";
const RESEND: &str = "/api/v1/admin/notifications/{id}/resend";
const SUPPRESSIONS: &str = "/api/v1/admin/suppressions";
/// What has no version, and so no tag.
const UNTAGGED: [&str; 6] = ["import", "/preferences", "/contacts", "/resend", "/retry", "/runs/{run_id}/reject"];
const ORGANIZATIONS: &str = "/api/v1/organizations";
const RUN: &str = "/api/v1/admin/schedules/{name}/run";
const PAY_AS_GUEST: &str = "/api/v1/bookings/guest/payments";
const RESERVATIONS: &str = "/api/v1/flights/{id}/reservations";

/// What is asked for, and of which operation.
pub(super) struct Deed {
    pub(super) operation: (&'static str, &'static str),
    pub(super) path: String,
    pub(super) body: Option<Value>,
    pub(super) status: u16,
}

impl Deed {
    pub(super) async fn ask(&self, client: &Client, key: Option<&str>) -> Answer {
        self.ask_with(client, key.map(|key| (HEADER, key))).await
    }

    /// Asks with this header.
    pub(super) async fn ask_with(&self, client: &Client, header: Option<(&str, &str)>) -> Answer {
        let request = client.request(self.operation.0.parse::<Method>().unwrap(), &self.path);
        let request = match header {
            Some((name, value)) => request.header(name, value),
            None => request,
        };
        // What a station says is replaced under a version only.
        let is_versioned = self.operation == ("PUT", stations::STATION);
        let request = match header {
            Some(("if-match", _)) => request,
            _ if is_versioned => request.header("if-match", "*"),
            _ => request,
        };
        let is_image = [stations::IMAGE, stations::LOGO].contains(&self.operation.1);
        Answer::of(match &self.body {
            None => request,
            Some(Value::String(image)) if is_image => request.header("content-type", "image/webp").body(image.clone()),
            Some(Value::String(table)) => request.header("content-type", "text/csv").body(table.clone()),
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
        })
        .await
    }
}

const TABLE: &str = "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,\
                     positions,cutoff_minutes\nAI205,DEL,LHR,2026-11-23T08:00:00Z,2026-11-23T16:00:00Z,,500,,,\n";

const TARIFFS: &str = "code,airline_code,origin,destination,flight_numbers,organization_id,product,handling_code,currency,minimum,\
                       normal,breaks,valid_from,valid_to\nT9,,SYD,*,,,,,USD,75,16,45=10;100=9,2026-01-01,\n";

/// Each of them, in an order in which each can be done.
pub(super) async fn deeds(world: &World, caller: &Client) -> Vec<Deed> {
    let flight = async |number| world.flight(NewFlight::new(number, "DEL", "LHR").weight(100_000.0)).await;
    let (roomy, leaving, lost) = (flight("AI101").await, flight("AI103").await, flight("AI105").await);
    let mut bookings = Vec::new();
    for _ in 0..3 {
        bookings.push(path_of(&caller.book(order(&[&roomy])).await));
    }
    caller.book(order(&[&leaving])).await;
    caller.book(order(&[&lost])).await;
    let [moved, cancelled, deleted] = bookings.try_into().unwrap();
    let mut holds = Vec::new();
    for _ in 0..5 {
        holds.push(at(&caller.hold(with(hold_on(&[&roomy]), json!({"ttl_seconds": 60}))).await));
    }
    let [amended, extended, released, dropped, committed] = holds.try_into().unwrap();
    let reservations = format!("{}/reservations", path_to(&roomy));
    let reserved = caller.post(&reservations, json!({"weight_kg": 10})).await.expect(201);
    let reserved = format!("{reservations}/{}", reserved["id"].as_str().unwrap());
    let (awaited, mut entries) = (flight("AI117").await, Vec::new());
    let given_back = caller.book(with(order(&[&awaited]), json!({"weight_kg": 200}))).await;
    loadmaster_testkit::waitlist::fill(caller, &awaited).await;
    for _ in 0..2 {
        let entry = caller.post(WAITLIST, hold_on(&[&awaited])).await.expect(201);
        entries.push(format!("{WAITLIST}/{}", entry["id"].as_str().unwrap()));
    }
    caller.walk(&given_back, &["cancel"]).await;
    // A server with a matcher makes the offers; those who come later wait.
    let matching = WorldOptions::working().on(&world.database).start().await;
    for entry in &entries {
        until("it is offered", async || caller.get(entry).await.expect(200)["status"] == "OFFERED").await;
    }
    matching.shutdown().await;
    for _ in 0..4 {
        let entry = caller.post(WAITLIST, hold_on(&[&awaited])).await.expect(201);
        entries.push(format!("{WAITLIST}/{}", entry["id"].as_str().unwrap()));
    }
    let [offered, declined, preferred, moved_up, left, gone] = entries.try_into().unwrap();
    let before = json!({"before": preferred.rsplit_once('/').unwrap().1});
    let me = caller.get("/api/v1/auth/me").await.expect(200);
    let allotment = json!({"organization_id": me["organization_id"], "name": "Weekly", "origin": "SYD", "destination": "LHR",
                           "date_from": "2026-12-01", "date_to": "2026-12-31", "weight_kg": 1});
    let allotted = caller.post(ALLOTMENTS, allotment.clone()).await.expect(201);
    let allotted = format!("{ALLOTMENTS}/{}", allotted["id"].as_str().unwrap());
    let mut webhooks = Vec::new();
    for _ in 0..2 {
        let webhook = caller.post("/api/v1/webhooks", json!({"url": "https://nowhere.example/"})).await.expect(201);
        webhooks.push(format!("/api/v1/webhooks/{}", webhook["id"].as_str().unwrap()));
    }
    let [webhook, unwanted] = webhooks.try_into().unwrap();
    let mut parties = Vec::new();
    for name in ["Nordwerk", "Deleted later"] {
        let party = caller.post(PARTIES, json!({ "name": name })).await.expect(201);
        parties.push(format!("{PARTIES}/{}", party["id"].as_str().unwrap()));
    }
    let [party, former] = parties.try_into().unwrap();
    let mut templates = Vec::new();
    for name in ["Weekly", "Deleted later"] {
        let template = caller.post(TEMPLATES, json!({ "name": name })).await.expect(201);
        templates.push(format!("{TEMPLATES}/{}", template["id"].as_str().unwrap()));
    }
    let [template, unused] = templates.try_into().unwrap();
    let alert = || json!({"kind": "SPACE", "origin": "DEL", "destination": "LHR", "weight_kg": 100});
    let mut alerts = Vec::new();
    for _ in 0..2 {
        let made = caller.post(ALERTS, alert()).await.expect(201);
        alerts.push(format!("{ALERTS}/{}", made["id"].as_str().unwrap()));
    }
    let [watched, needless] = alerts.try_into().unwrap();
    caller.poke(&format!("{webhook}/test")).await.expect(202);
    let delivery = caller.poke(&format!("{webhook}/test")).await.expect(202);
    let delivery = format!("{webhook}/deliveries/{}/resend", delivery["id"].as_str().unwrap());
    world
        .sql("update webhook_deliveries set status = 'FAILED', next_attempt_at = null; update webhooks set waiting = 0")
        .await;
    let user = world.customer().await.get("/api/v1/auth/me").await.expect(200);
    let user = format!("/api/v1/users/{}", user["id"].as_str().unwrap());
    let (leaving, lost) = (path_to(&leaving), path_to(&lost));
    let new = json!({"flight_number": "AI107", "origin": "DEL", "destination": "LHR", "aircraft_code": "77X",
                     "departure_datetime": "2026-11-21T04:00:00Z", "arrival_datetime": "2026-11-21T13:00:00Z"});
    let embargo = json!({"name": "No flights", "reason": "Closed", "origin": "SYD", "destination": "*",
                         "valid_from": "2026-11-20", "effect": "FORBID"});
    let ended = caller.post("/api/v1/embargoes", embargo.clone()).await.expect(201);
    let ended = format!("/api/v1/embargoes/{}", ended["id"].as_str().unwrap());
    let tariff = loadmaster_testkit::pricing::tariff("T1", json!({}));
    let dear = caller.post("/api/v1/tariffs", tariff.clone()).await.expect(201);
    let dear = format!("/api/v1/tariffs/{}", dear["id"].as_str().unwrap());
    let fuel = loadmaster_testkit::pricing::surcharge("MYC", json!({"currency": "USD"}));
    let charged = caller.post("/api/v1/surcharges", fuel.clone()).await.expect(201);
    let charged = format!("/api/v1/surcharges/{}", charged["id"].as_str().unwrap());
    let sale = loadmaster_testkit::pricing::sale(json!({"code": "SPRING"}));
    let lowered = caller.post("/api/v1/sales", sale.clone()).await.expect(201);
    let lowered = format!("/api/v1/sales/{}", lowered["id"].as_str().unwrap());
    let asked = json!({"origin": "DEL", "destination": "LHR", "flight_ids": [roomy["id"]], "weight_kg": 1});
    let priced = async |client: &Client, body| {
        let hold = client.hold(with(hold_on(&[&roomy]), json!({"pieces": 1}))).await;
        path_of(&client.commit(&hold, body).await)
    };
    let manual = with_test().set("payments.capture", "manual").on(&world.database).start().await;
    let authorized = priced(&manual.admin().await, json!({"payment_token": "tok_ok"})).await;
    manual.shutdown().await;
    let authorized = caller.get(&format!("{authorized}/payments")).await.expect(200);
    let unpaid = priced(caller, json!({})).await;
    let overpaid = priced(caller, json!({"payment_token": "tok_ok"})).await;
    let [voided, resolved] = [any_payment(world, "tok_confirm").await, any_payment(world, "tok_confirm").await];
    world.forget_outcome(&resolved).await;
    let payment = |payment: &Value, verb| format!("/api/v1/payments/{}/{verb}", payment["id"].as_str().unwrap());
    let (captured, voided, resolved) =
        (payment(&authorized[0], "capture"), payment(&voided, "void"), payment(&resolved, "resolve"));
    let guest = world.caller(Role::Guest).await;
    let hold = guest.hold(with(hold_on(&[&roomy]), json!({"contact": {"email": "gus@example.com"}}))).await;
    let booked = guest.commit(&hold, json!({"pieces": 1, "payment_token": "tok_ok"})).await;
    let claim = json!({"claim_token": booked["claim"]["token"]});
    let hold = guest.hold(with(hold_on(&[&roomy]), json!({"contact": {"email": "gus@example.com"}}))).await;
    let opened = guest.commit(&hold, json!({"pieces": 1, "payment_token": "tok_ok"})).await;
    let ends = json!({"claim_token": opened["claim"]["token"]});
    let unsettled = unpaid_of_guest(world, &roomy).await;
    let pays = json!({"claim_token": unsettled["claim"]["token"], "payment_token": "tok_ok"});
    let reference = async || {
        let payment = any_payment(world, "tok_confirm").await;
        format!("/api/v1/test-payments/{}", payment["provider_reference"].as_str().unwrap())
    };
    let (confirmed, failed) = (reference().await, reference().await);
    let credit = any_credit(world, me["organization_id"].as_str().unwrap().parse().unwrap()).await;
    let limit = json!({"limit": {"amount": "2000", "currency": "USD"}});
    let paid = json!({"amount": {"amount": "10", "currency": "USD"}, "reference": "INV-1"});
    let deed =
        |method, template, path: String, body, status| Deed { operation: (method, template), path, body, status };
    let booking = |verb: &'static str, path: &str, body| {
        let template: &'static str = match verb {
            "depart" => "/api/v1/bookings/{ref_id}/depart",
            "arrive" => "/api/v1/bookings/{ref_id}/arrive",
            "deliver" => "/api/v1/bookings/{ref_id}/deliver",
            "correct" => "/api/v1/bookings/{ref_id}/correct",
            _ => "/api/v1/bookings/{ref_id}/cancel",
        };
        deed("POST", template, format!("{path}/{verb}"), body, 200)
    };
    let sent = any_notification(world).await;
    let entries = reference_deeds();
    let organization = caller.post("/api/v1/organizations", json!({"name": "Blue Crate"})).await.expect(201);
    let organization = format!("/api/v1/organizations/{}", organization["id"].as_str().unwrap());
    let [again, never] = [dead_job(world).await, dead_job(world).await];
    world.sql("insert into schedules (name, next_run_at) values ('made_up', now() + interval '1 hour')").await;
    let mut deeds = vec![
        deed("POST", BOOKINGS, BOOKINGS.to_owned(), Some(order(&[&roomy])), 201),
        deed("PATCH", "/api/v1/bookings/{ref_id}", moved.clone(), Some(json!({"weight_kg": 110})), 200),
        booking("depart", &moved, Some(json!({"notes": "On time"}))),
        booking("arrive", &moved, None),
        booking("deliver", &moved, Some(json!({"location": "LHR"}))),
        booking("correct", &moved, Some(json!({"reason": "Wrong booking"}))),
        booking("cancel", &cancelled, Some(json!({"reason": "Not ready"}))),
        deed("DELETE", "/api/v1/bookings/{ref_id}", deleted, None, 200),
        deed("POST", "/api/v1/bookings/claim", "/api/v1/bookings/claim".to_owned(), Some(claim), 200),
        deed("POST", "/api/v1/bookings/guest/cancel", "/api/v1/bookings/guest/cancel".to_owned(), Some(ends), 200),
        deed("POST", PAY_AS_GUEST, PAY_AS_GUEST.to_owned(), Some(pays), 201),
        deed("POST", "/api/v1/flights", "/api/v1/flights".to_owned(), Some(new), 201),
        deed("POST", "/api/v1/flights/import", "/api/v1/flights/import".to_owned(), Some(json!(TABLE)), 200),
        deed("PATCH", "/api/v1/flights/{id}", leaving.clone(), Some(json!({"capacity": {"positions": 3}})), 200),
        deed("POST", "/api/v1/flights/{id}/depart", format!("{leaving}/depart"), None, 200),
        deed("POST", "/api/v1/flights/{id}/arrive", format!("{leaving}/arrive"), Some(json!({})), 200),
        deed("POST", "/api/v1/flights/{id}/cancel", format!("{lost}/cancel"), Some(json!({"reason": "Fog"})), 200),
        deed("POST", "/api/v1/embargoes", "/api/v1/embargoes".to_owned(), Some(embargo), 201),
        deed("PATCH", "/api/v1/embargoes/{id}", ended.clone(), Some(json!({"weekdays": [1]})), 200),
        deed("DELETE", "/api/v1/embargoes/{id}", ended, None, 200),
        deed("POST", "/api/v1/quotes", "/api/v1/quotes".to_owned(), Some(asked), 201),
        deed("PATCH", "/api/v1/tariffs/{id}", dear.clone(), Some(json!({"normal": "20"})), 200),
        deed("DELETE", "/api/v1/tariffs/{id}", dear, None, 200),
        deed("POST", "/api/v1/tariffs", "/api/v1/tariffs".to_owned(), Some(tariff), 201),
        deed("POST", "/api/v1/tariffs/import", "/api/v1/tariffs/import".to_owned(), Some(json!(TARIFFS)), 200),
        deed("POST", "/api/v1/surcharges", "/api/v1/surcharges".to_owned(), Some(fuel), 201),
        deed("PATCH", "/api/v1/surcharges/{id}", charged.clone(), Some(json!({"rate": "2"})), 200),
        deed("DELETE", "/api/v1/surcharges/{id}", charged, None, 200),
        deed("PATCH", "/api/v1/sales/{id}", lowered.clone(), Some(json!({"percent": "20"})), 200),
        deed("DELETE", "/api/v1/sales/{id}", lowered, None, 200),
        deed("POST", "/api/v1/sales", "/api/v1/sales".to_owned(), Some(sale), 201),
        deed("POST", HOLDS, HOLDS.to_owned(), Some(hold_on(&[&roomy])), 201),
        deed("PATCH", "/api/v1/holds/{id}", amended, Some(json!({"weight_kg": 110})), 200),
        deed("POST", "/api/v1/holds/{id}/extend", format!("{extended}/extend"), Some(json!({"ttl_seconds": 120})), 200),
        deed("POST", "/api/v1/holds/{id}/release", format!("{released}/release"), None, 200),
        deed("DELETE", "/api/v1/holds/{id}", dropped, None, 200),
        deed("POST", "/api/v1/holds/{id}/commit", format!("{committed}/commit"), Some(json!({"pieces": 1})), 201),
        deed("POST", RESERVATIONS, reservations, Some(json!({"weight_kg": 10})), 201),
        deed("DELETE", "/api/v1/flights/{id}/reservations/{hold_id}", reserved, None, 200),
        deed("POST", WAITLIST, WAITLIST.to_owned(), Some(hold_on(&[&awaited])), 201),
        deed("PATCH", "/api/v1/waitlist/{id}", preferred, Some(json!({"priority": 2})), 200),
        deed("POST", "/api/v1/waitlist/{id}/move", format!("{moved_up}/move"), Some(before), 200),
        deed("POST", "/api/v1/waitlist/{id}/cancel", format!("{left}/cancel"), None, 200),
        deed("DELETE", "/api/v1/waitlist/{id}", gone, None, 200),
        deed("POST", "/api/v1/waitlist/{id}/book", format!("{offered}/book"), Some(json!({"pieces": 1})), 201),
        deed("POST", "/api/v1/waitlist/{id}/decline", format!("{declined}/decline"), None, 200),
        deed("POST", ALLOTMENTS, ALLOTMENTS.to_owned(), Some(allotment), 201),
        deed("PATCH", "/api/v1/allotments/{id}", allotted.clone(), Some(json!({"name": "Daily"})), 200),
        deed("DELETE", "/api/v1/allotments/{id}", allotted, None, 200),
        deed("POST", "/api/v1/test-payments/{reference}/confirm", format!("{confirmed}/confirm"), None, 200),
        deed("POST", "/api/v1/test-payments/{reference}/fail", format!("{failed}/fail"), None, 200),
        deed("POST", PAY, format!("{unpaid}/payments"), Some(json!({"payment_token": "tok_ok"})), 201),
        deed("POST", REFUND, format!("{overpaid}/refunds"), Some(json!({"reason": "Late"})), 201),
        deed("POST", "/api/v1/payments/{id}/capture", captured, Some(json!({})), 200),
        deed("POST", "/api/v1/payments/{id}/void", voided, None, 200),
        deed("POST", "/api/v1/payments/{id}/resolve", resolved, Some(json!({"done": false, "note": "No"})), 200),
        deed("PATCH", "/api/v1/organizations/{id}/credit", credit.clone(), Some(limit), 200),
        deed("POST", CREDIT_PAYMENTS, format!("{credit}/payments"), Some(paid), 201),
        deed("POST", SUPPRESSIONS, SUPPRESSIONS.to_owned(), Some(json!({"email": "nobody@example.com"})), 204),
        deed("DELETE", SUPPRESSIONS, SUPPRESSIONS.to_owned(), Some(json!({"email": "nobody@example.com"})), 204),
        deed("PUT", PREFERENCES, PREFERENCES.to_owned(), Some(json!({"scope": "organization"})), 200),
        deed("PUT", CONTACTS, format!("{moved}/contacts"), Some(json!([contact("cora@example.com")])), 200),
        deed("POST", RESEND, format!("/api/v1/admin/notifications/{sent}/resend"), None, 202),
        deed("POST", PARTIES, PARTIES.to_owned(), Some(json!({"name": "Sole Traders"})), 201),
        deed("PATCH", "/api/v1/parties/{id}", party, Some(json!({"city": "Bremen"})), 200),
        deed("DELETE", "/api/v1/parties/{id}", former, None, 204),
        deed("POST", TEMPLATES, TEMPLATES.to_owned(), Some(json!({"name": "Daily"})), 201),
        deed("PATCH", "/api/v1/booking-templates/{id}", template, Some(json!({"pieces": 2})), 200),
        deed("DELETE", "/api/v1/booking-templates/{id}", unused, None, 204),
        deed("POST", ALERTS, ALERTS.to_owned(), Some(alert()), 201),
        deed("PATCH", "/api/v1/alerts/{id}", watched, Some(json!({"status": "PAUSED"})), 200),
        deed("DELETE", "/api/v1/alerts/{id}", needless, None, 204),
        deed("PATCH", "/api/v1/webhooks/{id}", webhook.clone(), Some(json!({"description": "Ours"})), 200),
        deed("DELETE", "/api/v1/webhooks/{id}", unwanted, None, 204),
        deed("POST", RESEND_DELIVERY, delivery, None, 202),
        deed("POST", RESEND_SINCE, format!("{webhook}/resend"), Some(json!({"since": "2026-11-01T00:00:00Z"})), 202),
        deed("POST", "/api/v1/webhooks/{id}/test", format!("{webhook}/test"), None, 202),
        deed("PATCH", "/api/v1/users/{id}", user, Some(json!({"role": "operator"})), 200),
        deed("POST", ORGANIZATIONS, ORGANIZATIONS.to_owned(), Some(json!({"name": "Red Crate"})), 201),
        deed("PATCH", "/api/v1/organizations/{id}", organization, Some(json!({"name": "Green Crate"})), 200),
        deed("POST", "/api/v1/admin/jobs/{id}/retry", format!("/api/v1/admin/jobs/{again}/retry"), None, 200),
        deed("DELETE", "/api/v1/admin/jobs/{id}", format!("/api/v1/admin/jobs/{never}"), None, 204),
        deed("POST", RUN, "/api/v1/admin/schedules/made_up/run".to_owned(), None, 202),
    ];
    deeds.extend(entries);
    deeds.extend(consolidations::deeds(world, caller).await);
    deeds.extend(stations::deeds(world, caller).await);
    deeds.extend(feeds::deeds(world, caller).await);
    deeds
}

/// What is done to entries of reference data.
fn reference_deeds() -> Vec<Deed> {
    let deed = |method, template: &'static str, path: &str, body, status| Deed {
        operation: (method, template),
        path: path.to_owned(),
        body,
        status,
    };
    let change = || Some(json!({"name": "Another name"}));
    vec![
        deed("POST", "/api/v1/airports", "/api/v1/airports", Some(loadmaster_testkit::reference::airport("QQA")), 201),
        deed("PATCH", "/api/v1/airports/{code}", "/api/v1/airports/QQA", change(), 200),
        deed("DELETE", "/api/v1/airports/{code}", "/api/v1/airports/QQA", None, 204),
        deed("POST", "/api/v1/airports/import", "/api/v1/airports/import", Some(json!(AIRPORTS)), 200),
        deed("POST", "/api/v1/airlines", "/api/v1/airlines", Some(loadmaster_testkit::reference::airline("Q0")), 201),
        deed("PATCH", "/api/v1/airlines/{code}", "/api/v1/airlines/Q0", change(), 200),
        deed("DELETE", "/api/v1/airlines/{code}", "/api/v1/airlines/Q0", None, 204),
        deed("POST", "/api/v1/airlines/import", "/api/v1/airlines/import", Some(json!(AIRLINES)), 200),
        deed("POST", "/api/v1/aircraft", "/api/v1/aircraft", Some(loadmaster_testkit::reference::aircraft("Q0Q")), 201),
        deed("PATCH", "/api/v1/aircraft/{code}", "/api/v1/aircraft/Q0Q", change(), 200),
        deed("DELETE", "/api/v1/aircraft/{code}", "/api/v1/aircraft/Q0Q", None, 204),
        deed("POST", "/api/v1/aircraft/import", "/api/v1/aircraft/import", Some(json!(AIRCRAFT)), 200),
    ]
}

const AIRPORTS: &str = "iata_code,name,city,country_code,latitude,longitude,time_zone\nQQB,Field,Town,GB,1,2,UTC\n";
const AIRLINES: &str = "iata_code,name,country_code\nQ1,Line,GB\n";
const AIRCRAFT: &str = "iata_code,name,manufacturer,max_cargo_kg,max_cargo_m3\nQ1Q,Type,Maker,1000,10\n";

#[tokio::test]
async fn each_change_that_is_repeated_is_answered_as_the_first_time_and_made_once() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let deeds = deeds(&world, &admin).await;
    let mut done = Vec::new();
    for (deed, number) in deeds.iter().zip(1..) {
        let (key, told) = (format!("deed-{number}"), format!("{} {}", deed.operation.0, deed.operation.1));
        let before = effects(&world).await;
        let first = fresh(deed.ask(&admin, Some(&key)).await, deed.status);
        let after = effects(&world).await;
        assert_ne!(before, after, "{told} does something");
        assert_eq!(first.header("location").is_some(), deed.status == 201, "{told}");
        let is_tagged = !UNTAGGED.iter().any(|end| told.ends_with(end)) && !matches!(deed.status, 202 | 204);
        assert_eq!(first.header("etag").is_some(), is_tagged, "{told}");
        for _ in 0..2 {
            repeats(&first, deed.ask(&admin, Some(&key)).await);
        }
        assert_eq!(effects(&world).await, after, "{told} was done again");
        assert_eq!(kept(&world).await, number.to_string(), "{told}");
        done.push((deed, key, first));
    }
    // Whatever has become of the thing meanwhile.
    let before = effects(&world).await;
    for (deed, key, first) in done {
        repeats(&first, deed.ask(&admin, Some(&key)).await);
    }
    assert_eq!(effects(&world).await, before);
    audit_of_charges(&world).await;
}

#[tokio::test]
async fn without_a_key_each_request_is_its_own() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let deeds = deeds(&world, &admin).await;
    assert_documented(&deeds);
    for deed in deeds {
        let (method, template) = deed.operation;
        let first = fresh(deed.ask(&admin, None).await, deed.status);
        let again = deed.ask(&admin, None).await;
        assert_eq!(again.header("idempotency-replayed"), None, "{method} {template}");
        match template {
            BOOKINGS => assert_ne!(fresh(again, 201).body["ref_id"], first.body["ref_id"]),
            HOLDS
            | RESERVATIONS
            | WAITLIST
            | ALLOTMENTS
            | "/api/v1/embargoes"
            | "/api/v1/quotes"
            | "/api/v1/surcharges"
            | ORGANIZATIONS
            | PARTIES
            | ALERTS
            | consolidations::LIST => {
                assert_ne!(fresh(again, 201).body["id"], first.body["id"]);
            }
            "/api/v1/holds/{id}/extend" => drop(again.expect_problem(409, "hold_limit_exceeded")),
            CREDIT_PAYMENTS => assert_ne!(fresh(again, 201).body["seq"], first.body["seq"]),
            "/api/v1/waitlist/{id}/move" => drop(fresh(again, 200)),
            // To make a thing what it is already is no fault.
            "/api/v1/flights/import"
            | "/api/v1/tariffs/import"
            | "/api/v1/airports/import"
            | "/api/v1/airlines/import"
            | "/api/v1/aircraft/import"
            | stations::IMPORT => assert_eq!(fresh(again, 200).body["unchanged"], 1),
            "/api/v1/flights"
            | "/api/v1/tariffs"
            | "/api/v1/sales"
            | "/api/v1/airports"
            | "/api/v1/airlines"
            | "/api/v1/aircraft"
            | TEMPLATES
            | stations::TAGS
            | stations::COLLECTIONS
            | feeds::LIST => {
                again.expect_problem(409, "already_exists");
            }
            feeds::RUNS => drop(again.expect_problem(409, "feed_running")),
            feeds::RESET => drop(fresh(again, 200)),
            "/api/v1/bookings/claim" | consolidations::JOIN => drop(again.expect_problem(400, "invalid_token")),
            consolidations::PARTS => assert_ne!(fresh(again, 201).body["id"], first.body["id"]),
            stations::TIPS => assert_ne!(fresh(again, 202).body["id"], first.body["id"]),
            stations::REPORT => drop(fresh(again, 204)),
            consolidations::MEMBERS => assert_eq!(fresh(again, 202).body["id"], first.body["id"]),
            consolidations::PART | consolidations::RELEASE | consolidations::AMEND => {
                assert_eq!(fresh(again, 200).body, first.body);
            }
            "/api/v1/webhooks/{id}/test" | RESEND_DELIVERY | RESEND_SINCE | RUN => drop(fresh(again, 202)),
            "/api/v1/allotments/{id}"
            | "/api/v1/parties/{id}"
            | "/api/v1/booking-templates/{id}"
            | "/api/v1/alerts/{id}"
            | "/api/v1/webhooks/{id}"
            | "/api/v1/embargoes/{id}"
            | "/api/v1/tariffs/{id}"
            | "/api/v1/surcharges/{id}"
            | "/api/v1/sales/{id}"
            | "/api/v1/airports/{code}"
            | "/api/v1/airlines/{code}"
            | "/api/v1/aircraft/{code}"
            | "/api/v1/admin/jobs/{id}"
            | consolidations::MEMBER
            | stations::TAG
            | stations::COLLECTION
            | stations::IMAGE
            | stations::LOGO
            | feeds::ONE
            | SUPPRESSIONS
                if method == "DELETE" =>
            {
                again.expect_problem(404, "not_found");
            }
            REFUND => drop(again.expect_problem(409, "refund_exceeds_paid")),
            "/api/v1/bookings/{ref_id}/correct" => drop(again.expect_problem(409, "correction_not_possible")),
            PAY
            | PAY_AS_GUEST
            | "/api/v1/payments/{id}/capture"
            | "/api/v1/payments/{id}/void"
            | "/api/v1/payments/{id}/resolve" => {
                drop(again.expect_problem(409, "payment_not_possible"));
            }
            RESEND => assert_eq!(fresh(again, 202).body, first.body),
            SUPPRESSIONS if method == "POST" => drop(fresh(again, 204)),
            _ if method == "PATCH" || method == "PUT" => assert_eq!(fresh(again, 200).body, first.body),
            _ => drop(again.expect_problem(409, "invalid_transition")),
        }
    }
    assert_eq!(kept(&world).await, "0");
    audit_of_charges(&world).await;
}

/// Method and path of each operation that has this header.
fn documented(document: &Value, header: &str) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let mut parameters = operation["parameters"].as_array().into_iter().flatten();
            if let Some(parameter) = parameters.find(|it| it["in"] == "header" && it["name"] == header) {
                assert_ne!(parameter["required"], true, "{method} {path}");
                assert!(parameter["description"].as_str().is_some_and(|text| text.contains("same")), "{method} {path}");
                found.insert((method.to_uppercase(), path.clone()));
            }
        }
    }
    found
}

/// The document tells of the key where it counts and nowhere else.
fn assert_documented(deeds: &[Deed]) {
    let document = serde_json::to_value(loadmaster::app::openapi()).unwrap();
    // Of what acts on many, each row has a key of its own; that is tested there.
    let named = |deed: &Deed| (deed.operation.0.to_owned(), deed.operation.1.to_owned());
    let mut documented = documented(&document, "Idempotency-Key");
    let has_rows = |path: &str| path.ends_with("/bulk") || consolidations::IN_PARTS.contains(&path);
    documented.retain(|(_, path)| !has_rows(path));
    assert_eq!(documented, deeds.iter().map(named).collect::<BTreeSet<_>>());
    for deed in deeds {
        let (method, path) = deed.operation;
        let responses = &document["paths"][path][method.to_lowercase()]["responses"];
        assert!(responses[deed.status.to_string()]["headers"]["Idempotency-Replayed"].is_object(), "{method} {path}");
        let says = |status: &str, code: &str| {
            responses[status]["description"].as_str().is_some_and(|text| text.contains(&format!("`{code}`")))
        };
        assert!(says("409", "idempotency_in_progress"), "{method} {path}");
        assert!(says("422", "idempotency_key_reused"), "{method} {path}");
    }
}
