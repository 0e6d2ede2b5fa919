use serde_json::{Value, json};

use super::{FUNNEL, VOLUME, of_weight, report, rows, searches::console};
use loadmaster_testkit::{
    NewFlight, World,
    freight::text,
    holds::hold_on,
    pricing::{TARIFFS, flat, make},
};

#[tokio::test]
async fn quotes_holds_and_bookings_have_the_channels_of_their_callers() {
    let world = World::start().await;
    make(&world.admin().await, TARIFFS, flat("ALL", "2", json!({}))).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(10_000.0)).await;
    let customer = world.customer().await;
    let key = customer.post("/api/v1/api-keys", json!({"name": "Robot"})).await.expect(201);
    let robot = world.anonymous().with_token(text(&key, "key"));
    let person = console(&world).await;
    let token = world.anonymous().poke("/api/v1/auth/guest").await.expect(200);
    let guest = world.anonymous().with_token(text(&token, "access_token"));
    for client in [&person, &customer, &robot] {
        client.book(of_weight(&flight, 10.0)).await;
        let asked = json!({"origin": "DEL", "destination": "LHR", "flight_ids": [flight["id"]], "weight_kg": 20});
        client.post("/api/v1/quotes", asked).await.expect(201);
    }
    guest.hold(hold_on(&[&flight])).await;
    // The key commits what its owner has held: the booking comes from where the hold came from.
    let held = customer.hold(hold_on(&[&flight])).await;
    let booking = robot.commit(&held, json!({"pieces": 1})).await;
    let of_hold = format!("select channel from bookings where ref_id = '{}'", text(&booking, "ref_id"));
    assert_eq!(world.texts(&of_hold).await, ["API"]);
    let channels = async |table: &str| world.texts(&format!("select distinct channel from {table} order by 1")).await;
    assert_eq!(channels("bookings").await, ["API", "API_KEY", "CONSOLE"]);
    assert_eq!(channels("holds").await, ["API", "GUEST"]);
    assert_eq!(channels("quotes").await, ["API", "API_KEY", "CONSOLE", "GUEST"], "a hold is priced by a quote");

    // As an older process leaves them.
    world.sql("update bookings set channel = null where channel = 'CONSOLE'").await;
    let operator = world.operator().await;
    let volume = report(&operator, VOLUME, "group=channel").await;
    let mut found = rows(&volume, "bookings");
    found.sort_by_key(|(_, channel, _)| *channel);
    let expected =
        [("2026-11-20", "-", &json!(1)), ("2026-11-20", "API", &json!(2)), ("2026-11-20", "API_KEY", &json!(1))];
    assert_eq!(found, expected);
    let funnel = report(&operator, FUNNEL, "group=channel").await;
    let mut found = rows(&funnel, "holds/made");
    found.sort_by_key(|(_, channel, _)| *channel);
    let expected = [
        ("2026-11-20", "-", &json!(0)),
        ("2026-11-20", "API", &json!(1)),
        ("2026-11-20", "API_KEY", &json!(0)),
        ("2026-11-20", "CONSOLE", &json!(0)),
        ("2026-11-20", "GUEST", &json!(1)),
    ];
    assert_eq!(found, expected);
    assert_eq!(report(&operator, FUNNEL, "").await["total"]["bookings"]["made"], 4);
    assert_eq!(report(&customer, VOLUME, "group=channel").await["other"], Value::Null);
    world.audit_and_rebuild().await;
}
