//! The bounds on connections, which hold over TLS as without.
use std::time::Duration;

use loadmaster_testkit::{TlsFiles, World, WorldOptions, connect_from, is_closed, read_answer, until};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{HALF_A_HANDSHAKE, LIVEZ, PATIENCE, get, world};
use crate::hostile::taken_back;

/// Whether a new connection of this address is served.
async fn is_served(files: &TlsFiles, world: &World, address: &str) -> bool {
    let Ok(stream) = connect_from(address, &world.base).await else { return false };
    let Ok(mut stream) = files.encrypt(stream, &["http/1.1"]).await else { return false };
    stream.write_all(LIVEZ).await.is_ok() && read_answer(&mut stream).await.ends_with("alive")
}

async fn half_a_handshake(address: &str, world: &World) -> TcpStream {
    let mut stream = connect_from(address, &world.base).await.unwrap();
    stream.write_all(HALF_A_HANDSHAKE).await.unwrap();
    stream
}

#[tokio::test]
async fn a_half_handshake_is_closed_by_the_time_of_a_head_and_keeps_no_place() {
    let files = TlsFiles::new();
    let options = files.options(WorldOptions::working()).set("server.header_timeout_ms", "500");
    let world = options.set("server.max_connections_per_address", "2").start().await;
    // Given as many as an address may have: one that says nothing, and one that does not go on,
    let mut silent = connect_from("127.0.0.66", &world.base).await.unwrap();
    let mut half = half_a_handshake("127.0.0.66", &world).await;
    // then another one of it is refused, one of another address is not,
    assert!(!is_served(&files, &world, "127.0.0.66").await);
    assert!(is_served(&files, &world, "127.0.0.67").await);
    // and they end by themselves.
    assert!(is_closed(&mut silent).await && is_closed(&mut half).await);
    until("its places are free again", async || is_served(&files, &world, "127.0.0.66").await).await;
    let told = world.anonymous().get("/metrics").await.text;
    assert!(told.contains("loadmaster_connections_closed_total{reason=\"slow_head\"} "), "{told}");
}

#[tokio::test]
async fn a_handshake_byte_by_byte_does_not_prolong_it() {
    let files = TlsFiles::new();
    let options = files.options(WorldOptions::working()).set("server.header_timeout_ms", "300");
    let world = options.start().await;
    let (mut reading, mut writing) = half_a_handshake("127.0.0.66", &world).await.into_split();
    let dripping = tokio::spawn(async move {
        while writing.write_all(b"\0").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(is_closed(&mut reading).await);
    dripping.await.unwrap();
}

#[tokio::test]
async fn a_head_after_the_handshake_has_no_time_of_its_own() {
    let files = TlsFiles::new();
    let options = files.options(WorldOptions::working()).set("server.header_timeout_ms", "300");
    let world = options.start().await;
    let mut stream = files.connect(&world.base, &["http/1.1"]).await;
    assert!(is_closed(&mut stream).await);
    let mut stream = files.connect(&world.base, &["http/1.1"]).await;
    stream.write_all(LIVEZ).await.unwrap();
    assert!(read_answer(&mut stream).await.ends_with("alive"));
    stream.write_all(b"GET /livez HTTP/1.1\r\nHos").await.unwrap();
    assert!(is_closed(&mut stream).await);
}

#[tokio::test]
async fn two_hundred_half_handshakes_stop_no_caller() {
    let files = TlsFiles::new();
    let world = world(&files).await;
    let mut half = Vec::new();
    for _ in 0..200 {
        half.push(half_a_handshake("127.0.0.66", &world).await);
    }
    assert!(is_served(&files, &world, "127.0.0.67").await);
    assert!(is_served(&files, &world, "127.0.0.66").await, "nor those of their own address");
}

#[tokio::test]
async fn half_handshakes_make_room_when_all_places_are_taken() {
    let files = TlsFiles::new();
    let world = files.options(WorldOptions::working()).set("server.max_connections", "4").start().await;
    let mut first = half_a_handshake("127.0.0.66", &world).await;
    let mut others = vec![half_a_handshake("127.0.0.66", &world).await];
    for _ in 0..2 {
        others.push(half_a_handshake("127.0.0.67", &world).await);
    }
    assert!(is_served(&files, &world, "127.0.0.68").await);
    tokio::select! {
        closed = is_closed(&mut first) => assert!(closed),
        closed = is_closed(&mut others[0]) => assert!(closed),
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let files = TlsFiles::new();
    let options = files.options(WorldOptions::working()).set("server.idle_timeout_ms", "300");
    let world = options.start().await;
    let mut stream = files.connect(&world.base, &["http/1.1"]).await;
    stream.write_all(LIVEZ).await.unwrap();
    assert!(read_answer(&mut stream).await.ends_with("alive"));
    assert_eq!(stream.read(&mut [0; 9]).await.unwrap(), 0, "with a proper end");
    let stream = files.connect(&world.base, &["h2"]).await;
    let (sending, mut connection) = h2::client::handshake(stream).await.unwrap();
    let mut ready = tokio::select! {
        ready = sending.ready() => ready.unwrap(),
        ended = &mut connection => panic!("{ended:?}"),
    };
    let (answer, _) = ready.send_request(get("/livez"), true).unwrap();
    let ended = tokio::time::timeout(PATIENCE, connection).await.expect("it ends");
    assert!(ended.is_ok(), "politely: {ended:?}");
    assert_eq!(answer.await.unwrap().status(), 200);
}

#[tokio::test]
async fn requests_that_are_taken_back_at_once_end_the_connection() {
    let files = TlsFiles::new();
    let world = world(&files).await;
    let (mut reading, mut writing) = tokio::io::split(files.connect(&world.base, &["h2"]).await);
    let sending = tokio::spawn(async move {
        _ = writing.write_all(&taken_back(10_000)).await;
        writing
    });
    let mut answer = Vec::new();
    let read = async {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = reading.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..length]);
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("the connection ends");
    drop(sending.await);
    // GOAWAY: ENHANCE_YOUR_CALM.
    assert!(answer.windows(4).any(|code| code == b"\0\0\0\x0b"), "{answer:?}");
    world.anonymous().get("/api/v1/airports/DEL").await.expect(200);
}

/// Answers of some hundred kilobytes each.
const REQUESTS: usize = 60;

fn much() -> String {
    "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(REQUESTS)
}

#[tokio::test]
async fn a_client_that_does_not_read_is_not_waited_for() {
    let files = TlsFiles::new();
    let options = files.options(WorldOptions::working()).set("server.write_timeout_ms", "300");
    let world = options.start().await;
    let mut stream = files.connect(&world.base, &["http/1.1"]).await;
    stream.write_all(much().as_bytes()).await.unwrap();
    let writing = async {
        while stream.write_all(b"\r\n").await.is_ok() && stream.flush().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, writing).await.expect("the connection is reset");
}

#[tokio::test]
async fn a_client_that_reads_steadily_gets_all_of_it() {
    let files = TlsFiles::new();
    let options = files.options(WorldOptions::working()).set("server.write_timeout_ms", "1000");
    let world = options.start().await;
    let one = world.anonymous().get("/openapi.json").await.text.len();
    let mut stream = files.connect(&world.base, &["http/1.1"]).await;
    stream.write_all(much().as_bytes()).await.unwrap();
    let (mut buffer, mut read) = (vec![0; 256 * 1024], 0);
    while read < REQUESTS * one {
        let reading = tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await;
        read += reading.expect("it goes on").expect("it is not cut");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
