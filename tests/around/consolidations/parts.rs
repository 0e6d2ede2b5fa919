//! Every member of a part is kept, changed and cleared.
use loadmaster_testkit::{
    World,
    freight::{text, with},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{CONSOLIDATIONS, at, flight, of, part, plan, ways};

fn party(name: &str) -> Value {
    json!({"name": name, "account_number": "17", "street": "Kai 1", "city": "Hamburg", "postal_code": "20457", "country_code": "DE",
           "phone": "+4940123456", "email": "freight@example.com"})
}

#[tokio::test]
async fn each_member_of_a_part_is_kept_changed_and_cleared() {
    let world = World::start().await;
    let owner = world.customer().await;
    let whole = with(plan(), json!({"latest_arrival": "2026-12-24T12:00:00Z"}));
    let consolidation = owner.post(CONSOLIDATIONS, whole).await.expect(201);
    let shown = owner.get(&at(&consolidation)).await.expect(200);
    assert_eq!(shown["latest_arrival"], "2026-12-24T12:00:00Z");
    let all = json!({"shipper": party("Nordwerk"), "consignee": party("Flora")});
    let parts = of(&consolidation, "parts");
    let added = owner.post(&parts, with(part("DEL"), all)).await.expect(201);
    assert_eq!((&added["shipper"], &added["consignee"]), (&party("Nordwerk"), &party("Flora")));
    let path = format!("{parts}/{}", text(&added, "id"));
    for (member, value, cleared) in [
        ("origin", json!("BOM"), None),
        ("volume_m3", json!(0.9), None),
        ("positions", json!(2), Some(json!(0))),
        ("special_handling_codes", json!(["PER"]), Some(json!([]))),
        ("ready_at", json!("2026-12-01T12:00:00Z"), Some(Value::Null)),
        ("house_number", json!("H-2"), Some(Value::Null)),
        ("description", json!("Roses"), Some(Value::Null)),
        ("shipper", party("Sudwerk"), Some(Value::Null)),
        ("consignee", party("Fauna"), Some(Value::Null)),
    ] {
        let changed = owner.patch(&path, json!({member: value})).await.expect(200);
        assert_eq!(changed[member], value, "{member}");
        if let Some(nothing) = cleared {
            let changed = owner.patch(&path, json!({member: null})).await.expect(200);
            assert_eq!(changed[member], nothing, "{member}");
        }
    }
    let bare = json!({"name": "Kontor", "account_number": null, "street": null, "city": null, "postal_code": null,
                      "country_code": null, "phone": null, "email": null});
    let changed = owner.patch(&path, json!({"shipper": bare, "consignee": bare})).await.expect(200);
    for party in [&changed["shipper"], &changed["consignee"]] {
        assert_eq!((&party["name"], &party["city"]), (&json!("Kontor"), &Value::Null));
    }
}

#[tokio::test]
async fn a_hold_of_the_version_that_was_read_is_booked_on_the_account_or_says_why_not() {
    let world = World::start().await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let consolidation = owner.post(CONSOLIDATIONS, plan()).await.expect(201);
    owner.post(&of(&consolidation, "parts"), part("DEL")).await.expect(201);
    let tag = owner.get(&at(&consolidation)).await.headers["etag"].to_str().unwrap().to_owned();
    let (path, wanted) = (of(&consolidation, "hold"), ways(&[("DEL", &del)]));
    let stale = owner.send(Method::POST, &path, &[("if-match", "\"0\"")], Some(&wanted)).await;
    stale.expect_problem(412, "version_mismatch");
    owner.send(Method::POST, &path, &[("if-match", &tag)], Some(&wanted)).await.expect(200);
    let booked = owner.post(&of(&consolidation, "book"), json!({"payment_method": "ACCOUNT"})).await.expect(200);
    assert_eq!((&booked["succeeded"], &booked["failed"]), (&json!(1), &json!(0)), "{booked}");
}
