//! The openings of aircraft types, and the pieces that fit through them.
use loadmaster_testkit::{Client, World, reference::aircraft};
use reqwest::Method;
use serde_json::{Value, json};

const TYPE: &str = "/api/v1/aircraft/Q0Q";
const IMPORT: &str = "/api/v1/aircraft/import";

async fn with_type(world: &World) -> Client {
    let admin = world.admin().await;
    let made = admin.post("/api/v1/aircraft", aircraft("Q0Q")).await.expect(201);
    assert_eq!(made["openings"], json!([]));
    admin
}

fn lower() -> Value {
    json!({"deck": "LOWER", "door_width_cm": 180, "door_height_cm": 120, "max_length_cm": 318, "max_piece_kg": 1500.5})
}

fn bulk() -> Value {
    json!({"deck": "BULK", "door_width_cm": 91, "door_height_cm": 114, "max_length_cm": null, "max_piece_kg": null})
}

async fn openings(client: &Client) -> Value {
    client.get(TYPE).await.expect(200)["openings"].clone()
}

#[tokio::test]
async fn openings_are_set_replaced_and_cleared() {
    let world = World::start().await;
    let admin = with_type(&world).await;
    let bare = json!({"deck": "bulk", "door_width_cm": 91, "door_height_cm": 114});
    for (change, expected, version) in [
        (json!({"openings": [lower(), bare]}), json!([lower(), bulk()]), 2),
        (json!({"openings": [lower(), bulk()]}), json!([lower(), bulk()]), 2),
        (json!({"name": "Other"}), json!([lower(), bulk()]), 3),
        (json!({"openings": [bulk()]}), json!([bulk()]), 4),
        (json!({"openings": []}), json!([]), 5),
        (json!({"openings": [lower()]}), json!([lower()]), 6),
        (json!({"openings": null}), json!([]), 7),
    ] {
        let changed = admin.patch(TYPE, change.clone()).await.expect(200);
        assert_eq!((&changed["openings"], &changed["version"]), (&expected, &json!(version)), "{change}");
        assert_eq!(openings(&world.anonymous()).await, expected, "{change}");
    }
    let customer = world.customer().await;
    customer.patch(TYPE, json!({"openings": [lower()]})).await.expect_problem(403, "forbidden");
    assert_eq!(openings(&customer).await, json!([]));
}

#[tokio::test]
async fn each_fault_of_openings_is_named_with_its_place() {
    let world = World::start().await;
    let admin = with_type(&world).await;
    let with = |member: &str, value: Value| {
        let mut opening = lower();
        opening[member] = value;
        json!([bulk(), opening])
    };
    for (given, pointer, code) in [
        (json!("LOWER:180x120"), "/openings", "wrong_type"),
        (json!([7]), "/openings/0", "wrong_type"),
        (json!(vec![bulk(); 11]), "/openings", "too_long"),
        (with("deck", json!("UPPER")), "/openings/1/deck", "unknown_value"),
        (with("door_width_cm", json!(0)), "/openings/1/door_width_cm", "too_small"),
        (with("door_height_cm", json!(3001)), "/openings/1/door_height_cm", "too_large"),
        (with("max_length_cm", json!(1.5)), "/openings/1/max_length_cm", "too_precise"),
        (with("max_piece_kg", json!(0)), "/openings/1/max_piece_kg", "too_small"),
        (with("door_width_cm", Value::Null), "/openings/1/door_width_cm", "required"),
        (with("colour", json!("red")), "/openings/1/colour", "unknown_field"),
    ] {
        let faults = admin.patch(TYPE, json!({"openings": given})).await.expect_faults();
        assert_eq!(faults, [(pointer.to_owned(), code.to_owned())], "{given}");
    }
    assert_eq!(openings(&admin).await, json!([]));
}

#[tokio::test]
async fn tables_have_openings_in_one_cell_and_an_empty_cell_leaves_them() {
    let world = World::start().await;
    let admin = with_type(&world).await;
    let import = async |cell: &str| {
        let table = format!(
            "iata_code,icao_code,name,manufacturer,max_cargo_kg,max_cargo_m3,positions,openings\n\
             Q0Q,QQQQ,Type,Maker,1000,10,4,{cell}\n"
        );
        admin.post_raw(IMPORT, "text/csv", table).await
    };
    assert_eq!(import("LOWER:180x120x318@1500.5 bulk:91x114").await.expect(200)["updated"], 1);
    assert_eq!(openings(&admin).await, json!([lower(), bulk()]));
    assert_eq!(import("").await.expect(200)["unchanged"], 1);
    assert_eq!(openings(&admin).await, json!([lower(), bulk()]));
    let refused = import("LOWER:180").await.expect_problem(400, "validation_failed");
    let fault = &refused["errors"][0];
    assert_eq!((&fault["column"], &fault["code"]), (&json!("openings"), &json!("invalid_format")));

    let exported = admin.request(Method::GET, "/api/v1/aircraft/export").send().await.unwrap().text().await.unwrap();
    let row = exported.lines().find(|row| row.starts_with("\"Q0Q\"")).unwrap();
    assert!(row.contains("LOWER:180x120x318@1500.5 BULK:91x114"), "{row}");
    let again = admin.post_raw(IMPORT, "text/csv", exported).await.expect(200);
    assert_eq!((&again["created"], &again["updated"]), (&json!(0), &json!(0)));
}

async fn fit(client: &Client, query: &str) -> Value {
    client.get(&format!("{TYPE}/fit?{query}")).await.expect(200)
}

#[tokio::test]
async fn the_fit_of_a_piece_is_judged_by_each_opening() {
    let world = World::start().await;
    let admin = with_type(&world).await;
    let anyone = world.anonymous();
    let pallet = "length_cm=120&width_cm=80&height_cm=150";
    assert_eq!(fit(&anyone, pallet).await, json!({"fits": null, "openings": []}));

    admin.patch(TYPE, json!({"openings": [lower(), bulk()]})).await.expect(200);
    let judged = fit(&anyone, pallet).await;
    let reasons: Vec<_> = judged["openings"].as_array().unwrap().iter().map(|it| &it["because"]).collect();
    assert_eq!((&judged["fits"], reasons), (&json!(false), vec![&json!("height"); 2]));
    assert_eq!(judged["openings"][0]["door_width_cm"], 180);

    for (query, fits, because) in [
        ("length_cm=90&width_cm=90&height_cm=150", false, "height"),
        ("length_cm=90&width_cm=90&height_cm=150&is_tiltable=false", false, "height"),
        ("length_cm=319&width_cm=100&height_cm=100", false, "length"),
        ("length_cm=200&width_cm=190&height_cm=100", false, "width"),
        ("length_cm=100&width_cm=100&height_cm=100&weight_kg=1500.6", false, "weight"),
    ] {
        let judged = fit(&anyone, query).await;
        assert_eq!((&judged["fits"], &judged["openings"][0]["because"]), (&json!(fits), &json!(because)), "{query}");
        assert_eq!(judged["openings"][0]["fits"], false, "{query}");
    }
    for query in [
        "length_cm=90&width_cm=90&height_cm=150&is_tiltable=true",
        "length_cm=100&width_cm=318&height_cm=120&weight_kg=1500.5",
    ] {
        let judged = fit(&anyone, query).await;
        assert_eq!((&judged["fits"], &judged["openings"][0]["because"]), (&json!(true), &Value::Null), "{query}");
    }
}

#[tokio::test]
async fn the_fit_of_no_piece_and_of_an_unknown_type_is_refused() {
    let world = World::start().await;
    let anyone = world.anonymous();
    let fit = "/api/v1/aircraft/77X/fit";
    for (query, parameter, code) in [
        ("width_cm=80&height_cm=150", "length_cm", "required"),
        ("length_cm=0&width_cm=80&height_cm=150", "length_cm", "too_small"),
        ("length_cm=120&width_cm=-1&height_cm=150", "width_cm", "too_small"),
        ("length_cm=120&width_cm=80&height_cm=1.5", "height_cm", "too_precise"),
        ("length_cm=120&width_cm=3001&height_cm=150", "width_cm", "too_large"),
        ("length_cm=120&width_cm=80&height_cm=150&weight_kg=0", "weight_kg", "too_small"),
        ("length_cm=120&width_cm=80&height_cm=150&is_tiltable=perhaps", "is_tiltable", "wrong_type"),
        ("length_cm=120&width_cm=80&height_cm=150&colour=red", "colour", "unknown_field"),
    ] {
        let problem = anyone.get(&format!("{fit}?{query}")).await.expect_problem(400, "validation_failed");
        let fault = &problem["errors"][0];
        assert_eq!((&fault["name"], &fault["code"]), (&json!(parameter), &json!(code)), "{query}");
    }
    let query = "length_cm=120&width_cm=80&height_cm=150";
    anyone.get(&format!("/api/v1/aircraft/ZZZ/fit?{query}")).await.expect_problem(404, "not_found");
}
