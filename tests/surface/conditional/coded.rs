//! Entity tags of answers in a content coding.
use loadmaster_testkit::{
    Answer, Client, NewFlight, World,
    freight::{order, path_of, with},
};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;

const CODINGS: [(&str, &str); 4] =
    [("identity", "\"1\""), ("gzip", "\"1-gzip\""), ("br", "\"1-br\""), ("zstd", "\"1-zstd\"")];

/// A booking whose answers are large enough for a coding, and its path.
async fn large_booking() -> (World, Client, String) {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let described = with(order(&[&flight]), json!({"description": "Machine parts. ".repeat(100)}));
    let booking = customer.book(described).await;
    let path = path_of(&booking);
    (world, customer, path)
}

fn in_coding(client: &Client, method: Method, path: &str, coding: &str) -> RequestBuilder {
    client.request(method, path).header("accept-encoding", coding)
}

#[tokio::test]
async fn the_tags_of_different_codings_differ() {
    let (_world, customer, path) = large_booking().await;
    for method in [Method::GET, Method::HEAD] {
        for (coding, tag) in CODINGS {
            let response = in_coding(&customer, method.clone(), &path, coding).send().await.unwrap();
            let headers = response.headers();
            assert_eq!(headers["etag"], tag, "{method} {coding}");
            assert_eq!(
                headers.get("content-encoding").map_or("identity", |it| it.to_str().unwrap()),
                coding,
                "{method}"
            );
            assert!(headers.get_all("vary").iter().any(|name| name == "accept-encoding"), "{method} {coding}");
        }
    }
}

#[tokio::test]
async fn what_was_sent_in_any_coding_is_not_sent_again() {
    let (_world, customer, path) = large_booking().await;
    for (coding, tag) in CODINGS {
        for wanted in [coding, "identity"] {
            let request = in_coding(&customer, Method::GET, &path, wanted).header("if-none-match", tag);
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{tag} for {wanted}");
            assert_eq!(response.headers()["etag"], tag, "{wanted}");
            assert!(response.headers().get_all("vary").iter().any(|name| name == "accept-encoding"));
        }
        let stale = tag.replace('1', "2");
        let answer =
            in_coding(&customer, Method::GET, &path, coding).header("if-none-match", stale).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{coding}");
    }
}

#[tokio::test]
async fn a_change_is_made_on_the_version_that_was_read_in_any_coding() {
    let (_world, customer, path) = large_booking().await;
    for (version, coding) in (1..).zip(["gzip", "br", "zstd"]) {
        let read = in_coding(&customer, Method::GET, &path, coding).send().await.unwrap();
        let tag = read.headers()["etag"].to_str().unwrap().to_owned();
        assert_eq!(tag, format!("\"{version}-{coding}\""));
        let change =
            || customer.request(Method::PATCH, &path).header("if-match", &tag).json(&json!({"pieces": 2 + version}));
        Answer::of(change()).await.expect(200);
        Answer::of(change()).await.expect_problem(412, "version_mismatch");
    }
}
