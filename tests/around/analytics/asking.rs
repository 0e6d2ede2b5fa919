use loadmaster_accounts::Role;
use loadmaster_testkit::World;
use serde_json::{Value, json};

use super::{FLIGHTS, FUNNEL, TRANSIT, VOLUME, report};

const ALL: [&str; 4] = [VOLUME, FLIGHTS, TRANSIT, FUNNEL];

#[tokio::test]
async fn a_report_is_of_the_last_28_days_unless_others_are_named() {
    let world = World::start().await;
    let operator = world.operator().await;
    for path in ALL {
        let answer = operator.get(path).await;
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"), "{path}");
        let found = answer.expect(200);
        let expected =
            [json!("2026-10-24"), json!("2026-11-20"), json!("2026-11-20T08:00:00Z"), json!([]), Value::Null];
        let members = ["from", "to", "as_of", "rows", "other"].map(|member| found[member].clone());
        assert_eq!(members, expected, "{path}");
        for (query, from, to) in [
            ("from=2026-11-01", "2026-11-01", "2026-11-20"),
            ("to=2026-03-01", "2026-02-02", "2026-03-01"),
            ("from=2026-12-24", "2026-12-24", "2026-12-24"),
            ("from=2025-10-17&to=2026-11-20", "2025-10-17", "2026-11-20"),
        ] {
            let found = report(&operator, path, query).await;
            assert_eq!((&found["from"], &found["to"]), (&json!(from), &json!(to)), "{path} {query}");
        }
    }
    let empty = report(&operator, VOLUME, "").await;
    let nothing = json!({"bookings": 0, "cancelled": 0, "pieces": 0, "weight_kg": 0, "chargeable_weight_kg": 0,
                         "co2e_kg": null, "revenue": [], "yield_per_kg": [], "change_percent": null});
    assert_eq!(empty["total"], nothing);
    let empty = report(&operator, TRANSIT, "group=lane").await;
    let nothing =
        json!({"shipments": 0, "planned": null, "actual": null, "late_percent": null, "as_booked_percent": null});
    assert_eq!(empty["total"], nothing);
}

#[tokio::test]
async fn each_fault_of_a_query_is_reported() {
    let world = World::start().await;
    let operator = world.operator().await;
    let common = [
        ("from=2026-11-31", "from", "invalid_format"),
        ("to=tomorrow", "to", "invalid_format"),
        ("from=2026-11-20&to=2026-11-19", "to", "out_of_order"),
        ("from=2025-10-16&to=2026-11-20", "to", "out_of_order"),
        ("from=2025-10-16", "to", "out_of_order"),
        ("by=year", "by", "unknown_value"),
        ("group=colour", "group", "unknown_value"),
        ("limit=0", "limit", "too_small"),
        ("limit=1001", "limit", "too_large"),
        ("limit=many", "limit", "wrong_type"),
        ("origin=QQQ", "origin", "unknown_value"),
        ("destination=Delhi", "destination", "invalid_format"),
        ("airline=QQ", "airline", "unknown_value"),
        ("colour=red", "colour", "unknown_field"),
        ("from=2026-11-01&from=2026-11-02", "from", "invalid_format"),
    ];
    let own = [
        (VOLUME, "group=flight_number", "group", "unknown_value"),
        (VOLUME, "product=a%20b", "product", "invalid_format"),
        (VOLUME, "organization_id=mine", "organization_id", "invalid_format"),
        (FLIGHTS, "group=organization", "group", "unknown_value"),
        (FLIGHTS, "product=GENERAL", "product", "unknown_field"),
        (FLIGHTS, "organization_id=019a0000-0000-7000-8000-000000000000", "organization_id", "unknown_field"),
        (TRANSIT, "group=airline", "group", "unknown_value"),
        (TRANSIT, "limit=51", "limit", "too_large"),
        (FUNNEL, "group=airline", "group", "unknown_value"),
    ];
    let everywhere =
        ALL.iter().flat_map(|path| common.iter().map(move |(query, name, code)| (*path, *query, *name, *code)));
    for (path, query, name, code) in everywhere.chain(own) {
        for path in [path.to_owned(), format!("{path}/export")] {
            let faults = operator.get(&format!("{path}?{query}")).await.expect_faults();
            assert_eq!(faults, [(name.to_owned(), code.to_owned())], "{path}?{query}");
        }
    }
    let most = format!("{VOLUME}?limit=1000");
    operator.get(&most).await.expect(200);
    for by in ["day", "week", "month"] {
        operator.get(&format!("{VOLUME}?from=2025-11-20&to=2026-11-20&limit=1000&by={by}")).await.expect(200);
    }
    let faults = operator.get(&format!("{VOLUME}?by=year&limit=0&colour=red")).await.expect_faults();
    assert_eq!(faults.len(), 3, "{faults:?}");
}

#[tokio::test]
async fn each_role_has_the_reports_that_it_may_read() {
    let world = World::start().await;
    let (anyone, guest, customer) = (world.anonymous(), world.caller(Role::Guest).await, world.customer().await);
    for path in ALL.iter().flat_map(|path| [(*path).to_owned(), format!("{path}/export")]) {
        anyone.get(&path).await.expect_problem(401, "unauthenticated");
        guest.get(&path).await.expect_problem(403, "forbidden");
        // The role comes before the faults.
        guest.get(&format!("{path}?limit=0")).await.expect_problem(403, "forbidden");
        if path.starts_with(FUNNEL) {
            customer.get(&path).await.expect_problem(403, "forbidden");
        } else {
            customer.get(&path).await.expect(200);
        }
    }
    anyone.get("/api/v1/analytics/nothing").await.expect_problem(404, "not_found");
}
