//! Tags and collections.
use loadmaster_testkit::{
    Watch, World, WorldOptions,
    freight::{text, with},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{path, put};

const TAGS: &str = "/api/v1/station-tags";
const COLLECTIONS: &str = "/api/v1/station-collections";

fn tag(members: Value) -> Value {
    with(json!({"code": "hub", "name": "Hub", "color": "#2563eb"}), members)
}

fn collection(members: Value) -> Value {
    with(json!({"slug": "asia", "name": "Asia"}), members)
}

#[tokio::test]
async fn a_tag_that_is_ended_is_taken_off_all_stations_and_its_code_may_be_used_again() {
    let world = World::start().await;
    let (admin, operator, anyone) = (world.admin().await, world.operator().await, world.anonymous());
    operator.post(TAGS, tag(json!({}))).await.expect_problem(403, "forbidden");
    let made = admin.post(TAGS, tag(json!({"code": "HUB", "order": 3}))).await.expect(201);
    let expected =
        json!({"code": "hub", "name": "Hub", "color": "#2563eb", "order": 3, "is_active": true, "version": 1});
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&made[member], value, "{member}");
    }
    admin.post(TAGS, tag(json!({}))).await.expect_problem(409, "already_exists");
    let at = format!("{TAGS}/{}", text(&made, "id"));
    let changed =
        admin.patch(&at, json!({"name": "Big hub", "is_active": false, "color": "#FFFFFF"})).await.expect(200);
    assert_eq!((&changed["version"], &changed["color"]), (&json!(2), &json!("#ffffff")));
    admin.change_if(Method::PATCH, &at, "\"1\"", json!({"order": 1})).await.expect_problem(412, "version_mismatch");
    let again = anyone.send(Method::GET, &at, &[("if-none-match", "\"2\"")], None).await;
    assert_eq!(again.status, 304);
    put(&operator, "DEL", 0, json!({"tags": ["hub"]})).await.expect(200);
    let ended = admin.delete(&at).await.expect(200);
    assert!(ended["ended_at"].is_string());
    anyone.get(&at).await.expect_problem(404, "not_found");
    assert_eq!(anyone.get(TAGS).await.expect(200), json!([]));
    let station = anyone.get(&path("DEL")).await.expect(200);
    assert_eq!((&station["tags"], &station["version"]), (&json!([]), &json!(2)));
    let taken_off = "select data->>'stations' from admin_acts where act = 'station_tag.ended'";
    assert_eq!(world.texts(taken_off).await, ["[\"DEL\"]"]);
    let messages = "select count(*)::text from outbox where aggregate = 'station' and payload::text like '%DEL%'";
    assert_eq!(world.texts(messages).await, ["2"], "of both changes");
    admin.post(TAGS, tag(json!({}))).await.expect(201);
    let acts = world.texts("select act from admin_acts where subject_kind = 'station_tag' order by id").await;
    assert_eq!(acts, ["station_tag.created", "station_tag.changed", "station_tag.ended", "station_tag.created"]);
}

#[tokio::test]
async fn a_tag_that_ends_while_a_station_takes_it_is_on_no_station_afterwards() {
    let world = WorldOptions::patient().start().await;
    let (admin, operator) = (world.admin().await, world.operator().await);
    let made = admin.post(TAGS, tag(json!({}))).await.expect(201);
    let at = format!("{TAGS}/{}", text(&made, "id"));
    // Nobody records what is done, and so nobody commits.
    let mut owner = world.database.owner().await;
    sqlx::raw_sql("begin; lock table admin_acts in share mode").execute(&mut owner).await.unwrap();
    let (mut first, mut both) = (Watch::over(&world.database).await, Watch::over(&world.database).await);
    let end = async {
        first.until_waiting(1).await;
        admin.delete(&at).await
    };
    let release = async {
        both.until_waiting(2).await;
        sqlx::raw_sql("rollback").execute(&mut owner).await.unwrap();
    };
    let (written, ended, ()) = tokio::join!(put(&operator, "DEL", 0, json!({"tags": ["hub"]})), end, release);
    assert_eq!(written.expect(200)["tags"], json!(["hub"]));
    ended.expect(200);
    let station = operator.get(&path("DEL")).await.expect(200);
    assert_eq!((&station["tags"], &station["version"]), (&json!([]), &json!(2)));
}

#[tokio::test]
async fn a_collection_has_stations_in_their_order() {
    let world = World::start().await;
    let (admin, anyone) = (world.admin().await, world.anonymous());
    let made =
        admin.post(COLLECTIONS, collection(json!({"stations": ["HKG", "del"], "text": "Two"}))).await.expect(201);
    assert_eq!((&made["stations"], &made["order"]), (&json!(["HKG", "DEL"]), &json!(0)));
    admin.post(COLLECTIONS, collection(json!({}))).await.expect_problem(409, "already_exists");
    let at = format!("{COLLECTIONS}/{}", text(&made, "id"));
    let changed = admin.patch(&at, json!({"stations": ["DEL", "HKG", "BOM"], "text": null})).await.expect(200);
    assert_eq!((&changed["stations"], &changed["text"]), (&json!(["DEL", "HKG", "BOM"]), &json!(null)));
    assert_eq!(anyone.get(COLLECTIONS).await.expect(200), json!([changed]));
    assert_eq!(anyone.get(&at).await.expect(200), changed);
    let again = anyone.send(Method::GET, &at, &[("if-none-match", "\"2\"")], None).await;
    assert_eq!(again.status, 304);
    admin.delete(&at).await.expect(200);
    anyone.get(&at).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn the_stations_of_a_collection_are_listed_in_its_order() {
    let world = World::start().await;
    let (admin, anyone) = (world.admin().await, world.anonymous());
    let stations = json!({"stations": ["SIN", "HKG", "DEL", "LHR", "BOM"]});
    let made = admin.post(COLLECTIONS, collection(stations)).await.expect(201);
    let at = format!("{COLLECTIONS}/{}", text(&made, "id"));
    for code in ["BOM", "DEL", "JFK", "LHR", "SIN"] {
        put(&admin, code, 0, json!({"summary": "One hall."})).await.expect(200);
    }
    let page = async |address: &str| {
        let answer = anyone.get(address).await;
        let next = answer.header("link").map(|link| link.trim_start_matches('<').split('>').next().unwrap().to_owned());
        let entries = answer.expect(200);
        let codes = entries.as_array().unwrap().iter().map(|entry| text(&entry["airport"], "iata_code"));
        (codes.collect::<Vec<_>>().join(" "), next)
    };
    let list = "/api/v1/stations?collection=asia";
    assert_eq!(page(list).await.0, "SIN DEL LHR BOM");
    assert_eq!(page(&format!("{list}&country=in")).await.0, "DEL BOM");
    let (first, next) = page(&format!("{list}&limit=2")).await;
    let (second, end) = page(&next.unwrap()).await;
    assert_eq!((first.as_str(), second.as_str(), end), ("SIN DEL", "LHR BOM", None));
    admin.patch(&at, json!({"stations": ["BOM", "LHR", "SIN"]})).await.expect(200);
    assert_eq!(page(list).await.0, "BOM LHR SIN");
}

#[tokio::test]
async fn a_list_goes_on_behind_a_station_that_is_taken_out_of_its_collection() {
    let world = World::start().await;
    let (admin, anyone) = (world.admin().await, world.anonymous());
    let codes = ["SIN", "DEL", "LHR", "BOM"];
    let made = admin.post(COLLECTIONS, collection(json!({ "stations": codes }))).await.expect(201);
    for code in codes {
        put(&admin, code, 0, json!({"summary": "One hall."})).await.expect(200);
    }
    let first = anyone.get("/api/v1/stations?collection=asia&limit=2").await;
    let next = first.header("link").unwrap().trim_start_matches('<').split('>').next().unwrap().to_owned();
    let rest = async || {
        let entries = anyone.get(&next).await.expect(200);
        let codes = entries.as_array().unwrap().iter().map(|entry| text(&entry["airport"], "iata_code").to_owned());
        codes.collect::<Vec<_>>()
    };
    assert_eq!(rest().await, ["LHR", "BOM"]);
    let at = format!("{COLLECTIONS}/{}", text(&made, "id"));
    admin.patch(&at, json!({"stations": ["SIN", "LHR", "BOM"]})).await.expect(200);
    assert_eq!(rest().await, ["LHR", "BOM"]);
}

#[tokio::test]
async fn each_fault_of_a_tag_or_collection_names_its_member() {
    let world = World::start().await;
    let admin = world.admin().await;
    for (list, body, pointer, code) in [
        (TAGS, tag(json!({"code": "a b"})), "/code", "invalid_format"),
        (TAGS, tag(json!({"code": "c".repeat(41)})), "/code", "too_long"),
        (TAGS, tag(json!({"name": ""})), "/name", "too_short"),
        (TAGS, tag(json!({"color": "blue"})), "/color", "invalid_format"),
        (TAGS, tag(json!({"color": "#12345g"})), "/color", "invalid_format"),
        (TAGS, tag(json!({"order": -1})), "/order", "too_small"),
        (TAGS, tag(json!({"is_active": 1})), "/is_active", "wrong_type"),
        (COLLECTIONS, collection(json!({"slug": "a/b"})), "/slug", "invalid_format"),
        (COLLECTIONS, collection(json!({"stations": ["DEL", "QQQ"]})), "/stations/1", "unknown_value"),
        (COLLECTIONS, collection(json!({"stations": ["DEL", "DEL"]})), "/stations/1", "invalid_format"),
        (COLLECTIONS, collection(json!({"text": "t".repeat(2001)})), "/text", "too_long"),
        (COLLECTIONS, collection(json!({"order": 10_001})), "/order", "too_large"),
    ] {
        let faults = admin.post(list, body.clone()).await.expect_faults();
        assert_eq!(faults, [(pointer.to_owned(), code.to_owned())], "{body}");
    }
    assert_eq!(world.count("station_tags").await + world.count("station_collections").await, 0);
}
