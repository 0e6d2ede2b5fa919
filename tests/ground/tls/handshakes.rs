//! What is spoken on the port.
use loadmaster_testkit::{Answer, TlsFiles, World, WorldOptions, connect, exchange, read_answer};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::rustls::{
    ALL_VERSIONS, ProtocolVersion,
    pki_types::ServerName,
    version::{TLS12, TLS13},
};

use super::{HSTS, LIVEZ, ask, get, http2, world};

#[tokio::test]
async fn the_client_chooses_http_1_or_2() {
    let files = TlsFiles::new();
    let world = world(&files).await;
    assert!(world.base.starts_with("https://"), "{}", world.base);
    // The server's preference counts, not the order in which the client offers them.
    let sending = http2(files.connect(&world.base, &["http/1.1", "h2"]).await).await;
    for _ in 0..2 {
        let (head, text) = ask(&sending, get("/livez")).await;
        assert_eq!((head.version, head.status.as_u16(), &*text), (axum::http::Version::HTTP_2, 200, "alive"));
    }
    for (offered, chosen) in [(&["http/1.1"][..], Some(&b"http/1.1"[..])), (&[], None)] {
        let mut stream = files.connect(&world.base, offered).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), chosen);
        for _ in 0..2 {
            stream.write_all(LIVEZ).await.unwrap();
            let answer = read_answer(&mut stream).await;
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("alive"), "{answer}");
        }
    }
    let refused = files.encrypt(connect(&world.base).await, &["spdy/3"]).await.unwrap_err();
    assert!(refused.to_string().contains("NoApplicationProtocol"), "{refused}");
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken() {
    let files = TlsFiles::new();
    let world = world(&files).await;
    for (version, spoken) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let name = ServerName::try_from("localhost").unwrap();
        let connector = files.connector(&[version], &["http/1.1"]);
        let mut stream = connector.connect(name, connect(&world.base).await).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(spoken));
        stream.write_all(LIVEZ).await.unwrap();
        assert!(read_answer(&mut stream).await.ends_with("alive"));
    }
}

#[tokio::test]
async fn a_session_is_resumed_by_its_ticket() {
    let files = TlsFiles::new();
    let world = world(&files).await;
    let connector = files.connector(ALL_VERSIONS, &["http/1.1"]);
    let mut kinds = Vec::new();
    for _ in 0..2 {
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = connector.connect(name, connect(&world.base).await).await.unwrap();
        stream.write_all(LIVEZ).await.unwrap();
        // The ticket comes before the answer.
        assert!(read_answer(&mut stream).await.ends_with("alive"));
        kinds.push(format!("{:?}", stream.get_ref().1.handshake_kind().unwrap()));
    }
    assert_eq!(kinds, ["Full", "Resumed"]);
}

#[tokio::test]
async fn plain_http_is_closed_without_an_answer() {
    let files = TlsFiles::new();
    // Nobody waits for the rest of a handshake.
    let options = files.options(WorldOptions::working()).set("server.header_timeout_ms", "600000");
    let world = options.start().await;
    for request in [LIVEZ, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"nonsense"] {
        let answer = exchange(&world.base, request).await;
        // An alert of TLS, if it arrives: seven bytes, none of HTTP.
        assert!(answer.is_empty() || (answer.starts_with('\x15') && answer.len() == 7), "{answer:?}");
    }
    let told = world.anonymous().get("/metrics").await.text;
    assert!(told.contains("loadmaster_tls_handshakes_total{outcome=\"failed\"} "), "{told}");
}

#[tokio::test]
async fn every_answer_over_tls_demands_tls_and_none_without() {
    let files = TlsFiles::new();
    let (world, plain) = (world(&files).await, World::working().await);
    for (path, status) in [("/livez", 200), ("/nowhere", 404), ("/api/v1/bookings", 401), ("/metrics", 200), ("/", 200)]
    {
        let answer = world.anonymous().get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("strict-transport-security")),
            (status, Some(HSTS)),
            "{path}"
        );
        assert_eq!(plain.anonymous().get(path).await.header("strict-transport-security"), None, "{path}");
    }
    let sending = http2(files.connect(&world.base, &["h2"]).await).await;
    let large = axum::http::Request::get("https://localhost/livez").header("x-padding", "p".repeat(33 * 1024));
    for (request, status) in [(get("/livez"), 200), (large.body(()).unwrap(), 431)] {
        let (head, _) = ask(&sending, request).await;
        assert_eq!((head.status.as_u16(), head.headers["strict-transport-security"].to_str().unwrap()), (status, HSTS));
    }
}

#[tokio::test]
async fn head_and_options_are_answered_as_without_tls() {
    let files = TlsFiles::new();
    let origin = "https://console.example.com";
    let world = files.options(WorldOptions::working()).set("server.cors_origins", origin).start().await;
    let mut stream = files.connect(&world.base, &["http/1.1"]).await;
    stream.write_all(b"HEAD /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n"), "{answer}");
    let request = world.anonymous().request(reqwest::Method::OPTIONS, "/api/v1/bookings");
    let request = request.header("origin", origin).header("access-control-request-method", "POST");
    let answer = Answer::of(request).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some(origin), "{answer:?}");
    assert_eq!(answer.header("strict-transport-security"), Some(HSTS));
}

#[tokio::test]
async fn a_browsers_session_over_tls_is_secure() {
    let files = TlsFiles::new();
    let world = world(&files).await;
    let client = world.anonymous();
    let account = json!({"email": "ann@example.com", "password": "correct horse battery", "session": "cookie"});
    let request = client.request(reqwest::Method::POST, "/api/v1/auth/register");
    let answer = Answer::of(request.header("origin", &client.base).json(&account)).await;
    let cookie = answer.header("set-cookie").expect("a cookie").to_owned();
    answer.expect(201);
    assert!(cookie.ends_with("; Secure"), "{cookie}");
}

#[tokio::test]
async fn the_server_says_that_a_connection_ends() {
    let files = TlsFiles::new();
    let options = files.options(WorldOptions::working());
    let world = options.set("server.header_timeout_ms", "300").start().await;
    // An end that was asked for, a head that was refused, and one that does not come.
    for (request, answered) in [
        (&b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"[..], "HTTP/1.1 200 "),
        (b"GET /livez HTTP/1.1\r\nnonsense\r\n\r\n", "HTTP/1.1 400 "),
        (b"GET /livez HTTP/1.1\r\nHost: loc", ""),
    ] {
        let mut stream = files.connect(&world.base, &["http/1.1"]).await;
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        // Without `close_notify` rustls returns an error at the end.
        stream.read_to_string(&mut answer).await.expect("a proper end");
        assert!(answer.starts_with(answered) && (!answered.is_empty() || answer.is_empty()), "{answer}");
    }
}
