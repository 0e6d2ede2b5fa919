//! What is refused when freight is booked: of a hold, of an offer of the waitlist, and without either.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client, NewFlight, World, WorldOptions,
    billing::usd,
    flight_verbs::path_to,
    freight::{BOOKINGS, order, path_of, text, with},
    holds::{HOLDS, at, hold_on},
    payments::with_test,
    pricing::{QUOTES, sale, tariff},
    until,
    waitlist::{WAITLIST, fill},
};
use serde_json::{Value, json};
use uuid::Uuid;

const TAKEN: &str = "098-55555555";

/// Flights with a price, and what stands in the way of booking.
struct Obstacles {
    world: World,
    user: Uuid,
    organization: Uuid,
    caller: Client,
    staff: Client,
    flight: Value,
    /// Without a price.
    elsewhere: Value,
    closed: Value,
    cancelled: Value,
    /// Under an embargo, whatever the freight.
    forbidden: Value,
    restricted: Value,
}

impl Obstacles {
    async fn set() -> Self {
        let world = with_test().set("holds.organization_active", "8").with_workers().start().await;
        let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
        let (caller, staff) = (world.caller_in(Role::Customer, user, organization).await, world.admin().await);
        let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").positions(3)).await;
        let elsewhere = world.flight(NewFlight::new("AI201", "BOM", "SIN")).await;
        let soon = NewFlight::new("AI103", "DEL", "LHR").leaves_in_minutes(30);
        let closed = world.flight(soon).await;
        let cancelled = world.flight(NewFlight::new("AI105", "DEL", "LHR")).await;
        staff.poke(&format!("{}/cancel", path_to(&cancelled))).await.expect(200);
        let forbidden = world.flight(NewFlight::new("AI107", "DEL", "LHR")).await;
        let restricted = world.flight(NewFlight::new("AI109", "DEL", "LHR")).await;
        let only_with = json!({"require_any": ["COL", "FRO"]});
        for (name, scope, effect) in [
            ("Animals", json!({"handling_codes": ["AVI"]}), json!("FORBID")),
            ("Flowers", json!({"handling_codes": ["PER"]}), only_with.clone()),
            ("Flight", json!({"flight_numbers": ["AI107"]}), json!("FORBID")),
            ("Cooled", json!({"flight_numbers": ["AI109"]}), only_with),
        ] {
            let embargo = json!({"name": name, "reason": "Heat", "origin": "DEL", "destination": "LHR",
                                 "valid_from": "2026-01-01", "effect": effect});
            staff.post("/api/v1/embargoes", with(embargo, scope)).await.expect(201);
        }
        let priced = json!({"origin": "DEL", "destination": "LHR", "product": "GENERAL"});
        staff.post("/api/v1/tariffs", tariff("T1", priced)).await.expect(201);
        let credit = format!("/api/v1/organizations/{organization}/credit");
        staff.patch(&credit, json!({"limit": usd("1.00")})).await.expect(200);
        Self { world, user, organization, caller, staff, flight, elsewhere, closed, cancelled, forbidden, restricted }
    }

    /// An offer of the waitlist: its flights were full until a booking was cancelled.
    async fn offer(&self, flights: &[&Value]) -> String {
        let full = fill(&self.staff, flights[0]).await;
        let wanted = with(hold_on(flights), json!({"positions": 1}));
        let entry = self.caller.post(WAITLIST, wanted).await.expect(201);
        let path = format!("{WAITLIST}/{}", text(&entry, "id"));
        self.caller.post(&format!("{path}/book"), json!({"pieces": 1})).await.expect_problem(409, "invalid_transition");
        self.staff.poke(&format!("{}/cancel", path_of(&full))).await.expect(200);
        until("it is offered", async || self.caller.get(&path).await.expect(200)["status"] == "OFFERED").await;
        path
    }

    /// A position and an air waybill that somebody has.
    async fn taken(&self) {
        let first = json!({text(&self.flight, "id"): ["P1"]});
        self.staff.hold(with(hold_on(&[&self.flight]), json!({"position_names": first}))).await;
        self.staff.book(with(order(&[&self.flight]), json!({"awb_number": TAKEN}))).await;
    }

    /// The caller at another server on the same database.
    async fn at(&self, options: WorldOptions, later: TimeDelta) -> (World, Client) {
        let world = options.on(&self.world.database).start().await;
        world.clock.advance(later);
        let token = world.token(Role::Customer, self.user, self.organization);
        let caller = world.anonymous().with_token(&token);
        (world, caller)
    }

    /// Each change of the flights, or to more room, that is refused, and why.
    fn other_flights(&self) -> Vec<(Value, u16, &'static str)> {
        let by = |flight: &Value| json!({"flight_ids": [flight["id"]]});
        vec![
            (json!({"weight_kg": 100_000}), 409, "capacity_exceeded"),
            (by(&self.elsewhere), 409, "itinerary_invalid"),
            (by(&self.closed), 409, "flight_closed"),
            (by(&self.cancelled), 409, "flight_cancelled"),
        ]
    }

    /// Each change of the freight that is refused, and why.
    fn other_freight(&self) -> Vec<(Value, u16, &'static str)> {
        let first = json!({text(&self.flight, "id"): ["P1"]});
        vec![
            (json!({"special_handling_codes": ["AVI"]}), 409, "embargoed"),
            (json!({"special_handling_codes": ["PER"]}), 409, "handling_required"),
            (json!({"positions": 1, "position_names": first}), 409, "position_taken"),
        ]
    }

    /// What cannot be booked so, and why.
    fn terms() -> Vec<(Value, u16, &'static str)> {
        vec![
            (json!({"awb_number": TAKEN}), 409, "already_exists"),
            (json!({"expected_total": usd("1.00")}), 409, "price_changed"),
            (json!({"payment_token": "tok_declined"}), 402, "payment_declined"),
            (json!({"payment_method": "ACCOUNT"}), 409, "credit_exceeded"),
        ]
    }
}

async fn meets(caller: &Client, path: &str, body: Value, status: u16, code: &str) {
    let answer = caller.post(path, body.clone()).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["code"]),
        (status, &json!(code)),
        "{path} {body}: {}",
        answer.text
    );
}

#[tokio::test]
async fn what_is_refused_of_a_hold_is_refused_of_an_offer() {
    let stage = Obstacles::set().await;
    let (caller, pieces) = (&stage.caller, json!({"pieces": 1}));
    let unpriced = [
        format!("{}/commit", at(&caller.hold(hold_on(&[&stage.elsewhere])).await)),
        format!("{}/book", stage.offer(&[&stage.elsewhere]).await),
    ];
    let (_strict, to_strict) = stage.at(with_test().set("pricing.required", "true"), TimeDelta::zero()).await;
    for path in &unpriced {
        meets(caller, path, json!({}), 409, "hold_incomplete").await;
        meets(&to_strict, path, pieces.clone(), 409, "quote_required").await;
    }
    let offer = stage.offer(&[&stage.flight]).await;
    let hold = at(&caller.hold(hold_on(&[&stage.flight])).await);
    stage.taken().await;
    let unknown_code = (json!({"discount_code": "NONE"}), 409, "discount_not_applicable");
    let changes = [stage.other_flights(), stage.other_freight(), vec![unknown_code.clone()]].concat();
    for (body, status, code) in changes {
        caller.patch(&hold, body).await.expect_problem(status, code);
    }
    let (_unpaid, to_unpaid) = stage.at(WorldOptions::default(), TimeDelta::zero()).await;
    let of_both = [stage.other_freight(), vec![unknown_code], Obstacles::terms()].concat();
    let of_hold = [stage.other_flights(), of_both.clone()].concat();
    for (path, refusals) in [(format!("{hold}/commit"), of_hold), (format!("{offer}/book"), of_both)] {
        let paid = with(pieces.clone(), json!({"payment_token": "tok_ok"}));
        meets(&to_unpaid, &path, paid, 409, "payment_not_possible").await;
        for (body, status, code) in refusals {
            meets(caller, &path, with(pieces.clone(), body), status, code).await;
        }
        let confirmed = with(pieces.clone(), json!({"payment_token": "tok_confirm"}));
        caller.post(&path, confirmed.clone()).await.expect(202);
        meets(caller, &path, confirmed, 409, "payment_in_progress").await;
    }
    for verb in ["extend", "release"] {
        meets(caller, &format!("{hold}/{verb}"), json!({}), 409, "payment_in_progress").await;
    }
    let reservations = format!("{}/reservations", path_to(&stage.flight));
    let reserved = caller.post(&reservations, json!({"weight_kg": 1})).await.expect(201);
    let paid = json!({"pieces": 1, "payment_token": "tok_confirm"});
    caller.post(&format!("{}/commit", at(&reserved)), paid).await.expect(202);
    let path = format!("{reservations}/{}", text(&reserved, "id"));
    caller.delete(&path).await.expect_problem(409, "payment_in_progress");
    stage.world.audit().await;
}

#[tokio::test]
async fn a_hold_and_an_offer_that_lapse_or_are_declined_too_often_are_not_booked() {
    let stage = Obstacles::set().await;
    let caller = &stage.caller;
    let entry = stage.offer(&[&stage.flight]).await;
    let hold = caller.hold(hold_on(&[&stage.flight])).await;
    let declined = json!({"pieces": 1, "payment_token": "tok_declined"});
    for path in [format!("{}/commit", at(&hold)), format!("{entry}/book")] {
        let mut answer = caller.post(&path, declined.clone()).await;
        for _ in 0..30 {
            if answer.status != 402 {
                break;
            }
            answer = caller.post(&path, declined.clone()).await;
        }
        answer.expect_problem(409, "hold_limit_exceeded");
    }
    let hold = at(&caller.hold(hold_on(&[&stage.flight])).await);
    let reservations = format!("{}/reservations", path_to(&stage.flight));
    let reserved = caller.post(&reservations, json!({"weight_kg": 1})).await.expect(201);
    let (_later, caller) = stage.at(with_test(), TimeDelta::hours(20)).await;
    for verb in ["extend", "release", "commit"] {
        meets(&caller, &format!("{hold}/{verb}"), json!({}), 409, "hold_expired").await;
    }
    for verb in ["decline", "book"] {
        meets(&caller, &format!("{entry}/{verb}"), json!({}), 409, "hold_expired").await;
    }
    caller.patch(&hold, json!({"pieces": 2})).await.expect_problem(409, "hold_expired");
    caller.delete(&hold).await.expect_problem(409, "hold_expired");
    let path = format!("{reservations}/{}", text(&reserved, "id"));
    caller.delete(&path).await.expect_problem(409, "hold_expired");
}

#[tokio::test]
async fn an_offer_whose_connection_has_become_too_short_is_not_booked() {
    let stage = Obstacles::set().await;
    let first = stage.world.flight(NewFlight::new("AI301", "DEL", "BOM")).await;
    let onward = stage.world.flight(NewFlight::new("AI302", "BOM", "LHR").leaves_in_hours(36)).await;
    let entry = stage.offer(&[&first, &onward]).await;
    // One minute after the first one has landed.
    loadmaster_testkit::notifications::retime(&stage.world, &onward, TimeDelta::minutes(1) - TimeDelta::hours(8)).await;
    meets(&stage.caller, &format!("{entry}/book"), json!({"pieces": 1}), 409, "itinerary_invalid").await;
    stage.world.audit().await;
}

#[tokio::test]
async fn what_is_refused_of_a_hold_is_refused_of_a_booking_without_one() {
    let stage = Obstacles::set().await;
    let caller = &stage.caller;
    stage.staff.post("/api/v1/sales", sale(json!({"code": "ONCE", "max_uses": 1}))).await.expect(201);
    let asked = json!({"origin": "DEL", "destination": "LHR", "flight_ids": [stage.flight["id"]], "weight_kg": 100,
                       "volume_m3": 1});
    let by_quote = async |members: Value| {
        let quote = caller.post(QUOTES, with(asked.clone(), members.clone())).await.expect(201);
        with(with(order(&[&stage.flight]), members), json!({"quote_id": quote["id"]}))
    };
    let once = json!({"discount_code": "ONCE"});
    let (usual, lowered, again) =
        (by_quote(json!({})).await, by_quote(once.clone()).await, by_quote(once.clone()).await);
    caller.book(lowered).await;
    meets(caller, BOOKINGS, again, 409, "discount_not_applicable").await;
    stage.taken().await;
    let paid = with(usual.clone(), json!({"payment_token": "tok_ok"}));
    let (_unpaid, to_unpaid) = stage.at(WorldOptions::default(), TimeDelta::zero()).await;
    meets(&to_unpaid, BOOKINGS, paid.clone(), 409, "payment_not_possible").await;
    let (_later, afterwards) = stage.at(with_test(), TimeDelta::hours(3)).await;
    meets(&afterwards, BOOKINGS, paid.clone(), 409, "quote_expired").await;
    for (body, status, code) in [stage.other_flights(), stage.other_freight(), Obstacles::terms()].concat() {
        meets(caller, BOOKINGS, with(usual.clone(), body), status, code).await;
    }
    let confirmed = with(usual, json!({"payment_token": "tok_confirm"}));
    let waiting = caller.post(BOOKINGS, confirmed).await.expect(202);
    assert_eq!(waiting["status"], "COMMITTING", "{waiting}");
    let least = with(hold_on(&[&stage.flight]), json!({"weight_kg": 1}));
    for _ in 0..20 {
        if caller.post(HOLDS, least.clone()).await.status != 201 {
            break;
        }
    }
    meets(caller, BOOKINGS, paid, 409, "hold_limit_exceeded").await;
    stage.world.audit().await;
}

#[tokio::test]
async fn what_a_flight_does_not_take_is_neither_held_nor_waited_for() {
    let stage = Obstacles::set().await;
    for (flight, code) in [
        (&stage.closed, "flight_closed"),
        (&stage.cancelled, "flight_cancelled"),
        (&stage.forbidden, "embargoed"),
        (&stage.restricted, "handling_required"),
    ] {
        for path in [HOLDS, WAITLIST] {
            meets(&stage.caller, path, hold_on(&[flight]), 409, code).await;
        }
        let reservations = format!("{}/reservations", path_to(flight));
        meets(&stage.caller, &reservations, json!({"weight_kg": 1}), 409, code).await;
    }
    let lost = with(hold_on(&[&stage.flight]), json!({"destination": "JFK"}));
    meets(&stage.caller, WAITLIST, lost, 409, "itinerary_invalid").await;
    stage.world.audit().await;
}

#[tokio::test]
async fn a_sale_where_no_rate_applies_is_refused_of_a_hold_and_of_its_booking() {
    let world = with_test().start().await;
    let flight = world.flight(NewFlight::new("AI201", "BOM", "SIN")).await;
    let (admin, caller) = (world.admin().await, world.customer().await);
    admin.post("/api/v1/sales", sale(json!({"code": "SPRING"}))).await.expect(201);
    let hold = at(&caller.hold(hold_on(&[&flight])).await);
    let by_sale = json!({"discount_code": "SPRING"});
    caller.patch(&hold, by_sale.clone()).await.expect_problem(409, "no_rate");
    meets(&caller, HOLDS, with(hold_on(&[&flight]), by_sale.clone()), 409, "no_rate").await;
    meets(&caller, &format!("{hold}/commit"), with(by_sale, json!({"pieces": 1})), 409, "no_rate").await;
    world.audit().await;
}
