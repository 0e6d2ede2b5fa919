//! TLS at the server's own port: what it speaks, which bounds hold, and how its certificate is replaced.
mod bounds;
mod commands;
mod draining;
mod files;
mod handshakes;
mod reloading;

use std::time::Duration;

use axum::http;
use bytes::Bytes;
use h2::client::SendRequest;
use loadmaster_testkit::{Encrypted, TlsFiles, World, WorldOptions};

const PATIENCE: Duration = Duration::from_secs(20);
const LIVEZ: &[u8] = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// As nginx of the containers sends it.
const HSTS: &str = "max-age=31536000";

/// The beginning of a TLS handshake: the longest record, a client's greeting of that length, and not all of it.
const HALF_A_HANDSHAKE: &[u8] = b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03";

/// A server over TLS.
async fn world(files: &TlsFiles) -> World {
    files.options(WorldOptions::working()).start().await
}

/// HTTP/2 on a connection that has chosen it.
async fn http2(stream: Encrypted) -> SendRequest<Bytes> {
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (sending, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    sending
}

/// The head and the text of an answer.
async fn ask(sending: &SendRequest<Bytes>, request: http::Request<()>) -> (http::response::Parts, String) {
    let mut sending = sending.clone().ready().await.unwrap();
    let (response, _) = sending.send_request(request, true).unwrap();
    let (head, mut body) = response.await.unwrap().into_parts();
    let mut text = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece.unwrap();
        body.flow_control().release_capacity(piece.len()).unwrap();
        text.extend_from_slice(&piece);
    }
    (head, String::from_utf8(text).unwrap())
}

fn get(path: &str) -> http::Request<()> {
    http::Request::get(format!("https://localhost{path}")).body(()).unwrap()
}
