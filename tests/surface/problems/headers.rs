//! What every answer carries.
use std::collections::BTreeSet;

use loadmaster_testkit::{Answer, Client, World, WorldOptions};
use reqwest::Method;

/// A success, a redirect, refusals of the rooms and of the frame, a file.
const PATHS: [&str; 9] = [
    "/api/v1/airports/DEL",
    "/",
    "/api/v1/bookings",
    "/nowhere",
    "/api/v1/auth/login",
    "/metrics",
    "/docs/",
    "/openapi.json",
    "/api/v1/flights?origin=%FF",
];

#[tokio::test]
async fn every_answer_has_a_request_id_and_is_neither_sniffed_nor_referred_from() {
    let world = World::start().await;
    let mut ids = BTreeSet::new();
    for path in PATHS {
        let answer = world.anonymous().get(path).await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert!(ids.insert(answer.header("x-request-id").expect("an id").to_owned()), "{path}: an id of its own");
    }
}

async fn with_id(client: &Client, path: &str, id: &[u8]) -> Answer {
    let value = reqwest::header::HeaderValue::from_bytes(id).unwrap();
    Answer::of(client.request(Method::GET, path).header("x-request-id", value)).await
}

#[tokio::test]
async fn a_valid_request_id_is_echoed_and_another_replaced() {
    let world = World::start().await;
    let client = world.anonymous();
    for id in ["a", "7f1c-33:~!\"#", &"x".repeat(128)] {
        assert_eq!(with_id(&client, "/livez", id.as_bytes()).await.header("x-request-id"), Some(id));
        let problem = with_id(&client, "/nowhere", id.as_bytes()).await.expect_problem(404, "not_found");
        assert_eq!(problem["request_id"], id);
    }
    for id in [&b""[..], b"with blank", "é".as_bytes(), b"\xff", "x".repeat(129).as_bytes(), b"tab\tbed"] {
        let answer = with_id(&client, "/nowhere", id).await;
        let made = answer.header("x-request-id").expect("an id").to_owned();
        assert_ne!(made.as_bytes(), id);
        assert!(!made.is_empty() && made.bytes().all(|byte| byte.is_ascii_graphic()), "{made}");
        answer.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn responses_over_one_kibibyte_are_compressed_if_accepted() {
    let world = World::start().await;
    let client = world.anonymous();
    let plain = client.get("/problems").await;
    assert!(plain.text.len() > 1024 && plain.header("content-encoding").is_none());
    let ask = async |path: &str, coding: &str| {
        Answer::of(client.request(Method::GET, path).header("accept-encoding", coding)).await
    };
    for coding in ["gzip", "br", "zstd"] {
        let response = client.request(Method::GET, "/problems").header("accept-encoding", coding).send().await.unwrap();
        assert_eq!(response.headers()["content-encoding"], coding);
        assert!(response.headers().get_all("vary").iter().any(|name| name == "accept-encoding"));
        assert_eq!(response.headers()["content-type"], "application/json");
        let bytes = response.bytes().await.unwrap();
        assert!(bytes.len() < plain.text.len() / 2, "{coding}: {} bytes", bytes.len());
        for small in ["/livez", "/problems/not_found", "/api/v1/airports/DEL", "/nowhere"] {
            assert_eq!(ask(small, coding).await.header("content-encoding"), None, "{small}");
        }
    }
    for coding in ["identity", "compress", "gzip;q=0"] {
        let answer = ask("/problems", coding).await;
        assert_eq!((answer.header("content-encoding"), &answer.body), (None, &plain.body), "{coding}");
    }
}

const CONSOLE: &str = "https://console.example";

async fn from_origin(client: &Client, origin: &str, path: &str) -> Answer {
    Answer::of(client.request(Method::GET, path).header("origin", origin)).await
}

#[tokio::test]
async fn configured_origins_may_call_and_read_the_headers() {
    let origins = format!("{CONSOLE},http://localhost:5173");
    let world = WorldOptions::default().set("server.cors_origins", &origins).start().await;
    let client = world.anonymous();
    for path in ["/api/v1/airports/DEL", "/api/v1/bookings", "/nowhere", "/api/v1/flights?limit=0"] {
        for origin in [CONSOLE, "http://localhost:5173"] {
            let answer = from_origin(&client, origin, path).await;
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin), "{path}");
            let exposed: BTreeSet<_> = answer.header("access-control-expose-headers").unwrap().split(',').collect();
            let expected = "accept-encoding,etag,link,location,retry-after,ratelimit-limit,ratelimit-remaining,ratelimit-reset,\
                            x-request-id,idempotency-replayed,cache-status,loadmaster-position,preference-applied,total-count,allow,\
                            content-disposition,www-authenticate";
            assert_eq!(exposed, expected.split(',').collect(), "{path}");
            assert!(answer.header("vary").unwrap().contains("origin"));
        }
        for stranger in
            ["https://evil.example", "null", "https://console.example.evil.example", "http://console.example"]
        {
            let answer = from_origin(&client, stranger, path).await;
            assert_eq!(answer.header("access-control-allow-origin"), None, "{stranger}");
        }
    }
}

async fn preflight(client: &Client, origin: &str) -> Answer {
    let request = client.request(Method::OPTIONS, "/api/v1/bookings").header("origin", origin);
    let request = request.header("access-control-request-method", "DELETE");
    Answer::of(request.header("access-control-request-headers", "authorization,if-match,idempotency-key")).await
}

#[tokio::test]
async fn the_browsers_question_is_answered_for_configured_origins_only() {
    let world = WorldOptions::default().set("server.cors_origins", CONSOLE).start().await;
    let answer = preflight(&world.anonymous(), CONSOLE).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some(CONSOLE));
    let methods = answer.header("access-control-allow-methods").unwrap();
    assert!(["GET", "POST", "PUT", "PATCH", "DELETE"].iter().all(|method| methods.contains(method)), "{methods}");
    let headers = answer.header("access-control-allow-headers").unwrap();
    let needed = ["authorization", "content-type", "if-match", "if-none-match", "idempotency-key", "x-request-id"];
    assert!(needed.iter().all(|name| headers.contains(name)), "{headers}");
    for origin in ["https://evil.example", "null"] {
        assert_eq!(preflight(&world.anonymous(), origin).await.header("access-control-allow-origin"), None);
    }
    let closed = World::start().await;
    assert_eq!(preflight(&closed.anonymous(), CONSOLE).await.header("access-control-allow-origin"), None);
}
