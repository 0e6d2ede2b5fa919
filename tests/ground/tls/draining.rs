//! Answers that leave early, never, or while the server stops: over TLS they too are all that leaves.
use std::sync::{Arc, Mutex};

use axum::http;
use bytes::Bytes;
use loadmaster_testkit::{NewFlight, TlsFiles, World, WorldOptions, connect, is_closed, read_answer, until};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{HALF_A_HANDSHAKE, PATIENCE, get, http2, world};

/// A wire to the server on which all that the server sends is overheard.
struct Tap {
    base: String,
    overheard: Arc<Mutex<Vec<u8>>>,
}

impl Tap {
    async fn before(world: &World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("https://{}", listener.local_addr().unwrap());
        let (server, overheard) = (world.base.clone(), Arc::<Mutex<Vec<u8>>>::default());
        let kept = overheard.clone();
        tokio::spawn(async move {
            let (mut from_client, mut to_client) = listener.accept().await.unwrap().0.into_split();
            let (mut from_server, mut to_server) = connect(&server).await.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
                kept.lock().unwrap().extend_from_slice(&buffer[..length]);
                if to_client.write_all(&buffer[..length]).await.is_err() {
                    break;
                }
            }
        });
        Self { base, overheard }
    }

    /// All that was overheard consists of records of TLS 1.2 and 1.3.
    fn assert_encrypted(&self) {
        let all = self.overheard.lock().unwrap().clone();
        let mut rest = all.as_slice();
        let mut records = 0;
        while let [kind, major, minor, high, low, following @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            assert!((20..=23).contains(kind) && *major == 3 && *minor == 3, "not a record: {rest:?}");
            assert!(length <= 16 * 1024 + 256, "too long for a record: {length}");
            rest = following.get(length..).unwrap_or_default();
            records += 1;
        }
        assert!(records > 3, "{all:?}");
    }
}

#[tokio::test]
async fn an_upload_without_end_is_answered_and_then_closed() {
    let files = TlsFiles::new();
    let options = files.options(WorldOptions::patient().with_workers()).set("server.max_body_bytes", "2000");
    let world = options.start().await;
    let token = world.customer().await.token.unwrap();
    let tap = Tap::before(&world).await;
    let (mut reading, mut writing) = tokio::io::split(files.connect(&tap.base, &["http/1.1"]).await);
    let head = format!(
        "POST /api/v1/bookings HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let uploading = tokio::spawn(async move {
        writing.write_all(head.as_bytes()).await.unwrap();
        let chunk = format!("{:x}\r\n{}\r\n", 8192, " ".repeat(8192));
        while writing.write_all(chunk.as_bytes()).await.is_ok() {}
    });
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    let read = async {
        // The end may be a reset: the client went on.
        while let Ok(length @ 1..) = reading.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..length]);
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("the connection is closed");
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("payload_too_large"), "{answer}");
    uploading.await.unwrap();
    tap.assert_encrypted();
}

#[tokio::test]
async fn a_stream_of_events_is_encrypted_until_the_server_ends_it() {
    let files = TlsFiles::new();
    let world = world(&files).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let tap = Tap::before(&world).await;
    // HTTP/1.1: such an answer leaves its HTTP connection.
    let mut stream = files.connect(&tap.base, &["http/1.1"]).await;
    let path = format!("/api/v1/flights/{}/stream", flight["id"].as_str().unwrap());
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    while !text.contains("event: availability") {
        let length = tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await.expect("it goes on").unwrap();
        text.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
    }
    assert!(text.starts_with("HTTP/1.1 200 ") && text.contains("\r\nstrict-transport-security: "), "{text}");
    let down = tokio::spawn(world.shutdown());
    let rest = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut text)).await.expect("it ends");
    rest.expect("with a proper end");
    assert!(text.ends_with("\r\n0\r\n\r\n"), "{text}");
    down.await.unwrap();
    tap.assert_encrypted();
}

#[tokio::test]
async fn a_stream_of_events_ends_when_its_client_leaves_or_talks_into_it() {
    let files = TlsFiles::new();
    let world = world(&files).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let path = format!("/api/v1/flights/{}/stream", flight["id"].as_str().unwrap());
    let open = async || loadmaster_testkit::sum_of(&world.anonymous(), "loadmaster_streams{", "kind=\"flight\"").await;
    let follow = async || {
        let mut stream = files.connect(&world.base, &["http/1.1"]).await;
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        stream
    };
    let (leaves, mut talks) = (follow().await, follow().await);
    until("both are open", async || open().await == 2).await;
    drop(leaves);
    until("one has left", async || open().await == 1).await;
    let talking = async { while talks.write_all(&[b' '; 4096]).await.is_ok() && talks.flush().await.is_ok() {} };
    tokio::time::timeout(PATIENCE, talking).await.expect("it is left");
    until("nobody is there", async || open().await == 0).await;
}

/// Until the server listens no more.
async fn until_the_listener_is_closed(base: &str) {
    let address = base.trim_start_matches("https://").to_owned();
    until("the listener is closed", async || TcpStream::connect(&address).await.is_err()).await;
}

#[tokio::test]
async fn requests_under_way_are_answered_while_the_server_stops() {
    let files = TlsFiles::new();
    let world = files.options(WorldOptions::patient().with_workers()).start().await;
    let (base, token) = (world.base.clone(), world.customer().await.token.unwrap());
    // Given a request whose body is not there yet, by HTTP/1.1
    let mut stream = files.connect(&base, &["http/1.1"]).await;
    let head = format!(
        "POST /api/v1/bookings HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(read_answer(&mut stream).await, "HTTP/1.1 100 Continue\r\n\r\n");
    // and one by HTTP/2, which came before another one that is answered,
    let sending = http2(files.connect(&base, &["h2"]).await).await;
    let request = http::Request::post("https://localhost/api/v1/bookings");
    let request = request.header("authorization", format!("Bearer {token}")).header("content-type", "application/json");
    let mut ready = sending.clone().ready().await.unwrap();
    let (answer, mut body) = ready.send_request(request.body(()).unwrap(), false).unwrap();
    super::ask(&sending, get("/livez")).await;
    // and a handshake that does not go on,
    let mut half = connect(&base).await;
    half.write_all(HALF_A_HANDSHAKE).await.unwrap();
    // when the server stops,
    let down = tokio::spawn(world.shutdown());
    until_the_listener_is_closed(&base).await;
    // then the handshake is not waited for, and the requests are answered when they have come.
    assert!(is_closed(&mut half).await);
    stream.write_all(b"{}").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("a proper end");
    assert!(text.starts_with("HTTP/1.1 400 "), "{text}");
    body.send_data(Bytes::from_static(b"{}"), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 400);
    down.await.unwrap();
}
