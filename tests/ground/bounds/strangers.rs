//! Whoever names the bookings of others holds up nobody.
use loadmaster_testkit::{
    NewFlight, OwnRedis, WorldOptions,
    freight::{at_once, order, path_of, text},
    locks::Overheard,
};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_takes_no_lock_of_a_booking_and_its_owner_does_not_wait() {
    let redis = OwnRedis::start().await;
    let options = WorldOptions::patient().with_workers().without_redis();
    let world = options.set("redis.url", &redis.url()).set("redis.timeout_ms", "20000").start().await;
    let heard = Overheard::at(&redis).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (owner, stranger) = (world.customer().await, world.customer().await);
    let booking = owner.book(order(&[&flight])).await;
    let lock = format!("lock:booking:{}", text(&booking, "ref_id"));

    let flood = at_once((0..40).map(|_| {
        let (stranger, path) = (stranger.clone(), path_of(&booking));
        async move {
            stranger.poke(&format!("{path}/cancel")).await.expect_problem(404, "not_found");
            stranger.patch(&path, json!({"pieces": 3})).await.expect_problem(404, "not_found");
        }
    }));
    let path = path_of(&booking);
    let amend = owner.patch(&path, json!({"description": "Mangoes"}));
    let (_, amended) = tokio::join!(flood, amend);
    amended.expect(200);
    // The owner's lock, once, and nobody else's.
    heard.until(1, &["SET", &lock]).await;
    assert_eq!(heard.count(&["SET", &lock]), 1);
}

#[tokio::test]
async fn a_stale_precondition_is_refused_without_a_lock() {
    let redis = OwnRedis::start().await;
    let options = WorldOptions::patient().with_workers().without_redis();
    let world = options.set("redis.url", &redis.url()).set("redis.timeout_ms", "20000").start().await;
    let heard = Overheard::at(&redis).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let owner = world.customer().await;
    let booking = owner.book(order(&[&flight])).await;
    let lock = format!("lock:booking:{}", text(&booking, "ref_id"));
    let cancel = format!("{}/cancel", path_of(&booking));
    let stale = owner.request(reqwest::Method::POST, &cancel).header("if-match", "\"7\"");
    loadmaster_testkit::Answer::of(stale).await.expect_problem(412, "version_mismatch");
    owner.poke(&cancel).await.expect(200);
    heard.until(1, &["SET", &lock]).await;
    assert_eq!(heard.count(&["SET", &lock]), 1);
}
