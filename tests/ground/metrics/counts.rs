//! The process's metrics: with `cargo test` other tests count in them too, so that those of a world look for growth.
use std::collections::{BTreeMap, BTreeSet};

use loadmaster_testkit::{
    Answer, NewFlight, World,
    flight_verbs::path_to,
    freight::{BOOKINGS, order, path_of, with, without},
    holds::{HOLDS, hold_on},
    reference::set_door,
};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Executor;

use super::{Alone, Sample, scrape, tomorrow, total};

#[tokio::test]
async fn requests_are_counted_by_the_template_of_their_route() {
    let world = World::working().await;
    let customer = world.customer().await;
    let before = scrape(&world).await;
    customer.get("/api/v1/bookings/ACB123456789").await.expect(404);
    customer.get("/api/v1/airports/DEL").await.expect(200);
    customer.get("/nowhere/ACB123456789").await.expect(404);
    let invented = customer.request("INVENTED".parse().unwrap(), "/api/v1/airports/DEL");
    assert_eq!(invented.send().await.unwrap().status(), 405);
    let after = scrape(&world).await;
    for labels in [
        [("method", "GET"), ("route", "/api/v1/bookings/{ref_id}"), ("status", "404")],
        [("method", "GET"), ("route", "/api/v1/airports/{code}"), ("status", "200")],
        [("method", "GET"), ("route", "unmatched"), ("status", "404")],
        [("method", "other"), ("route", "/api/v1/airports/{code}"), ("status", "405")],
    ] {
        let count = |samples: &[Sample]| total(samples, "http_requests_total", &labels);
        assert!(count(&after) >= count(&before) + 1.0, "{labels:?}");
        let timed = |samples: &[Sample]| total(samples, "http_request_duration_seconds_count", &labels[..2]);
        assert!(timed(&after) >= timed(&before) + 1.0, "{labels:?}");
    }
    let values: BTreeSet<_> = after.iter().flat_map(|sample| sample.labels.values()).collect();
    assert!(values.iter().all(|value| !value.contains("ACB123456789") && !value.contains("INVENTED")), "{values:?}");
}

#[tokio::test]
async fn buckets_of_a_latency_grow_to_its_count() {
    let world = World::working().await;
    world.anonymous().get("/livez").await;
    let samples = scrape(&world).await;
    let mut counted = BTreeMap::new();
    let buckets: Vec<_> =
        samples.iter().filter(|sample| sample.name == "http_request_duration_seconds_bucket").collect();
    assert!(buckets.len() >= 14);
    for bucket in &buckets {
        let before = counted.insert(bucket.series(), bucket.value).unwrap_or_default();
        assert!(bucket.value >= before, "{bucket:?}");
    }
    for count in samples.iter().filter(|sample| sample.name == "http_request_duration_seconds_count") {
        let last = buckets.iter().rfind(|bucket| bucket.series() == count.series()).expect("its buckets");
        assert_eq!((last.labels["le"].as_str(), last.value), ("+Inf", count.value), "{count:?}");
    }
}

#[tokio::test]
async fn bookings_are_counted_by_their_outcome() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let before = scrape(&world).await;
    let operator = world.operator().await;
    let order = |flight: &Value, weight: u32, destination: &str| {
        json!({"origin": "DEL", "destination": destination, "pieces": 1, "weight_kg": weight,
               "flight_ids": [flight["id"]]})
    };
    let booking = operator.post(BOOKINGS, order(&flight, 10, "LHR")).await.expect(201);
    operator.post(BOOKINGS, order(&flight, 1001, "LHR")).await.expect(409);
    operator.post(BOOKINGS, order(&flight, 10, "JFK")).await.expect(409);
    let cancelled = world.flight(NewFlight::new("AI102", "DEL", "LHR")).await;
    world.admin().await.poke(&format!("{}/cancel", path_to(&cancelled))).await.expect(200);
    operator.post(BOOKINGS, order(&cancelled, 10, "LHR")).await.expect_problem(409, "flight_cancelled");
    operator.poke(&format!("/api/v1/bookings/{}/depart", booking["ref_id"].as_str().unwrap())).await.expect(200);
    let after = scrape(&world).await;
    for (name, label, value) in [
        ("loadmaster_bookings_total", "outcome", "created"),
        ("loadmaster_bookings_total", "outcome", "capacity_exceeded"),
        ("loadmaster_bookings_total", "outcome", "itinerary_invalid"),
        ("loadmaster_bookings_total", "outcome", "flight_cancelled"),
        ("loadmaster_booking_actions_total", "action", "depart"),
    ] {
        let count = |samples: &[Sample]| total(samples, name, &[(label, value)]);
        assert!(count(&after) >= count(&before) + 1.0, "{name} {value}");
    }
}

#[tokio::test]
async fn pieces_that_do_not_fit_are_counted_as_refusals() {
    let world = World::working().await;
    set_door(&world.admin().await, "320", 120).await;
    let flight = world.flight(NewFlight::new("AI103", "DEL", "LHR").aircraft("320")).await;
    let customer = world.customer().await;
    let high = json!({"dimensions": [{"pieces": 1, "length_cm": 100, "width_cm": 80, "height_cm": 150}]});
    let before = scrape(&world).await;
    let booking = with(without(without(order(&[&flight]), "pieces"), "volume_m3"), high.clone());
    customer.post(BOOKINGS, booking).await.expect_problem(409, "piece_too_large");
    customer.post(HOLDS, with(hold_on(&[&flight]), high)).await.expect_problem(409, "piece_too_large");
    let after = scrape(&world).await;
    for name in ["loadmaster_bookings_total", "loadmaster_holds_total"] {
        let count = |samples: &[Sample]| total(samples, name, &[("outcome", "piece_too_large")]);
        assert!(count(&after) >= count(&before) + 1.0, "{name}");
    }
}

#[tokio::test]
async fn a_booking_adds_its_weight_once() {
    let alone = Alone::start(&[]).await;
    let neighbour = alone.neighbour().await;
    let flight = neighbour.flight(tomorrow("AI101")).await;
    let customer = alone.here(neighbour.customer().await);
    let wish = |weight: f64| with(order(&[&flight]), json!({"weight_kg": weight}));
    let keyed = || customer.request(Method::POST, BOOKINGS).header("idempotency-key", "once").json(&wish(12.5));
    Answer::of(keyed()).await.expect(201);
    assert_eq!(Answer::of(keyed()).await.header("idempotency-replayed"), Some("true"));
    customer.post(BOOKINGS, wish(1_000_000.0)).await.expect_problem(409, "capacity_exceeded");
    assert_eq!(alone.value("loadmaster_booked_grams_total", &[]).await, 12_500.0);
}

#[tokio::test]
async fn problems_are_counted_by_their_code() {
    let world = World::working().await;
    let count = async |code| total(&scrape(&world).await, "loadmaster_problems_total", &[("code", code)]);
    let client = world.anonymous();
    let before = [count("not_found").await, count("method_not_allowed").await, count("unauthenticated").await];
    client.get("/nowhere").await.expect_problem(404, "not_found");
    client.delete("/livez").await.expect_problem(405, "method_not_allowed");
    client.post(BOOKINGS, json!({})).await.expect_problem(401, "unauthenticated");
    let after = [count("not_found").await, count("method_not_allowed").await, count("unauthenticated").await];
    for (before, after) in before.into_iter().zip(after) {
        assert!(after >= before + 1.0);
    }
}

#[tokio::test]
async fn requests_are_under_way_until_they_are_answered_or_their_callers_have_left() {
    let alone = Alone::start(&["database.acquire_timeout_ms=60000"]).await;
    let neighbour = alone.neighbour().await;
    let flight = neighbour.flight(tomorrow("AI101")).await;
    let customer = alone.here(neighbour.customer().await);
    let under_way = "http_requests_in_flight";
    assert_eq!(alone.value(under_way, &[]).await, 1.0, "the scrape itself");

    let mut owner = alone.database.owner().await;
    owner.execute("begin; select from flight_capacity for no key update").await.unwrap();
    let book = || {
        let (customer, order) = (customer.clone(), order(&[&flight]));
        tokio::spawn(async move { customer.post(BOOKINGS, order).await })
    };
    let (patient, hasty) = ([book(), book()], [book(), book(), book()]);
    alone.until(under_way, &[], |requests| requests == 6.0).await;
    for caller in hasty {
        caller.abort();
    }
    alone.until(under_way, &[], |requests| requests == 3.0).await;
    // Who went away is counted and timed all the same: a system that hangs would look idle.
    let abandoned = [("route", BOOKINGS), ("status", "499")];
    assert_eq!(alone.value("http_requests_total", &abandoned).await, 3.0);
    assert_eq!(alone.value("http_request_duration_seconds_count", &[("route", BOOKINGS)]).await, 3.0);
    owner.execute("commit").await.unwrap();
    for caller in patient {
        caller.await.unwrap().expect(201);
    }
    alone.until(under_way, &[], |requests| requests == 1.0).await;
}

#[tokio::test]
async fn a_commit_that_is_not_confirmed_is_counted() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let count = async || total(&scrape(&world).await, "loadmaster_unknown_outcomes_total", &[]);
    let before = count().await;
    // The session ends over its own commit.
    let end = "create function end_session() returns trigger language plpgsql security definer as $$
                   begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
               create constraint trigger ending after insert on booking_refs deferrable initially deferred
                   for each row execute function end_session()";
    world.database.owner().await.execute(sqlx::raw_sql(end)).await.unwrap();
    let answer = world.customer().await.post(BOOKINGS, order(&[&flight])).await;
    answer.expect_problem(503, "unavailable");
    assert!(count().await >= before + 1.0);
}

#[tokio::test]
async fn locks_are_counted_and_timed_also_when_they_are_had_at_once() {
    let alone = Alone::start(&[]).await;
    let neighbour = alone.neighbour().await;
    let flight = neighbour.flight(tomorrow("AI101")).await;
    let operator = alone.here(neighbour.operator().await);
    let booking = operator.post(BOOKINGS, order(&[&flight])).await.expect(201);
    operator.poke(&format!("{}/depart", path_of(&booking))).await.expect(200);
    let got = [("lock", "booking"), ("outcome", "got")];
    assert_eq!(alone.value("loadmaster_locks_total", &got).await, 1.0);
    assert_eq!(alone.value("loadmaster_lock_wait_seconds_count", &got[..1]).await, 1.0);
}

#[tokio::test]
async fn jobs_are_counted_and_timed_by_their_kind() {
    let alone = Alone::start(&[]).await;
    for kind in ["partitions_ahead", "expired_tokens", "old_idempotency_keys", "old_outbox"] {
        let done = [("kind", kind), ("outcome", "done")];
        alone.until("loadmaster_jobs_total", &done, |jobs| jobs == 1.0).await;
        assert_eq!(alone.value("loadmaster_job_duration_seconds_count", &done[..1]).await, 1.0, "{kind}");
    }
    let longest = [("kind", "partitions_ahead"), ("le", "600")];
    assert_eq!(alone.value("loadmaster_job_duration_seconds_bucket", &longest).await, 1.0, "jobs may take minutes");
}
