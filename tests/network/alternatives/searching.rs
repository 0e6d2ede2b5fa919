//! With a search that finds nothing bookable.
use async_compression::tokio::bufread::GzipDecoder;
use loadmaster_testkit::{
    Answer, NewFlight, World, WorldOptions,
    freight::{order, with},
};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::{between, names, on};

const SEARCH: &str = "/api/v1/routes/search";

fn question(date: &str) -> Value {
    json!({"origin": "DEL", "destination": "LHR", "departure_date": date, "weight_kg": 100, "volume_m3": 1})
}

#[tokio::test]
async fn nothing_bookable_comes_with_alternatives_and_anything_bookable_without() {
    for (kind, options) in
        [("kept", WorldOptions::working()), ("read", WorldOptions::working().set("search.cache_ttl_seconds", "0"))]
    {
        let world = options.start().await;
        world.flight(on("AI101", "22T08:00").weight(99.9)).await;
        let last = world.flight(on("AI102", "23T08:00").weight(100.0)).await;
        world.flight(on("AI103", "25T08:00")).await;
        world.flight(on("AI104", "26T08:00")).await;
        let client = world.anonymous();
        for _ in 0..3 {
            let found = client.post(SEARCH, question("2026-11-22")).await.expect(200);
            assert_eq!(names(&found), ["AI102", "AI103"], "{kind}");
            assert_eq!(found["direct_flights"][0]["reasons"], json!(["weight_exceeded"]), "{kind}");
            let found = client.post(SEARCH, question("2026-11-23")).await.expect(200);
            assert_eq!(found.get("alternatives"), None, "{kind}");
            // A day without any flight.
            let found = client.post(SEARCH, question("2026-11-24")).await.expect(200);
            assert_eq!((names(&found), &found["direct_flights"]), (vec!["AI103".into(), "AI104".into()], &json!([])));
            let found = client.post(SEARCH, question("2026-12-24")).await.expect(200);
            assert_eq!(found["alternatives"], json!([]), "{kind}");
        }
        // Full: from now on it is neither bookable nor an alternative.
        world.customer().await.book(order(&[&last])).await;
        let found = client.post(SEARCH, question("2026-11-22")).await.expect(200);
        assert_eq!(names(&found), ["AI103"], "{kind}");
        let found = client.post(SEARCH, question("2026-11-23")).await.expect(200);
        assert_eq!(names(&found), ["AI103", "AI104"], "{kind}");
        world.audit().await;
    }
}

#[tokio::test]
async fn they_are_the_options_of_the_ranked_list() {
    let world = World::working().await;
    world.flight(on("AI101", "22T08:00").weight(1.0)).await;
    world.flight(between("AI201", ("DEL", "BOM"), "23T08:00", 120)).await;
    world.flight(between("AI202", ("BOM", "LHR"), "23T13:00", 540)).await;
    world.flight(on("AI102", "23T23:00")).await;
    let client = world.anonymous();
    let plain = WorldOptions::working().on(&world.database).set("search.cache_ttl_seconds", "0").start().await;
    let ranked = "/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-23&weight_kg=100&volume_m3=1";
    for _ in 0..2 {
        let answer = client.post(SEARCH, question("2026-11-22")).await;
        let options = client.get(ranked).await.text;
        assert!(answer.text.ends_with(&format!(",\"alternatives\":{options}}}")), "{}\n{options}", answer.text);
        assert_eq!(answer.text, plain.anonymous().post(SEARCH, question("2026-11-22")).await.text);
        assert_eq!(names(&answer.expect(200)), ["AI201+AI202", "AI102"]);
    }
}

#[tokio::test]
async fn a_search_without_stops_is_offered_none() {
    let world = World::working().await;
    world.flight(between("AI201", ("DEL", "BOM"), "22T08:00", 120)).await;
    world.flight(between("AI202", ("BOM", "LHR"), "22T13:00", 540)).await;
    world.flight(on("AI102", "23T08:00")).await;
    let client = world.anonymous();
    let direct = with(question("2026-11-22"), json!({"max_stops": 0, "limit": 1}));
    assert_eq!(names(&client.post(SEARCH, direct).await.expect(200)), ["AI102"]);
    assert_eq!(client.post(SEARCH, question("2026-11-22")).await.expect(200).get("alternatives"), None);
}

#[tokio::test]
async fn encoded_answers_have_them_too() {
    let world = World::working().await;
    world.flight(on("AI101", "22T08:00").weight(1.0)).await;
    for number in 0..3 {
        world.flight(NewFlight::new(&format!("AI20{number}"), "DEL", "LHR").leaves_in_hours(60)).await;
    }
    let client = world.anonymous();
    let plain = client.post(SEARCH, question("2026-11-22")).await;
    for _ in 0..2 {
        let request = client.request(reqwest::Method::POST, SEARCH).header("accept-encoding", "gzip");
        let request = request.header("content-type", "application/json").body(question("2026-11-22").to_string());
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-encoding"], "gzip");
        let packed = response.bytes().await.unwrap();
        let mut text = String::new();
        GzipDecoder::new(&packed[..]).read_to_string(&mut text).await.unwrap();
        assert_eq!(text, plain.text);
    }
    assert_eq!(names(&Answer::expect(plain, 200)).len(), 3);
}
