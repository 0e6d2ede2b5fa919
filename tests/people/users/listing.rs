use loadmaster_accounts::Role;
use loadmaster_testkit::{Answer, World, freight::each};
use reqwest::Method;
use serde_json::{Value, json};

use super::{PATH, path_of, user};

#[tokio::test]
async fn an_administrator_reads_a_user_with_its_version() {
    let world = World::working().await;
    let (admin, _) = user(&world, Role::Admin).await;
    let (_, mut ann) = user(&world, Role::Customer).await;
    let answer = admin.get(&path_of(&ann)).await;
    assert_eq!(answer.header("etag"), Some("\"1\""));
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    let mut shown = answer.expect(200);
    assert_eq!((&shown["disabled"], &shown["version"]), (&json!(false), &json!(1)));
    shown.as_object_mut().unwrap().retain(|name, _| !["disabled", "version"].contains(&name.as_str()));
    // The choices of a person are that person's alone.
    let choices = ["language", "weight_unit", "home_airport"];
    ann.as_object_mut().unwrap().retain(|name, _| !choices.contains(&name.as_str()));
    let last_login = shown.as_object_mut().unwrap().remove("last_login_at");
    assert_eq!(last_login, Some(Value::Null), "it has never logged in");
    assert_eq!(shown, ann);
    let cached = admin.request(Method::GET, &path_of(&ann)).header("if-none-match", "\"1\"");
    assert_eq!(Answer::of(cached).await.status, 304);
    for absent in ["019a0000-0000-7000-8000-000000000000", "no-id"] {
        admin.get(&format!("{PATH}/{absent}")).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn users_are_listed_newest_first_by_filters_that_combine() {
    let world = World::working().await;
    let admin = world.admin().await;
    let mut made = Vec::new();
    for (email, name) in [("ann@one.example", "Ann_1"), ("bob@one.example", "Bob%"), ("ann@two.example", "Zoe")] {
        let body = json!({"email": email, "password": "correct horse battery", "name": name});
        made.push(world.anonymous().post("/api/v1/auth/register", body).await.expect(201)["user"].clone());
    }
    admin.patch(&path_of(&made[1]), json!({"role": "operator", "disabled": true})).await.expect(200);
    let listed = async |query: &str| -> Vec<Value> {
        let list = admin.get(&format!("{PATH}?{query}")).await.expect(200);
        each(&list, "email")
            .into_iter()
            .filter(|email| {
                email.as_str().unwrap().ends_with("e.example") || email.as_str().unwrap().ends_with("o.example")
            })
            .cloned()
            .collect()
    };
    assert_eq!(listed("").await, ["ann@two.example", "bob@one.example", "ann@one.example"]);
    assert_eq!(listed("q=ANN").await, ["ann@two.example", "ann@one.example"]);
    assert_eq!(listed("q=zoe").await, ["ann@two.example"]);
    assert_eq!(listed("q=%25").await, ["bob@one.example"], "not a wildcard");
    assert_eq!(listed("q=_").await, ["ann@one.example"], "not a wildcard");
    assert_eq!(listed("role=operator").await, ["bob@one.example"]);
    assert_eq!(listed("disabled=true").await, ["bob@one.example"]);
    assert_eq!(listed("disabled=false&q=one").await, ["ann@one.example"]);
    let organization = made[0]["organization_id"].as_str().unwrap();
    assert_eq!(listed(&format!("organization_id={organization}")).await, ["ann@one.example"]);
    assert_eq!(listed("role=operator&disabled=false").await, [] as [Value; 0]);

    let mut pages = Vec::new();
    let mut next = format!("{PATH}?limit=1");
    loop {
        let page = admin.get(&next).await;
        let link = page.header("link").map(ToOwned::to_owned);
        pages.extend(page.expect(200).as_array().unwrap().clone());
        let Some(link) = link else { break };
        next = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    assert_eq!(json!(pages), admin.get(PATH).await.expect(200));
    for (query, name, code) in [
        ("role=guest", "role", "unknown_value"),
        ("disabled=maybe", "disabled", "wrong_type"),
        ("organization_id=mine", "organization_id", "invalid_format"),
        ("email=x", "email", "unknown_field"),
        ("limit=0", "limit", "too_small"),
    ] {
        let faults = admin.get(&format!("{PATH}?{query}")).await.expect_faults();
        assert_eq!(faults, [(name.to_owned(), code.to_owned())]);
    }
    admin.get(&format!("{PATH}?cursor=x")).await.expect_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn users_are_sorted_by_address_in_any_case_and_by_creation() {
    let world = World::working().await;
    let admin = world.admin().await;
    let mut made = Vec::new();
    for email in ["Zoe@sorted.example", "ann@sorted.example", "Bob@sorted.example"] {
        let body = json!({"email": email, "password": "correct horse battery", "name": "Sorted"});
        made.push(world.anonymous().post("/api/v1/auth/register", body).await.expect(201)["user"].clone());
    }
    let (ann, bob, zoe) = ("ann@sorted.example", "Bob@sorted.example", "Zoe@sorted.example");
    for (sort, expected) in [
        ("email", [ann, bob, zoe]),
        ("-email", [zoe, bob, ann]),
        ("created_at", [zoe, ann, bob]),
        ("-created_at", [bob, ann, zoe]),
    ] {
        let shown = admin.whole_list(&format!("{PATH}?q=sorted&sort={sort}"), "email").await;
        assert_eq!(shown, expected, "{sort}");
    }

    // The address at which a page ends is in no link, and is looked up: it may be gone, as an erasure replaces it.
    let page = admin.get(&format!("{PATH}?q=sorted&sort=email&limit=1")).await;
    let link = page.header("link").unwrap().trim_start_matches('<').split('>').next().unwrap().to_owned();
    admin.get(&link).await.expect(200);
    let erased = "erased_at = now(), email = 'erased-' || id::text || '@erased.invalid'";
    world.sql(&format!("update users set {erased} where id = '{}'", made[1]["id"].as_str().unwrap())).await;
    admin.get(&link).await.expect_problem(400, "invalid_cursor");
}
