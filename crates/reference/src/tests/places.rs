//! Cities with a code of their own, and other names of cities.
use std::collections::BTreeMap;

use loadmaster_kernel::{AirportCode, FaultCode};
use loadmaster_platform::web::Raw;
use serde_json::Value;

use super::{
    super::{Reference, search::folded},
    App, codes, sorted,
};

#[tokio::test]
async fn cities_are_listed_shown_and_found_by_code_and_by_all_their_names() {
    let app = App::new();
    let london = app.get("/cities/lon").await;
    let airports = ["LHR", "STN", "LGW", "LCY", "LTN", "SEN"];
    assert_eq!(london, serde_json::json!({"code": "LON", "name": "London", "country": "GB", "airports": airports}));
    let all = app.get("/cities?limit=100").await;
    let listed = codes(&all, "code");
    assert!(sorted(&listed) && all.as_array().unwrap().contains(&london), "{listed:?}");
    assert_eq!(listed.len(), app.reference.current().catalogue.cities.len());
    let found = async |q: &str| codes(&app.get(&format!("/cities?q={q}")).await, "code");
    for (q, code) in
        [("nyc", "NYC"), ("new+y", "NYC"), ("york", "NYC"), ("mailand", "MIL"), ("S%C3%A3o", "SAO"), ("jan", "RIO")]
    {
        assert_eq!(found(q).await, [code], "{q}");
    }
    assert_eq!(found("to").await, ["TYO", "YTO"]);
    for q in ["xyzzy", "!!!", "ork"] {
        assert_eq!(found(q).await, Vec::<String>::new(), "{q}");
    }
    assert_eq!(app.fault("/cities?q=").await, "too_short");
    assert_eq!(app.fault(&format!("/cities?q={}", "a".repeat(101))).await, "too_long");
    let (first, second) = (app.get("/cities?limit=2").await, app.get("/cities?offset=2&limit=2").await);
    assert_eq!([codes(&first, "code"), codes(&second, "code")].concat(), listed[..4]);
}

#[tokio::test]
async fn an_airport_names_its_city_and_a_city_leaves_out_closed_airports() {
    let app = App::new();
    assert_eq!(app.get("/airports/LHR").await["city_code"], "LON");
    assert_eq!(app.get("/airports/TXL").await["city_code"], "BER");
    assert_eq!(app.get("/cities/BER").await["airports"], serde_json::json!(["BER"]));
}

#[tokio::test]
async fn the_autocomplete_names_the_city_or_the_other_name_that_matched() {
    let app = App::new();
    let found = async |q: &str| {
        let list = app.get(&format!("/airports/search?q={q}")).await;
        list.as_array().unwrap().iter().map(|it| (it["iata_code"].clone(), it["matched"].clone())).collect::<Vec<_>>()
    };
    let named = |code: &str, matched: Option<&str>| (Value::from(code), Value::from(matched));
    let new_york = ["JFK", "EWR", "LGA"].map(|code| named(code, Some("NYC")));
    assert_eq!(found("NYC").await, new_york);
    assert_eq!(found("M%C3%BCnchen").await, [named("MUC", Some("München"))]);
    assert_eq!(found("wien").await[0], named("VIE", Some("Wien")));
    assert_eq!(found("del").await[0], named("DEL", None));
    assert!(found("kiev").await.contains(&named("KBP", Some("Kiev"))));
    assert!(
        app.codes("/airports?q=bangalore").await.contains(&"BLR".to_owned()),
        "the list finds what the search does"
    );
}

#[test]
fn lanes_lead_from_each_airport_of_a_place_to_each_other_airport_of_another() {
    let reference = Reference::bundled().unwrap();
    let place = |code: &str| reference.read_place(Raw::Text(code)).unwrap();
    let lanes = |origin: &str, destination: &str| place(origin).lanes_to(place(destination)).count();
    assert_eq!([lanes("LON", "nyc"), lanes("LON", "LHR"), lanes("LHR", "LHR"), lanes("DEL", "BOM")], [18, 5, 0, 1]);
    let largest = ["LON", "SHA", "DEL"].map(|code| place(code).first().to_string());
    assert_eq!(largest, ["LHR", "PVG", "DEL"], "a code of both means the city");
    for (origin, destination) in [("LON", "LON"), ("LHR", "LHR"), ("BER", "ber")] {
        let refused = reference.read_other_place(Raw::Text(destination), Some(place(origin))).unwrap_err();
        assert_eq!(refused.code, FaultCode::SameAsOrigin, "{origin} {destination}");
    }
    assert_eq!(reference.read_place(Raw::Text("QQQ")).unwrap_err().code, FaultCode::UnknownValue);
    assert_eq!(reference.read_airport(Raw::Text("LON")).unwrap_err().code, FaultCode::UnknownValue);
}

#[test]
fn each_city_has_airports_of_one_country_and_zone_and_each_airport_one_city() {
    let reference = Reference::bundled().unwrap();
    let current = reference.current();
    let mut of = BTreeMap::new();
    for city in current.catalogue.cities.values() {
        assert!((1..=6).contains(&city.airports.len()), "{city:?}");
        let airports: Vec<_> = city.airports.iter().map(|code| reference.airport(*code).unwrap()).collect();
        for airport in &airports {
            assert_eq!(of.insert(airport.code, city.code), None, "{} is in two cities", airport.code);
            assert_eq!(
                (airport.city_code, &airport.country_code),
                (Some(city.code), &city.country_code),
                "{airport:?}"
            );
            assert_eq!(airport.time_zone, airports[0].time_zone, "{airport:?}");
            assert!(airport.distance_km(&airports[0]) < 130.0, "{airport:?}");
        }
        // A code that an airport has, too, is that of one of the city's airports.
        let code: AirportCode = city.code.as_str().parse().unwrap();
        let namesake = current.catalogue.airports.get(&code);
        assert!(namesake.is_none_or(|airport| city.airports.contains(&airport.code)), "{city:?}");
    }
}

#[test]
fn each_other_name_is_of_a_city_with_an_airport_and_differs_from_its_own() {
    let reference = Reference::bundled().unwrap();
    let current = reference.current();
    assert!(current.catalogue.place_names.len() > 150);
    for other in &current.catalogue.place_names {
        assert!(!reference.airports_of(&other.city, &other.country_code).is_empty(), "{other:?}");
        assert_ne!(folded(&other.name), folded(&other.city), "{other:?}");
    }
}
