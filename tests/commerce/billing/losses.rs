//! Who bears it if freight is not carried: the customer whose freight did not come, or the carrier.
use loadmaster_testkit::{
    Answer, NewFlight, WorldOptions,
    billing::{Market, usd},
    crowds::{go_on, interrupt_after, until_interrupted},
    flight_verbs::path_to,
    freight::{order, path_of, text},
};
use serde_json::{Value, json};

/// A flight that leaves so many hours after the market was opened.
async fn flight_on(
    market: &Market,
    (number, origin, destination): (&str, &'static str, &'static str),
    hours: i64,
) -> Value {
    let flight = NewFlight::new(number, origin, destination).leaves_in_hours(hours).takes_minutes(120);
    market.world.flight(flight.weight(10_000.0)).await
}

/// Two flights by way of Bombay, and a booking of 100 kg on both for 900 USD that is paid.
async fn by_way_of_bombay(market: &Market) -> ([Value; 2], Value) {
    let first = flight_on(market, ("AI201", "DEL", "BOM"), 100).await;
    let second = flight_on(market, ("AI202", "BOM", "LHR"), 112).await;
    let wanted = json!({"flight_ids": [first["id"], second["id"]], "weight_kg": 100, "pieces": 1});
    let hold = market.customer.hold(wanted).await;
    let booking = market.customer.commit(&hold, json!({"payment_token": "tok_ok"})).await;
    let booking = market.customer.settled(&booking).await;
    assert_eq!(booking["price"]["total"], usd("900.00"));
    ([first, second], booking)
}

/// Imports new times of both flights by way of Bombay: the first one lands at 23:30, and the second one leaves then.
async fn retime_both(market: &Market, leaves: &str) {
    let rows = format!(
        "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,positions,\
         cutoff_minutes\n\
         AI201,DEL,BOM,2026-11-24T12:00:00Z,2026-11-24T23:30:00Z,,10000,1000,10,\n\
         AI202,BOM,LHR,{leaves},2026-11-25T12:00:00Z,,10000,1000,10,\n"
    );
    let import = market.admin.request(reqwest::Method::POST, "/api/v1/flights/import");
    let done = Answer::of(import.header("content-type", "text/csv").body(rows)).await.expect(200);
    assert_eq!(done["updated"], 2);
}

async fn depart_without(market: &Market, flight: &Value, booking: &Value) {
    let left = json!({"left_behind": [{"ref_id": booking["ref_id"], "reason": "NO_SHOW"}]});
    let operator = market.world.operator().await;
    operator.post(&format!("{}/depart", path_to(flight)), left).await.expect(200);
}

/// A flight with more than so many bookings makes its step alone, and its bookings follow.
async fn that_moves_at_once(most: &str) -> Market {
    Market::with(WorldOptions::patient().set("booking.moved_at_once", most)).await
}

/// Forty hours before the first flight leaves, a booking that a change has made 450.00 USD of: cancelling it costs 225.00.
async fn halve(market: &mut Market, booking: &Value) {
    market.wait_hours(60);
    market.customer.patch(&path_of(booking), json!({"weight_kg": 50})).await.expect(200);
    costs(market, booking, "225.00", "CHANGED").await;
}

async fn costs(market: &Market, booking: &Value, fee: &str, reason: &str) {
    let told = market.cancellation(booking).await;
    assert_eq!((&told["fee"], text(&told, "reason")), (&usd(fee), reason));
}

#[tokio::test]
async fn a_no_show_that_is_rerouted_keeps_its_fee() {
    let mut market = Market::open().await;
    let booking = market.paid().await;
    let later = flight_on(&market, ("AI103", "DEL", "LHR"), 300).await;
    market.wait_hours(97);
    depart_without(&market, &market.flight.clone(), &booking).await;
    costs(&market, &booking, "900.00", "NO_SHOW").await;
    market.world.operator().await.move_to(&booking, &later).await;
    costs(&market, &booking, "900.00", "NO_SHOW").await;
    market.cancel_for(&booking, "900.00").await;
    assert_eq!(market.customer.booked(&booking).await["refunded"], usd("0.00"));
    market.world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_no_show_on_any_flight_decides() {
    let mut market = Market::open().await;
    let ([first, second], booking) = by_way_of_bombay(&market).await;
    market.wait_hours(97);
    depart_without(&market, &first, &booking).await;
    let operator = market.world.operator().await;
    operator.poke(&format!("{}/arrive", path_to(&first))).await.expect(200);
    market.wait_hours(14);
    market.world.operator().await.poke(&format!("{}/depart", path_to(&second))).await.expect(200);
    let legs = market.customer.booked(&booking).await["legs"].clone();
    let reasons: Vec<_> = legs.as_array().unwrap().iter().map(|leg| text(leg, "offload_reason")).collect();
    assert_eq!(reasons, ["NO_SHOW", "MISSED_CONNECTION"]);
    costs(&market, &booking, "900.00", "NO_SHOW").await;
    market.cancel_for(&booking, "900.00").await;
    market.world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_cancelled_flight_lifts_the_fees_of_changes_and_no_shows() {
    let mut market = Market::open().await;
    let (changed, absent) = (market.paid().await, market.paid().await);
    let later = flight_on(&market, ("AI103", "DEL", "LHR"), 300).await;
    let next = flight_on(&market, ("AI105", "DEL", "LHR"), 320).await;
    market.wait_hours(60);
    market.customer.move_to(&changed, &later).await;
    market.wait_hours(37);
    depart_without(&market, &market.flight.clone(), &absent).await;
    market.world.operator().await.move_to(&absent, &later).await;
    costs(&market, &changed, "225.00", "CHANGED").await;
    costs(&market, &absent, "900.00", "NO_SHOW").await;
    market.admin.poke(&format!("{}/cancel", path_to(&later))).await.expect(200);
    for booking in [&changed, &absent] {
        costs(&market, booking, "0.00", "CARRIER").await;
        assert_eq!(market.cancellation(booking).await["floor"], Value::Null);
    }
    // What staff makes of it is a change of the carrier's.
    market.world.operator().await.move_to(&changed, &next).await;
    costs(&market, &changed, "0.00", "HOURS_LEFT").await;
    market.cancel_for(&changed, "0.00").await;
    market.cancel_for(&absent, "0.00").await;
    market.customer.refunded(&absent, "900.00").await;
    market.customer.refunded(&changed, "900.00").await;
    market.world.audit_and_rebuild().await;
}

#[tokio::test]
async fn freight_that_the_carrier_leaves_behind_costs_nothing_and_what_was_kept_goes_back() {
    let mut market = Market::open().await;
    let booking = market.paid().await;
    market.wait_hours(60);
    market.customer.patch(&path_of(&booking), json!({"weight_kg": 0.1})).await.expect(200);
    market.customer.refunded(&booking, "675.00").await;
    market.wait_hours(37);
    let left = json!({"left_behind": [{"ref_id": booking["ref_id"], "reason": "OFFLOADED"}]});
    let operator = market.world.operator().await;
    operator.post(&format!("{}/depart", path_to(&market.flight)), left).await.expect(200);
    // 75.00 are the price of what is to be carried.
    let now = market.customer.refunded(&booking, "825.00").await;
    assert_eq!(now["balance_due"], usd("0.00"));
    costs(&market, &booking, "0.00", "CARRIER").await;
    market.cancel_for(&booking, "0.00").await;
    market.customer.refunded(&booking, "900.00").await;
    market.world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_connection_that_a_retime_breaks_lifts_the_fee() {
    let mut market = Market::open().await;
    let ([_, second], booking) = by_way_of_bombay(&market).await;
    market.wait_hours(60);
    market.customer.patch(&path_of(&booking), json!({"weight_kg": 50})).await.expect(200);
    costs(&market, &booking, "225.00", "CHANGED").await;
    let at = |hours: i64| {
        let instant = market.world.now() + chrono::TimeDelta::hours(hours);
        instant.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    };
    let sooner = json!({"departure_datetime": at(41), "arrival_datetime": at(44)});
    market.admin.patch(&path_to(&second), sooner).await.expect(200);
    costs(&market, &booking, "0.00", "CARRIER").await;
    // Once it connects again, the fee is by the hours.
    let again = json!({"departure_datetime": at(52), "arrival_datetime": at(55)});
    market.admin.patch(&path_to(&second), again).await.expect(200);
    costs(&market, &booking, "112.50", "HOURS_LEFT").await;
    market.world.audit_and_rebuild().await;
}

#[tokio::test]
async fn bookings_that_their_cancelled_flight_has_not_reached_yet_are_cancelled_for_nothing() {
    let mut market = that_moves_at_once("1").await;
    let (changed, plain, reached) = (market.paid().await, market.paid().await, market.paid().await);
    halve(&mut market, &changed).await;
    costs(&market, &plain, "225.00", "HOURS_LEFT").await;
    interrupt_after(&market.world, 0).await;
    let cancelled = market.admin.poke(&format!("{}/cancel", path_to(&market.flight))).await.expect(200);
    assert_eq!(cancelled["bookings_pending"], 3);
    until_interrupted(&market.world).await;
    for booking in [&changed, &plain] {
        assert_eq!(market.customer.booked(booking).await["legs"][0]["status"], "BOOKED");
        costs(&market, booking, "0.00", "CARRIER").await;
        assert_eq!(market.cancellation(booking).await["floor"], Value::Null);
        market.cancel_for(booking, "0.00").await;
        market.customer.refunded(booking, "900.00").await;
    }
    go_on(&market.world).await;
    costs(&market, &reached, "0.00", "CARRIER").await;
    market.cancel_for(&reached, "0.00").await;
    market.customer.refunded(&reached, "900.00").await;
    market.world.audit_and_rebuild().await;
}

/// A booking by way of Bombay gets new times of both of its flights in one import: at once, or later, or it is cancelled before.
async fn both_retimed(leaves: &str, fee: &str, reason: &str) {
    for (most, is_reached) in [("100", true), ("1", true), ("1", false)] {
        let mut market = that_moves_at_once(most).await;
        let (_, booking) = by_way_of_bombay(&market).await;
        halve(&mut market, &booking).await;
        interrupt_after(&market.world, 0).await;
        retime_both(&market, leaves).await;
        if most == "1" {
            until_interrupted(&market.world).await;
        }
        costs(&market, &booking, fee, reason).await;
        if is_reached {
            go_on(&market.world).await;
            costs(&market, &booking, fee, reason).await;
        }
        market.cancel_for(&booking, fee).await;
        if !is_reached {
            go_on(&market.world).await;
        }
        market.world.audit_and_rebuild().await;
    }
}

#[tokio::test]
async fn new_times_of_both_flights_keep_the_fee_while_they_connect() {
    both_retimed("2026-11-25T08:00:00Z", "225.00", "CHANGED").await;
}

#[tokio::test]
async fn new_times_of_both_flights_that_break_their_connection_lift_the_fee() {
    both_retimed("2026-11-25T00:30:00Z", "0.00", "CARRIER").await;
}

#[tokio::test]
async fn a_retime_at_once_is_judged_by_new_times_that_have_not_reached_the_booking_yet() {
    let mut market = that_moves_at_once("1").await;
    let ([first, second], booking) = by_way_of_bombay(&market).await;
    // More are on the second flight than one transaction takes.
    market.customer.book(order(&[&second])).await;
    halve(&mut market, &booking).await;
    interrupt_after(&market.world, 0).await;
    let later = json!({"departure_datetime": "2026-11-25T08:00:00Z", "arrival_datetime": "2026-11-25T12:00:00Z"});
    market.admin.patch(&path_to(&second), later).await.expect(200);
    until_interrupted(&market.world).await;
    market.admin.patch(&path_to(&first), json!({"arrival_datetime": "2026-11-24T23:30:00Z"})).await.expect(200);
    let now = market.customer.booked(&booking).await;
    assert_eq!(now["legs"][0]["arrival_datetime"], "2026-11-24T23:30:00Z");
    assert_eq!(now["legs"][1]["departure_datetime"], "2026-11-25T00:00:00Z");
    assert_eq!(now["needs_rerouting"], false);
    costs(&market, &booking, "225.00", "CHANGED").await;
    go_on(&market.world).await;
    costs(&market, &booking, "225.00", "CHANGED").await;
    market.world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_booking_that_is_rerouted_after_its_connection_broke_keeps_no_fee() {
    for most in ["100", "1"] {
        let mut market = that_moves_at_once(most).await;
        let (_, booking) = by_way_of_bombay(&market).await;
        let direct = flight_on(&market, ("AI103", "DEL", "LHR"), 300).await;
        halve(&mut market, &booking).await;
        market.customer.patch(&path_of(&booking), json!({"weight_kg": 0.1})).await.expect(200);
        market.customer.refunded(&booking, "675.00").await;
        interrupt_after(&market.world, 0).await;
        retime_both(&market, "2026-11-25T00:30:00Z").await;
        if most == "1" {
            until_interrupted(&market.world).await;
        }
        market.customer.move_to(&booking, &direct).await;
        costs(&market, &booking, "0.00", "HOURS_LEFT").await;
        // 75.00 are the price of what is to be carried.
        market.customer.refunded(&booking, "825.00").await;
        go_on(&market.world).await;
        costs(&market, &booking, "0.00", "HOURS_LEFT").await;
        market.cancel_for(&booking, "0.00").await;
        market.world.audit_and_rebuild().await;
    }
}
