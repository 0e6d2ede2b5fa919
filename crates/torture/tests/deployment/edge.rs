//! What nginx bounds before an instance sees it, with the files of `deploy/nginx`.
use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
};

use super::{
    proxy::Site,
    support::{Customer, is_long},
};

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

/// An address of loopback: nginx and the instances tell callers apart by theirs.
fn own(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, last))
}

const STRANGER: u8 = 66;
/// Other accounts, each at an address of its own and each calling as often as its quota allows.
const NEIGHBOURS: u8 = 6;
const PAUSE: Duration = Duration::from_millis(110);
const MEASURED: Duration = Duration::from_secs(10);
const WARMING: Duration = Duration::from_secs(2);
/// A slower answer than this is noticed, a faster one is not, however fast it was before.
const NOTICED: Duration = Duration::from_millis(50);
/// Connections of the stranger with large bodies, as of other attacks (`hostile/neighbour.rs`): more would measure how fast the
/// stranger's own part of this machine sends.
const FAST: usize = 16;
/// Those with slow bodies: with the others more than may be in progress.
const SLOW: usize = 200;
const MEBIBYTE: usize = 1024 * 1024;

/// What the stranger has sent.
#[derive(Default)]
struct Sent {
    bytes: AtomicU64,
    /// Parts of slow bodies.
    parts: AtomicU64,
}

async fn connect_as_stranger(address: &str) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(own(STRANGER), 0))?;
    socket.connect(address.parse().map_err(io::Error::other)?).await
}

/// Sends `first` and then `part` again and again, with pauses, until the other side has had enough.
async fn send_body(address: &str, part: &[u8], pause: Duration, sent: &Sent) -> io::Result<()> {
    let head = "POST /api/v1/routes/search HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n";
    let (mut reading, mut writing) = connect_as_stranger(address).await?.into_split();
    writing.write_all(format!("{head}Content-Length: {MEBIBYTE}\r\n\r\n").as_bytes()).await?;
    let mut answer = [0; 1024];
    let write = async {
        for _ in 0..MEBIBYTE / part.len() {
            writing.write_all(part).await?;
            sent.bytes.fetch_add(part.len() as u64, Relaxed);
            if !pause.is_zero() {
                sent.parts.fetch_add(1, Relaxed);
            }
            tokio::time::sleep(pause).await;
        }
        Ok::<_, io::Error>(())
    };
    tokio::select! {
        written = write => written,
        read = reading.read(&mut answer) => read.map(drop),
    }
}

/// Many large bodies as fast as they are taken, and as many that trickle, all from one address, until it is dropped.
fn bodies(address: &str, sent: &Arc<Sent>) -> JoinSet<()> {
    let mut all = JoinSet::new();
    for number in 0..FAST + SLOW {
        let (address, sent) = (address.to_owned(), sent.clone());
        let (part, pause) = if number < FAST { (64 * 1024, Duration::ZERO) } else { (64, Duration::from_millis(500)) };
        all.spawn(async move {
            let part = vec![b' '; part];
            loop {
                _ = send_body(&address, &part, pause, &sent).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
    }
    all
}

/// How long the slowest hundredth of the neighbours' requests takes, over some time.
async fn slowest_hundredth(base: &str, tokens: &[String]) -> Duration {
    let mut asking = JoinSet::new();
    for (number, token) in (10..).zip(tokens.iter().cloned()) {
        let client = Client::builder().no_proxy().local_address(own(number)).timeout(MEASURED).build().unwrap();
        let base = base.to_owned();
        asking.spawn(async move {
            let (mut took, ends) = (Vec::new(), Instant::now() + MEASURED);
            for path in ["/api/v1/airports/DEL", "/api/v1/bookings"].iter().cycle() {
                let began = Instant::now();
                if began > ends {
                    break;
                }
                let answer = client.get(format!("{base}{path}")).bearer_auth(&token).send().await;
                // A refusal counts as the longest wait.
                let is_answered = answer.is_ok_and(|answer| answer.status() == StatusCode::OK);
                took.push(if is_answered { began.elapsed() } else { MEASURED });
                tokio::time::sleep(PAUSE.saturating_sub(began.elapsed())).await;
            }
            took
        });
    }
    let mut took: Vec<Duration> = asking.join_all().await.concat();
    took.sort_unstable();
    took[took.len() * 99 / 100]
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_a_stranger_at_nginx_do_not_slow_a_neighbour_tenfold() {
    if !is_long() {
        return;
    }
    let site = Site::start().await;
    let base = format!("http://{}", site.address());
    let mut tokens = Vec::new();
    for number in 0..NEIGHBOURS {
        tokens.push(Customer::register(&base, &format!("neighbour-{number}")).await.token().to_owned());
    }
    slowest_hundredth(&base, &tokens).await;
    let before = slowest_hundredth(&base, &tokens).await;
    let sent = Arc::<Sent>::default();
    let mut attacking = bodies(site.address(), &sent);
    tokio::time::sleep(WARMING).await;
    let during = slowest_hundredth(&base, &tokens).await;
    let spooled = site.spooled();
    attacking.shutdown().await;
    let (bytes, parts) = (sent.bytes.load(Relaxed), sent.parts.load(Relaxed));
    println!("p99 {before:.2?}, then {during:.2?}, beside {bytes} bytes and {parts} parts of slow bodies");
    assert!(during <= (before * 10).max(NOTICED), "{before:?} became {during:?}");
    assert_eq!(spooled, 0, "bytes of bodies that nginx keeps in files");
    assert!(bytes >= 16 * MEBIBYTE as u64, "the large bodies were an attack: {bytes} bytes were taken");
    assert!(parts >= SLOW as u64, "the slow bodies were an attack: {parts} parts were taken");
    site.audit();
}
