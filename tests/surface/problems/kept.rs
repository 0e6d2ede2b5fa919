//! What explains the product is made once: each encoding has its bytes and its tag, and giving them costs next to nothing.
use std::collections::BTreeSet;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use loadmaster_testkit::{Answer, Client, NewFlight, World};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

/// Large ones of each kind, and their types.
const LARGE: [(&str, &str); 7] = [
    ("/openapi.json", "application/json"),
    ("/problems", "application/json"),
    ("/api/v1/event-types", "application/json"),
    ("/api/v1/event-types/loadmaster.booking.booked.v1", "application/schema+json"),
    ("/docs/swagger-ui.css", "text/css"),
    ("/docs/swagger-ui-standalone-preset.js", "text/javascript"),
    ("/docs/swagger-ui-bundle.js", "text/javascript"),
];
/// Too small to be worth compressing.
const SMALL: [(&str, &str); 4] = [
    ("/problems/not_found", "application/json"),
    ("/docs/", "text/html"),
    ("/docs/index.css", "text/css"),
    ("/docs/favicon-32x32.png", "image/png"),
];
const CODINGS: [&str; 4] = ["identity", "gzip", "br", "zstd"];

async fn ask(client: &Client, method: Method, path: &str, headers: &[(&str, &str)]) -> reqwest::Response {
    let mut request = client.request(method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.expect("the server answers")
}

fn header(response: &reqwest::Response, name: &str) -> Option<String> {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
}

/// The body without its encoding.
async fn decoded(coding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let read = match coding {
        "br" => BrotliDecoder::new(bytes).read_to_end(&mut plain).await,
        "gzip" => GzipDecoder::new(bytes).read_to_end(&mut plain).await,
        "zstd" => ZstdDecoder::new(bytes).read_to_end(&mut plain).await,
        "identity" => (&mut &*bytes).read_to_end(&mut plain).await,
        other => panic!("{other} was not asked for"),
    };
    read.expect("it can be decoded");
    plain
}

#[tokio::test(flavor = "multi_thread")]
async fn each_encoding_of_a_document_has_its_own_tag_and_length_and_is_not_sent_twice() {
    let world = World::start().await;
    let client = world.anonymous();
    for (path, kind) in LARGE {
        let mut tags = BTreeSet::new();
        let mut contents = Vec::new();
        for coding in CODINGS {
            let first = ask(&client, Method::GET, path, &[("accept-encoding", coding)]).await;
            assert_eq!(first.status(), StatusCode::OK, "{path}");
            assert!(header(&first, "content-type").unwrap().starts_with(kind), "{path}");
            let told = header(&first, "content-encoding");
            assert_eq!(told.as_deref().unwrap_or("identity"), coding, "{path}");
            assert_eq!(header(&first, "vary").as_deref(), Some("accept-encoding"), "{path}");
            assert_eq!(header(&first, "cache-control").as_deref(), Some("public, max-age=300"), "{path}");
            let tag = header(&first, "etag").unwrap_or_else(|| panic!("{path} in {coding} has a tag"));
            assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag} is strong");
            assert!(tags.insert(tag.clone()), "{path}: {coding} has a tag of its own");
            let length: usize = header(&first, "content-length").expect("a length").parse().unwrap();
            let bytes = first.bytes().await.unwrap();
            assert_eq!(bytes.len(), length, "{path} in {coding}");
            contents.push(decoded(coding, &bytes).await);

            let conditions = [("accept-encoding", coding), ("if-none-match", &tag)];
            let again = ask(&client, Method::GET, path, &conditions).await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path} in {coding}");
            assert_eq!(header(&again, "etag").as_deref(), Some(tag.as_str()));
            assert_eq!(header(&again, "vary").as_deref(), Some("accept-encoding"));
            assert_eq!(header(&again, "content-encoding"), None, "there is no content");
            assert_eq!(header(&again, "cache-control").as_deref(), Some("public, max-age=300"));
            assert!(again.bytes().await.unwrap().is_empty());
            for other in CODINGS.into_iter().filter(|other| *other != coding) {
                let headers = [("accept-encoding", other), ("if-none-match", &tag)];
                assert_eq!(ask(&client, Method::GET, path, &headers).await.status(), StatusCode::OK, "{path}: {other}");
            }
        }
        assert!(contents.windows(2).all(|pair| pair[0] == pair[1]), "{path} is the same in every encoding");
    }
}

#[tokio::test]
async fn a_small_document_has_one_form_and_a_tag() {
    let world = World::start().await;
    let client = world.anonymous();
    for (path, kind) in SMALL {
        let plain = ask(&client, Method::GET, path, &[]).await;
        assert_eq!(plain.status(), StatusCode::OK, "{path}");
        assert!(header(&plain, "content-type").unwrap().starts_with(kind), "{path}");
        let tag = header(&plain, "etag").unwrap_or_else(|| panic!("{path} has a tag"));
        let packed = ask(&client, Method::GET, path, &[("accept-encoding", "gzip, br, zstd")]).await;
        assert_eq!((header(&packed, "content-encoding"), header(&packed, "etag")), (None, Some(tag.clone())), "{path}");
        for condition in [tag.as_str(), "\"other\", *", "*", &format!("W/{tag}")] {
            let again = ask(&client, Method::GET, path, &[("if-none-match", condition)]).await;
            let expected = if condition.contains("other") { StatusCode::OK } else { StatusCode::NOT_MODIFIED };
            assert_eq!(again.status(), expected, "{path}: {condition}");
        }
    }
    client.get("/problems/nonsense").await.expect_problem(404, "not_found");
    client.get("/docs/../Cargo.toml").await.expect_problem(404, "not_found");
    client.get("/docs/%FF").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn the_head_of_a_document_is_that_of_its_body() {
    let world = World::start().await;
    let client = world.anonymous();
    for (path, _) in LARGE.into_iter().chain(SMALL) {
        for coding in CODINGS {
            let headers = [("accept-encoding", coding)];
            let get = ask(&client, Method::GET, path, &headers).await;
            let head = ask(&client, Method::HEAD, path, &headers).await;
            for name in ["content-type", "content-encoding", "content-length", "etag", "vary", "cache-control"] {
                assert!(header(&get, name).is_some() || name == "content-encoding", "{path}: {name}");
                assert_eq!(header(&head, name), header(&get, name), "{path} in {coding}: {name}");
            }
            let tag = header(&get, "etag").unwrap();
            let known = ask(&client, Method::HEAD, path, &[("accept-encoding", coding), ("if-none-match", &tag)]).await;
            assert_eq!((head.status(), known.status()), (StatusCode::OK, StatusCode::NOT_MODIFIED), "{path}");
            assert!(head.bytes().await.unwrap().is_empty() && known.bytes().await.unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn the_encoding_is_the_one_that_the_client_likes_best() {
    let world = World::start().await;
    let client = world.anonymous();
    for (wish, expected) in [
        ("", None),
        ("identity", None),
        ("compress, deflate", None),
        ("br;q=0, gzip;q=0, zstd;q=0", None),
        ("*;q=0", None),
        ("identity;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("gzip;q=nonsense", None),
        ("gzip", Some("gzip")),
        ("GZIP", Some("gzip")),
        ("x-gzip", Some("gzip")),
        ("gzip;q=0.5, br;q=0.1", Some("gzip")),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", Some("br")),
        ("*", Some("zstd")),
        ("*, zstd;q=0", Some("br")),
        ("gzip, deflate, br, zstd", Some("zstd")),
        ("identity;q=0, br;q=0.001", Some("br")),
    ] {
        // Prepared, and made for each request.
        for path in ["/openapi.json", "/api/v1/airports?limit=100"] {
            let answer = ask(&client, Method::GET, path, &[("accept-encoding", wish)]).await;
            assert_eq!(answer.status(), StatusCode::OK, "{path}: {wish}");
            assert_eq!(header(&answer, "content-encoding").as_deref(), expected, "{path}: {wish}");
        }
    }
}

/// Who takes no encoding that there is gets the answer as it is: a change that was made must not look like a refusal.
#[tokio::test]
async fn no_wish_about_encodings_changes_the_status() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let wish = json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 10, "description": "Books",
                      "flight_ids": [flight["id"]]});
    for refusal in ["identity;q=0", "*;q=0", "identity;q=0, compress"] {
        let request = customer.request(Method::POST, "/api/v1/bookings").header("content-type", "application/json");
        let booked = Answer::of(request.header("accept-encoding", refusal).body(wish.to_string())).await;
        let booked: Value = booked.expect(201);
        assert_eq!(booked["status"], "BOOKED");
        let request = world.anonymous().request(Method::GET, "/nowhere").header("accept-encoding", refusal);
        Answer::of(request).await.expect_problem(404, "not_found");
    }
}
