//! Counts of searches on their way into the database: none is lost or written twice, and their number is bounded.
use chrono::{Days, NaiveDate, Utc};
use loadmaster_search::SearchService;
use serde_json::{Value, json};

use super::{
    DEMAND, at, report, rows,
    searches::{asked, by_lane, write},
};
use loadmaster_testkit::{Client, OwnRedis, Process, TestDatabase, World, WorldOptions, until};

const SEARCH: &str = "/api/v1/routes/search";

const REFUSING: &str = "create function refuse() returns trigger language plpgsql as $$
                            begin raise exception 'not %', new.origin; end $$;";
/// Refuses one of the rows that are written together.
const AT_THE_STATEMENT: &str = "create trigger refuse before insert on searches
                                    for each row when (new.origin = 'BOM') execute function refuse()";
/// The same when all are written, at the commit.
const AT_THE_COMMIT: &str = "create constraint trigger refuse after insert on searches deferrable initially deferred
                                 for each row when (new.origin = 'BOM') execute function refuse()";

#[tokio::test]
async fn counts_that_the_database_refuses_are_written_once_when_it_takes_them() {
    let world = World::start().await;
    let (anyone, counting) = (world.anonymous(), world.state().service::<SearchService>().unwrap());
    let recorded = async || world.texts("select coalesce(sum(searches), 0)::text from searches").await;
    let ask = async |origin: &str, weight: u32| {
        anyone.post(SEARCH, asked(origin, "LHR", json!({"weight_kg": weight}))).await.expect(200);
    };
    for (trigger, weight, before, after) in [(AT_THE_STATEMENT, 10, "0", "4"), (AT_THE_COMMIT, 100, "4", "8")] {
        world.sql(&format!("{REFUSING} {trigger}")).await;
        ask("DEL", weight).await;
        ask("BOM", weight).await;
        assert!(counting.write_counts().await.is_err());
        assert_eq!(recorded().await, [before], "all or none");
        // What is counted meanwhile waits for what could not be written.
        ask("CDG", weight).await;
        ask("DEL", weight + 400).await;
        assert!(counting.write_counts().await.is_err());
        assert_eq!(recorded().await, [before]);
        world.sql("drop trigger refuse on searches; drop function refuse").await;
        for _ in 0..2 {
            counting.write_counts().await.unwrap();
            assert_eq!(recorded().await, [after]);
        }
    }
    let found = report(&world.operator().await, DEMAND, "group=lane").await;
    let expected = [("DEL-LHR", 4), ("BOM-LHR", 2), ("CDG-LHR", 2)].map(|(lane, sum)| (lane, json!(sum)));
    let found: Vec<_> = rows(&found, "searches").into_iter().map(|(_, lane, sum)| (lane, sum.clone())).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn what_cannot_be_written_before_a_server_stops_is_in_the_metrics() {
    let world = World::working().await;
    let other = WorldOptions::default().on(&world.database).start().await;
    let unrecorded = async || -> u32 {
        let metrics = other.anonymous().get("/metrics").await.text;
        let line = metrics.lines().find(|line| line.starts_with("loadmaster_searches_unrecorded_total "));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
    };
    let before = unrecorded().await;
    world.sql(&format!("{REFUSING} {AT_THE_STATEMENT}")).await;
    // The second waits for the first, which is refused each time.
    for origin in ["BOM", "CDG"] {
        world.anonymous().post(SEARCH, asked(origin, "LHR", json!({}))).await.expect(200);
    }
    assert_eq!(unrecorded().await, before, "it tries again");
    world.shutdown().await;
    assert_eq!(unrecorded().await, before + 2);
    assert_eq!(other.texts("select count(*)::text from searches").await, ["0"]);
}

#[tokio::test]
async fn searches_beyond_the_bound_count_for_any_lane_in_the_reports() {
    let world = World::start().await;
    let anyone = world.anonymous();
    let lanes = [("DEL", "LHR"), ("DEL", "DXB"), ("BOM", "LHR"), ("BOM", "DXB"), ("CDG", "LHR"), ("CDG", "DXB")];
    let tomorrow = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();
    // 2 016 different questions, of which 2 000 are kept apart.
    for weight in [10, 45, 100, 300, 500, 1000] {
        for date in (0..56).map(|days| tomorrow + Days::new(days)) {
            let leg = |(from, to): (&str, &str)| json!({"origin": from, "destination": to, "departure_date": date});
            let legs: Vec<Value> = lanes.into_iter().map(leg).collect();
            anyone.post(SEARCH, json!({"legs": legs, "weight_kg": weight})).await.expect(200);
        }
    }
    write(&world).await;
    let of_any = "select destination || ' ' || weight_class || ' ' || searches from searches
                  where origin = '*' and departure_date is null";
    assert_eq!(world.texts(of_any).await, ["* 1000 16"]);
    let query = "from=2026-11-01&to=2026-11-30&group=lane";
    let before = report(&world.operator().await, DEMAND, query).await;
    let lanes =
        [("DEL-DXB", 334), ("DEL-LHR", 334), ("BOM-DXB", 333), ("BOM-LHR", 333), ("CDG-DXB", 333), ("CDG-LHR", 333)];
    let expected: Vec<_> = lanes.into_iter().chain([("*", 16)]).map(|(lane, sum)| (lane, json!(sum))).collect();
    let found: Vec<_> = rows(&before, "searches").into_iter().map(|(_, lane, sum)| (lane, sum.clone())).collect();
    assert_eq!((found, &before["total"]["searches"]), (expected, &json!(2016)));
    let from_delhi = report(&world.operator().await, DEMAND, "origin=DEL").await;
    assert_eq!(from_delhi["total"]["searches"], 668, "it belongs to no airport");
    at(&world, "2026-12-21T08:00:00Z");
    world.state().background.run_now("old_searches").await.unwrap();
    let after = report(&world.operator().await, DEMAND, query).await;
    assert_eq!((&after["total"], &after["rows"]), (&before["total"], &before["rows"]));
}

#[tokio::test]
async fn a_process_that_is_killed_loses_no_more_than_what_it_counted_since_its_last_write() {
    let (database, redis) = (TestDatabase::create().await, OwnRedis::start().await);
    let mut doomed = Process::start(&database, &redis, &[]).await;
    let next_week = Utc::now().date_naive() + Days::new(7);
    let ask = async |base: &str, origin: &str| {
        let wanted = asked(origin, "LHR", json!({"departure_date": next_week}));
        Client::anonymous(base).post(SEARCH, wanted).await.expect(200);
    };
    let counted = async || -> Vec<(String, i64)> {
        by_lane(&database).await.into_iter().map(|((origin, _), searches)| (origin, searches)).collect()
    };
    for origin in ["DEL", "BOM", "CDG"] {
        ask(&doomed.base, origin).await;
    }
    until("they are written", async || counted().await.len() == 3).await;
    ask(&doomed.base, "DXB").await;
    doomed.child.kill().await.unwrap();
    // The next one has nothing of it to write again.
    let heir = Process::start(&database, &redis, &[]).await;
    ask(&heir.base, "DEL").await;
    let of = |origin: &str, searches: i64| (origin.to_owned(), searches);
    until("the next search is written", async || counted().await.contains(&of("DEL", 2))).await;
    let mut found = counted().await;
    // Written just before its end, or lost.
    found.retain(|lane| *lane != of("DXB", 1));
    assert_eq!(found, [of("BOM", 1), of("CDG", 1), of("DEL", 2)]);
}
