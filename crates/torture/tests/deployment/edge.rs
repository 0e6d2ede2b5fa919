//! What nginx bounds before an instance sees it, with the files of `deploy/nginx`.
use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{proxy::Site, support::is_long};

/// Requests of one address that may be in progress.
const IN_PROGRESS: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_bounded_and_spooled_nowhere_and_an_address_has_few_requests_in_progress() {
    if !is_long() {
        return;
    }
    let site = Site::start().await;
    let (client, base) = (Client::new(), format!("http://{}", site.address()));
    let send = async |path: &str, bytes: usize| {
        let request = client.post(format!("{base}{path}")).header("content-type", "text/csv");
        let answer = request.body("x".repeat(bytes)).send().await.unwrap();
        (answer.status(), answer.json::<Value>().await.unwrap())
    };
    let (status, problem) = send("/api/v1/routes/search", 1024 * 1024 + 1).await;
    assert_eq!((status, &problem["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &"payload_too_large".into()));
    for table in ["aircraft", "airlines", "airports", "flights", "tariffs"] {
        let (status, problem) = send(&format!("/api/v1/{table}/import"), 2 * 1024 * 1024).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{table}: {problem}");
    }
    let head = format!("POST /api/v1/routes/search HTTP/1.1\r\nHost: here\r\nContent-Length: {}\r\n\r\n", 1024 * 1024);
    let part = [head.as_bytes(), "x".repeat(600 * 1024).as_bytes()].concat();
    let mut streams = Vec::new();
    for _ in 0..IN_PROGRESS {
        let mut stream = TcpStream::connect(site.address()).await.unwrap();
        // An instance that has refused the body takes no more of it.
        _ = tokio::time::timeout(Duration::from_millis(50), stream.write_all(&part)).await;
        streams.push(stream);
    }
    assert_eq!(site.spooled(), 0, "bytes of bodies that nginx keeps in files");
    drop(streams);
    let head = "POST /api/v1/routes/search HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n";
    let mut streams = Vec::new();
    for _ in 0..2 * IN_PROGRESS {
        let mut stream = TcpStream::connect(site.address()).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        streams.push(stream);
    }
    let answer = client.get(format!("{base}/api/v1/info")).send().await.unwrap();
    assert_eq!(
        (answer.status(), answer.headers()["ratelimit-limit"].as_bytes()),
        (StatusCode::TOO_MANY_REQUESTS, &b"200"[..])
    );
    let problem: Value = answer.json().await.unwrap();
    assert!(problem["detail"].as_str().unwrap().contains("200 requests in progress"), "{problem}");
    drop(streams);
    site.audit();
}
