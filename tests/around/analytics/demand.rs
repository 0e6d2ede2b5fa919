use serde_json::{Value, json};

use super::{
    DEMAND, adds_up, at, report, rows,
    searches::{asked, write},
};
use loadmaster_testkit::{Client, NewFlight, World};

async fn search(client: &Client, origin: &str, destination: &str, more: Value) {
    client.post("/api/v1/routes/search", asked(origin, destination, more)).await.expect(200);
}

/// Searches of three lanes on two days; the first day is kept as sums.
async fn searched() -> World {
    let world = World::start().await;
    for (number, origin) in [("AI101", "DEL"), ("AI102", "DEL"), ("AI103", "BOM")] {
        let flight = NewFlight::new(number, origin, "LHR").departs("2026-11-23T10:00:00Z").weight(500.0);
        world.flight(flight).await;
    }
    let anyone = world.anonymous();
    let on_the_day = |weight: u32| json!({"departure_date": "2026-11-23", "weight_kg": weight});
    search(&anyone, "DEL", "LHR", on_the_day(50)).await;
    search(&anyone, "DEL", "LHR", on_the_day(400)).await;
    search(&anyone, "CDG", "LHR", on_the_day(50)).await;
    write(&world).await;
    at(&world, "2026-11-21T08:00:00Z");
    search(&anyone, "DEL", "LHR", on_the_day(600)).await;
    search(&anyone, "DEL", "LHR", on_the_day(50)).await;
    search(&anyone, "BOM", "LHR", on_the_day(50)).await;
    write(&world).await;
    world
}

#[tokio::test]
async fn demand_is_reported_by_lane_class_of_weight_and_outcome() {
    let world = searched().await;
    let operator = world.operator().await;
    let lanes = report(&operator, DEMAND, "group=lane").await;
    let total = json!({"searches": 6, "bookable_percent": 66.7, "mean_options": 1.5});
    assert_eq!(lanes["total"], total);
    let expected = [
        ("2026-11-20", "DEL-LHR", &json!(2)),
        ("2026-11-20", "CDG-LHR", &json!(1)),
        ("2026-11-21", "DEL-LHR", &json!(2)),
        ("2026-11-21", "BOM-LHR", &json!(1)),
    ];
    assert_eq!(rows(&lanes, "searches"), expected);
    assert_eq!(rows(&lanes, "bookable_percent")[2].2, &json!(50));
    assert_eq!(rows(&lanes, "mean_options")[1].2, &json!(0));
    let found = report(&operator, DEMAND, "group=weight_class&by=month").await;
    let expected =
        [("2026-11-01", "45", &json!(4)), ("2026-11-01", "300", &json!(1)), ("2026-11-01", "500", &json!(1))];
    assert_eq!(rows(&found, "searches"), expected);
    let found = report(&operator, DEMAND, "group=outcome&by=week").await;
    let expected = [
        ("2026-11-16", "BOOKABLE", &json!(4)),
        ("2026-11-16", "NO_FLIGHT", &json!(1)),
        ("2026-11-16", "NO_ROOM", &json!(1)),
    ];
    assert_eq!(rows(&found, "searches"), expected);
    let one = report(&operator, DEMAND, "group=lane&limit=1").await;
    assert_eq!((&one["total"], &one["other"]["searches"]), (&total, &json!(2)));
    adds_up(&one, &["searches"]);
    for (filter, searches) in [
        ("origin=DEL", 4),
        ("origin=BOM&destination=LHR", 1),
        ("destination=DEL", 0),
        ("from=2026-11-21&to=2026-11-21", 3),
        ("from=2026-11-22", 0),
    ] {
        assert_eq!(report(&operator, DEMAND, filter).await["total"]["searches"], searches, "{filter}");
    }
    let none = report(&operator, DEMAND, "to=2026-11-19").await;
    let nothing = json!({"searches": 0, "bookable_percent": null, "mean_options": null});
    assert_eq!((&none["total"], &none["rows"], &none["other"]), (&nothing, &json!([]), &Value::Null));
}

#[tokio::test]
async fn counts_that_are_kept_as_sums_of_days_are_part_of_the_demand() {
    let world = searched().await;
    let query = "from=2026-11-01&to=2026-11-30&group=lane";
    let before = report(&world.operator().await, DEMAND, query).await;
    at(&world, "2026-12-21T08:00:00Z");
    world.state().background.run_now("old_searches").await.unwrap();
    assert_eq!(world.texts("select sum(searches)::text from search_days").await, ["3"]);
    let after = report(&world.operator().await, DEMAND, query).await;
    assert_eq!((&after["total"], &after["rows"]), (&before["total"], &before["rows"]));
}

#[tokio::test]
async fn demand_is_exported() {
    let world = searched().await;
    let table = world.operator().await.get(&format!("{DEMAND}/export?group=lane&limit=1")).await.text;
    let expected = [
        "\"period\",\"key\",\"searches\",\"bookable_percent\",\"mean_options\"",
        "\"2026-11-20\",\"DEL-LHR\",2,100,2",
        "\"2026-11-21\",\"DEL-LHR\",2,50,2",
        ",\"other\",2,50,0.5",
    ];
    assert_eq!(table.lines().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn each_fault_of_a_query_of_demand_is_reported() {
    let world = World::start().await;
    let operator = world.operator().await;
    for path in [DEMAND.to_owned(), format!("{DEMAND}/export")] {
        for (query, name, code) in [
            ("group=product", "group", "unknown_value"),
            ("airline=AI", "airline", "unknown_field"),
            ("product=GENERAL", "product", "unknown_field"),
            ("origin=QQQ", "origin", "unknown_value"),
            ("limit=0", "limit", "too_small"),
            ("by=year", "by", "unknown_value"),
            ("from=2026-11-20&to=2026-11-19", "to", "out_of_order"),
            ("from=2025-10-16&to=2026-11-20", "to", "out_of_order"),
        ] {
            let faults = operator.get(&format!("{path}?{query}")).await.expect_faults();
            assert_eq!(faults, [(name.to_owned(), code.to_owned())], "{path}?{query}");
        }
        world.anonymous().get(&path).await.expect_problem(401, "unauthenticated");
        world.customer().await.get(&path).await.expect_problem(403, "forbidden");
    }
}
