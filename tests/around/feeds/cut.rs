//! Files that end too early, at the end of a row: nothing is wrong with what is left of them.
use loadmaster_testkit::{Client, World, freight::with};
use serde_json::{Value, json};

use super::{
    at, at_run, because, codeshares, ended, feeding, flights, kinds, made, row, rows, run, runs_of, schedule, summary,
};

/// AI101 on as many days, which are in order: half of the file lacks no flight between its first and last day.
fn daily(world: &World, days: i64, aircraft: &str) -> Vec<String> {
    (0..days).map(|day| row(world, "AI101", 10 + day, 10, aircraft)).collect()
}

#[tokio::test]
async fn a_file_with_half_of_the_expected_rows_is_reviewed_whatever_its_dates() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    let all = daily(&world, 20, "77X");
    assert_eq!(summary(&run(&admin, &feed, &all).await), "APPLIED 20 0 0 0 0 0 0");
    let half = run(&admin, &feed, &all[..10]).await;
    assert_eq!(summary(&half), "REVIEW 0 0 10 0 0 0 0");
    let text = "The file has 10 rows, over 10 % fewer than the 20 of the one before: it may be cut. Have it sent again, or apply the run";
    assert!(because(&half).starts_with(text), "{half}");
    assert_eq!(summary(&run(&admin, &feed, &all[..18]).await), "UNCHANGED 0 0 18 0 0 0 0", "a tenth may go");

    let cut = run(&admin, &feed, &daily(&world, 9, "74Y")).await;
    assert_eq!(summary(&cut), "REVIEW 0 9 0 0 0 0 0");
    assert!(schedule(&admin).await.iter().all(|flight| flight["aircraft_code"] == "77X"));
    admin.poke(&format!("{}/apply", at_run(&cut))).await.expect(202);
    assert_eq!(summary(&ended(&admin, &cut).await), "APPLIED 0 9 0 0 0 0 0");
    let again = run(&admin, &feed, &daily(&world, 9, "74Y")).await;
    assert_eq!(summary(&again), "UNCHANGED 0 0 9 0 0 0 0", "it is the one before now");
    world.audit().await;
}

#[tokio::test]
async fn a_file_that_lacks_flights_between_its_dates_waits_for_that_reason_alone() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    run(&admin, &feed, &rows(&world, 20)).await;
    let half = run(&admin, &feed, &rows(&world, 10)).await;
    assert!(because(&half).starts_with("10 of the 20 flights of the feed"), "{half}");
    assert!(!because(&half).contains("rows"), "{half}");
}

#[tokio::test]
async fn the_setting_says_how_many_rows_a_file_may_lack() {
    let world = World::with(feeding().set("feeds.max_gone_percent", "50")).await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    run(&admin, &feed, &daily(&world, 20, "77X")).await;
    assert_eq!(run(&admin, &feed, &daily(&world, 10, "77X")).await["status"], "UNCHANGED");
    assert_eq!(run(&admin, &feed, &daily(&world, 4, "77X")).await["status"], "REVIEW");
}

#[tokio::test]
async fn half_a_season_waits_and_ssim_without_its_last_record_fails() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let season = made(&admin, kinds::feed("SEASON", "CSV", json!({}))).await;
    let line = |day: u32| format!("AI101,DEL,LHR,10:00,14:30,0,1234567,2026-12-{day:02},2026-12-{day:02},77X,,,,\n");
    let file = |days: u32| format!("{}\n{}", kinds::SEASON, (1..=days).map(line).collect::<String>());
    assert_eq!(summary(&kinds::run(&admin, &season, "text/csv", &file(12)).await), "APPLIED 12 0 0 0 0 0 0");
    let half = kinds::run(&admin, &season, "text/csv", &file(6)).await;
    assert_eq!(summary(&half), "REVIEW 0 0 6 0 0 0 0");
    assert!(because(&half).starts_with("The file has 6 rows, over 10 % fewer than the 12 of"), "{half}");

    admin.patch(&at(&season), json!({"format": "SSIM"})).await.expect(200);
    let whole = codeshares::season("", false);
    let (cut, _) = whole.rsplit_once('\n').unwrap();
    let failed = kinds::run(&admin, &season, "text/plain", cut).await;
    assert_eq!(failed["status"], "FAILED", "{failed}");
    let faults = admin.get(&format!("{}/faults", at_run(&failed))).await.expect(200);
    let message = "`record_type` in row 3 must not be the last one: the file ends without its record of type 5";
    assert!(faults[0]["message"].as_str().unwrap().starts_with(message), "{faults}");
}

/// Runs a feed by a whole file, by half of it, and by half of one that changes something.
async fn check_half(admin: &Client, feed: &Value, file: impl Fn(u32, &str) -> String) {
    let run = async |file: String| kinds::run(admin, feed, "text/csv", &file).await;
    assert_eq!(summary(&run(file(10, "3")).await), "APPLIED 10 0 0 0 0 0 0");
    let half = run(file(5, "3")).await;
    assert_eq!(summary(&half), "REVIEW 0 0 5 0 0 0 0");
    assert!(because(&half).starts_with("The file has 5 rows, over 10 % fewer than the 10 of"), "{half}");
    let dearer = run(file(5, "4")).await;
    assert_eq!(summary(&dearer), "REVIEW 0 5 0 0 0 0 0");
    assert_eq!(summary(&run(file(10, "3")).await), "UNCHANGED 0 0 10 0 0 0 0", "nothing was changed");
    let dearer = run(file(5, "4")).await;
    admin.poke(&format!("{}/apply", at_run(&dearer))).await.expect(202);
    assert_eq!(summary(&ended(admin, &dearer).await), "APPLIED 0 5 0 0 0 0 0");
}

#[tokio::test]
async fn half_of_tariffs_and_of_reference_rates_waits() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let tariffs = made(&admin, kinds::feed("TARIFFS", "CSV", json!({}))).await;
    let tariff = |number: u32, rate: &str| format!("T{number},AI,DEL,LHR,,,GENERAL,,USD,60.00,{rate},,2026-11-20,\n");
    let of_tariffs = |many: u32, rate: &str| {
        format!("{}\n{}", kinds::TARIFFS, (1..=many).map(|number| tariff(number, rate)).collect::<String>())
    };
    check_half(&admin, &tariffs, of_tariffs).await;
    let rates = made(&admin, kinds::feed("REFERENCE_RATES", "CSV", json!({}))).await;
    let rate = |day: u32, rate: &str| format!("2026-11-{day:02},DEL,LHR,100,USD,{rate}\n");
    let of_rates = |many: u32, per_kg: &str| {
        let rows: String = (1..=many).map(|day| rate(day, per_kg)).collect();
        format!("date,origin,destination,weight_kg,currency,per_kg\n{rows}")
    };
    check_half(&admin, &rates, of_rates).await;
    world.audit().await;
}

#[tokio::test]
async fn a_file_of_dated_flights_need_not_have_those_that_have_left() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    let all = daily(&world, 20, "77X");
    run(&admin, &feed, &all).await;
    // The first four have left, and perhaps the fifth.
    world.clock.advance(chrono::TimeDelta::days(14));
    assert_eq!(summary(&run(&admin, &feed, &all[5..]).await), "UNCHANGED 0 0 15 0 0 0 0");
    assert_eq!(run(&admin, &feed, &all[5..12]).await["status"], "REVIEW");
}

#[tokio::test]
async fn rows_of_flights_that_had_left_before_are_not_missed() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    let gone: Vec<String> = (201..206).map(|number| row(&world, &format!("AI{number}"), 0, 1, "77X")).collect();
    let all = daily(&world, 20, "77X");
    assert_eq!(run(&admin, &feed, &[gone, all.clone()].concat()).await["status"], "APPLIED");
    assert_eq!(summary(&run(&admin, &feed, &all).await), "UNCHANGED 0 0 20 0 0 0 0");
    assert_eq!(run(&admin, &feed, &all[..17]).await["status"], "REVIEW");
}

#[tokio::test]
async fn the_run_that_is_the_measure_is_kept() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    for days in [18, 20, 20] {
        run(&admin, &feed, &daily(&world, days, "77X")).await;
    }
    world.sql("update feed_runs set ended_at = ended_at - interval '91 days'").await;
    loadmaster_testkit::jobs::run_again(&world, "old_feed_runs").await;
    let left = admin.get(&runs_of(&feed)).await.expect(200);
    assert_eq!(left.as_array().unwrap().iter().map(summary).collect::<Vec<_>>(), ["UNCHANGED 0 0 20 0 0 0 0"]);
    assert_eq!(run(&admin, &feed, &daily(&world, 10, "77X")).await["status"], "REVIEW");
}

/// The runs of a feed, the newest first, once there are this many and none is under way.
async fn after(admin: &Client, feed: &Value, many: usize) -> Value {
    let path = runs_of(feed);
    loadmaster_testkit::until("a run has ended", async || {
        let runs = admin.get(&path).await.expect(200);
        runs.as_array().unwrap().len() == many && runs[0]["status"] != "RUNNING"
    })
    .await;
    admin.get(&path).await.expect(200)
}

/// A file is not sent again while it is the same, perhaps for longer than runs are kept.
#[tokio::test]
async fn what_was_read_last_stays_the_measure_while_the_file_is_the_same() {
    let (world, files) = (World::with(feeding()).await, super::files::Files::start().await);
    let admin = world.admin().await;
    files.give(super::file(&daily(&world, 20, "77X")).as_bytes(), "\"v1\"");
    let feed = made(&admin, with(flights(), json!({"url": files.url(), "every_minutes": 15}))).await;
    let runs = async |many: usize| after(&admin, &feed, many).await;
    runs(1).await;
    world.clock.advance(chrono::TimeDelta::minutes(16));
    assert_eq!(summary(&runs(2).await[0]), "UNCHANGED 0 0 0 0 0 0 0");
    world.sql("delete from feed_runs where status = 'APPLIED'").await;
    files.give(super::file(&daily(&world, 10, "77X")).as_bytes(), "\"v2\"");
    world.clock.advance(chrono::TimeDelta::minutes(16));
    assert_eq!(summary(&runs(2).await[0]), "REVIEW 0 0 10 0 0 0 0");
}

#[tokio::test]
async fn a_run_that_is_applied_after_later_ones_is_the_measure() {
    let (world, files) = (World::with(feeding()).await, super::files::Files::start().await);
    let admin = world.admin().await;
    files.give(super::file(&daily(&world, 20, "77X")).as_bytes(), "\"v1\"");
    let feed = made(&admin, with(flights(), json!({"url": files.url(), "every_minutes": 15}))).await;
    assert_eq!(summary(&after(&admin, &feed, 1).await[0]), "APPLIED 20 0 0 0 0 0 0");
    let next = async |many: usize| {
        world.clock.advance(chrono::TimeDelta::minutes(16));
        after(&admin, &feed, many).await
    };
    files.give(super::file(&daily(&world, 10, "77X")).as_bytes(), "\"v2\"");
    let half = next(2).await[0].clone();
    assert_eq!(summary(&half), "REVIEW 0 0 10 0 0 0 0");
    assert_eq!(summary(&next(3).await[0]), "UNCHANGED 0 0 0 0 0 0 0", "it is not sent again");
    world.clock.advance(chrono::TimeDelta::minutes(1));
    admin.poke(&format!("{}/apply", at_run(&half))).await.expect(202);
    assert_eq!(summary(&ended(&admin, &half).await), "APPLIED 0 0 10 0 0 0 0");
    assert_eq!(summary(&next(4).await[0]), "UNCHANGED 0 0 0 0 0 0 0");
    files.give(super::file(&daily(&world, 10, "74Y")).as_bytes(), "\"v3\"");
    assert_eq!(summary(&next(5).await[0]), "APPLIED 0 10 0 0 0 0 0");
    world.audit().await;
}
