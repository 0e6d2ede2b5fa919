//! Bodies that are too large, or come slowly.
use loadmaster_testkit::{World, WorldOptions, connect, connect_from, is_closed, read_answer};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::client_at;

const BOOKINGS: &str = "/api/v1/bookings";

fn head(token: &str, headers: &str) -> String {
    format!(
        "POST {BOOKINGS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n{headers}\r\n"
    )
}

async fn ask(world: &World, request: &str) -> (String, TcpStream) {
    let mut stream = connect(&world.base).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    (read_answer(&mut stream).await, stream)
}

#[tokio::test]
async fn a_length_over_the_limit_is_refused_before_the_body_comes() {
    // Nobody would wait so long for a body that does not come.
    let world = WorldOptions::patient().with_workers().start().await;
    let token = world.customer().await.token.unwrap();
    for more in ["", "Expect: 100-continue\r\n"] {
        let request = head(&token, &format!("Content-Length: 10000000\r\n{more}"));
        let (answer, mut stream) = ask(&world, &request).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{more}: {answer}");
        assert!(answer.contains("payload_too_large"), "{answer}");
        assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
        assert!(is_closed(&mut stream).await);
    }
}

#[tokio::test]
async fn a_body_in_chunks_is_refused_as_soon_as_it_is_over_the_limit() {
    let world = WorldOptions::patient().with_workers().set("server.max_body_bytes", "2000").start().await;
    let token = world.customer().await.token.unwrap();
    let request = head(&token, "Transfer-Encoding: chunked\r\n");
    // The chunk is not finished, and no other one comes.
    let (answer, mut stream) = ask(&world, &format!("{request}2000\r\n{}", " ".repeat(2001))).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
    assert!(is_closed(&mut stream).await);
}

#[tokio::test]
async fn a_body_that_is_wanted_is_continued() {
    let world = World::working().await;
    let token = world.customer().await.token.unwrap();
    let request = head(&token, "Content-Length: 2\r\nExpect: 100-continue\r\n");
    let (answer, mut stream) = ask(&world, &request).await;
    assert_eq!(answer, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"{}").await.unwrap();
    assert!(read_answer(&mut stream).await.starts_with("HTTP/1.1 400 "));
}

#[tokio::test]
async fn slow_bodies_from_one_address_leave_places_for_others() {
    let world = WorldOptions::patient().with_workers().set("server.max_in_flight", "8").start().await;
    let token = world.customer().await.token.unwrap();
    let request = format!("{}{{", head(&token, "Content-Length: 100\r\n"));
    let mut slow = Vec::new();
    for _ in 0..16 {
        let mut stream = connect_from("127.0.0.66", &world.base).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    // The last ones are refused: all of them have been looked at.
    let refused = read_answer(slow.last_mut().unwrap()).await;
    assert!(refused.contains("rate_limited") || refused.contains("unavailable"), "{refused}");
    for address in ["127.0.0.1", "127.0.0.2"] {
        client_at(address, &world.base).get("/api/v1/airports/DEL").await.expect(200);
    }
    let refused = client_at("127.0.0.66", &world.base).get("/api/v1/airports/DEL").await;
    refused.expect_problem(429, "rate_limited");
    drop(slow);
    loadmaster_testkit::until("its places are free again", async || {
        client_at("127.0.0.66", &world.base).get("/api/v1/airports/DEL").await.status == 200
    })
    .await;
}
