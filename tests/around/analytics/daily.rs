use loadmaster_testkit::{
    amending::long_day,
    billing::usd,
    freight::{order, with, without},
    holds::hold_on,
    pricing::{TARIFFS, flat, make},
};
use serde_json::{Value, json};

use super::{
    DAILY, any_flight, at, firm, of_weight, report,
    searches::{asked, write},
};

#[tokio::test]
async fn each_day_has_the_figures_of_its_business() {
    let world = long_day().await;
    make(&world.admin().await, TARIFFS, flat("LONDON", "2", json!({"origin": "LHR"}))).await;
    let ((first, _), (second, _)) = (firm(&world).await, firm(&world).await);
    let operator = world.operator().await;
    let delhi = any_flight(&world, "AI101", "DEL", "LHR").await;
    let london = any_flight(&world, "BA175", "LHR", "JFK").await;
    let new_york = any_flight(&world, "BA178", "JFK", "LHR").await;
    for origin in ["DEL", "BOM"] {
        world.anonymous().post("/api/v1/routes/search", asked(origin, "LHR", json!({}))).await.expect(200);
    }
    write(&world).await;
    world.sql("update searches set took_us = 1500, cache_hits = (origin = 'DEL')::int").await;
    let person = json!({"email": "ann@example.com", "password": "correct horse battery"});
    world.anonymous().post("/api/v1/auth/register", person).await.expect(201);
    let delivered = first.book(of_weight(&delhi, 40.0)).await;
    operator.walk(&delivered, &["depart", "arrive", "deliver"]).await;
    let cancelled = first.book(of_weight(&delhi, 1000.0)).await;
    first.walk(&cancelled, &["cancel"]).await;
    second.hold(hold_on(&[&delhi])).await;
    let wanted = json!({"origin": "LHR", "destination": "JFK", "flight_ids": [london["id"]], "weight_kg": 100});
    second.post("/api/v1/quotes", wanted.clone()).await.expect(201);
    let quote = second.post("/api/v1/quotes", wanted).await.expect(201);
    let priced = with(order(&[&london]), json!({"weight_kg": 100, "quote_id": quote["id"]}));
    second.book(without(priced, "volume_m3")).await;

    at(&world, "2026-11-21T00:30:00Z");
    // In New York it is still the day before.
    first.book(of_weight(&new_york, 20.0)).await;
    first.book(of_weight(&delhi, 5.0)).await;

    // The booking by a quote has a hold, too.
    let found = report(&operator, DAILY, "from=2026-11-20&to=2026-11-21").await;
    let one = json!({"searches": 2, "mean_search_ms": 1.5, "cache_hit_percent": 50, "quotes": 2, "holds": 2, "bookings": 4,
                     "cancelled": 1, "delivered": 1, "weight_kg": 160, "revenue": [usd("200.00")], "new_users": 1,
                     "active_users": 2});
    let two = json!({"searches": 0, "mean_search_ms": null, "cache_hit_percent": null, "quotes": 0, "holds": 0, "bookings": 1,
                     "cancelled": 0, "delivered": 0, "weight_kg": 5, "revenue": [], "new_users": 0, "active_users": 1});
    let row = |figures: &Value, period: &str| with(figures.clone(), json!({"period": period, "key": null}));
    assert_eq!(found["rows"], json!([row(&one, "2026-11-20"), row(&two, "2026-11-21")]));
    let total = with(one, json!({"bookings": 5, "weight_kg": 165}));
    assert_eq!((&found["total"], &found["other"]), (&total, &Value::Null), "an account counts once");
    let week = report(&operator, DAILY, "from=2026-11-20&to=2026-11-21&by=week").await;
    assert_eq!(week["rows"], json!([row(&total, "2026-11-16")]));

    let table = operator.get(&format!("{DAILY}/export?from=2026-11-20&to=2026-11-21")).await.text;
    let expected = [
        "\"period\",\"searches\",\"mean_search_ms\",\"cache_hit_percent\",\"quotes\",\"holds\",\"bookings\",\"cancelled\",\
         \"delivered\",\"weight_kg\",\"new_users\",\"active_users\",\"revenue_USD\"",
        "\"2026-11-20\",2,1.5,50,2,2,4,1,1,160,1,2,200.00",
        "\"2026-11-21\",0,,,0,0,1,0,0,5,0,1,",
    ];
    assert_eq!(table.lines().collect::<Vec<_>>(), expected);
    world.audit().await;
}
