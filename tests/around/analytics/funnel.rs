use loadmaster_testkit::{
    Client, NewFlight, World,
    amending::long_day,
    billing::Market,
    flight_verbs::done,
    freight::{text, with},
    holds::hold_on,
    pricing::{TARIFFS, flat, make},
};
use serde_json::{Value, json};

use super::{
    FUNNEL, adds_up, any_flight, at, firm, of_weight, report, rows,
    searches::{asked, write},
};

#[tokio::test]
async fn of_what_was_made_in_the_span_it_counts_what_led_on() {
    let world = long_day().await;
    let ((customer, own), (other, _)) = (firm(&world).await, firm(&world).await);
    let operator = world.operator().await;
    make(&world.admin().await, TARIFFS, flat("ALL", "2", json!({}))).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(10_000.0)).await;
    let away = any_flight(&world, "EK502", "DXB", "LHR").await;
    let quote = async |flight: &Value| {
        let asked = json!({"origin": flight["origin"], "destination": flight["destination"], "flight_ids": [flight["id"]],
                           "weight_kg": 100});
        customer.post("/api/v1/quotes", asked).await.expect(201)
    };
    let (taken, _left) = (quote(&flight).await, quote(&flight).await);
    quote(&away).await;
    let held = with(hold_on(&[&flight]), json!({"quote_id": taken["id"], "pieces": 1}));
    let held = customer.hold(held).await;
    customer.hold(with(hold_on(&[&flight]), json!({}))).await;
    let booking = customer.commit(&held, json!({})).await;
    other.book(of_weight(&flight, 10.0)).await;
    let lanes = report(&operator, FUNNEL, "group=lane").await;
    let quotes = rows(&lanes, "quotes");
    assert_eq!(quotes.iter().map(|(_, lane, _)| *lane).collect::<Vec<_>>(), ["DEL-LHR", "DXB-LHR"]);
    assert_eq!(quotes[1].2, &json!({"made": 1, "taken": 0}));
    assert_eq!(rows(&lanes, "holds")[0].2, &json!({"made": 2, "committed": 1}));
    assert_eq!(rows(&lanes, "bookings")[0].2, &json!({"made": 2, "delivered": 0}));
    assert_eq!(lanes["total"]["quotes"]["made"].as_i64().unwrap(), quotes[0].2["made"].as_i64().unwrap() + 1);

    at(&world, "2026-11-21T20:00:00Z");
    done(&operator, &flight, "depart").await;
    done(&operator, &flight, "arrive").await;
    operator.walk(&booking, &["deliver"]).await;
    let found = report(&operator, FUNNEL, "from=2026-11-20&to=2026-11-20").await;
    assert_eq!(found["total"]["bookings"], json!({"made": 2, "delivered": 1}), "however late");
    assert_eq!(report(&operator, FUNNEL, "from=2026-11-21&to=2026-11-22").await["total"]["bookings"]["made"], 0);
    let one = report(&operator, FUNNEL, &format!("group=lane&limit=1&organization_id={own}")).await;
    assert_eq!(one["total"]["bookings"], json!({"made": 1, "delivered": 1}));
    assert_eq!(one["other"]["quotes"], json!({"made": 1, "taken": 0}));
    adds_up(
        &one,
        &["quotes/made", "quotes/taken", "holds/made", "holds/committed", "bookings/made", "bookings/delivered"],
    );
    for (filter, made) in
        [("airline=EK", [1, 0, 0]), ("origin=DXB", [1, 0, 0]), ("product=GENERAL&airline=AI", [2, 2, 2])]
    {
        let found = report(&operator, FUNNEL, filter).await["total"].clone();
        let found = ["quotes", "holds", "bookings"].map(|step| found[step]["made"].as_i64().unwrap());
        assert_eq!(found[1..], made[1..], "{filter}: {found:?}");
        assert!(found[0] >= made[0], "{filter}: {found:?}");
    }
    assert_eq!(text(&lanes, "to"), "2026-11-20");
    world.audit().await;
}

#[tokio::test]
async fn steps_count_on_the_dates_at_their_origins() {
    let world = long_day().await;
    let (customer, operator) = (firm(&world).await.0, world.operator().await);
    let flights = [any_flight(&world, "AI101", "DEL", "LHR").await, any_flight(&world, "AI102", "JFK", "LHR").await];
    // In Delhi 01:30 of the 21st, in New York 15:00 of the 20th.
    at(&world, "2026-11-20T20:00:00Z");
    for flight in &flights {
        customer.hold(hold_on(&[flight])).await;
        customer.book(of_weight(flight, 10.0)).await;
    }
    let found = report(&operator, FUNNEL, "from=2026-11-20&to=2026-11-21&group=lane").await;
    let expected =
        |figure: &Value| [("2026-11-20", "JFK-LHR", figure.clone()), ("2026-11-21", "DEL-LHR", figure.clone())];
    for step in ["holds/made", "bookings/made"] {
        let rows: Vec<_> =
            rows(&found, step).into_iter().map(|(date, lane, figure)| (date, lane, figure.clone())).collect();
        assert_eq!(rows, expected(&json!(1)), "{step}");
    }
}

#[tokio::test]
async fn space_that_an_allotment_keeps_is_no_step() {
    let market = Market::open().await;
    let operator = market.world.operator().await;
    let own = market.customer.get("/api/v1/auth/me").await.expect(200)["organization_id"].clone();
    let allotment = json!({"organization_id": own, "name": "Weekly", "origin": "DEL", "destination": "LHR",
                           "date_from": "2026-11-20", "date_to": "2026-12-31", "weight_kg": 100});
    market.admin.post("/api/v1/allotments", allotment).await.expect(201);
    loadmaster_testkit::until("room is kept", async || {
        !market.world.texts("select kind from holds where kind = 'ALLOTMENT'").await.is_empty()
    })
    .await;
    assert_eq!(report(&operator, FUNNEL, "").await["total"]["holds"]["made"], 0);
    market.hold().await;
    assert_eq!(report(&operator, FUNNEL, "").await["total"]["holds"]["made"], 1);
}

#[tokio::test]
async fn nothing_is_reported_of_an_empty_house() {
    let world = World::start().await;
    let found = report(&world.operator().await, FUNNEL, "group=product").await;
    assert_eq!(
        found["total"],
        json!({"searches": {"made": 0, "bookable": 0}, "quotes": {"made": 0, "taken": 0},
               "holds": {"made": 0, "committed": 0}, "bookings": {"made": 0, "delivered": 0}})
    );
    assert_eq!((&found["rows"], &found["other"]), (&json!([]), &Value::Null));
}

#[tokio::test]
async fn the_funnel_begins_with_searches_where_the_query_names_lanes_alone() {
    let world = World::start().await;
    let (customer, organization) = firm(&world).await;
    let operator = world.operator().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(500.0)).await;
    for weight in [10, 50, 600] {
        let more = json!({"weight_kg": weight});
        customer.post("/api/v1/routes/search", asked("DEL", "LHR", more)).await.expect(200);
    }
    customer.post("/api/v1/routes/search", asked("BOM", "LHR", json!({}))).await.expect(200);
    write(&world).await;
    customer.book(of_weight(&flight, 10.0)).await;
    let lanes = report(&operator, FUNNEL, "group=lane").await;
    let steps = [
        ("2026-11-20", "DEL-LHR", &json!({"made": 3, "bookable": 2})),
        ("2026-11-20", "BOM-LHR", &json!({"made": 1, "bookable": 0})),
    ];
    assert_eq!(rows(&lanes, "searches"), steps);
    assert_eq!(
        rows(&lanes, "bookings/made").iter().map(|(.., made)| *made).collect::<Vec<_>>(),
        [&json!(1), &json!(0)]
    );
    let one = report(&operator, FUNNEL, "group=lane&limit=1&origin=DEL").await;
    assert_eq!((&one["total"]["searches"]["made"], &one["other"]), (&json!(3), &Value::Null));
    adds_up(&report(&operator, FUNNEL, "group=lane&limit=1").await, &["searches/made", "searches/bookable"]);
    let products = report(&operator, FUNNEL, "group=product").await;
    let expected = [("2026-11-20", "GENERAL", &json!(0)), ("2026-11-20", "-", &json!(4))];
    assert_eq!(rows(&products, "searches/made"), expected);
    other_lane(&world, &customer).await;
    for filter in ["airline=AI", "product=GENERAL", &format!("organization_id={organization}")] {
        let found = report(&operator, FUNNEL, &format!("group=lane&limit=1&{filter}")).await;
        for searches in [&found["total"], &found["rows"][0], &found["other"]].map(|figures| figures.get("searches")) {
            assert_eq!(searches, Some(&Value::Null), "{filter}: {found:#}");
        }
    }
}

/// Another booking, for what the limit leaves out.
async fn other_lane(world: &World, customer: &Client) {
    let flight = any_flight(world, "AI900", "BOM", "LHR").await;
    customer.book(of_weight(&flight, 5.0)).await;
}
