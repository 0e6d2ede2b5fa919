//! Things with all that may be told of them, with the least of each part, and with nothing that is optional: every operation
//! shows them whole.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, NewFlight, World, WorldOptions,
    billing::usd,
    freight::{BOOKINGS, order, path_of, text, with},
    holds::{HOLDS, at, hold_on},
    notifications::contact,
    payments::{any_payment, with_test},
    pricing::{QUOTES, sale, tariff},
    until,
    waitlist::{WAITLIST, fill},
};
use reqwest::Method;
use serde_json::{Value, json};

/// What is told of freight, and of whom to ask about it. Air waybills have numbers of their own.
fn shapes(number: usize) -> [Value; 3] {
    let serial = 3_000_000 + number;
    let awb = format!("098-{serial}{}", serial % 7);
    let party = |name: &str| {
        json!({"name": name, "account_number": "A1", "street": "1 Quay", "city": "Delhi", "postal_code": "110037",
               "country_code": "IN", "phone": "+911123456789", "email": "freight@example.com"})
    };
    let all = json!({"description": "Mangoes", "special_handling_codes": ["PER", "COL"], "awb_number": awb, "positions": 1,
                     "shipper": party("Ann Sender"), "consignee": party("Bob Receiver"), "customer_reference": "A-7",
                     "contact": {"name": "Ann Sender", "email": "ann@example.com", "phone": "+911123456789"}});
    let least = json!({"shipper": {"name": "Ann Sender"}, "consignee": {"name": "Bob Receiver"},
                       "contact": {"email": "ann@example.com"}});
    [all, least, json!({})]
}

/// A market on which freight is moved in all its shapes.
struct Stage {
    world: World,
    admin: Client,
    flight: Value,
    next: usize,
}

impl Stage {
    async fn set() -> Self {
        let world = with_test().start().await;
        let flight = NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0).positions(100);
        let (flight, admin) = (world.flight(flight).await, world.admin().await);
        Self { world, admin, flight, next: 0 }
    }

    /// Freight of this shape.
    fn shape(&mut self, shape: usize) -> Value {
        self.next += 1;
        shapes(self.next)[shape].clone()
    }

    async fn book(&mut self, shape: usize) -> String {
        let shape = self.shape(shape);
        path_of(&self.admin.book(with(order(&[&self.flight]), shape)).await)
    }

    async fn hold(&mut self, caller: &Client, shape: usize) -> Value {
        let shape = self.shape(shape);
        caller.hold(with(hold_on(&[&self.flight]), shape)).await
    }

    /// All members of a change of freight.
    fn change(&mut self, position: &str) -> Value {
        let (shape, flight) = (self.shape(0), &self.flight);
        let more = json!({"pieces": 3, "weight_kg": 110, "volume_m3": 1.5, "positions": 1, "product": "GENERAL",
                          "position_names": {text(flight, "id"): [position]}, "flight_ids": [flight["id"]]});
        with(shape, more)
    }

    async fn act(&self, method: Method, path: &str, body: Value) -> Value {
        let request = self.admin.request(method, path).header("content-type", "application/json");
        let answer = Answer::of(request.body(body.to_string())).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        answer.body
    }
}

#[tokio::test]
async fn every_operation_shows_a_booking_whole() {
    let mut stage = Stage::set().await;
    for shape in 0..3 {
        let moved = stage.book(shape).await;
        stage.act(Method::PATCH, &moved, json!({"pieces": 3})).await;
        for verb in ["depart", "arrive", "deliver"] {
            stage.act(Method::POST, &format!("{moved}/{verb}"), json!({})).await;
            for view in ["", "?include=history", "/history"] {
                stage.admin.get(&format!("{moved}{view}")).await.expect(200);
            }
        }
        stage.act(Method::POST, &format!("{moved}/correct"), json!({"reason": "Wrong booking"})).await;
        for view in ["?include=history", "/history"] {
            stage.admin.get(&format!("{moved}{view}")).await.expect(200);
        }
        stage.admin.get(&moved.replace("bookings", "tracking")).await.expect(200);
        let (cancelled, deleted) = (stage.book(shape).await, stage.book(shape).await);
        stage.act(Method::POST, &format!("{cancelled}/cancel"), json!({"reason": "Strike"})).await;
        stage.act(Method::DELETE, &deleted, json!({})).await;
    }
    stage.admin.get(BOOKINGS).await.expect(200);
    let manifest = format!("/api/v1/flights/{}/manifest", text(&stage.flight, "id"));
    stage.admin.get(&manifest).await.expect(200);
    stage.world.audit().await;
}

#[tokio::test]
async fn every_operation_shows_a_hold_whole() {
    let mut stage = Stage::set().await;
    let admin = stage.admin.clone();
    admin.post("/api/v1/tariffs", tariff("T1", json!({}))).await.expect(201);
    admin.post("/api/v1/sales", sale(json!({"code": "SPRING"}))).await.expect(201);
    for shape in 0..3 {
        let held = at(&stage.hold(&admin, shape).await);
        stage.act(Method::PATCH, &held, json!({"pieces": 3})).await;
        stage.world.clock.advance(TimeDelta::seconds(1));
        stage.act(Method::POST, &format!("{held}/extend"), json!({"ttl_seconds": 900})).await;
        admin.get(&held).await.expect(200);
        let (released, deleted) = (at(&stage.hold(&admin, shape).await), at(&stage.hold(&admin, shape).await));
        admin.get(HOLDS).await.expect(200);
        stage.act(Method::POST, &format!("{released}/release"), json!({})).await;
        stage.act(Method::DELETE, &deleted, json!({})).await;
        let guest = stage.world.caller(Role::Guest).await;
        for payer in [admin.clone(), guest] {
            let shaped = stage.hold(&payer, shape).await;
            let contact = json!({"contact": {"email": "ann@example.com"}, "pieces": 1, "payment_token": "tok_ok"});
            let booking = payer.post(&format!("{}/commit", at(&shaped)), contact).await.expect(201);
            admin.get(&path_of(&booking)).await.expect(200);
            admin.get(&at(&shaped)).await.expect(200);
            if booking["claim"].is_object() {
                let claim = json!({"claim_token": booking["claim"]["token"]});
                stage.world.customer().await.post("/api/v1/bookings/claim", claim).await.expect(200);
            } else {
                admin.post(&format!("{}/refunds", path_of(&booking)), json!({})).await.expect(201);
            }
            admin.poke(&format!("{}/cancel", path_of(&booking))).await.expect(200);
        }
    }
    admin.get(HOLDS).await.expect(200);
    admin.get(BOOKINGS).await.expect(200);
    stage.world.audit().await;
}

/// Each of these members cleared.
fn cleared(members: &[&str]) -> Value {
    members.iter().map(|name| ((*name).to_owned(), Value::Null)).collect::<serde_json::Map<_, _>>().into()
}

const OF_PARTY: [&str; 7] = ["account_number", "street", "city", "postal_code", "country_code", "phone", "email"];

#[tokio::test]
async fn a_hold_takes_all_members_when_it_is_changed_and_when_it_is_booked() {
    let mut stage = Stage::set().await;
    let admin = stage.admin.clone();
    admin.post("/api/v1/tariffs", tariff("T1", json!({}))).await.expect(201);
    admin.post("/api/v1/sales", sale(json!({"code": "SPRING"}))).await.expect(201);
    let held = at(&stage.hold(&admin, 2).await);
    let all = stage.change("P1");
    admin.patch(&held, with(all, json!({"discount_code": "SPRING"}))).await.expect(200);
    let parties =
        json!({"shipper": cleared(&OF_PARTY), "consignee": cleared(&OF_PARTY), "contact": cleared(&["name", "phone"])});
    admin.patch(&held, parties).await.expect(200);
    let members = [
        "pieces",
        "volume_m3",
        "positions",
        "position_names",
        "product",
        "description",
        "awb_number",
        "shipper",
        "special_handling_codes",
        "consignee",
        "customer_reference",
        "contact",
        "discount_code",
    ];
    admin.patch(&held, cleared(&members)).await.expect(200);
    // 250 kg are charged for, by their volume.
    let price = json!({"expected_total": usd("2250.00"), "payment_token": "tok_ok"});
    for (terms, position) in [(price, "P2"), (json!({"discount_code": "SPRING"}), "P3")] {
        let held = at(&stage.hold(&admin, 2).await);
        let all = stage.change(position);
        admin.post(&format!("{held}/commit"), with(all, terms)).await.expect(201);
    }
    stage.world.audit().await;
}

#[tokio::test]
async fn a_booking_takes_all_members_when_it_is_changed() {
    let mut stage = Stage::set().await;
    let booked = stage.book(2).await;
    let mut all = stage.change("P1");
    for other in ["contact", "product", "position_names"] {
        all.as_object_mut().unwrap().remove(other);
    }
    stage.admin.patch(&booked, all).await.expect(200);
    let parties = json!({"shipper": cleared(&OF_PARTY), "consignee": cleared(&OF_PARTY)});
    stage.admin.patch(&booked, parties).await.expect(200);
    let members = [
        "volume_m3",
        "positions",
        "description",
        "awb_number",
        "shipper",
        "consignee",
        "customer_reference",
        "special_handling_codes",
    ];
    stage.admin.patch(&booked, cleared(&members)).await.expect(200);
    stage.world.audit().await;
}

/// Prices, also lower ones, and credit.
async fn with_prices(stage: &Stage) {
    let admin = &stage.admin;
    admin.post("/api/v1/tariffs", tariff("T1", json!({}))).await.expect(201);
    admin.post("/api/v1/sales", sale(json!({"code": "SPRING"}))).await.expect(201);
    let me = admin.get("/api/v1/auth/me").await.expect(200);
    let credit = format!("/api/v1/organizations/{}/credit", text(&me, "organization_id"));
    admin.patch(&credit, json!({"limit": usd("1000000.00")})).await.expect(200);
}

#[tokio::test]
async fn an_offer_takes_all_members_when_it_is_booked() {
    let mut stage = Stage::set().await;
    with_prices(&stage).await;
    let admin = stage.admin.clone();
    stage.flight = stage.world.flight(NewFlight::new("AI103", "DEL", "LHR")).await;
    let full = fill(&admin, &stage.flight).await;
    let wanted = with(hold_on(&[&stage.flight]), json!({"weight_kg": 110, "volume_m3": 1.5, "positions": 1}));
    let mut entries = Vec::new();
    for _ in 0..3 {
        let entry = admin.post(WAITLIST, wanted.clone()).await.expect(201);
        entries.push(format!("{WAITLIST}/{}", text(&entry, "id")));
    }
    admin.get(WAITLIST).await.expect(200);
    admin.poke(&format!("{}/cancel", path_of(&full))).await.expect(200);
    // A server with a matcher makes the offers.
    let matching = WorldOptions::working().on(&stage.world.database).start().await;
    for entry in &entries {
        until("it is offered", async || admin.get(entry).await.expect(200)["status"] == "OFFERED").await;
    }
    matching.shutdown().await;
    admin.get(WAITLIST).await.expect(200);
    let by_token = json!({"expected_total": usd("2250.00"), "payment_token": "tok_ok"});
    let on_account = json!({"discount_code": "SPRING", "payment_method": "ACCOUNT"});
    for ((entry, terms), position) in entries.iter().zip([by_token, on_account]).zip(["P1", "P2"]) {
        let all = with(stage.change(position), terms);
        admin.post(&format!("{entry}/book"), all).await.expect(201);
        admin.get(entry).await.expect(200);
    }
    let confirmed = json!({"pieces": 1, "payment_token": "tok_confirm"});
    admin.post(&format!("{}/book", entries[2]), confirmed).await.expect(202);
    admin.get(WAITLIST).await.expect(200);
    stage.world.audit().await;
}

#[tokio::test]
async fn a_booking_by_a_quote_takes_all_terms_and_shows_all_that_becomes_of_its_payments() {
    let stage = Stage::set().await;
    with_prices(&stage).await;
    let asked = json!({"origin": "DEL", "destination": "LHR", "flight_ids": [stage.flight["id"]], "weight_kg": 100,
                       "volume_m3": 1});
    let quote = async |caller: &Client, code: Value| caller.post(QUOTES, with(asked.clone(), code)).await.expect(201);
    let (admin, code) = (&stage.admin, json!({"discount_code": "SPRING"}));
    let lower = quote(admin, code.clone()).await;
    let all = json!({"phone": "+442079460124", "language": "en", "types": ["departed"]});
    let terms = json!({"quote_id": lower["id"], "expected_total": lower["total"], "payment_method": "ACCOUNT",
                       "contacts": [with(contact("cora@example.com"), all)]});
    let booking = admin.book(with(with(order(&[&stage.flight]), code), terms)).await;
    assert_eq!(booking["price"]["total"], lower["total"]);

    let usual = quote(admin, json!({})).await;
    let booking = admin.book(with(order(&[&stage.flight]), json!({"quote_id": usual["id"]}))).await;
    let payments = format!("{}/payments", path_of(&booking));
    let by = |token: &str| json!({"payment_token": token});
    admin.post(&payments, by("tok_declined")).await.expect_problem(402, "payment_declined");
    admin.post(&payments, by("tok_confirm")).await.expect(202);
    admin.post(&payments, by("tok_ok")).await.expect_problem(409, "payment_in_progress");
    let listed = admin.get(&payments).await.expect(200);
    assert_eq!(listed.as_array().unwrap().len(), 2, "{listed}");

    let poor = stage.world.customer().await;
    let me = poor.get("/api/v1/auth/me").await.expect(200);
    let credit = format!("/api/v1/organizations/{}/credit", text(&me, "organization_id"));
    admin.patch(&credit, json!({"limit": usd("1.00")})).await.expect(200);
    let usual = quote(&poor, json!({})).await;
    let booking = poor.book(with(order(&[&stage.flight]), json!({"quote_id": usual["id"]}))).await;
    let refused = poor.post(&format!("{}/payments", path_of(&booking)), json!({"payment_method": "ACCOUNT"})).await;
    refused.expect_problem(409, "credit_exceeded");
    admin.patch(&credit, json!({"limit": usd("10000.00")})).await.expect(200);
    let payments = format!("{}/payments", path_of(&booking));
    poor.post(&payments, json!({"payment_method": "ACCOUNT"})).await.expect(201);
    assert_eq!(poor.get(&payments).await.expect(200)[0]["provider_reference"], Value::Null);
    let voided = any_payment(&stage.world, "tok_confirm").await;
    admin.post(&format!("/api/v1/payments/{}/void", text(&voided, "id")), json!({})).await.expect(200);
    stage.world.audit().await;
}

#[tokio::test]
async fn a_flight_lists_its_reservations_whole() {
    let mut stage = Stage::set().await;
    with_prices(&stage).await;
    let admin = stage.admin.clone();
    let list = format!("/api/v1/flights/{}/reservations", text(&stage.flight, "id"));
    let room = json!({"weight_kg": 110, "volume_m3": 1.5, "positions": 1});
    for (position, token) in [("P1", "tok_confirm"), ("P2", "tok_ok")] {
        let reserved = at(&admin.post(&list, room.clone()).await.expect(201));
        let all = stage.change(position);
        admin.patch(&reserved, all).await.expect(200);
        admin.get(&list).await.expect(200);
        let answer = admin.post(&format!("{reserved}/commit"), json!({"payment_token": token})).await;
        assert!(answer.status.is_success(), "{}", answer.text);
        admin.get(&list).await.expect(200);
    }
    stage.world.audit().await;
}
