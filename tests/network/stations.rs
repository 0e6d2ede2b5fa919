//! Stations: who writes about them, what they may say, and what readers see.
mod entries;
mod faults;
mod images;
mod tables;
mod tips;

use loadmaster_testkit::{
    Answer, Client, World,
    freight::{texts, with},
};
use reqwest::Method;
use serde_json::{Value, json};

const STATIONS: &str = "/api/v1/stations";

fn path(code: &str) -> String {
    format!("{STATIONS}/{code}")
}

/// Everything but tags.
fn content() -> Value {
    json!({
        "summary": "Perishables around the clock.", "text": "Two halls.\nOne gate.", "highlights": ["Cool chain", "Apron access"],
        "capabilities": ["COOL_ROOM", "LIVE_ANIMALS"],
        "hours": [{"desk": "EXPORT", "days": [1, 2, 3], "from": "06:00", "to": "24:00"},
                  {"desk": "IMPORT", "days": [1], "from": "00:00", "to": "06:30"}],
        "acceptance": [{"minutes_before": 240}, {"minutes_before": 90, "product": "express", "handling_code": "per"}],
        "notices": [{"text": "Gate 2 is closed.", "from": "2026-11-21", "to": "2026-11-21"}],
        "contacts": [{"desk": "EXPORT", "name": "Duty manager", "phone": "+49 30 555777", "email": "duty@example.com"}],
    })
}

/// Replaces what a station of this version says.
async fn put(staff: &Client, code: &str, version: i32, body: Value) -> Answer {
    staff.change_if(Method::PUT, &path(code), &format!("\"{version}\""), body).await
}

#[tokio::test]
async fn every_airport_has_a_station_and_one_without_content_is_version_0_and_has_no_row() {
    let world = World::start().await;
    let (anyone, operator) = (world.anonymous(), world.operator().await);
    let bare = anyone.get(&path("del")).await.expect(200);
    let expected = json!({
        "airport": {"iata_code": "DEL", "name": "Indira Gandhi International Airport", "city": "New Delhi",
                    "country_code": "IN", "time_zone": "Asia/Kolkata"},
        "summary": null, "text": null, "highlights": [], "tags": [], "capabilities": [], "hours": [], "acceptance": [],
        "notices": [], "contacts": null, "image_url": null, "is_featured": false, "version": 0, "updated_at": null,
    });
    assert_eq!(bare, expected);
    assert_eq!(anyone.get(STATIONS).await.expect(200), json!([]));
    assert_eq!(put(&operator, "DEL", 0, json!({})).await.expect(200)["version"], 0, "nothing was said");
    assert_eq!(world.count("stations").await, 0);
    anyone.get(&path("QQQ")).await.expect_problem(404, "not_found");
    put(&operator, "QQQ", 0, json!({})).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_station_says_what_staff_wrote_and_contacts_to_callers_with_an_account_alone() {
    let world = World::start().await;
    let (operator, customer, anyone) = (world.operator().await, world.customer().await, world.anonymous());
    let answer = put(&operator, "DEL", 0, content()).await;
    let tag = answer.header("etag").unwrap().to_owned();
    let written = answer.expect(200);
    assert_eq!((&written["version"], &written["updated_at"]), (&json!(1), &json!("2026-11-20T08:00:00Z")));
    let acceptance = json!([{"minutes_before": 240, "product": null, "handling_code": null},
                            {"minutes_before": 90, "product": "EXPRESS", "handling_code": "PER"}]);
    let contacts =
        json!([{"desk": "EXPORT", "name": "Duty manager", "phone": "+4930555777", "email": "duty@example.com"}]);
    let notices = json!([{"text": "Gate 2 is closed.", "from": "2026-11-21", "to": "2026-11-21", "is_current": false}]);
    let shown = json!({"acceptance": acceptance, "contacts": contacts, "notices": notices});
    for (member, value) in with(content(), shown).as_object().unwrap() {
        assert_eq!(&written[member], value, "{member}");
    }
    let read = customer.get(&path("DEL")).await;
    assert_eq!(read.header("etag"), Some(tag.as_str()));
    assert_eq!(read.expect(200), written);
    let known = customer.send(Method::GET, &path("DEL"), &[("if-none-match", &tag)], None).await;
    assert_eq!(known.status, 304);
    let public = anyone.send(Method::GET, &path("DEL"), &[("if-none-match", &tag)], None).await.expect(200);
    assert_eq!(public, with(written.clone(), json!({"contacts": null})));
    let guest = world.caller(loadmaster_accounts::Role::Guest).await;
    assert_eq!(guest.get(&path("DEL")).await.expect(200)["contacts"], json!(null));
    assert_eq!(put(&operator, "DEL", 1, content()).await.expect(200)["version"], 1, "nothing else was said");
    let desks =
        json!([{"desk": "IMPORT", "phone": "+442079460123"}, {"desk": "CUSTOMS", "email": "customs@example.com"}]);
    put(&operator, "BOM", 0, json!({"contacts": desks})).await.expect(200);
    let contacts = json!([{"desk": "IMPORT", "name": null, "phone": "+442079460123", "email": null},
                          {"desk": "CUSTOMS", "name": null, "phone": null, "email": "customs@example.com"}]);
    assert_eq!(customer.get(&path("BOM")).await.expect(200)["contacts"], contacts);
}

#[tokio::test]
async fn a_change_of_a_station_requires_the_current_version_and_records_the_former_content() {
    let world = World::start().await;
    let (operator, customer) = (world.operator().await, world.customer().await);
    let missing = operator.send(Method::PUT, &path("DEL"), &[], Some(&content())).await.expect_faults();
    assert_eq!(missing, [("if-match".to_owned(), "required".to_owned())]);
    put(&customer, "DEL", 0, content()).await.expect_problem(403, "forbidden");
    put(&world.anonymous(), "DEL", 0, content()).await.expect_problem(401, "unauthenticated");
    put(&operator, "DEL", 1, content()).await.expect_problem(412, "version_mismatch");
    put(&operator, "DEL", 0, content()).await.expect(200);
    let stale = put(&operator, "DEL", 0, json!({})).await.expect_problem(412, "version_mismatch");
    assert_eq!(stale["version"], 1);
    let tag = operator.get(&path("DEL")).await.header("etag").unwrap().to_owned();
    let emptied = operator.change_if(Method::PUT, &path("DEL"), &tag, json!({})).await.expect(200);
    assert_eq!((&emptied["version"], &emptied["text"], &emptied["contacts"]), (&json!(2), &json!(null), &json!([])));
    let former = "select data->'former'->>'text' || (data->'former'->>'contacts') || (data->>'version')
                  from admin_acts where act = 'station.changed' and subject_id = 'DEL' order by id desc limit 1";
    assert_eq!(world.texts(former).await, ["Two halls.\nOne gate.12"]);
    let personal = "select data::text from admin_acts where data::text like '%555777%' or data::text like '%duty@%'";
    assert_eq!(world.texts(personal).await, Vec::<String>::new(), "contacts are not recorded");
}

#[tokio::test]
async fn of_writers_at_the_same_moment_one_wins() {
    let world = World::start().await;
    let staff = [world.operator().await, world.operator().await];
    let texts = ["one", "two"].map(|text| json!({"summary": text}));
    let answers = loadmaster_testkit::freight::race(
        0,
        put(&staff[0], "DEL", 0, texts[0].clone()),
        put(&staff[1], "DEL", 0, texts[1].clone()),
    );
    let mut statuses = answers.await.map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    assert_eq!(world.texts("select version::text from stations").await, ["1"]);
}

#[tokio::test]
async fn a_notice_holds_by_the_date_of_the_station() {
    let world = World::start().await;
    let (operator, anyone) = (world.operator().await, world.anonymous());
    for code in ["CXI", "PPG", "DEL"] {
        put(&operator, code, 0, content()).await.expect(200);
    }
    // At 11:00 in UTC it is November 21 at Kiritimati, and November 20 begins at Pago Pago.
    world.clock.advance(chrono::TimeDelta::hours(3));
    let current = async |code: &str| anyone.get(&path(code)).await.expect(200)["notices"][0]["is_current"].clone();
    assert_eq!(
        (current("CXI").await, current("PPG").await, current("DEL").await),
        (json!(true), json!(false), json!(false))
    );
    let before = anyone.get(&path("PPG")).await.header("etag").unwrap().to_owned();
    world.clock.advance(chrono::TimeDelta::hours(24));
    assert_eq!(
        (current("CXI").await, current("PPG").await, current("DEL").await),
        (json!(false), json!(true), json!(true))
    );
    let after = anyone.send(Method::GET, &path("PPG"), &[("if-none-match", &before)], None).await;
    assert_eq!(after.status, 200, "the date is part of the tag");
    let list = anyone.get(STATIONS).await.expect(200);
    let has: Vec<_> = list.as_array().unwrap().iter().map(|entry| entry["has_notice"].clone()).collect();
    assert_eq!(has, [json!(false), json!(true), json!(true)], "of CXI, DEL and PPG");
}

#[tokio::test]
async fn a_client_that_has_the_station_reads_the_new_name_of_its_airport() {
    let world = World::start().await;
    let (admin, anyone) = (world.admin().await, world.anonymous());
    put(&admin, "DEL", 0, content()).await.expect(200);
    let tag = anyone.get(&path("DEL")).await.header("etag").unwrap().to_owned();
    let known = async || anyone.send(Method::GET, &path("DEL"), &[("if-none-match", &tag)], None).await;
    assert_eq!(known().await.status, 304);
    admin.patch("/api/v1/airports/DEL", json!({"name": "Delhi Airport"})).await.expect(200);
    assert_eq!(known().await.expect(200)["airport"]["name"], "Delhi Airport");
    admin.change_if(Method::PUT, &path("DEL"), &tag, json!({})).await.expect(200);
}

#[tokio::test]
async fn a_list_has_the_stations_that_the_filters_choose() {
    let world = World::start().await;
    let (admin, anyone) = (world.admin().await, world.anonymous());
    let tag = json!({"code": "Pharma-Hub", "name": "Pharma hub", "color": "#2563EB"});
    admin.post("/api/v1/station-tags", tag).await.expect(201);
    let collection = json!({"slug": "asia", "name": "Asia", "stations": ["BOM", "HKG", "DEL"]});
    admin.post("/api/v1/station-collections", collection).await.expect(201);
    put(&admin, "DEL", 0, json!({"tags": ["pharma-hub"], "capabilities": ["COOL_ROOM"]})).await.expect(200);
    put(&admin, "BOM", 0, json!({"capabilities": ["COOL_ROOM", "VALUABLES"]})).await.expect(200);
    put(&admin, "LHR", 0, json!({"summary": "Five terminals."})).await.expect(200);
    let bulk = json!({"action": "feature", "ids": ["LHR", "BOM", "QQQ"]});
    let done = admin.post(&format!("{STATIONS}/bulk"), bulk).await.expect(200);
    assert_eq!((&done["succeeded"], &done["results"][2]["problem"]["code"]), (&json!(2), &json!("not_found")));
    let listed = async |query: &str| {
        let list = anyone.get(&format!("{STATIONS}{query}")).await.expect(200);
        let airports: Vec<Value> = list.as_array().unwrap().iter().map(|entry| entry["airport"].clone()).collect();
        texts(&json!(airports), "iata_code").join(" ")
    };
    for (query, expected) in [
        ("", "BOM DEL LHR"),
        ("?q=delhi", "DEL"),
        ("?q=nowhere", ""),
        ("?country=in", "BOM DEL"),
        ("?country=GB&featured=true", "LHR"),
        ("?tag=PHARMA-HUB", "DEL"),
        ("?tag=other", ""),
        ("?capability=COOL_ROOM", "BOM DEL"),
        ("?capability=VALUABLES&country=IN", "BOM"),
        ("?collection=asia", "BOM DEL"),
        ("?collection=other", ""),
        ("?featured=true", "BOM LHR"),
        ("?featured=false", "DEL"),
        ("?offset=1", "DEL LHR"),
    ] {
        assert_eq!(listed(query).await, expected, "{query}");
    }
    let (mut next, mut pages) = (Some(format!("{STATIONS}?limit=1")), Vec::new());
    while let Some(address) = next.take() {
        let page = anyone.get(&address).await;
        next = page.header("link").map(|link| link.trim_start_matches('<').split('>').next().unwrap().to_owned());
        pages.push(page.expect(200)[0]["airport"]["iata_code"].clone());
    }
    assert_eq!(json!(pages), json!(["BOM", "DEL", "LHR"]));
    let faults =
        anyone.get(&format!("{STATIONS}?capability=GYM&country=IND&tag=a_b&featured=yes")).await.expect_faults();
    let code = |name: &str, code: &str| (name.to_owned(), code.to_owned());
    let expected = [
        code("capability", "unknown_value"),
        code("country", "invalid_format"),
        code("featured", "wrong_type"),
        code("tag", "invalid_format"),
    ];
    assert_eq!(faults, expected);
}

#[tokio::test]
async fn a_place_that_is_looked_for_is_found_also_if_nothing_was_written_about_it() {
    let world = World::start().await;
    let (admin, anyone) = (world.admin().await, world.anonymous());
    put(&admin, "DEL", 0, content()).await.expect(200);
    let listed = async |query: &str| anyone.get(&format!("{STATIONS}?{query}")).await.expect(200);
    let bare = json!([{
        "airport": {"iata_code": "SIN", "name": "Singapore Changi International Airport", "city": "Singapore",
                    "country_code": "SG", "time_zone": "Asia/Singapore"},
        "summary": null, "highlights": [], "tags": [], "capabilities": [], "has_notice": false, "image_url": null,
        "is_featured": false, "version": 0,
    }]);
    for query in ["q=changi", "q=changi&country=sg"] {
        assert_eq!(listed(query).await, bare, "{query}");
    }
    assert_eq!(listed("q=delhi").await[0]["version"], 1);
    for query in [
        "q=changi&featured=false",
        "q=changi&capability=COOL_ROOM",
        "q=changi&tag=hub",
        "q=changi&country=IN",
        "country=sg",
    ] {
        assert_eq!(listed(query).await, json!([]), "{query}");
    }
    let first = anyone.get(&format!("{STATIONS}?q=london&limit=1")).await;
    let next = first.header("link").unwrap().trim_start_matches('<').split('>').next().unwrap().to_owned();
    let (first, second) = (first.expect(200), anyone.get(&next).await.expect(200));
    let codes = [first, second].map(|page| page[0]["airport"]["iata_code"].as_str().unwrap().to_owned());
    assert!(codes[0] < codes[1], "{codes:?}");
    let table = anyone.get(&format!("{STATIONS}/export?q=changi")).await.text;
    assert_eq!(table.lines().count(), 1, "a table has those that say something: {table}");
    admin.patch("/api/v1/airports/SIN", json!({"is_active": false})).await.expect(200);
    assert_eq!(listed("q=changi").await, json!([]));
    put(&admin, "SIN", 0, json!({"summary": "Closed."})).await.expect(200);
    assert_eq!(listed("q=changi").await[0]["version"], 1);
    assert_eq!(world.count("stations").await, 2);
}

#[tokio::test]
async fn content_goes_with_its_airport_and_does_not_keep_it_in_use() {
    let world = World::start().await;
    let admin = world.admin().await;
    let airport = json!({"iata_code": "QQA", "name": "Field", "city": "Town", "country_code": "GI", "latitude": 36.1,
                         "longitude": -5.3, "time_zone": "Europe/Gibraltar"});
    admin.post("/api/v1/airports", airport).await.expect(201);
    put(&admin, "QQA", 0, content()).await.expect(200);
    admin.patch("/api/v1/airports/QQA", json!({"time_zone": "Europe/Madrid"})).await.expect(200);
    admin.delete("/api/v1/airports/QQA").await.expect(204);
    admin.get(&path("QQA")).await.expect_problem(404, "not_found");
    assert_eq!(world.count("stations").await, 0);
}
