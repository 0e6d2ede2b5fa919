//! Facts of the trade as clients get them, and how they come into the database. The room's own tests know more of the
//! lists and faults.
mod factors;
mod hubs;
mod killed;
mod openings;
mod places;
mod punctuality;

use loadmaster::app;
use loadmaster_reference as reference;
use loadmaster_testkit::{
    Answer, Client, NewFlight, TestDatabase, World,
    freight::{order, text, texts, with},
};
use serde_json::{Value, json};
use sqlx::PgConnection;

async fn codes(client: &Client, path: &str) -> Vec<String> {
    let list = client.get(&format!("/api/v1{path}")).await.expect(200);
    texts(&list, "iata_code")
}

#[tokio::test]
async fn the_autocomplete_finds_what_people_mean() {
    let world = World::start().await;
    let anyone = world.anonymous();
    let complete = async |q: &str| codes(&anyone, &format!("/airports/search?q={q}")).await;
    for q in ["del", "DEL", "%20del", "delhi", "new+delhi", "indira"] {
        assert_eq!(complete(q).await[0], "DEL", "{q}");
    }
    for q in ["s%C3%A3o", "sao", "SAO", "S%C3%83O+PAULO", "sao+p"] {
        assert_eq!(complete(q).await[0], "GRU", "{q}");
    }
    for q in ["s%C3%A3o+p", "sao+paulo"] {
        assert_eq!(complete(q).await[..2], ["GRU", "CGH"], "{q}");
    }
    let new_york = complete("new+y").await;
    assert_eq!(new_york[0], "JFK");
    assert!(["LGA", "SWF", "NYS", "ISP"].iter().all(|code| new_york.iter().any(|found| found == code)), "{new_york:?}");
    assert_eq!(complete("xyzzy").await, Vec::<String>::new());
    assert_eq!(complete("a").await.len(), 20);
    // The exact code beats every city and name that begins with it.
    assert_eq!(complete("lon").await[0], "LHR", "LON is no airport");
    assert_eq!(complete("man").await[0], "MAN");
    // A word within the name is found after what begins with it.
    assert!(complete("heathrow").await.contains(&"LHR".to_owned()));
}

#[tokio::test]
async fn airports_are_listed_shown_and_found_by_city() {
    let world = World::start().await;
    let anyone = world.anonymous();
    assert_eq!(
        anyone.get("/api/v1/airports/del").await.expect(200),
        json!({
            "iata_code": "DEL", "icao_code": "VIDP", "name": "Indira Gandhi International Airport",
            "city": "New Delhi", "city_code": null, "country_code": "IN", "latitude": 28.5665, "longitude": 77.1031,
            "elevation_ft": 777, "time_zone": "Asia/Kolkata", "is_major": true, "is_active": true, "version": 1,
        })
    );
    assert_eq!(codes(&anyone, "/airports/city/s%C3%A3o%20paulo").await, ["GRU", "CGH"]);
    assert_eq!(codes(&anyone, "/airports/city/LONDON").await[0], "LHR");
    let popular = codes(&anyone, "/airports/popular").await;
    assert!(popular.len() == 20 && popular.contains(&"HKG".to_owned()), "{popular:?}");
    assert_eq!(codes(&anyone, "/airports?limit=2").await, ["AAA", "AAB"]);
    let majors = codes(&anyone, "/airports?country=in&major=true").await;
    assert!(majors.contains(&"BOM".to_owned()) && majors.is_sorted(), "{majors:?}");
    assert_eq!(codes(&anyone, "/airports?q=new+y&major=true").await, ["JFK"]);
}

#[tokio::test]
async fn airlines_aircraft_and_handling_codes_are_listed_and_shown() {
    let world = World::start().await;
    let anyone = world.anonymous();
    assert_eq!(
        anyone.get("/api/v1/airlines/ai").await.expect(200),
        json!({"iata_code": "AI", "icao_code": "AIC", "name": "Air India", "country_code": "IN", "awb_prefix": "098",
               "alliance": "Star Alliance", "is_cargo_only": false, "kind": "BOTH", "hub_airports": [],
               "on_time_percent": null, "is_active": true, "version": 1})
    );
    assert_eq!(
        anyone.get("/api/v1/aircraft/77X").await.expect(200),
        json!({"iata_code": "77X", "icao_code": "B77L", "name": "777F Freighter", "manufacturer": "Boeing",
               "max_cargo_kg": 102_000, "max_cargo_m3": 653, "positions": 37, "is_freighter": true,
               "co2e_kg_per_tkm": null, "openings": [], "is_active": true, "version": 1})
    );
    for (list, known) in [("/airlines?limit=100", "AI"), ("/aircraft?limit=100", "77X")] {
        let all = codes(&anyone, list).await;
        assert!(all.is_sorted() && all.iter().any(|code| code == known), "{list}: {all:?}");
    }
    let handling = anyone.get("/api/v1/handling-codes?limit=100").await.expect(200);
    let cao = handling.as_array().unwrap().iter().find(|entry| entry["code"] == "CAO").unwrap();
    assert_eq!(cao.as_object().unwrap().len(), 2);
    assert!(cao["name"].as_str().unwrap().to_lowercase().contains("cargo aircraft only"), "{cao}");
}

#[tokio::test]
async fn unknown_reference_data_is_not_found() {
    let world = World::start().await;
    for path in [
        "airports/QQQ",
        "airports/DELHI",
        "airports/city/Atlantis",
        "cities/DEL",
        "cities/LONDON",
        "airlines/QQ",
        "airlines/AIR",
        "aircraft/ZZZ",
        "aircraft/77",
    ] {
        world.anonymous().get(&format!("/api/v1/{path}")).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn lists_lead_on_through_all_pages() {
    let world = World::migrated().await;
    let (mut seen, mut next) = (0, Some("/api/v1/airports?country=IN&limit=30".to_owned()));
    let (mut last, mut pages) = (String::new(), 0);
    while let Some(path) = next {
        let page = world.anonymous().get(&path).await;
        next = page.header("link").map(|link| link.strip_prefix('<').unwrap().split_once('>').unwrap().0.to_owned());
        for airport in page.expect(200).as_array().unwrap() {
            let code = airport["iata_code"].as_str().unwrap().to_owned();
            assert!(code > last, "{code} after {last}");
            (last, seen) = (code, seen + 1);
        }
        pages += 1;
    }
    let known: i64 = sqlx::query_scalar("select count(*) from airports where country_code = 'IN'")
        .fetch_one(&mut world.database.owner().await)
        .await
        .unwrap();
    assert_eq!(seen, known);
    assert!(pages > 2);
}

#[tokio::test]
async fn compressed_reference_data_may_be_cached() {
    let world = World::start().await;
    let compressed =
        world.anonymous().request(reqwest::Method::GET, "/api/v1/airlines?limit=100").header("accept-encoding", "gzip");
    let answer = Answer::of(compressed).await;
    assert_eq!(answer.header("cache-control"), Some("public, no-cache"));
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
}

/// Where each row of the facts lies: a row that is written again lies elsewhere.
async fn places(owner: &mut PgConnection) -> Vec<(String, String)> {
    let query = "select 'airport ' || iata_code, ctid::text || xmin::text from airports
                 union all select 'airline ' || iata_code, ctid::text || xmin::text from airlines
                 union all select 'aircraft ' || iata_code, ctid::text || xmin::text from aircraft_types
                 union all select 'handling ' || code, ctid::text || xmin::text from handling_codes
                 union all select 'city ' || code, ctid::text || xmin::text from cities
                 order by 1";
    sqlx::query_as(query).fetch_all(owner).await.unwrap()
}

#[tokio::test]
async fn seeding_again_writes_nothing() {
    let database = TestDatabase::empty().await;
    let mut owner = database.owner().await;
    app::migrate(&mut owner, "2026-11-20T08:00:00Z".parse().unwrap()).await.unwrap();
    reference::load_reference_data(&mut owner).await.unwrap();
    let before = places(&mut owner).await;
    assert!(before.len() > 8000, "{}", before.len());
    reference::load_reference_data(&mut owner).await.unwrap();
    assert_eq!(places(&mut owner).await, before);
}

#[tokio::test]
async fn seeding_with_other_files_changes_only_the_rows_that_differ() {
    let database = TestDatabase::create().await;
    let mut owner = database.owner().await;
    // Given what an older release had loaded: other names, a type without openings, an airport less, an airport that has closed
    // since, an airport and a type that an administrator has changed, and an airport that no file has,
    for change in [
        "update airports set name = 'Palam' where iata_code = 'DEL'",
        "update airlines set alliance = null where iata_code = 'AI'",
        "update aircraft_types set positions = 30 where iata_code = '77X'",
        "update aircraft_types set openings = '[]' where iata_code = '320'",
        "update aircraft_types set positions = 6, is_own = true where iata_code = 'ATF'",
        "update handling_codes set name = 'Old name' where code = 'PER'",
        "delete from airports where iata_code = 'LHR'",
        "update airports set is_active = true where iata_code = 'TXL'",
        "update airports set is_active = true, is_own = true where iata_code = 'TIP'",
        "insert into airports (iata_code, name, city, country_code, latitude, longitude, time_zone)
         values ('QQQ', 'Closed', 'Nowhere', 'IN', 0, 0, 'Asia/Kolkata')",
        "update installation set value = 'older' where name = 'reference_data'",
    ] {
        sqlx::query(change).execute(&mut owner).await.unwrap();
    }
    let before = places(&mut owner).await;
    // when this release loads its files,
    reference::load_reference_data(&mut owner).await.unwrap();
    // then exactly those rows were written, and the airport that flights may refer to is still there.
    let after = places(&mut owner).await;
    let changed: Vec<_> = after.iter().filter(|row| !before.contains(row)).map(|(name, _)| name.as_str()).collect();
    let written =
        ["aircraft 320", "aircraft 77X", "airline AI", "airport DEL", "airport LHR", "airport TXL", "handling PER"];
    assert_eq!(changed, written);
    assert!(after.iter().any(|(name, _)| name == "airport QQQ"));
    let name: String =
        sqlx::query_scalar("select name from airports where iata_code = 'DEL'").fetch_one(&mut owner).await.unwrap();
    assert_eq!(name, "Indira Gandhi International Airport");
    let query = "select is_active from airports where iata_code in ('TIP', 'TXL') order by iata_code";
    let active: Vec<bool> = sqlx::query_scalar(query).fetch_all(&mut owner).await.unwrap();
    assert_eq!(active, [true, false]);
}

#[tokio::test]
async fn concurrent_seeding_does_not_fail() {
    let database = TestDatabase::empty().await;
    let mut first = database.owner().await;
    let mut second = database.owner().await;
    app::migrate(&mut first, "2026-11-20T08:00:00Z".parse().unwrap()).await.unwrap();
    let both = tokio::join!(reference::load_reference_data(&mut first), reference::load_reference_data(&mut second));
    both.0.unwrap();
    both.1.unwrap();
    let airports: i64 = sqlx::query_scalar("select count(*) from airports").fetch_one(&mut first).await.unwrap();
    assert!(airports > 7000);
}

#[tokio::test]
async fn a_served_airport_is_the_one_in_the_database() {
    let world = World::migrated().await;
    let rows: Vec<(String, String, f64)> = sqlx::query_as(
        "select iata_code, time_zone, latitude from airports where country_code = 'KI' order by iata_code",
    )
    .fetch_all(&mut world.database.owner().await)
    .await
    .unwrap();
    let served = world.anonymous().get("/api/v1/airports?country=KI&limit=100").await.expect(200);
    let told: Vec<_> = served
        .as_array()
        .unwrap()
        .iter()
        .map(|airport: &Value| {
            let text = |member: &str| airport[member].as_str().unwrap().to_owned();
            (text("iata_code"), text("time_zone"), airport["latitude"].as_f64().unwrap())
        })
        .collect();
    assert_eq!(told, rows);
    assert!(rows.len() > 5);
}

/// What a path names is taken as it is written; members of bodies and parameters are trimmed.
#[tokio::test]
async fn blanks_around_a_name_in_a_path_make_another_name() {
    let world = World::start().await;
    let admin = world.admin().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let booking = admin.book(with(order(&[&flight]), json!({"awb_number": "020-12345675"}))).await;
    let reference = text(&booking, "ref_id");
    let flight = text(&flight, "id").to_owned();
    let user = admin.get("/api/v1/auth/me").await.expect(200);
    for (path, name) in [
        ("/api/v1/bookings/", reference),
        ("/api/v1/tracking/", reference),
        ("/api/v1/tracking/", "020-12345675"),
        ("/api/v1/airports/", "DEL"),
        ("/api/v1/airports/city/", "London"),
        ("/api/v1/cities/", "LON"),
        ("/api/v1/airlines/", "AI"),
        ("/api/v1/aircraft/", "77X"),
        ("/api/v1/flights/", &flight),
        ("/api/v1/users/", text(&user, "id")),
        ("/problems/", "not_found"),
    ] {
        admin.get(&format!("{path}{name}")).await.expect(200);
        for blank in ["%20", "%09", "%0A", "%C2%A0"] {
            for name in [format!("{blank}{name}"), format!("{name}{blank}")] {
                admin.get(&format!("{path}{name}")).await.expect_problem(404, "not_found");
            }
        }
    }
    admin.get("/api/v1/flights?origin=%20del%20").await.expect(200);
}

#[tokio::test]
async fn what_an_airline_carries_agrees_with_cargo_only_however_it_is_written() {
    let world = World::start().await;
    let (admin, path) = (world.admin().await, "/api/v1/airlines/0A");
    let stated = |airline: &Value| (airline["kind"].clone(), airline["is_cargo_only"].clone());
    let line = json!({"iata_code": "0A", "name": "Line", "country_code": "GB"});
    let made = admin.post("/api/v1/airlines", line).await.expect(201);
    assert_eq!(stated(&made), (Value::Null, json!(false)), "not known");
    for (change, kind, is_cargo_only) in [
        (json!({"kind": "CARGO"}), json!("CARGO"), true),
        (json!({"kind": null}), json!("CARGO"), true),
        (json!({"is_cargo_only": false}), Value::Null, false),
        (json!({"kind": "PASSENGER"}), json!("PASSENGER"), false),
        (json!({"kind": "BOTH", "is_cargo_only": true}), json!("BOTH"), false),
        (json!({"name": "Lines"}), json!("BOTH"), false),
        (json!({"is_cargo_only": true}), json!("CARGO"), true),
        (json!({"kind": "BOTH"}), json!("BOTH"), false),
        (json!({"kind": null}), Value::Null, false),
    ] {
        let changed = admin.patch(path, change.clone()).await.expect(200);
        assert_eq!(stated(&changed), (kind, json!(is_cargo_only)), "{change}");
        assert_eq!(admin.get(path).await.expect(200), changed, "{change}");
    }
    for (kind, code) in [(json!("FREIGHT"), "unknown_value"), (json!(""), "unknown_value"), (json!(1), "wrong_type")] {
        let fault = [("/kind".to_owned(), code.to_owned())];
        assert_eq!(admin.patch(path, json!({"kind": kind})).await.expect_faults(), fault, "{kind}");
        let line = json!({"iata_code": "0B", "name": "Line", "country_code": "GB", "kind": kind});
        assert_eq!(admin.post("/api/v1/airlines", line).await.expect_faults(), fault, "{kind}");
    }
    let table = "iata_code,name,country_code,kind\n0A,Lines,GB,PASSENGER\n0C,Freight,GB,CARGO\n";
    let counts = admin.post_raw("/api/v1/airlines/import", "text/csv", table).await.expect(200);
    assert_eq!((&counts["created"], &counts["updated"]), (&json!(1), &json!(1)));
    assert_eq!(stated(&admin.get("/api/v1/airlines/0C").await.expect(200)), (json!("CARGO"), json!(true)));
    let older = "iata_code,name,country_code\n0A,Lines,GB\n0C,Freight,GB\n";
    let counts = admin.post_raw("/api/v1/airlines/import", "text/csv", older).await.expect(200);
    assert_eq!(counts["unchanged"], 2, "a table without the column leaves what is there");
    let wrong = "iata_code,name,country_code,kind\n0A,Lines,GB,MAIL\n";
    let refused = admin.post_raw("/api/v1/airlines/import", "text/csv", wrong).await;
    let refused = refused.expect_problem(400, "validation_failed");
    let fault = &refused["errors"][0];
    assert_eq!((&fault["row"], &fault["column"], &fault["value"]), (&json!(1), &json!("kind"), &json!("MAIL")));
}
