//! Bodies of requests in a content coding.
use async_compression::Level;
use bytes::Bytes;
use loadmaster_platform::web::{Coding, encode};
use loadmaster_testkit::{Answer, Client, World};
use reqwest::Method;
use serde_json::json;

const SEARCH: &str = "/api/v1/routes/search";
const CODED: [(Coding, &str); 3] = [(Coding::Gzip, "gzip"), (Coding::Brotli, "br"), (Coding::Zstd, "zstd")];

async fn coded(plain: &[u8], coding: Coding) -> Bytes {
    encode(Bytes::copy_from_slice(plain), coding, Level::Default).await
}

async fn post(client: &Client, path: &str, media_type: &str, coding: &str, body: Bytes) -> Answer {
    let request = client.request(Method::POST, path).header("content-type", media_type);
    Answer::of(request.header("content-encoding", coding).body(body)).await
}

async fn search(client: &Client, coding: &str, body: Bytes) -> Answer {
    post(client, SEARCH, "application/json", coding, body).await
}

fn question() -> Vec<u8> {
    json!({"origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21"}).to_string().into_bytes()
}

#[tokio::test]
async fn a_body_may_come_in_gzip_br_or_zstd() {
    let world = World::start().await;
    let (anyone, admin) = (world.anonymous(), world.admin().await);
    let table = loadmaster_testkit::import::table(&["AI101,DEL,LHR,2026-11-22T08:00:00Z,2026-11-22T17:00:00Z,77X,,,,"]);
    for (number, (coding, name)) in CODED.into_iter().enumerate() {
        search(&anyone, name, coded(&question(), coding).await).await.expect(200);
        let body = coded(table.as_bytes(), coding).await;
        let done = post(&admin, "/api/v1/flights/import", "text/csv", name, body).await.expect(200);
        assert_eq!(
            (&done["created"], &done["unchanged"]),
            (&json!(1 - number.min(1)), &json!(number.min(1))),
            "{name}"
        );
    }
}

#[tokio::test]
async fn another_coding_is_refused_with_those_that_are_understood() {
    let world = World::start().await;
    let anyone = world.anonymous();
    for coding in ["deflate", "compress", "gzip, br", "nonsense"] {
        let answer = search(&anyone, coding, question().into()).await;
        assert_eq!(answer.header("accept-encoding"), Some("gzip, br, zstd"), "{coding}");
        answer.expect_problem(415, "unsupported_media_type");
    }
    let answer = post(&anyone, SEARCH, "text/plain", "identity", question().into()).await;
    assert_eq!(answer.header("accept-encoding"), None, "the type is the fault, not the coding");
    answer.expect_problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_body_that_is_not_whole_in_its_coding_is_malformed() {
    let world = World::start().await;
    let anyone = world.anonymous();
    for (coding, name) in CODED {
        let whole = coded(&question(), coding).await;
        for body in [whole.slice(..whole.len() / 2), question().into()] {
            let problem = search(&anyone, name, body).await.expect_problem(400, "malformed_request");
            assert!(problem["detail"].as_str().unwrap().contains(name), "{problem}");
        }
    }
}

#[tokio::test]
async fn the_limit_of_a_body_is_that_of_its_decoded_bytes() {
    let world = World::start().await;
    let anyone = world.anonymous();
    let large = [question(), vec![b' '; 2 * 1024 * 1024]].concat();
    for (coding, name) in CODED {
        let body = coded(&large, coding).await;
        assert!(body.len() < 1024 * 1024);
        search(&anyone, name, body).await.expect_problem(413, "payload_too_large");
    }
}
