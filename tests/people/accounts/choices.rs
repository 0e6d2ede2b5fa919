//! The language, the unit of weights and the home airport that an account chooses, and the date of its last log-in.
use chrono::TimeDelta;
use loadmaster_testkit::{Client, World, freight::at_once};
use serde_json::{Value, json};

use super::{PASSWORD, bearer, log_in, me, register};

const ME: &str = "/api/v1/auth/me";

async fn new_account(world: &World) -> Client {
    let session = register(&world.anonymous(), "ann@forwarder.example", PASSWORD).await.expect(201);
    bearer(world, &session)
}

fn choices(user: &Value) -> (&Value, &Value) {
    (&user["language"], &user["weight_unit"])
}

#[tokio::test]
async fn a_new_account_follows_the_browser_and_weighs_in_kilograms() {
    let world = World::start().await;
    let ann = new_account(&world).await;
    assert_eq!(choices(&me(&ann).await.expect(200)), (&Value::Null, &json!("kg")));
}

#[tokio::test]
async fn a_user_chooses_language_and_unit_each_alone_and_returns_to_the_language_of_the_browser() {
    let world = World::start().await;
    let ann = new_account(&world).await;
    let german = ann.patch(ME, json!({"language": "DE"})).await.expect(200);
    assert_eq!(choices(&german), (&json!("de"), &json!("kg")));
    let pounds = ann.patch(ME, json!({"weight_unit": "lb"})).await.expect(200);
    assert_eq!(choices(&pounds), (&json!("de"), &json!("lb")));
    assert_eq!(me(&ann).await.expect(200), pounds);
    let named = ann.patch(ME, json!({"name": "Ann"})).await.expect(200);
    assert_eq!(choices(&named), (&json!("de"), &json!("lb")), "a change of the name keeps both");
    let free = ann.patch(ME, json!({"language": null, "weight_unit": "kg"})).await.expect(200);
    assert_eq!(choices(&free), (&Value::Null, &json!("kg")));
}

#[tokio::test]
async fn a_language_of_a_later_release_is_no_choice_and_the_account_works_and_keeps_it() {
    let world = World::start().await;
    let ann = new_account(&world).await;
    world.sql("alter table users drop constraint users_language").await;
    world.sql("update users set language = 'fr' where email_key = 'ann@forwarder.example'").await;
    assert_eq!(choices(&me(&ann).await.expect(200)), (&Value::Null, &json!("kg")));
    log_in(&world.anonymous(), "ann@forwarder.example", PASSWORD).await.expect(200);
    let listed = world.admin().await.get("/api/v1/users?q=ann@forwarder.example").await.expect(200);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let pounds = ann.patch(ME, json!({"weight_unit": "lb"})).await.expect(200);
    assert_eq!(choices(&pounds), (&Value::Null, &json!("lb")));
    let kept = "select language from users where email_key = 'ann@forwarder.example'";
    assert_eq!(world.texts(kept).await, ["fr"], "a change of the unit keeps it");
    let german = ann.patch(ME, json!({"language": "de"})).await.expect(200);
    assert_eq!(choices(&german), (&json!("de"), &json!("lb")));
}

#[tokio::test]
async fn only_a_change_of_a_choice_makes_a_new_version_of_the_account() {
    let world = World::start().await;
    let ann = new_account(&world).await;
    let sql = "select version::text from users where email_key = 'ann@forwarder.example'";
    let version = async || world.texts(sql).await.concat().parse::<i32>().unwrap();
    let before = version().await;
    ann.patch(ME, json!({"language": null, "weight_unit": "kg"})).await.expect(200);
    assert_eq!(version().await, before);
    ann.patch(ME, json!({"weight_unit": "lb"})).await.expect(200);
    assert_eq!(version().await, before + 1);
}

#[tokio::test]
async fn a_change_of_language_and_unit_is_one_version_and_a_choice_that_is_not_named_stays() {
    let world = World::start().await;
    let ann = new_account(&world).await;
    let sql = "select version::text from users where email_key = 'ann@forwarder.example'";
    let version = async || world.texts(sql).await.concat().parse::<i32>().unwrap();
    let before = version().await;
    let both = ann.patch(ME, json!({"language": "de", "weight_unit": "lb"})).await.expect(200);
    assert_eq!(choices(&both), (&json!("de"), &json!("lb")));
    assert_eq!(version().await, before + 1);
    let one = ann.patch(ME, json!({"language": "en", "weight_unit": "lb"})).await.expect(200);
    assert_eq!(choices(&one), (&json!("en"), &json!("lb")));
    assert_eq!(version().await, before + 2);
    let none = ann.patch(ME, json!({"language": null})).await.expect(200);
    assert_eq!(choices(&none), (&Value::Null, &json!("lb")));
    assert_eq!(version().await, before + 3);
    let again = ann.patch(ME, json!({"language": null, "weight_unit": "lb"})).await.expect(200);
    assert_eq!((version().await, again), (before + 3, none), "nothing changes, nor does the time of the last change");
}

#[tokio::test]
async fn a_choice_that_is_not_offered_is_a_fault_and_changes_nothing() {
    let world = World::start().await;
    let ann = new_account(&world).await;
    for (body, place, code) in [
        (json!({"language": "fr"}), "/language", "unknown_value"),
        (json!({"language": "de-AT"}), "/language", "unknown_value"),
        (json!({"language": ["de"]}), "/language", "wrong_type"),
        (json!({"weight_unit": "st"}), "/weight_unit", "unknown_value"),
        (json!({"weight_unit": 1}), "/weight_unit", "wrong_type"),
        (json!({"weight_unit": null}), "/weight_unit", "required"),
    ] {
        let faults = ann.patch(ME, body.clone()).await.expect_faults();
        assert_eq!(faults, [(place.to_owned(), code.to_owned())], "{body}");
    }
    let both = ann.patch(ME, json!({"language": "de", "weight_unit": "st"})).await;
    assert_eq!(both.expect_faults().len(), 1);
    assert_eq!(choices(&me(&ann).await.expect(200)), (&Value::Null, &json!("kg")));
}

#[tokio::test]
async fn a_home_airport_is_chosen_changed_and_cleared_in_one_version_each() {
    let world = World::start().await;
    let ann = new_account(&world).await;
    let sql = "select version::text from users where email_key = 'ann@forwarder.example'";
    let version = async || world.texts(sql).await.concat().parse::<i32>().unwrap();
    let before = version().await;
    for (home, version_after) in
        [(json!("del"), 1), (json!("DEL"), 1), (json!("LHR"), 2), (json!(null), 3), (json!(null), 3)]
    {
        let changed = ann.patch(ME, json!({"home_airport": home})).await.expect(200);
        assert_eq!(changed["home_airport"], home.as_str().map_or(Value::Null, |home| json!(home.to_uppercase())));
        assert_eq!(me(&ann).await.expect(200), changed);
        assert_eq!(version().await, before + version_after, "{home}");
    }
    let kept = ann.patch(ME, json!({"home_airport": "DEL", "language": "de"})).await.expect(200);
    assert_eq!((&kept["home_airport"], &kept["language"]), (&json!("DEL"), &json!("de")));
    let named = ann.patch(ME, json!({"name": "Ann"})).await.expect(200);
    assert_eq!(named["home_airport"], "DEL");
    for (home, code) in [(json!("QQQ"), "unknown_value"), (json!("DELHI"), "invalid_format"), (json!(5), "wrong_type")]
    {
        let faults = ann.patch(ME, json!({"home_airport": home})).await.expect_faults();
        assert_eq!(faults, [("/home_airport".to_owned(), code.to_owned())], "{home}");
    }
    assert_eq!(me(&ann).await.expect(200), named);
}

#[tokio::test]
async fn administrators_see_the_date_of_the_last_log_in_which_is_no_change_of_the_account() {
    let world = World::start().await;
    let ann = new_account(&world).await;
    let id = me(&ann).await.expect(200)["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/users/{id}");
    let shown = async || world.admin().await.get(&path).await.expect(200);
    let registered = shown().await;
    assert_eq!(registered["last_login_at"], json!(world.now().date_naive()));
    world.clock.advance(TimeDelta::days(2));
    log_in(&world.anonymous(), "ann@forwarder.example", "WrongPassword77")
        .await
        .expect_problem(401, "invalid_credentials");
    assert_eq!(shown().await, registered);
    let log_ins = (0..4).map(|_| {
        let client = world.anonymous();
        async move { log_in(&client, "ann@forwarder.example", PASSWORD).await.expect(200) }
    });
    at_once(log_ins).await;
    let mut later = shown().await;
    assert_eq!(later["last_login_at"], json!(world.now().date_naive()));
    later["last_login_at"] = registered["last_login_at"].clone();
    assert_eq!(later, registered, "the version, and the time of the last change, are the same");
    world.sql("update users set last_login_on = null where email_key = 'ann@forwarder.example'").await;
    let listed = world.admin().await.get("/api/v1/users?q=ann@forwarder.example").await.expect(200);
    assert_eq!([&listed[0]["last_login_at"], &shown().await["last_login_at"]], [&Value::Null; 2]);
}

#[tokio::test]
async fn an_older_process_that_erases_an_account_leaves_neither_home_airport_nor_date_of_the_last_log_in() {
    let world = World::start().await;
    let ann = new_account(&world).await;
    ann.patch(ME, json!({"home_airport": "DEL"})).await.expect(200);
    let shown = async || {
        let sql = "select concat_ws(' ', home_airport, last_login_on) from users where email_key like '%ann@forwarder.example'";
        world.texts(sql).await
    };
    let date = world.now().date_naive();
    assert_eq!(shown().await, [format!("DEL {date}")]);
    world.sql("update users set name = 'Ann' where email_key = 'ann@forwarder.example'").await;
    assert_eq!(shown().await, [format!("DEL {date}")], "an account that is not erased keeps both");
    // The columns that a version before migration 56 knows.
    world
        .sql(
            "update users set email_key = 'erased-ann@forwarder.example', name = null, erased_at = now()
             where email_key = 'ann@forwarder.example'",
        )
        .await;
    assert_eq!(shown().await, [""]);
    world
        .sql(
            "update users set last_login_on = current_date, home_airport = 'LHR'
             where email_key = 'erased-ann@forwarder.example'",
        )
        .await;
    assert_eq!(shown().await, [""], "nor does a log-in that ends after the erasure");
}
