//! What a template refuses.
use loadmaster_testkit::{
    World, WorldOptions,
    freight::{text, with, without},
};
use serde_json::{Value, json};

use super::{TEMPLATES, at, content, named, nordwerk, roses};

fn told(faults: &[(&str, &str)]) -> Vec<(String, String)> {
    faults.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect()
}

#[tokio::test]
async fn every_fault_of_a_template_is_reported_at_once() {
    let world = World::start().await;
    let customer = world.customer().await;
    let faults = json!({"name": " ", "origin": "QQQ", "destination": "London", "weight_kg": 0, "pieces": 1.5,
                        "volume_m3": "3", "description": "", "special_handling_codes": ["PER", "QQQ"],
                        "product": "no such", "shipper": {"name": "", "country_code": "Germany", "colour": 1},
                        "consignee": [], "colour": 1});
    let expected = told(&[
        ("/colour", "unknown_field"),
        ("/consignee", "wrong_type"),
        ("/description", "too_short"),
        ("/destination", "invalid_format"),
        ("/name", "too_short"),
        ("/origin", "unknown_value"),
        ("/pieces", "too_precise"),
        ("/product", "invalid_format"),
        ("/shipper/colour", "unknown_field"),
        ("/shipper/country_code", "invalid_format"),
        ("/shipper/name", "too_short"),
        ("/special_handling_codes/1", "unknown_value"),
        ("/volume_m3", "wrong_type"),
        ("/weight_kg", "too_small"),
    ]);
    assert_eq!(customer.post(TEMPLATES, faults.clone()).await.expect_faults(), expected);
    let made = customer.post(TEMPLATES, roses()).await.expect(201);
    assert_eq!(customer.patch(&at(&made), faults).await.expect_faults(), expected);
    assert_eq!(customer.get(TEMPLATES).await.expect(200), json!([made]));
}

#[tokio::test]
async fn each_bound_of_a_template_is_kept() {
    let world = World::start().await;
    let customer = world.customer().await;
    let made = customer.post(TEMPLATES, roses()).await.expect(201);
    let codes = ["PER", "COL", "FRO", "VAL", "HEA", "AVI", "EAT", "PIL", "CAO", "DGR"];
    for (member, value, code) in [
        ("name", json!("x".repeat(61)), "too_long"),
        ("name", json!("two\nlines"), "invalid_format"),
        ("name", json!(1), "wrong_type"),
        ("origin", json!(1), "wrong_type"),
        ("destination", json!("QQQ"), "unknown_value"),
        ("weight_kg", json!(10_000_000), "too_large"),
        ("weight_kg", json!(1.25), "too_precise"),
        ("weight_kg", json!("1"), "wrong_type"),
        ("pieces", json!(0), "too_small"),
        ("pieces", json!(100_000), "too_large"),
        ("volume_m3", json!(0), "too_small"),
        ("description", json!("x".repeat(2001)), "too_long"),
        ("special_handling_codes", json!("PER"), "wrong_type"),
        ("special_handling_codes", json!(codes), "too_long"),
        ("product", json!("x".repeat(21)), "too_long"),
        ("shipper", json!("Nordwerk"), "wrong_type"),
    ] {
        let expected = told(&[(&format!("/{member}"), code)]);
        let new = with(without(roses(), member), json!({"name": "Another"}));
        let refused = customer.post(TEMPLATES, with(new, json!({member: value}))).await;
        assert_eq!(refused.expect_faults(), expected, "{member} {value}");
        let refused = customer.patch(&at(&made), json!({member: value})).await;
        assert_eq!(refused.expect_faults(), expected, "{member} {value}");
    }
    // What is just within them.
    let most =
        json!({"name": "ü".repeat(60), "description": "x".repeat(2000), "product": "x".repeat(20), "pieces": 99_999});
    let most = customer.post(TEMPLATES, most).await.expect(201);
    assert_eq!(text(&most, "name").chars().count(), 60);
    assert_eq!(customer.get(TEMPLATES).await.expect(200), json!([most, made]));
}

#[tokio::test]
async fn a_template_has_a_name_and_so_have_its_parties() {
    let world = World::start().await;
    let customer = world.customer().await;
    let nameless = told(&[("/name", "required")]);
    assert_eq!(customer.post(TEMPLATES, json!({})).await.expect_faults(), nameless);
    assert_eq!(customer.post(TEMPLATES, json!({"name": null})).await.expect_faults(), nameless);
    let made = customer.post(TEMPLATES, json!({"name": "Anything"})).await.expect(201);
    assert_eq!(customer.patch(&at(&made), json!({"name": null})).await.expect_faults(), nameless);

    let parties = json!({"shipper": {"city": "Kiel"}, "consignee": {}});
    let both = told(&[("/consignee/name", "required"), ("/shipper/name", "required")]);
    let refused = customer.post(TEMPLATES, with(json!({"name": "Another"}), parties.clone())).await;
    assert_eq!(refused.expect_faults(), both);
    assert_eq!(customer.patch(&at(&made), parties).await.expect_faults(), both);
    assert_eq!(customer.get(TEMPLATES).await.expect(200), json!([made]));
    let with_shipper = customer.patch(&at(&made), json!({"shipper": {"name": "Nordwerk"}})).await.expect(200);
    assert_eq!(with_shipper["shipper"], named("Nordwerk"));
    let moved = customer.patch(&at(&made), json!({"shipper": {"city": "Kiel"}})).await.expect(200);
    assert_eq!(moved["shipper"], with(named("Nordwerk"), json!({"city": "Kiel"})));
}

#[tokio::test]
async fn a_template_does_not_lead_back_to_its_origin() {
    let world = World::start().await;
    let customer = world.customer().await;
    let same = told(&[("/destination", "same_as_origin")]);
    let circle = json!({"name": "Circle", "origin": "DEL", "destination": "del"});
    assert_eq!(customer.post(TEMPLATES, circle.clone()).await.expect_faults(), same);
    let made = customer.post(TEMPLATES, with(circle, json!({"destination": "LHR"}))).await.expect(201);
    for change in
        [json!({"origin": "BOM", "destination": "BOM"}), json!({"origin": "LHR"}), json!({"destination": "DEL"})]
    {
        assert_eq!(customer.patch(&at(&made), change.clone()).await.expect_faults(), same, "{change}");
    }
    let together = json!({"origin": "LHR", "consignee": {"city": "London"}});
    let faults = told(&[("/consignee/name", "required"), ("/destination", "same_as_origin")]);
    assert_eq!(customer.patch(&at(&made), together).await.expect_faults(), faults);
    assert_eq!(customer.get(&at(&made)).await.expect(200), made);
    let turned = customer.patch(&at(&made), json!({"origin": "LHR", "destination": "DEL"})).await.expect(200);
    assert_eq!((&turned["origin"], &turned["destination"]), (&json!("LHR"), &json!("DEL")));
    customer.patch(&at(&made), json!({"origin": null})).await.expect(200);
    customer.patch(&at(&made), json!({"origin": "DEL", "destination": null})).await.expect(200);
}

#[tokio::test]
async fn a_name_is_unique_within_an_organization_whatever_its_case() {
    let world = World::start().await;
    let customer = world.customer().await;
    let weekly = customer.post(TEMPLATES, json!({"name": "Weekly"})).await.expect(201);
    let daily = customer.post(TEMPLATES, json!({"name": "Daily"})).await.expect(201);
    for name in ["Weekly", "WEEKLY", "weekly"] {
        customer.post(TEMPLATES, json!({"name": name})).await.expect_problem(409, "already_exists");
        customer.patch(&at(&daily), json!({"name": name, "pieces": 1})).await.expect_problem(409, "already_exists");
    }
    assert_eq!(customer.get(TEMPLATES).await.expect(200), json!([daily, weekly]));
    // Its own is not taken.
    assert_eq!(customer.patch(&at(&weekly), json!({"name": "Weekly"})).await.expect(200), weekly);
    let renamed = customer.patch(&at(&weekly), json!({"name": "WEEKLY", "pieces": 1})).await.expect(200);
    assert_eq!((&renamed["name"], &renamed["version"]), (&json!("WEEKLY"), &json!(2)));
    // Neither is one that was given up, nor that of another organization.
    customer.patch(&at(&weekly), json!({"name": "Monthly"})).await.expect(200);
    customer.patch(&at(&daily), json!({"name": "weekly"})).await.expect(200);
    let other = world.customer().await;
    let made = other.post(TEMPLATES, json!({"name": "weekly"})).await.expect(201);
    assert_eq!(content(&made), super::empty("weekly"));
}

#[tokio::test]
async fn a_request_that_cannot_be_read_changes_nothing() {
    let world = WorldOptions::default().set("server.max_body_bytes", "5000").start().await;
    let customer = world.customer().await;
    let made = customer.post(TEMPLATES, with(roses(), json!({"shipper": nordwerk()}))).await.expect(201);
    for body in ["{", "", "{\"name\": \"Weekly\",}", "{\"name\": NaN}"] {
        customer.post_raw(TEMPLATES, "application/json", body).await.expect_problem(400, "malformed_request");
    }
    customer.post_raw(TEMPLATES, "text/csv", "name\nWeekly\n").await.expect_problem(415, "unsupported_media_type");
    let large: Value = json!({"name": "Weekly", "description": "x".repeat(5000)});
    customer.post(TEMPLATES, large.clone()).await.expect_problem(413, "payload_too_large");
    customer.patch(&at(&made), large).await.expect_problem(413, "payload_too_large");
    let unknown = customer.get(&format!("{TEMPLATES}?name=Roses")).await.expect_faults();
    assert_eq!(unknown, told(&[("name", "unknown_field")]));
    customer.get(&format!("{TEMPLATES}?cursor=nonsense")).await.expect_problem(400, "invalid_cursor");
    customer.get(&format!("{TEMPLATES}/no-id")).await.expect_problem(404, "not_found");
    assert_eq!(customer.get(TEMPLATES).await.expect(200), json!([made]));
}
