//! What carrying a tonne over a kilometre emits on an aircraft type.
use loadmaster_testkit::{Client, World, reference::aircraft};
use reqwest::Method;
use serde_json::{Value, json};

const TYPE: &str = "/api/v1/aircraft/Q0Q";
const IMPORT: &str = "/api/v1/aircraft/import";

async fn with_type(world: &World) -> Client {
    let admin = world.admin().await;
    let made = admin.post("/api/v1/aircraft", aircraft("Q0Q")).await.expect(201);
    assert_eq!(made["co2e_kg_per_tkm"], Value::Null);
    admin
}

async fn factor(client: &Client) -> Value {
    client.get(TYPE).await.expect(200)["co2e_kg_per_tkm"].clone()
}

#[tokio::test]
async fn a_factor_is_set_changed_and_cleared() {
    let world = World::start().await;
    let admin = with_type(&world).await;
    for (change, expected, version) in [
        (json!({"co2e_kg_per_tkm": 0.5}), json!(0.5), 2),
        (json!({"co2e_kg_per_tkm": 0.5000}), json!(0.5), 2),
        (json!({"name": "Other"}), json!(0.5), 3),
        (json!({"co2e_kg_per_tkm": 99.9999}), json!(99.9999), 4),
        (json!({"co2e_kg_per_tkm": 0.0001}), json!(0.0001), 5),
        (json!({"co2e_kg_per_tkm": 1}), json!(1), 6),
        (json!({"co2e_kg_per_tkm": null}), Value::Null, 7),
    ] {
        let changed = admin.patch(TYPE, change.clone()).await.expect(200);
        assert_eq!((&changed["co2e_kg_per_tkm"], &changed["version"]), (&expected, &json!(version)), "{change}");
        assert_eq!(factor(&world.anonymous()).await, expected, "{change}");
    }
    let customer = world.customer().await;
    customer.patch(TYPE, json!({"co2e_kg_per_tkm": 0.5})).await.expect_problem(403, "forbidden");
    assert_eq!(factor(&customer).await, Value::Null);
}

#[tokio::test]
async fn a_factor_outside_its_range_is_a_fault() {
    let world = World::start().await;
    let admin = with_type(&world).await;
    for (given, code) in [
        (json!(0), "too_small"),
        (json!(-0.5), "too_small"),
        (json!(100), "too_large"),
        (json!(0.00001), "too_precise"),
        (json!("0.5"), "wrong_type"),
        (json!([0.5]), "wrong_type"),
    ] {
        let faults = admin.patch(TYPE, json!({"co2e_kg_per_tkm": given})).await.expect_faults();
        assert_eq!(faults, [("/co2e_kg_per_tkm".to_owned(), code.to_owned())], "{given}");
    }
    assert_eq!(factor(&admin).await, Value::Null);
}

#[tokio::test]
async fn tables_have_factors_and_an_empty_cell_leaves_them() {
    let world = World::start().await;
    let admin = with_type(&world).await;
    let import = async |cell: &str| {
        let table = format!(
            "iata_code,icao_code,name,manufacturer,max_cargo_kg,max_cargo_m3,positions,co2e_kg_per_tkm\n\
             Q0Q,QQQQ,Type,Maker,1000,10,4,{cell}\n"
        );
        admin.post_raw(IMPORT, "text/csv", table).await
    };
    assert_eq!(import("0.4321").await.expect(200)["updated"], 1);
    assert_eq!(factor(&admin).await, 0.4321);
    assert_eq!(import("").await.expect(200)["unchanged"], 1);
    assert_eq!(factor(&admin).await, 0.4321);
    let refused = import("0.43215").await.expect_problem(400, "validation_failed");
    let fault = &refused["errors"][0];
    assert_eq!((&fault["column"], &fault["code"]), (&json!("co2e_kg_per_tkm"), &json!("too_precise")));

    let exported = admin.request(Method::GET, "/api/v1/aircraft/export").send().await.unwrap().text().await.unwrap();
    assert!(exported.lines().next().unwrap().contains("co2e_kg_per_tkm"), "{exported}");
    assert!(exported.lines().any(|row| row.starts_with("\"Q0Q\"") && row.contains("0.4321")), "{exported}");
    let again = admin.post_raw(IMPORT, "text/csv", exported).await.expect(200);
    assert_eq!((&again["created"], &again["updated"]), (&json!(0), &json!(0)));
}
