//! Callers that go away in the middle of a request.
use std::{io, time::Duration};

use loadmaster_testkit::{Brake, Client, Dice, Watch, World, WorldOptions, rounds};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{book, count, order, path, reference, roomy_flight};

const SEED: u64 = 20_261_120;
/// Callers at the same time.
const AT_ONCE: usize = 48;

/// What one caller wants: a booking, or the end of this one.
#[derive(Clone)]
enum Wish {
    Book,
    Cancel(String),
}

/// The request as it goes over the wire.
fn wire(client: &Client, path: &str, body: &str) -> Vec<u8> {
    let host = client.base.trim_start_matches("http://");
    let token = client.token.as_deref().unwrap();
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Sends the request, or a part of it, and goes away at some moment, politely or not. Answers what had come by then.
async fn hang_up(address: &str, request: &[u8], dice: &mut Dice) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let mut come = Vec::new();
    let length = request.len() as u64;
    match dice.below(10) {
        0 | 1 => {
            let part = usize::try_from(dice.below(length)).unwrap();
            stream.write_all(&request[..part]).await?;
        }
        2 => {
            let part = usize::try_from(dice.below(length)).unwrap();
            stream.write_all(&request[..part]).await?;
            pause(dice).await;
            stream.write_all(&request[part..]).await?;
        }
        3 => {
            // Says that nothing more will come, and listens on.
            stream.write_all(request).await?;
            stream.shutdown().await?;
            stream.read_to_end(&mut come).await?;
        }
        4 => {
            stream.write_all(request).await?;
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).await?;
            come.extend_from_slice(&buffer[..read]);
        }
        _ => {
            stream.write_all(request).await?;
            pause(dice).await;
        }
    }
    pause(dice).await;
    let mut buffer = [0; 4096];
    if let Ok(read) = stream.try_read(&mut buffer) {
        come.extend_from_slice(&buffer[..read]);
    }
    if dice.below(2) == 0 {
        stream.set_zero_linger()?;
    }
    Ok(String::from_utf8_lossy(&come).into_owned())
}

/// Up to 20 ms, mostly less.
async fn pause(dice: &mut Dice) {
    let most = 1 << dice.below(15);
    tokio::time::sleep(Duration::from_micros(dice.below(most))).await;
}

/// The reference that a whole or cut answer acknowledges.
fn acknowledged(answer: &str) -> Option<String> {
    let rest = answer.strip_prefix("HTTP/1.1 201")?.split_once("/api/v1/bookings/")?.1;
    // Cut in the middle, it is no reference yet.
    Some(rest.split_once("\r\n")?.0.to_owned())
}

/// What the callers were told before they went away.
#[derive(Default)]
struct Told {
    booked: Vec<String>,
    cancelled: Vec<String>,
}

async fn callers(client: &Client, body: &str, wishes: Vec<Wish>) -> Told {
    let address = client.base.trim_start_matches("http://").to_owned();
    let mut running = Vec::new();
    for first in 0..AT_ONCE {
        let mine: Vec<_> = wishes.iter().cloned().enumerate().skip(first).step_by(AT_ONCE).collect();
        let (client, body, address) = (client.clone(), body.to_owned(), address.clone());
        running.push(tokio::spawn(async move {
            let mut told = Told::default();
            for (number, wish) in mine {
                let mut dice = Dice::of(SEED, number);
                let request = match &wish {
                    Wish::Book => wire(&client, "/api/v1/bookings", &body),
                    Wish::Cancel(reference) => wire(&client, &format!("{}/cancel", path(reference)), "{}"),
                };
                let answer = hang_up(&address, &request, &mut dice).await.unwrap_or_default();
                match wish {
                    Wish::Book => told.booked.extend(acknowledged(&answer)),
                    Wish::Cancel(reference) if answer.starts_with("HTTP/1.1 200") => told.cancelled.push(reference),
                    Wish::Cancel(_) => {}
                }
            }
            told
        }));
    }
    let mut all = Told::default();
    for caller in running {
        let told = caller.await.unwrap();
        all.booked.extend(told.booked);
        all.cancelled.extend(told.cancelled);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_that_hang_up_at_random_moments_lose_nothing_acknowledged_and_leave_nothing_half_done() {
    let total = rounds(600, 10_000);
    println!("seed {SEED}, {total} callers");
    let world = World::working().await;
    let (flight, customer) = (roomy_flight(&world, "AI101").await, world.customer().await);
    let mut before = Vec::new();
    for _ in 0..total / 5 {
        before.push(reference(&book(&customer, &flight).await.expect(201)));
    }
    let mut wishes = vec![Wish::Book; total - before.len()];
    for (number, reference) in before.iter().enumerate() {
        wishes.insert(number * 5, Wish::Cancel(reference.clone()));
    }

    let told = callers(&customer, &order(&flight).to_string(), wishes).await;

    let mut watch = Watch::over(&world.database).await;
    watch.until_quiet().await;
    let mut owner = world.database.owner().await;
    let kept = count(&mut owner, "bookings").await;
    println!(
        "{} of {} bookings and {} cancels were acknowledged",
        told.booked.len(),
        kept - before.len(),
        told.cancelled.len()
    );
    assert!(!told.booked.is_empty() && !told.cancelled.is_empty());
    assert!(told.booked.len() < total - before.len(), "nobody hung up");
    let there: Vec<String> = sqlx::query_scalar("select ref_id from bookings").fetch_all(&mut owner).await.unwrap();
    for reference in &told.booked {
        assert!(there.contains(reference), "{reference} was acknowledged");
    }
    let cancelled = "select ref_id from bookings where status = 'CANCELLED'";
    let cancelled: Vec<String> = sqlx::query_scalar(cancelled).fetch_all(&mut owner).await.unwrap();
    for reference in &told.cancelled {
        assert!(cancelled.contains(reference), "the cancel of {reference} was acknowledged");
    }
    for reference in &cancelled {
        assert!(before.contains(reference), "{reference} was cancelled, but nobody asked for that");
    }
    world.audit().await;
    every_connection_can_be_had(&world).await;
    book(&customer, &flight).await.expect(201);
}

/// The pool has leaked nothing.
async fn every_connection_can_be_had(world: &World) {
    let mut all = Vec::new();
    for _ in 0..world.db.pool_size().most {
        all.push(world.db.begin().await.expect("a connection"));
    }
}

#[tokio::test]
async fn a_booking_goes_on_when_its_caller_has_gone() {
    let world = WorldOptions::patient().with_workers().start().await;
    let (flight, customer) = (roomy_flight(&world, "AI101").await, world.customer().await);
    let mut watch = Watch::over(&world.database).await;
    for politely in [true, false] {
        let mut brake = Brake::on(&world.database).await;
        let mut stream = TcpStream::connect(customer.base.trim_start_matches("http://")).await.unwrap();
        stream.write_all(&wire(&customer, "/api/v1/bookings", &order(&flight).to_string())).await.unwrap();
        brake.until_stopped(1).await;
        if !politely {
            stream.set_zero_linger().unwrap();
        }
        drop(stream);
        // The server has seen it when it has answered somebody who came later.
        customer.get("/api/v1/info").await.expect(200);
        brake.release().await;
        watch.until_quiet().await;
    }
    assert_eq!(count(&mut world.database.owner().await, "bookings").await, 2);
    world.audit().await;
}
