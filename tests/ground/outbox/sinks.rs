//! Sinks that fail, hang or lose their process: everything comes again, and nobody else waits.
use std::collections::BTreeSet;

use chrono::TimeDelta;
use loadmaster_platform::outbox::{delete_delivered, lags};
use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    freight::{at_once, two_flights},
    until,
};
use uuid::Uuid;

use super::{
    People, SHIPPED, assert_in_order, assert_no_repetition,
    collecting::{Collecting, Mood},
    count_of_events, happened,
    open::{Open, tell},
    ship,
};

/// Only the test delivers.
async fn alone() -> World {
    WorldOptions::patient().without_redis().start().await
}

async fn work(world: &World, times: usize) {
    let (flights, people) = (two_flights(world).await, People::of(world).await);
    at_once((0..times).map(|_| ship(people.clone(), flights.clone()))).await;
}

async fn until_all_taken<const LETTER: char>(world: &World, sink: &Collecting<LETTER>) {
    let mut owner = world.database.owner().await;
    until("the sink has taken everything", async || {
        let there: i64 = sqlx::query_scalar("select count(*) from outbox").fetch_one(&mut owner).await.unwrap();
        i64::try_from(sink.count()).unwrap() >= there
    })
    .await;
}

/// Nothing up to this number is missing, which is what an older process goes by, and all up to that one was delivered.
async fn until_kept(world: &World, settled: i64, reached: i64) {
    let place =
        format!("select name from outbox_sinks where position = {settled} and reached = {reached} and gaps = '[]'");
    until(&format!("{settled} and {reached} are kept"), async || !world.texts(&place).await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sink_that_fails_is_given_the_same_from_the_first_on_until_it_takes_it() {
    let world = alone().await;
    work(&world, 2).await;
    let sink = Collecting::<'a'>::that(Mood::Fails);
    let serving = sink.served_by(&world, "one");
    until("it has failed some times", async || sink.attempts().len() >= 3).await;
    let attempts = sink.attempts();
    assert!(attempts.iter().all(|attempt| attempts[0].starts_with(attempt)), "{attempts:?}");
    assert_eq!(attempts[0].len(), 2 + 2 * SHIPPED);

    sink.feels(Mood::TakesHalf);
    until("it has taken some and failed", async || sink.count() > 0).await;
    sink.feels(Mood::Takes);
    until_all_taken(&world, &sink).await;
    serving.end().await;
    let ids = sink.ids();
    assert_in_order(&ids);
    let mut owner = world.database.owner().await;
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), happened(&mut owner).await);
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sink_that_cannot_take_many_at_once_is_given_fewer_until_it_has_them_all() {
    let world = alone().await;
    work(&world, 6).await;
    let sink = Collecting::<'a'>::that(Mood::TakesAtMost(10));
    let serving = sink.served_by(&world, "one");
    until_all_taken(&world, &sink).await;
    let attempts = sink.attempts();
    assert!(attempts[0].len() > 10 && attempts[1].len() < attempts[0].len(), "{attempts:?}");
    // When it can it is given many again.
    sink.feels(Mood::Takes);
    let aggregate = Uuid::new_v4();
    for round in 0..5 {
        tell(&world.database, aggregate, round * 100 + 1..=round * 100 + 100).await;
    }
    until_all_taken(&world, &sink).await;
    assert!(sink.attempts().iter().any(|attempt| attempt.len() >= 100));
    serving.end().await;
    assert_in_order(&sink.ids());
    assert_no_repetition(&sink.ids());
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sink_that_fails_or_hangs_holds_up_neither_bookings_nor_another_sink() {
    let world = alone().await;
    let (fails, hangs) = (Collecting::<'a'>::that(Mood::Fails), Collecting::<'b'>::that(Mood::Hangs));
    let takes = Collecting::<'c'>::that(Mood::Takes);
    let serving = [fails.served_by(&world, "one"), hangs.served_by(&world, "one"), takes.served_by(&world, "one")];
    for round in 0..3 {
        work_on(&world, round).await;
        until_all_taken(&world, &takes).await;
    }
    assert_eq!((fails.count(), hangs.count()), (0, 0));
    // It is not waited for without end.
    until("what hangs is tried again", async || hangs.attempts().len() >= 2).await;

    fails.feels(Mood::Takes);
    hangs.feels(Mood::Takes);
    until_all_taken(&world, &fails).await;
    until_all_taken(&world, &hangs).await;
    for serving in serving {
        serving.end().await;
    }
    let everything = count_of_events(&mut world.database.owner().await).await;
    for ids in [fails.ids(), hangs.ids(), takes.ids()] {
        assert_in_order(&ids);
        assert_no_repetition(&ids);
        assert_eq!(ids.len(), everything);
    }
    world.audit().await;
    world.shutdown().await;
}

/// On flights of another day each time.
async fn work_on(world: &World, round: i64) {
    let flight = async |number: &str, origin, destination, hours| {
        let new = NewFlight::new(number, origin, destination).leaves_in_hours(hours + round * 48);
        world.flight(new.weight(100_000.0)).await
    };
    let flights = [flight("AI101", "DEL", "BOM", 24).await, flight("AI102", "BOM", "LHR", 36).await];
    let people = People::of(world).await;
    at_once((0..4).map(|_| ship(people.clone(), flights.clone()))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn late_messages_are_delivered_late_also_by_the_next_process_and_lost_ones_are_forgotten() {
    let world = alone().await;
    let (late, lost, soon) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    tell(&world.database, soon, 1..=1).await;
    let (mut slow, mut never) = (Open::begin(&world.database).await, Open::begin(&world.database).await);
    slow.write(late, 1..=2).await;
    never.write(lost, 1..=1).await;
    slow.write(late, 3..=3).await;
    tell(&world.database, soon, 2..=9).await;

    let sink = Collecting::<'a'>::that(Mood::Takes);
    let serving = sink.served_by(&world, "one");
    until_all_taken(&world, &sink).await;
    until_kept(&world, 0, 13).await;
    serving.end().await;

    // The next process knows what is missing from what was kept.
    let serving = sink.served_by(&world, "two");
    tell(&world.database, soon, 10..=10).await;
    until_all_taken(&world, &sink).await;
    slow.commit().await;
    until_all_taken(&world, &sink).await;
    // An older process would deliver some again, and miss nothing.
    until_kept(&world, 0, 14).await;
    never.roll_back().await;
    until_kept(&world, 14, 14).await;
    tell(&world.database, soon, 11..=11).await;
    until_all_taken(&world, &sink).await;
    serving.end().await;

    let ids = sink.ids();
    assert_no_repetition(&ids);
    assert_in_order(&ids);
    let expected: Vec<_> =
        (1..=10).map(|n| format!("{soon}-{n}")).chain((1..=3).map(|n| format!("{late}-{n}"))).collect();
    assert_eq!(ids[..13], expected);
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_process_that_was_killed_is_followed_by_another_once_it_was_silent_for_long() {
    let world = alone().await;
    let sink = Collecting::<'a'>::that(Mood::TakesHalf);
    let first = sink.served_by(&world, "one");
    work(&world, 4).await;
    until("it is in the middle of it", async || sink.count() > 0).await;
    first.kill().await;
    let second = sink.served_by(&world, "two");
    sink.feels(Mood::Takes);
    assert_eq!(world.texts("select leased_by from outbox_sinks").await, ["one"]);
    until_all_taken(&world, &sink).await;
    assert_eq!(world.texts("select leased_by from outbox_sinks").await, ["two"]);
    second.end().await;
    assert_in_order(&sink.ids());
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_process_that_has_lost_its_lease_writes_no_place_down_and_delivers_no_more() {
    let world = alone().await;
    let (stuck, fine) = (Collecting::<'a'>::that(Mood::Hangs), Collecting::<'a'>::that(Mood::Takes));
    let first = stuck.served_by(&world, "one");
    work(&world, 1).await;
    until("the first is stuck", async || !stuck.attempts().is_empty()).await;
    // The other has judged it silent.
    world.sql("update outbox_sinks set leased_by = 'two', beat = beat + 1").await;
    let second = fine.served_by(&world, "two");
    until_all_taken(&world, &fine).await;
    let place = world.texts("select position::text from outbox_sinks").await;

    // It gives up in the end, finds that it is no longer in charge, and waits.
    stuck.feels(Mood::Takes);
    tell(&world.database, Uuid::new_v4(), 1..=3).await;
    until_all_taken(&world, &fine).await;
    first.end().await;
    let reached = async || world.texts("select position::text from outbox_sinks").await;
    until("the second has stored its place", async || reached().await != place).await;
    assert_eq!(world.texts("select leased_by from outbox_sinks").await, ["two"]);
    assert_eq!(stuck.count(), 0);
    second.end().await;
    assert_no_repetition(&fine.ids());
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_clock_that_jumps_an_hour_either_way_takes_no_sink_from_a_living_process_and_loses_nothing() {
    let world = alone().await;
    let sink = Collecting::<'a'>::that(Mood::Takes);
    let first = sink.served_by(&world, "one");
    tell(&world.database, Uuid::new_v4(), 1..=3).await;
    until_all_taken(&world, &sink).await;
    let second = sink.served_by(&world, "two");
    let beat =
        async || -> i64 { world.texts("select beat::text from outbox_sinks").await[0].parse().expect("a number") };
    // Set forward all is an hour older, set back it is from the hour to come.
    for hours in [1, -1, -1, 1, -1] {
        for (table, instant) in [("outbox", "written_at"), ("outbox", "occurred_at"), ("outbox_sinks", "updated_at")] {
            world.sql(&format!("update {table} set {instant} = {instant} - interval '{hours} hours'")).await;
        }
        let before = beat().await;
        until("the first is heard, and the second has had the time to ask", async || beat().await >= before + 2).await;
        tell(&world.database, Uuid::new_v4(), 1..=3).await;
        until_all_taken(&world, &sink).await;
        assert_eq!(delete_delivered(&world.db, TimeDelta::days(7)).await.unwrap(), 0);
        assert!(lags(&world.db).await.unwrap().iter().all(|lag| lag.seconds >= 0.0 && lag.is_served));
        assert_eq!(world.texts("select leased_by from outbox_sinks").await, ["one"]);
    }
    first.end().await;
    second.end().await;
    assert_no_repetition(&sink.ids());
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_was_away_is_delivered_on_from_where_it_was() {
    let world = alone().await;
    let sink = Collecting::<'a'>::that(Mood::Takes);
    let serving = sink.served_by(&world, "one");
    for round in 0..2 {
        work_on(&world, round).await;
        world.database.close_doors().await;
        until("it is not ready", async || world.anonymous().get("/readyz").await.status == 503).await;
        world.database.open_doors().await;
        until("it is ready again", async || world.anonymous().get("/readyz").await.status == 200).await;
    }
    work_on(&world, 2).await;
    until_all_taken(&world, &sink).await;
    serving.end().await;
    assert_in_order(&sink.ids());
    let happened = happened(&mut world.database.owner().await).await;
    assert_eq!(sink.ids().into_iter().collect::<BTreeSet<_>>(), happened);
    world.shutdown().await;
}
