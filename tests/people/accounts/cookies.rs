//! Sessions of browsers: the refresh token travels in a cookie, for pages of this server alone.
use loadmaster_testkit::{Answer, Client, World, WorldOptions};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{PASSWORD, log_in, me, register};

const EMAIL: &str = "ann@forwarder.example";
const SCOPE: &str = "; HttpOnly; SameSite=Strict; Path=/api/v1/auth";

fn ask(client: &Client, operation: &str, body: &Value) -> RequestBuilder {
    let path = format!("/api/v1/auth/{operation}");
    client.request(Method::POST, &path).header("content-type", "application/json").body(body.to_string())
}

/// As a page of this server sends it.
async fn own(client: &Client, operation: &str, body: Value, cookie: Option<&str>) -> Answer {
    let request = ask(client, operation, &body).header("origin", &client.base);
    Answer::of(if let Some(cookie) = cookie { request.header("cookie", cookie) } else { request }).await
}

/// The cookie that an answer sets, as name and value, after a look at its attributes.
#[track_caller]
fn cookie_of(answer: &Answer) -> String {
    let header = answer.header("set-cookie").expect("a cookie");
    let (pair, rest) = header.split_once(';').unwrap();
    assert!(pair.starts_with("loadmaster_session="), "{header}");
    assert_eq!(rest, format!(" Max-Age=2592000{SCOPE}"), "without https it is not Secure");
    pair.to_owned()
}

fn credentials() -> Value {
    json!({"email": EMAIL, "password": PASSWORD, "session": "cookie"})
}

#[tokio::test]
async fn a_browsers_session_is_opened_continued_and_ended_by_its_cookie() {
    let world = World::start().await;
    let client = world.anonymous();
    let registered = own(&client, "register", credentials(), None).await;
    let first = cookie_of(&registered);
    let body = registered.expect(201);
    assert!(body.get("refresh_token").is_none(), "{body}");
    let entered = own(&client, "login", credentials(), None).await;
    assert_ne!(cookie_of(&entered), first);
    assert!(entered.expect(200).get("refresh_token").is_none());

    let renewed = own(&client, "refresh", json!({"session": "cookie"}), Some(&format!("theme=dark; {first}"))).await;
    let second = cookie_of(&renewed);
    assert_ne!(first, second, "the token rotates");
    let body = renewed.expect(200);
    assert!(body.get("refresh_token").is_none());
    let ann = client.with_token(body["access_token"].as_str().unwrap());
    me(&ann).await.expect(200);

    let out = own(&client, "logout", json!({"session": "cookie"}), Some(&second)).await;
    assert_eq!(out.header("set-cookie"), Some(format!("loadmaster_session=; Max-Age=0{SCOPE}").as_str()));
    out.expect(204);
    own(&client, "refresh", json!({"session": "cookie"}), Some(&second)).await.expect_problem(401, "unauthenticated");
    me(&ann).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn pages_of_other_sites_are_refused_and_so_is_a_request_without_an_origin() {
    let world = World::start().await;
    let client = world.anonymous();
    let cookie = cookie_of(&own(&client, "register", credentials(), None).await);
    let token = json!({"session": "cookie"});
    for (operation, body) in
        [("refresh", &token), ("logout", &token), ("login", &credentials()), ("register", &credentials())]
    {
        for origin in [None, Some("null"), Some("https://evil.example"), Some("http://127.0.0.1:1")] {
            let request = ask(&client, operation, body).header("cookie", &cookie);
            let request = if let Some(origin) = origin { request.header("origin", origin) } else { request };
            let answer = Answer::of(request).await;
            assert_eq!(answer.header("set-cookie"), None, "{operation} {origin:?}");
            answer.expect_problem(403, "forbidden");
        }
    }
    own(&client, "refresh", token, Some(&cookie)).await.expect(200);
}

#[tokio::test]
async fn the_public_address_is_our_own_and_a_trusted_proxy_makes_the_cookie_secure() {
    let options = WorldOptions::default()
        .set("server.public_url", "https://cargo.example.com")
        .set("server.trusted_proxies", "127.0.0.0/8");
    let world = World::with(options).await;
    let client = world.anonymous();
    let by = |scheme: &'static str, origin: &str| {
        let request = ask(&client, "login", &credentials()).header("origin", origin);
        Answer::of(request.header("x-forwarded-for", "203.0.113.9").header("x-forwarded-proto", scheme))
    };
    register(&client, EMAIL, PASSWORD).await.expect(201);
    let secure = by("https", &client.base).await;
    assert!(secure.header("set-cookie").unwrap().starts_with("__Secure-loadmaster_session="));
    assert!(secure.header("set-cookie").unwrap().ends_with(&format!("{SCOPE}; Secure")));
    secure.expect(200);
    assert!(!by("http", &client.base).await.header("set-cookie").unwrap().contains("Secure"));
    assert!(by("http", "https://cargo.example.com").await.header("set-cookie").unwrap().contains("Secure"));
}

/// As where TLS ends at a proxy that nothing names, or that says nothing.
#[tokio::test]
async fn the_cookie_of_a_page_that_came_by_https_is_secure() {
    let world = World::start().await;
    let client = world.anonymous();
    let by_https = |operation: &str, body: &Value| {
        let request = ask(&client, operation, body).header("host", "cargo.example.com");
        request.header("origin", "https://cargo.example.com")
    };
    let registered = Answer::of(by_https("register", &credentials())).await;
    let cookie = registered.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Secure-loadmaster_session=") && cookie.ends_with(&format!("{SCOPE}; Secure")));
    let (pair, _) = cookie.split_once(';').unwrap();
    let refreshed = Answer::of(by_https("refresh", &json!({"session": "cookie"})).header("cookie", pair)).await;
    assert!(refreshed.header("set-cookie").unwrap().contains("; Secure"));
    refreshed.expect(200);
}

#[tokio::test]
async fn two_cookies_of_one_name_continue_no_session() {
    let world = World::start().await;
    let client = world.anonymous();
    let cookie = cookie_of(&own(&client, "register", credentials(), None).await);
    let token = json!({"session": "cookie"});
    let both = format!("loadmaster_session=planted; {cookie}");
    own(&client, "refresh", token.clone(), Some(&both)).await.expect_problem(401, "unauthenticated");
    own(&client, "refresh", token, Some(&cookie)).await.expect(200);
}

#[tokio::test]
async fn no_other_operation_reads_the_cookie_and_a_session_without_it_is_as_before() {
    let world = World::start().await;
    let client = world.anonymous();
    let cookie = cookie_of(&own(&client, "register", credentials(), None).await);
    let request =
        client.request(Method::GET, "/api/v1/auth/me").header("cookie", &cookie).header("origin", &client.base);
    Answer::of(request).await.expect_problem(401, "unauthenticated");
    let plain = log_in(&client, EMAIL, PASSWORD).await;
    assert_eq!(plain.header("set-cookie"), None);
    assert!(plain.expect(200)["refresh_token"].is_string());
}

#[tokio::test]
async fn a_faulty_wish_is_refused() {
    let world = World::start().await;
    let client = world.anonymous();
    let fault = |place: &str, code: &str| vec![(place.to_owned(), code.to_owned())];
    let faults = own(&client, "refresh", json!({"session": "storage"}), None).await.expect_faults();
    assert_eq!(faults, fault("/session", "unknown_value"));
    let both = json!({"session": "cookie", "refresh_token": "something"});
    assert_eq!(own(&client, "logout", both, None).await.expect_faults(), fault("/refresh_token", "unknown_field"));
    assert_eq!(own(&client, "refresh", json!({}), None).await.expect_faults(), fault("/refresh_token", "required"));
    own(&client, "refresh", json!({"session": "cookie"}), None).await.expect_problem(401, "unauthenticated");
    own(&client, "logout", json!({"session": "cookie"}), None).await.expect(204);
}
