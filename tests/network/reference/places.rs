//! Cities and their airports, as callers find them and administrators change them.
use loadmaster_testkit::{
    NewFlight, World,
    claims::guest,
    freight::{order, texts, with},
    reference::airport,
};
use serde_json::json;

use super::codes;

#[tokio::test]
async fn anyone_finds_cities_and_the_airports_of_a_city() {
    let world = World::start().await;
    for caller in [world.anonymous(), guest(&world).await, world.customer().await] {
        let found = caller.get("/api/v1/cities?q=new+york").await;
        assert_eq!(found.header("cache-control"), Some("public, no-cache"));
        let new_york = json!({"code": "NYC", "name": "New York", "country": "US", "airports": ["JFK", "EWR", "LGA"]});
        assert_eq!(found.expect(200), json!([new_york]));
        assert_eq!(caller.get("/api/v1/cities/NYC").await.expect(200), new_york);
        let found = caller.get("/api/v1/airports/search?q=NYC").await.expect(200);
        assert_eq!(texts(&found, "iata_code"), ["JFK", "EWR", "LGA"]);
        assert_eq!(texts(&found, "matched"), ["NYC", "NYC", "NYC"]);
    }
    assert_eq!(
        world.anonymous().get("/api/v1/cities?limit=0").await.expect_faults(),
        [("limit".to_owned(), "too_small".to_owned())]
    );
}

#[tokio::test]
async fn airports_are_listed_by_local_and_former_names_of_their_cities() {
    let world = World::start().await;
    let anyone = world.anonymous();
    for (typed, airport) in [
        ("M%C3%BCnchen", "MUC"),
        ("munchen", "MUC"),
        ("Wien", "VIE"),
        ("WIEN", "VIE"),
        ("Bangalore", "BLR"),
        ("Kiev", "KBP"),
    ] {
        let listed = codes(&anyone, &format!("/airports/search?q={typed}")).await;
        assert!(listed.iter().any(|code| code == airport), "{typed}: {listed:?}");
    }
}

#[tokio::test]
async fn a_closed_airport_is_offered_from_when_an_administrator_opens_it() {
    let world = World::start().await;
    let (admin, anyone) = (world.admin().await, world.anonymous());
    let airports = async || anyone.get("/api/v1/cities/BER").await.expect(200)["airports"].clone();
    assert_eq!(airports().await, json!(["BER"]));
    assert_eq!(codes(&anyone, "/airports/search?q=TXL").await, Vec::<String>::new());
    let open = json!({"is_active": true});
    world.operator().await.patch("/api/v1/airports/TXL", open.clone()).await.expect_problem(403, "forbidden");
    let opened = admin.patch("/api/v1/airports/TXL", open).await.expect(200);
    assert_eq!((&opened["city_code"], &opened["version"]), (&json!("BER"), &json!(2)));
    assert_eq!(airports().await, json!(["BER", "TXL"]));
    assert_eq!(codes(&anyone, "/airports/search?q=TXL").await, ["TXL"]);
    admin.patch("/api/v1/airports/TXL", json!({"is_active": false})).await.expect(200);
    assert_eq!(airports().await, json!(["BER"]));
}

#[tokio::test]
async fn a_city_keeps_its_place_for_an_airport_that_is_deleted_and_created_again() {
    let world = World::start().await;
    let admin = world.admin().await;
    let airports = async || texts_of(&admin.get("/api/v1/cities/LON").await.expect(200)["airports"]);
    admin.delete("/api/v1/airports/SEN").await.expect(204);
    assert_eq!(airports().await, ["LHR", "STN", "LGW", "LCY", "LTN"]);
    let created = admin.post("/api/v1/airports", airport("SEN")).await.expect(201);
    assert_eq!(created["city_code"], "LON");
    assert_eq!(admin.get("/api/v1/airports/SEN").await.expect(200), created);
    assert_eq!(airports().await, ["LHR", "STN", "LGW", "LCY", "LTN", "SEN"]);
    let created = admin.post("/api/v1/airports", airport("QQQ")).await.expect(201);
    assert_eq!(created["city_code"], json!(null));
}

fn texts_of(list: &serde_json::Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn bookings_and_quotes_name_airports_and_a_code_of_both_means_the_airport() {
    let world = World::start().await;
    let customer = world.customer().await;
    let flight = world.flight(NewFlight::new("EK511", "DEL", "DXB")).await;
    let plain = order(&[&flight]);
    for (member, code) in [("origin", "LON"), ("destination", "NYC")] {
        let refused = customer.post("/api/v1/bookings", with(plain.clone(), json!({member: code}))).await;
        assert_eq!(refused.expect_faults(), [(format!("/{member}"), "unknown_value".to_owned())], "{member}");
    }
    let booking = customer.book(with(plain, json!({"destination": "DXB"}))).await;
    assert_eq!(booking["destination"], "DXB", "Dubai is a city of two airports, too");
}

#[tokio::test]
async fn cities_are_listed_in_pages_and_airports_of_each_answer_name_their_city() {
    let world = World::start().await;
    let anyone = world.anonymous();
    let all = texts(&anyone.get("/api/v1/cities?limit=100").await.expect(200), "code");
    assert!(all.is_sorted() && all.len() > 40, "{all:?}");
    let (mut found, mut next) = (Vec::new(), Some("/api/v1/cities?limit=15".to_owned()));
    while let Some(path) = next {
        let page = anyone.get(&path).await;
        next = page.header("link").map(|link| link.strip_prefix('<').unwrap().split_once('>').unwrap().0.to_owned());
        found.extend(texts(&page.expect(200), "code"));
    }
    assert_eq!(found, all);
    assert_eq!(texts(&anyone.get("/api/v1/cities?offset=3&limit=2").await.expect(200), "code"), all[3..5]);
    anyone.get("/api/v1/cities?cursor=AAAA").await.expect_problem(400, "invalid_cursor");
    for (path, code, city) in [
        ("/airports?q=heathrow", "LHR", json!("LON")),
        ("/airports?q=indira", "DEL", json!(null)),
        ("/airports/popular", "DXB", json!("DXB")),
        ("/airports/popular", "HKG", json!(null)),
        ("/airports/city/London", "LGW", json!("LON")),
        ("/airports/city/New%20Delhi", "DEL", json!(null)),
        ("/airports/search?q=orly", "ORY", json!("PAR")),
        ("/airports/search?q=delhi", "DEL", json!(null)),
    ] {
        let list = anyone.get(&format!("/api/v1{path}")).await.expect(200);
        let airport = list.as_array().unwrap().iter().find(|airport| airport["iata_code"] == code).unwrap();
        assert_eq!(airport["city_code"], city, "{path}");
    }
}
