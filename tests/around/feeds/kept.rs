//! Flights that persons keep from their feed.
use loadmaster_testkit::{NewFlight, World, freight::text};
use serde_json::json;

use super::{feeding, flight_of, flights, made, row, rows, run, summary};

#[tokio::test]
async fn an_aircraft_that_a_person_has_swapped_survives_ten_runs_and_follows_again() {
    // A file may have half of the rows of the one before.
    let world = World::with(feeding().set("feeds.max_gone_percent", "50")).await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    run(&admin, &feed, &rows(&world, 2)).await;
    let path = format!("/api/v1/flights/{}", text(&flight_of(&admin, "AI101").await, "id"));
    admin.patch(&path, json!({"aircraft_code": "74Y"})).await.expect(200);
    assert_eq!(admin.get(&path).await.expect(200)["feed"]["is_kept"], true);
    for hour in 0..10 {
        let later = [row(&world, "AI101", 10, hour, "77X"), row(&world, "AI102", 10, hour, "77X")];
        assert_eq!(summary(&run(&admin, &feed, &later).await), "APPLIED 0 1 0 1 0 0 0");
        assert_eq!(admin.get(&path).await.expect(200)["aircraft_code"], "74Y");
    }
    let only = [row(&world, "AI102", 10, 9, "77X")];
    assert_eq!(summary(&run(&admin, &feed, &only).await), "UNCHANGED 0 0 1 0 0 0 0", "one that is kept is not absent");
    admin.patch(&path, json!({"follow_feed": true})).await.expect(200);
    assert_eq!(admin.get(&path).await.expect(200)["feed"]["is_kept"], false);
    let act = world
        .texts("select data->>'follow_feed' from admin_acts where act = 'flight.changed' order by id desc limit 1")
        .await;
    assert_eq!(act, ["true"]);
    let both = [row(&world, "AI101", 10, 9, "77X"), row(&world, "AI102", 10, 9, "77X")];
    assert_eq!(summary(&run(&admin, &feed, &both).await), "APPLIED 0 1 1 0 0 0 0");
    assert_eq!(admin.get(&path).await.expect(200)["aircraft_code"], "77X");
    world.audit().await;
}

#[tokio::test]
async fn only_a_change_of_what_feeds_give_keeps_a_flight_unless_it_says_so() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    run(&admin, &feed, &rows(&world, 1)).await;
    let path = format!("/api/v1/flights/{}", text(&flight_of(&admin, "AI101").await, "id"));
    let kept_after = async |change| {
        admin.patch(&path, change).await.expect(200);
        admin.get(&path).await.expect(200)["feed"]["is_kept"].clone()
    };
    assert_eq!(kept_after(json!({"aircraft_code": "77X"})).await, false, "it is what it was");
    assert_eq!(kept_after(json!({"follow_feed": false})).await, true);
    assert_eq!(kept_after(json!({"follow_feed": true})).await, false);
    assert_eq!(kept_after(json!({"cutoff_minutes": 90})).await, true);
    assert_eq!(kept_after(json!({"cutoff_minutes": 60, "follow_feed": true})).await, false);
    let of_none = world.flight(NewFlight::new("AI900", "DEL", "LHR")).await;
    let path = format!("/api/v1/flights/{}", text(&of_none, "id"));
    let faults = admin.patch(&path, json!({"follow_feed": true})).await.expect_faults();
    assert_eq!(faults, [("/follow_feed".to_owned(), "not_allowed".to_owned())]);
    assert_eq!(admin.get(&path).await.expect(200).get("feed"), None);
}

#[tokio::test]
async fn a_flight_that_a_person_has_cancelled_does_not_come_back() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    run(&admin, &feed, &rows(&world, 2)).await;
    let path = format!("/api/v1/flights/{}", text(&flight_of(&admin, "AI101").await, "id"));
    admin.poke(&format!("{path}/cancel")).await.expect(200);
    assert_eq!(summary(&run(&admin, &feed, &rows(&world, 2)).await), "UNCHANGED 0 0 1 1 0 0 0");
    assert_eq!(admin.get(&path).await.expect(200)["status"], "CANCELLED");
    let again = super::file(&[row(&world, "AI101", 10, 12, "77X")]);
    admin.post_raw("/api/v1/flights/import", "text/csv", again).await.expect(200);
    assert_eq!(
        summary(&run(&admin, &feed, &rows(&world, 2)).await),
        "APPLIED 0 1 1 0 0 0 0",
        "a person put it there again"
    );
    world.audit().await;
}

#[tokio::test]
async fn the_flights_of_a_deleted_feed_stay_and_are_no_feeds() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    run(&admin, &feed, &rows(&world, 2)).await;
    admin.delete(&super::at(&feed)).await.expect(204);
    admin.get(&super::at(&feed)).await.expect(404);
    admin.get(&super::runs_of(&feed)).await.expect(404);
    let flight = flight_of(&admin, "AI101").await;
    assert_eq!((&flight["status"], flight.get("feed")), (&json!("SCHEDULED"), None));
    let next = made(&admin, flights()).await;
    assert_eq!(summary(&run(&admin, &next, &rows(&world, 2)).await), "APPLIED 0 0 2 0 0 0 0");
}

#[tokio::test]
async fn operators_keep_flights_and_give_them_back_where_they_may_change_flights() {
    let world = World::with(feeding().set("operations.operators_change_flights", "true")).await;
    let (admin, operator) = (world.admin().await, world.operator().await);
    let feed = made(&admin, flights()).await;
    run(&admin, &feed, &rows(&world, 1)).await;
    let path = format!("/api/v1/flights/{}", text(&flight_of(&admin, "AI101").await, "id"));
    for follows in [false, true] {
        operator.patch(&path, json!({"follow_feed": follows})).await.expect(200);
        assert_eq!(operator.get(&path).await.expect(200)["feed"]["is_kept"], !follows);
    }
    operator.patch(&path, json!({"follow_feed": true, "cutoff_minutes": 30})).await.expect_problem(403, "forbidden");
}
