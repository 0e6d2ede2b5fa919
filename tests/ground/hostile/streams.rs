//! HTTP/2 as no client speaks it.
use std::time::Duration;

use axum::http;
use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use loadmaster_testkit::{World, WorldOptions, connect, exchange};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinHandle,
};

const PATIENCE: Duration = Duration::from_secs(20);
const KIB: usize = 1024;

type Connection = JoinHandle<Result<(), h2::Error>>;

async fn client(world: &World, builder: &Builder) -> (SendRequest<Bytes>, Connection) {
    let (sending, connection) = builder.handshake(connect(&world.base).await).await.unwrap();
    (sending, tokio::spawn(connection))
}

fn get(path: &str) -> http::Request<()> {
    http::Request::get(format!("http://x{path}")).body(()).unwrap()
}

/// Status and body of an answer.
async fn ask(sending: &SendRequest<Bytes>, request: http::Request<()>) -> Result<(u16, String), h2::Error> {
    let mut sending = sending.clone().ready().await?;
    let (response, _) = sending.send_request(request, true)?;
    let response = tokio::time::timeout(PATIENCE, response).await.expect("it is answered")?;
    let (status, mut body, mut text) = (response.status().as_u16(), response.into_body(), Vec::new());
    while let Some(piece) = tokio::time::timeout(PATIENCE, body.data()).await.expect("it goes on") {
        let piece = piece?;
        text.extend_from_slice(&piece);
        body.flow_control().release_capacity(piece.len())?;
    }
    Ok((status, String::from_utf8(text).unwrap()))
}

#[tokio::test]
async fn an_answer_that_is_not_taken_ends_and_the_others_of_its_connection_go_on() {
    let world = WorldOptions::working().set("server.write_timeout_ms", "300").start().await;
    // The client opens no window: nothing of a body can be sent.
    let (sending, _connection) = client(&world, Builder::new().initial_window_size(0)).await;
    let error = ask(&sending, get("/openapi.json")).await.unwrap_err();
    assert!(error.is_reset() && error.is_remote(), "{error}");
    let head = http::Request::head("http://x/livez").body(()).unwrap();
    assert_eq!(ask(&sending, head).await.unwrap(), (200, String::new()));
    // One that the client opens in time.
    let (sending, _connection) = client(&world, Builder::new().initial_window_size(1024 * 1024)).await;
    assert_eq!(ask(&sending, get("/openapi.json")).await.unwrap().0, 200);
}

#[tokio::test]
async fn an_idle_connection_is_closed_without_an_error() {
    let options = WorldOptions::working().set("server.idle_timeout_ms", "1500").set("server.header_timeout_ms", "150");
    let world = options.start().await;
    let (sending, mut connection) = client(&world, &Builder::new()).await;
    // Longer than a head may take: between requests the idle time counts.
    for _ in 0..3 {
        assert_eq!(ask(&sending, get("/livez")).await.unwrap(), (200, "alive".to_owned()));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let ended = tokio::time::timeout(PATIENCE, &mut connection).await.expect("it ends").unwrap();
    assert!(ended.is_ok(), "politely: {ended:?}");
    // One on which nothing is asked is closed as a head that does not come.
    let (_sending, connection) = client(&world, &Builder::new()).await;
    _ = tokio::time::timeout(PATIENCE, connection).await.expect("it ends");
}

#[tokio::test]
async fn the_requests_of_one_connection_are_bounded() {
    let world = World::working().await;
    let (sending, _connection) = client(&world, &Builder::new()).await;
    ask(&sending, get("/livez")).await.unwrap();
    assert_eq!(sending.current_max_send_streams(), 128);
}

/// What a client says first, and then so many requests for `/`, each of which it takes back at once. No client library would
/// send the first half of that.
pub fn taken_back(requests: u32) -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    for number in 0..requests {
        let stream = (number * 2 + 1).to_be_bytes();
        // HEADERS, ended: GET, http, /, and the authority `x`.
        bytes.extend_from_slice(b"\0\0\x06\x01\x05");
        bytes.extend_from_slice(&stream);
        bytes.extend_from_slice(b"\x82\x86\x84\x41\x01x");
        // RST_STREAM: CANCEL.
        bytes.extend_from_slice(b"\0\0\x04\x03\0");
        bytes.extend_from_slice(&stream);
        bytes.extend_from_slice(b"\0\0\0\x08");
    }
    bytes
}

#[tokio::test]
async fn requests_that_are_taken_back_at_once_end_the_connection() {
    let world = World::working().await;
    let answer = exchange(&world.base, &taken_back(10_000)).await;
    // GOAWAY: ENHANCE_YOUR_CALM.
    assert!(answer.contains("\x07\0\0\0\0\0") && answer.contains("\0\0\0\x0b"), "{answer:?}");
    world.anonymous().get("/api/v1/airports/DEL").await.expect(200);
}

// Five seconds: the client is told to go, and has two seconds for it.
#[tokio::test]
async fn a_connection_that_ignores_goaway_is_closed() {
    let world = WorldOptions::working().set("server.idle_timeout_ms", "300").start().await;
    let (mut reading, mut writing) = connect(&world.base).await.into_split();
    writing.write_all(&taken_back(0)).await.unwrap();
    // HEADERS, ended: GET, http, /, and the authority `x`.
    writing.write_all(b"\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01x").await.unwrap();
    tokio::time::sleep(Duration::from_millis(800)).await;
    let mut asking = tokio::spawn(async move {
        for number in (3_u32..).step_by(2) {
            // HEADERS: POST, http, the path, and the authority `x`; the body never comes.
            let head = b"\x83\x86\x04\x15/api/v1/routes/search\x41\x01x";
            let mut request = vec![0, 0, u8::try_from(head.len()).unwrap(), 1, 4];
            request.extend_from_slice(&number.to_be_bytes());
            request.extend_from_slice(head);
            if writing.write_all(&request).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
    });
    let mut answers = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, async {
        tokio::select! {
            _ = reading.read_to_end(&mut answers) => {}
            _ = &mut asking => {}
        }
    });
    closed.await.expect("the connection is closed");
    asking.abort();
}

#[tokio::test]
async fn headers_are_bounded_as_in_http_1() {
    let world = World::working().await;
    let (sending, _connection) = client(&world, &Builder::new()).await;
    let padded = |lengths: &[usize]| {
        let mut request = get("/livez");
        for (number, length) in lengths.iter().enumerate() {
            let name = http::HeaderName::try_from(format!("x-padding-{number}")).unwrap();
            request.headers_mut().insert(name, "p".repeat(*length).parse().unwrap());
        }
        request
    };
    assert_eq!(ask(&sending, padded(&[30 * KIB, 30 * KIB])).await.unwrap().0, 200);
    let (status, text) = ask(&sending, padded(&[33 * KIB])).await.unwrap();
    assert!(status == 431 && text.contains("headers_too_large"), "{status} {text}");
    assert_eq!(ask(&sending, padded(&[30 * KIB, 30 * KIB, 30 * KIB])).await.unwrap().0, 431);
    assert_eq!(ask(&sending, get("/livez")).await.unwrap().0, 200, "the connection goes on");
}

#[tokio::test]
async fn a_refusal_before_the_routes_is_counted_by_its_route_and_has_no_body_for_head() {
    let world = World::working().await;
    let (sending, _connection) = client(&world, &Builder::new()).await;
    for _ in 0..2 {
        let request = http::Request::head("http://x/api/v1/bookings").header("authorization", "Bearer nonsense");
        let answered = ask(&sending, request.body(()).unwrap()).await.unwrap();
        assert_eq!(answered, (401, String::new()));
    }
    let metrics = world.anonymous().get("/metrics").await.text;
    let line = r#"http_requests_total{method="HEAD",route="/api/v1/bookings",status="401"} 2"#;
    assert!(metrics.lines().any(|found| found == line), "{metrics}");
}
