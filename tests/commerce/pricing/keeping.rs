//! Creating, reading, changing and ending.
use chrono::TimeDelta;
use loadmaster_testkit::{
    World,
    freight::with,
    pricing::{SALES, SURCHARGES, TARIFFS, at, make, sale, surcharge, tariff},
};
use reqwest::Method;
use serde_json::{Value, json};

fn kinds() -> [(&'static str, Value, Value); 3] {
    [
        (TARIFFS, tariff("T1", json!({})), json!({"normal": "20"})),
        (SURCHARGES, surcharge("MYC", json!({})), json!({"rate": "2"})),
        (SALES, sale(json!({"code": "SPRING"})), json!({"percent": "12.5"})),
    ]
}

#[tokio::test]
async fn a_rule_says_what_it_was_given_and_nothing_for_the_rest() {
    let world = World::start().await;
    let admin = world.admin().await;
    let times = json!({"version": 1, "created_at": "2026-11-20T08:00:00Z", "updated_at": "2026-11-20T08:00:00Z",
                       "ended_at": null, "valid_to": null, "airline_code": null, "flight_numbers": []});
    let least = [
        (
            TARIFFS,
            tariff("t.1", json!({})),
            json!({"code": "T.1", "organization_id": null, "product": "GENERAL",
                                                   "handling_code": null}),
        ),
        (
            SURCHARGES,
            surcharge("myc", json!({"minimum": "1.5"})),
            json!({"code": "MYC", "minimum": "1.50", "maximum": null, "handling_codes": []}),
        ),
        (SALES, sale(json!({})), json!({"code": null, "amount": null, "max_uses": null})),
    ];
    for (list, new, shown) in least {
        let answer = admin.post(list, new.clone()).await;
        assert_eq!(answer.header("etag"), Some("\"1\""));
        let location = answer.header("location").unwrap().to_owned();
        let rule = answer.expect(201);
        let expected = with(with(with(new, times.clone()), shown), json!({"id": rule["id"]}));
        assert_eq!(rule, expected);
        assert_eq!(location, at(list, &rule));
        assert_eq!(admin.get(&location).await.expect(200), rule);
        assert_eq!(admin.get(list).await.expect(200), json!([rule]));
        assert_eq!(admin.send(Method::GET, &location, &[("if-none-match", "\"1\"")], None).await.status, 304);
    }
    let yen =
        make(&admin, TARIFFS, tariff("YEN", json!({"currency": "JPY", "minimum": "7500", "normal": "1600.5"}))).await;
    assert_eq!((&yen["minimum"], &yen["normal"]), (&json!("7500"), &json!("1600.5")));
    let kwd = make(&admin, TARIFFS, tariff("KWD", json!({"currency": "KWD", "minimum": "7.5"}))).await;
    assert_eq!(kwd["minimum"], "7.500");
}

#[tokio::test]
async fn a_change_is_a_version_and_the_former_ones_stay() {
    let world = World::start().await;
    let admin = world.admin().await;
    for (list, new, change) in kinds() {
        let before = make(&admin, list, new).await;
        world.clock.advance(TimeDelta::minutes(1));
        let answer = admin.patch(&at(list, &before), change.clone()).await;
        assert_eq!(answer.header("etag"), Some("\"2\""));
        let after = answer.expect(200);
        let expected =
            with(with(before.clone(), change.clone()), json!({"version": 2, "updated_at": after["updated_at"]}));
        assert_eq!(after, expected);
        assert_ne!(after["updated_at"], before["updated_at"]);
        // What changes nothing makes no version.
        assert_eq!(admin.patch(&at(list, &after), change).await.expect(200), after);
        world.clock.advance(TimeDelta::minutes(1));
        let ended = admin.delete(&at(list, &after)).await.expect(200);
        assert_eq!((&ended["version"], ended["ended_at"].is_string()), (&json!(3), true));
        assert_eq!(admin.get(list).await.expect(200), json!([]));
        for answer in [
            admin.get(&at(list, &after)).await,
            admin.patch(&at(list, &after), json!({"valid_to": null})).await,
            admin.delete(&at(list, &after)).await,
        ] {
            answer.expect_problem(404, "not_found");
        }
        let table = list.rsplit_once('/').unwrap().1;
        let kept = world.texts(&format!("select version || ' ' || is_current from {table} order by version")).await;
        assert_eq!(kept, ["1 false", "2 false", "3 false"]);
        let changed = format!("update {table} set updated_at = now()");
        let mut owner = world.owner().await;
        let refused = sqlx::query(sqlx::AssertSqlSafe(changed)).execute(&mut owner).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    let told = world.texts("select event_type || ' ' || aggregate from outbox order by id").await;
    let expected = ["tariff", "surcharge", "sale"]
        .map(|kind| ["CREATED", "CHANGED", "ENDED"].map(|event| format!("{event} {kind}")));
    assert_eq!(told, expected.concat());
    let acts = admin.get("/api/v1/admin/audit").await.expect(200);
    assert_eq!(acts.as_array().unwrap().len(), 9, "{acts}");
    world.audit().await;
}

#[tokio::test]
async fn a_stale_version_changes_and_ends_nothing() {
    let world = World::start().await;
    let admin = world.admin().await;
    for (list, new, change) in kinds() {
        let rule = make(&admin, list, new).await;
        let path = at(list, &rule);
        admin.send(Method::PATCH, &path, &[("if-match", "\"1\"")], Some(&change)).await.expect(200);
        for (method, body) in [(Method::PATCH, Some(json!({"valid_to": "2027-12-31"}))), (Method::DELETE, None)] {
            let stale = admin.send(method, &path, &[("if-match", "\"1\"")], body.as_ref()).await;
            stale.expect_problem(412, "version_mismatch");
        }
        admin.send(Method::DELETE, &path, &[("if-match", "\"2\"")], None).await.expect(200);
    }
}

#[tokio::test]
async fn a_code_is_of_one_tariff_or_sale_in_force() {
    let world = World::start().await;
    let admin = world.admin().await;
    for (list, new) in [(TARIFFS, tariff("SAME", json!({}))), (SALES, sale(json!({"code": "SAME"})))] {
        let first = make(&admin, list, new.clone()).await;
        admin.post(list, new.clone()).await.expect_problem(409, "already_exists");
        admin.delete(&at(list, &first)).await.expect(200);
        make(&admin, list, new).await;
    }
    make(&admin, SALES, sale(json!({}))).await;
    make(&admin, SALES, sale(json!({}))).await;
    // Surcharges of one code differ in what they match.
    make(&admin, SURCHARGES, surcharge("MYC", json!({}))).await;
    make(&admin, SURCHARGES, surcharge("MYC", json!({}))).await;
}

#[tokio::test]
async fn a_list_goes_on_at_its_link() {
    let world = World::start().await;
    let admin = world.admin().await;
    let mut made = Vec::new();
    for number in 0..5 {
        made.push(make(&admin, TARIFFS, tariff(&format!("T{number}"), json!({}))).await);
    }
    let (mut next, mut seen) = (Some(format!("{TARIFFS}?limit=2")), Vec::new());
    while let Some(path) = next {
        let page = world.operator().await.get(&path).await;
        next = None;
        if seen.is_empty() {
            let link = page.header("link").unwrap().to_owned();
            let path = link.split(['<', '>']).nth(1).unwrap();
            next = Some(path.to_owned());
            // A cursor is its reader's.
            let admins = admin.get(path).await;
            admins.expect_problem(400, "invalid_cursor");
        }
        seen.extend(page.expect(200).as_array().unwrap().clone());
    }
    assert_eq!(seen, made[..4]);
}
