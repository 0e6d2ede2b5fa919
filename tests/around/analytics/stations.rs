//! What is going on at stations, computed for the dates of each. The clock stands at 2026-11-20T08:00Z.
use loadmaster_testkit::World;
use serde_json::{Value, json};

use super::{any_flight, at, firm, of_weight};

const TRENDING: &str = "/api/v1/stations/trending";

async fn compute(world: &World) {
    world.state().background.run_now("station_insights").await.unwrap();
}

/// So many searches from Frankfurt, asked on a date there.
async fn searches(world: &World, destination: &str, asked_on: &str, searches: i64) {
    let statement = format!(
        "insert into searches (id, asked_on, origin, destination, weight_class, channel, outcome, searches, options, bookable,
                               took_us, cache_hits, counted_at)
         values (gen_random_uuid(), '{asked_on}', 'FRA', '{destination}', 0, 'API', 'BOOKABLE', {searches}, 0, 0, 0, 0, now())"
    );
    world.sql(&statement).await;
}

/// The same of a date whose rows were added up.
async fn former_searches(world: &World, destination: &str, asked_on: &str, searches: i64) {
    let statement = format!(
        "insert into search_days (asked_on, origin, destination, weight_class, channel, outcome, searches, options, bookable,
                                  took_us, cache_hits)
         values ('{asked_on}', 'FRA', '{destination}', 0, 'API', 'BOOKABLE', {searches}, 0, 0, 0, 0)"
    );
    world.sql(&statement).await;
}

/// Rank, station and growth of each.
fn trends(found: &Value) -> Vec<String> {
    let trend = |trend: &Value| format!("{} {} {}", trend["rank"], trend["station"], trend["growth_percent"]);
    found.as_array().unwrap().iter().map(|found| trend(found).replace('"', "")).collect()
}

/// Flights from Delhi that were to leave at this instant, and left so many minutes later, with a quarter of what they carry. Without
/// minutes they have not left.
async fn flights(world: &World, destination: &str, numbers: std::ops::Range<i32>, departs: &str, late: Option<i32>) {
    let (first, last) = (numbers.start, numbers.end - 1);
    let left = late.map_or("null::timestamptz".to_owned(), |late| format!("departs + interval '{late} minutes'"));
    let statement = format!(
        "with made as (
             insert into flights (id, flight_number, airline_code, origin, destination, departure_at, arrival_at,
                                  scheduled_departure_at, scheduled_arrival_at, scheduled_date, actual_departure_at,
                                  is_freighter, created_at, updated_at)
             select gen_random_uuid(), 'AI' || (1000 + number), 'AI', 'DEL', '{destination}', departs, departs + interval '9 hours',
                    departs, departs + interval '9 hours', (departs at time zone 'Asia/Kolkata')::date, {left}, false, departs,
                    departs
             from generate_series({first}, {last}) as number, (select timestamptz '{departs}' as departs) as time
             returning id, departure_at, actual_departure_at
         )
         insert into flight_capacity (flight_id, status, cutoff_at, capacity_weight_hg, capacity_volume_l, capacity_positions,
                                      booked_weight_hg)
         select id, case when actual_departure_at is null then 'SCHEDULED' else 'DEPARTED' end, departure_at, 10000, 1000, 1, 2500
         from made"
    );
    world.sql(&statement).await;
}

#[tokio::test]
async fn stations_rise_by_the_growth_of_searches_and_bookings_of_their_last_seven_dates() {
    let world = World::start().await;
    let anyone = world.anonymous();
    assert_eq!(anyone.get(TRENDING).await.expect(200), json!([]));
    searches(&world, "HKG", "2026-11-13", 20).await;
    searches(&world, "LHR", "2026-11-19", 40).await;
    searches(&world, "LHR", "2026-11-12", 16).await;
    former_searches(&world, "LHR", "2026-10-16", 24).await;
    former_searches(&world, "LHR", "2026-10-15", 1000).await;
    searches(&world, "LHR", "2026-11-20", 1000).await;
    searches(&world, "DXB", "2026-11-19", 19).await;
    searches(&world, "JFK", "2026-11-19", 30).await;
    searches(&world, "JFK", "2026-11-10", 120).await;
    searches(&world, "*", "2026-11-19", 500).await;
    assert_eq!(anyone.get(TRENDING).await.expect(200), json!([]), "not before the job");
    compute(&world).await;
    let found = anyone.get(TRENDING).await.expect(200);
    // Nobody asked for Hong Kong before: a mean below one counts as one. As many as before is no growth.
    assert_eq!(trends(&found), ["1 HKG 1900", "2 LHR 300"]);
    assert!(found[0]["searches"].is_null() && found[0]["bookings"].is_null(), "others see no numbers: {found}");
    assert_eq!(trends(&anyone.get(&format!("{TRENDING}?limit=1")).await.expect(200)), ["1 HKG 1900"]);

    let (customer, _) = firm(&world).await;
    let flight = any_flight(&world, "AI101", "DEL", "LHR").await;
    for _ in 0..10 {
        customer.book(of_weight(&flight, 1.0)).await;
    }
    compute(&world).await;
    let staff = world.operator().await;
    let seen = staff.get(TRENDING).await.expect(200);
    assert_eq!(seen[1]["bookings"], 0, "the date of today has not ended");
    at(&world, "2026-11-21T08:00:00Z");
    compute(&world).await;
    let staff = world.operator().await;
    let seen = staff.get(TRENDING).await.expect(200);
    let london = seen.as_array().unwrap().iter().find(|trend| trend["station"] == "LHR").unwrap();
    assert_eq!((&london["searches"], &london["bookings"]), (&json!(1040), &json!(10)));
    for (query, code) in [("limit=0", "too_small"), ("limit=101", "too_large"), ("limit=x", "wrong_type")] {
        let faults = anyone.get(&format!("{TRENDING}?{query}")).await.expect_faults();
        assert_eq!(faults, [("limit".to_owned(), code.to_owned())]);
    }
}

#[tokio::test]
async fn a_station_whose_airport_was_deleted_is_not_shown_any_more() {
    let world = World::start().await;
    let (admin, anyone) = (world.admin().await, world.anonymous());
    let airport = json!({"iata_code": "QQA", "name": "Field", "city": "Town", "country_code": "GI", "latitude": 36.1,
                         "longitude": -5.3, "time_zone": "Europe/Gibraltar"});
    admin.post("/api/v1/airports", airport).await.expect(201);
    searches(&world, "QQA", "2026-11-19", 20).await;
    compute(&world).await;
    assert_eq!(trends(&anyone.get(TRENDING).await.expect(200)), ["1 QQA 1900"]);
    admin.delete("/api/v1/airports/QQA").await.expect(204);
    assert_eq!(trends(&anyone.get(TRENDING).await.expect(200)), [""; 0]);
}

#[tokio::test]
async fn a_date_counts_once_it_has_ended_at_the_station() {
    let world = World::start().await;
    let anyone = world.anonymous();
    for destination in ["CXI", "PPG"] {
        searches(&world, destination, "2026-11-20", 20).await;
    }
    // November 20 ends at Kiritimati at 10:00 in UTC, and at Pago Pago 25 hours later.
    compute(&world).await;
    assert_eq!(trends(&anyone.get(TRENDING).await.expect(200)), [""; 0]);
    at(&world, "2026-11-20T10:00:00Z");
    compute(&world).await;
    assert_eq!(trends(&anyone.get(TRENDING).await.expect(200)), ["1 CXI 1900"]);
    at(&world, "2026-11-21T11:00:00Z");
    compute(&world).await;
    assert_eq!(trends(&anyone.get(TRENDING).await.expect(200)), ["1 CXI 1900", "2 PPG 1900"]);
}

#[tokio::test]
async fn insights_are_about_the_flights_of_the_last_28_dates_of_the_station() {
    let world = World::start().await;
    let anyone = world.anonymous();
    let shown = async || anyone.get("/api/v1/stations/del/insights").await.expect(200);
    let nothing = json!({"from": null, "to": null, "departures_per_week": null, "on_time_percent": null,
                         "fullness_percent": null, "busiest_lanes": [], "computed_at": null});
    compute(&world).await;
    assert_eq!(shown().await, nothing);
    anyone.get("/api/v1/stations/QQQ/insights").await.expect_problem(404, "not_found");

    // The first and the last minute of the dates in Delhi, and those beside them.
    flights(&world, "LHR", 0..1, "2026-10-22T18:30:00Z", Some(15)).await;
    flights(&world, "LHR", 1..2, "2026-11-19T18:29:00Z", Some(0)).await;
    flights(&world, "JFK", 2..40, "2026-10-22T18:29:00Z", Some(0)).await;
    flights(&world, "JFK", 40..80, "2026-11-19T18:30:00Z", Some(0)).await;
    flights(&world, "LHR", 80..93, "2026-11-10T12:00:00Z", Some(-5)).await;
    flights(&world, "LHR", 93..97, "2026-11-11T12:00:00Z", Some(16)).await;
    flights(&world, "DXB", 97..102, "2026-11-12T12:00:00Z", None).await;
    flights(&world, "BOM", 102..109, "2026-11-13T12:00:00Z", Some(0)).await;
    world.sql("update flights set cancelled_at = now(), actual_departure_at = null where destination = 'BOM'").await;
    compute(&world).await;
    let few = shown().await;
    assert_eq!(
        (&few["departures_per_week"], &few["on_time_percent"], &few["fullness_percent"]),
        (&json!(6), &json!(null), &json!(null))
    );

    flights(&world, "LHR", 109..110, "2026-11-14T12:00:00Z", Some(60)).await;
    let rates = "insert into rate_days (origin, destination, weight_kg, source, currency, day, low, high, sum, samples)
                 values ('DEL', 'LHR', 300, 'offered', 'USD', '2026-11-19', 20000, 40000, 90000, 3),
                        ('DEL', 'LHR', 300, 'offered', 'EUR', '2026-11-19', 10000, 10000, 10000, 1),
                        ('DEL', 'LHR', 300, 'demo', 'USD', '2026-11-19', 1, 1, 9, 9),
                        ('DEL', 'LHR', 300, 'offered', 'USD', '2026-08-21', 1, 1, 9, 9),
                        ('DEL', 'LHR', 100, 'offered', 'USD', '2026-11-19', 1, 1, 9, 9)";
    world.sql(rates).await;
    compute(&world).await;
    let typical = json!({"low": "2", "average": "3", "high": "4", "currency": "USD"});
    let expected = json!({
        "from": "2026-10-23", "to": "2026-11-19", "departures_per_week": 6.3, "on_time_percent": 75, "fullness_percent": 25,
        "busiest_lanes": [{"destination": "LHR", "departures_per_week": 5, "typical_rate": typical},
                          {"destination": "DXB", "departures_per_week": 1.3, "typical_rate": null}],
        "computed_at": "2026-11-20T08:00:00Z",
    });
    assert_eq!(shown().await, expected);
}

#[tokio::test]
async fn a_station_shows_its_five_busiest_lanes() {
    let world = World::start().await;
    for (number, destination) in (0..).zip(["LHR", "JFK", "HKG", "DXB", "BOM", "SIN"]) {
        let first = number * 10;
        flights(&world, destination, first..first + 7 - number, "2026-11-10T12:00:00Z", None).await;
    }
    compute(&world).await;
    let shown = world.anonymous().get("/api/v1/stations/DEL/insights").await.expect(200);
    let lanes: Vec<_> = shown["busiest_lanes"].as_array().unwrap().iter().map(|lane| &lane["destination"]).collect();
    assert_eq!(json!(lanes), json!(["LHR", "JFK", "HKG", "DXB", "BOM"]));
}
