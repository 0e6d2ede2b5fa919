//! The tariff of the settings and its surcharges, as staff reads them.
use loadmaster_testkit::{World, WorldOptions, pricing::DEFAULT};
use serde_json::json;

#[tokio::test]
async fn operators_read_the_tariff_of_the_settings_and_whether_it_is_in_force() {
    let surcharges = [
        r#"{ code = "MYC", basis = "PERCENT", rate = "12.5" }"#,
        r#"{ code = "RAC", basis = "FLAT", rate = "95", minimum = "10", handling_codes = ["RCL", "RFL"] }"#,
    ];
    let surcharges = format!("[{}]", surcharges.join(", "));
    let rates = r#"currency = "USD", minimum = "75", normal = "6.5", breaks = [{ from_kg = 45, rate = "5.2" }]"#;
    let shown = json!({
        "currency": "USD", "minimum": "75.00", "normal": "6.5", "breaks": [{"from_kg": 45, "rate": "5.2"}],
        "surcharges": [
            {"code": "MYC", "basis": "PERCENT", "rate": "12.5", "currency": null, "minimum": null, "handling_codes": []},
            {"code": "RAC", "basis": "FLAT", "rate": "95", "currency": "USD", "minimum": "10.00",
             "handling_codes": ["RCL", "RFL"]},
        ],
    });
    for (applies, is_in_force) in [("demo", false), ("never", false), ("always", true)] {
        let tariff = format!(r#"{{ applies = "{applies}", {rates} }}"#);
        let options = WorldOptions::default().set("pricing.default_tariff", &tariff);
        let world = options.set("pricing.default_surcharges", &surcharges).start().await;
        let answer = world.operator().await.get(DEFAULT).await;
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
        let mut found = answer.expect(200);
        let members = found.as_object_mut().expect("an object");
        assert_eq!(members.remove("is_in_force"), Some(is_in_force.into()), "{applies}");
        assert_eq!(found, shown);
    }
}

#[tokio::test]
async fn the_tariff_of_the_settings_is_for_staff_and_takes_no_parameters() {
    let world = World::start().await;
    world.customer().await.get(DEFAULT).await.expect_problem(403, "forbidden");
    world.anonymous().get(DEFAULT).await.expect_problem(401, "unauthenticated");
    world.operator().await.get(&format!("{DEFAULT}?limit=1")).await.expect_problem(400, "validation_failed");
}
