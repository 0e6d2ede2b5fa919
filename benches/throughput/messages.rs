//! What messages out cost those who book: `BENCH_ONLY=messages cargo bench --bench throughput`. A hundred organizations book, by
//! turns
//!
//! - without webhooks and with one webhook each, of which half are dead: some refuse connections, the others never answer;
//! - with addresses that nothing is written to and with such that every booking is confirmed to, while the SMTP server is away.
//!
//! The two are measured one after the other in each round, in an order that changes, and compared within the round. Each begins
//! when the server has told everything of what was before.
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    callers::{Booker, References, authorized, with},
    common::{
        load::{Client, Load, find, play},
        median,
        network::{self, post, send},
        site::{Site, Variant, free_port},
    },
};

const WEBHOOKS: usize = 100;
const CLIENTS: [usize; 3] = [1, 16, 64];
/// Longest wait for what was left over.
const PATIENCE: Duration = Duration::from_mins(5);

/// The server, which may send to this machine, and whose SMTP server is away.
pub fn variant() -> Variant {
    let smtp = [
        ("LOADMASTER_MAIL__TRANSPORT", "smtp".to_owned()),
        ("LOADMASTER_MAIL__URL", format!("smtp://127.0.0.1:{}", free_port())),
    ];
    with_mail(smtp)
}

/// The server, which may send to this machine, with mail by these settings.
pub fn with_mail<const N: usize>(mail: [(&'static str, String); N]) -> Variant {
    let settings = [
        ("LOADMASTER_WEBHOOKS__TRUSTED_NETWORKS", "127.0.0.0/8"),
        ("LOADMASTER_SERVER__PUBLIC_URL", "https://cargo.example"),
        ("LOADMASTER_MAIL__FROM", "cargo@example.com"),
    ];
    let mut environment: Vec<_> = settings.map(|(name, value)| (name, value.to_owned())).into();
    environment.extend(mail);
    Variant { environment, ..Variant::plain("server") }
}

/// One organization with its webhook.
pub struct Shipper {
    pub token: String,
    webhook: String,
    is_sound: bool,
}

/// What is measured with and without.
#[derive(Clone, Copy)]
enum Burden {
    Webhooks,
    Mail,
}

pub async fn measure(site: &Site, time: Duration, rounds: u64) {
    let receiver = Receiver::start(true).await;
    let shippers = shippers(site, &receiver).await;
    let orders = Arc::new(orders(site, &shippers).await);
    create(site, &orders, 64, time).await;
    for (burden, title) in [
        (Burden::Webhooks, format!("{WEBHOOKS} webhooks, half of them dead")),
        (Burden::Mail, "e-mail for every booking, SMTP away".to_owned()),
    ] {
        println!("\n{title}; medians of {rounds} rounds\n");
        println!(
            "clients  bookings/s: without     with   ratio   p50 ms: without     with   p99 ms: without     with  received/s"
        );
        for clients in CLIENTS {
            let (mut pairs, mut rates) = (Vec::new(), Vec::new());
            for round in 0..rounds {
                let mut pair = [Load::default(), Load::default()];
                for with in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
                    switch(site, &shippers, burden, with == 1).await;
                    rested(site).await;
                    let before = receiver.count();
                    pair[with] = create(site, &orders, clients, time).await;
                    if with == 1 {
                        rates.push((receiver.count() - before) as f64 / pair[with].seconds);
                        drained(site, &shippers).await;
                    }
                }
                pairs.push(pair);
            }
            row(clients, &pairs, median(rates.into_iter()));
            switch(site, &shippers, burden, false).await;
        }
    }
    println!("\nnotifications that wait: {}", waiting_mail(site).await);
    site.audit();
}

fn row(clients: usize, pairs: &[[Load; 2]], received: f64) {
    let of = |with: usize, value: fn(&Load) -> f64| median(pairs.iter().map(|pair| value(&pair[with])));
    let ratio = median(pairs.iter().map(|[without, with]| with.per_second() / without.per_second()));
    let (p50, p99) = (|load: &Load| load.quantile(0.5), |load: &Load| load.quantile(0.99));
    println!(
        "{clients:>7}  {:>19.0} {:>8.0} {ratio:>7.3}  {:>16.2} {:>8.2}  {:>16.2} {:>8.2}  {received:>10.0}",
        of(0, Load::per_second),
        of(1, Load::per_second),
        of(0, p50),
        of(1, p50),
        of(0, p99),
        of(1, p99),
    );
}

async fn create(site: &Site, orders: &Arc<Vec<Vec<u8>>>, clients: usize, time: Duration) -> Load {
    let booker =
        |number| Booker { orders: orders.clone(), at: orders.len() * number / clients, made: References::default() };
    play(site.here, (0..clients).map(booker), time).await
}

/// Orders for all flights that are apart, by all organizations in turn.
async fn orders(site: &Site, shippers: &[Shipper]) -> Vec<Vec<u8>> {
    let flights = network::apart(site).await;
    let order = |(flight, shipper): (&String, &Shipper)| {
        let body = json!({"origin": "SIN", "destination": "NRT", "pieces": 1, "weight_kg": 0.1, "volume_m3": 0.001,
            "flight_ids": [flight]});
        post("/api/v1/bookings", Some(&shipper.token), &body.to_string())
    };
    flights.iter().zip(shippers.iter().cycle()).map(order).collect()
}

async fn call(client: &mut Client, request: &[u8]) -> Value {
    let (status, body) = client.ask(request).await;
    assert!((200..300).contains(&status), "{status} {}", String::from_utf8_lossy(body));
    serde_json::from_slice(body).unwrap()
}

/// Registers the organizations, each with a webhook that sends nothing yet. Operators alone may let webhooks send to this
/// machine.
pub async fn shippers(site: &Site, receiver: &Receiver) -> Vec<Shipper> {
    let mut client = Client::connect(site.here).await;
    let (mut tokens, mut shippers) = (Vec::new(), Vec::new());
    for number in 0..WEBHOOKS {
        let login = json!({"email": format!("shipper-{number}@example.com"), "password": "measure-twice-cut-once-9"});
        let session = call(&mut client, &post("/api/v1/auth/register", None, &login.to_string())).await;
        tokens.push(session["access_token"].as_str().unwrap().to_owned());
    }
    // Webhooks are for verified addresses; those are told of bookings, too, which is measured apart.
    switch(site, &[], Burden::Mail, true).await;
    for (number, token) in tokens.into_iter().enumerate() {
        let new = json!({"url": "https://receiver.example/"});
        let webhook = call(&mut client, &post("/api/v1/webhooks", Some(&token), &new.to_string())).await;
        let webhook = webhook["id"].as_str().unwrap().to_owned();
        let url = receiver.url(number);
        change(&mut client, site, &webhook, &json!({"url": url, "status": "DISABLED"})).await;
        shippers.push(Shipper { token, webhook, is_sound: receiver.is_sound(number) });
    }
    switch(site, &[], Burden::Mail, false).await;
    shippers
}

async fn show(client: &mut Client, site: &Site, webhook: &str) -> Value {
    call(client, &authorized(&format!("/api/v1/webhooks/{webhook}"), &site.token)).await
}

async fn change(client: &mut Client, site: &Site, webhook: &str, change: &Value) {
    let version = show(client, site, webhook).await["version"].clone();
    let request = send("PATCH", &format!("/api/v1/webhooks/{webhook}"), Some(&site.token), &change.to_string());
    call(client, &with(request, &format!("If-Match: \"{version}\""))).await;
}

async fn switch(site: &Site, shippers: &[Shipper], burden: Burden, on: bool) {
    match burden {
        Burden::Webhooks => switch_webhooks(site, shippers, on).await,
        Burden::Mail => {
            let mut owner = PgConnection::connect(&site.stores.url("loadmaster")).await.unwrap();
            let at = if on { "now()" } else { "null" };
            let verify = format!("update users set email_verified_at = {at} where email like 'shipper-%'");
            owner.execute(AssertSqlSafe(verify)).await.unwrap();
            owner.close().await.unwrap();
        }
    }
}

pub async fn switch_webhooks(site: &Site, shippers: &[Shipper], on: bool) {
    let mut client = Client::connect(site.here).await;
    let status = if on { "ACTIVE" } else { "DISABLED" };
    for shipper in shippers {
        change(&mut client, site, &shipper.webhook, &json!({"status": status})).await;
    }
}

/// Letters that could not be sent.
async fn waiting_mail(site: &Site) -> i64 {
    let mut owner = PgConnection::connect(&site.stores.url("loadmaster")).await.unwrap();
    let row = owner.fetch_one("select count(*) from notifications where status = 'WAITING'").await.unwrap();
    row.get(0)
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until every sink has taken what was written, so that no work is left over for the next measurement.
pub async fn rested(site: &Site) {
    until("the sinks take what was written", async || undelivered(site).await == 0).await;
}

/// The messages that the sink furthest behind has not taken.
pub async fn undelivered(site: &Site) -> u64 {
    let health = call(&mut Client::connect(site.here).await, &authorized("/health/detailed", &site.token)).await;
    let sinks = health["outbox"].as_array().unwrap().iter();
    sinks.map(|sink| sink["undelivered"].as_u64().unwrap()).max().unwrap()
}

/// Waits until the sound receivers have everything, so that no work is left over for the next measurement.
async fn drained(site: &Site, shippers: &[Shipper]) {
    let mut client = Client::connect(site.here).await;
    until("sound receivers have what is theirs", async || {
        for shipper in shippers.iter().filter(|shipper| shipper.is_sound) {
            if show(&mut client, site, &shipper.webhook).await["waiting"] != 0 {
                return false;
            }
        }
        true
    })
    .await;
}

/// Its places answer 204. Half of them may be dead instead: they refuse connections or never answer.
pub struct Receiver {
    is_half_dead: bool,
    sound: SocketAddr,
    hanging: SocketAddr,
    closed: u16,
    received: Arc<AtomicUsize>,
}

impl Receiver {
    pub async fn start(is_half_dead: bool) -> Self {
        let received = Arc::new(AtomicUsize::new(0));
        let listeners = [listener().await, listener().await];
        let [sound, hanging] = [&listeners[0], &listeners[1]].map(|listener| listener.local_addr().unwrap());
        let [answering, silent] = listeners;
        let counter = received.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = answering.accept().await {
                tokio::spawn(answer(stream, counter.clone()));
            }
        });
        tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Ok((stream, _)) = silent.accept().await {
                kept.push(stream);
            }
        });
        Self { is_half_dead, sound, hanging, closed: free_port(), received }
    }

    const fn is_sound(&self, number: usize) -> bool {
        !self.is_half_dead || number.is_multiple_of(2)
    }

    fn url(&self, number: usize) -> String {
        match number % 4 {
            _ if self.is_sound(number) => format!("http://{}/{number}", self.sound),
            1 => format!("http://127.0.0.1:{}/{number}", self.closed),
            _ => format!("http://{}/{number}", self.hanging),
        }
    }

    pub fn count(&self) -> usize {
        self.received.load(Ordering::Relaxed)
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
}

/// Answers each request on a connection; what it says is not looked at.
async fn answer(mut stream: TcpStream, received: Arc<AtomicUsize>) {
    let mut read = Vec::new();
    loop {
        while let Some(length) = whole(&read) {
            read.drain(..length);
            received.fetch_add(1, Ordering::Relaxed);
            if stream.write_all(b"HTTP/1.1 204 -\r\n\r\n").await.is_err() {
                return;
            }
        }
        if !matches!(stream.read_buf(&mut read).await, Ok(1..)) {
            return;
        }
    }
}

/// The length of the request at the beginning, if it is whole.
fn whole(read: &[u8]) -> Option<usize> {
    let end = find(read, b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
    let (_, rest) = head.split_once("content-length:")?;
    let length: usize = rest.lines().next()?.trim().parse().ok()?;
    (read.len() >= end + length).then_some(end + length)
}
