//! The end of a server that is in use.
use loadmaster_testkit::{Brake, Client, Watch, WorldOptions, until, until_blocked};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{Holding, book, count, order, roomy_flight};

fn address(client: &Client) -> &str {
    client.base.trim_start_matches("http://")
}

async fn until_closed(client: &Client) {
    until("the listener is closed", async || TcpStream::connect(address(client)).await.is_err()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_stops_says_so_first_and_answers_what_it_has_begun() {
    let world = WorldOptions::patient().with_workers().set("server.drain_ms", "2500").start().await;
    let (flight, customer) = (roomy_flight(&world, "AI101").await, world.customer().await);
    let (database, base) = (world.database.clone(), world.base.clone());
    let mut watch = Watch::over(&database).await;
    Client::anonymous(&base).get("/readyz").await.expect(200);
    let holding = Holding::flight(&world, &flight).await;

    let stopping = tokio::spawn(world.shutdown());
    // Each time on a new connection: it still takes those.
    until("it is not ready", async || Client::anonymous(&base).get("/readyz").await.status == 503).await;
    let booking = tokio::spawn({
        let (customer, flight) = (customer.clone(), flight.clone());
        async move { book(&customer, &flight).await }
    });
    until_blocked(&Client::anonymous(&base), 1).await;
    until_closed(&customer).await;
    assert!(!stopping.is_finished() && !booking.is_finished());
    holding.let_go().await;

    booking.await.unwrap().expect(201);
    stopping.await.unwrap();
    until("all sessions have ended", async || watch.sessions().await == 0).await;
    assert_eq!(count(&mut database.owner().await, "bookings").await, 1);
    WorldOptions::working().on(&database).start().await.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_stops_finishes_the_work_of_callers_who_have_gone() {
    let world = WorldOptions::patient().with_workers().start().await;
    let (flight, customer) = (roomy_flight(&world, "AI101").await, world.customer().await);
    let database = world.database.clone();
    let mut brake = Brake::on(&database).await;
    let body = order(&flight).to_string();
    let request = format!(
        "POST /api/v1/bookings HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        customer.token.as_deref().unwrap(),
        body.len()
    );
    let mut stream = TcpStream::connect(address(&customer)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    brake.until_stopped(1).await;
    drop(stream);

    let stopping = tokio::spawn(world.shutdown());
    until_closed(&customer).await;
    assert!(!stopping.is_finished(), "the booking is not finished");
    brake.release().await;
    stopping.await.unwrap();

    assert_eq!(count(&mut database.owner().await, "bookings").await, 1);
    WorldOptions::working().on(&database).start().await.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_every_request_is_answered_or_never_taken() {
    let world = WorldOptions::working().set("server.drain_ms", "100").start().await;
    let (flight, customer) = (roomy_flight(&world, "AI101").await, world.customer().await);
    let (database, base) = (world.database.clone(), world.base.clone());
    let load: Vec<_> = (0..16)
        .map(|_| {
            let (customer, flight) =
                (Client { token: customer.token.clone(), ..Client::anonymous(&base) }, flight.clone());
            tokio::spawn(async move {
                let mut acknowledged = 0;
                loop {
                    let request = customer.request(reqwest::Method::POST, "/api/v1/bookings").json(&order(&flight));
                    match request.send().await {
                        Ok(answer) => {
                            assert_eq!(answer.status(), 201);
                            acknowledged += 1;
                        }
                        // Refused at the door, or the connection was closed between two requests.
                        Err(_) => return acknowledged,
                    }
                }
            })
        })
        .collect();
    let mut owner = database.owner().await;
    until("there is load", async || count(&mut owner, "bookings").await > 50).await;
    world.shutdown().await;
    let mut acknowledged = 0;
    for client in load {
        acknowledged += client.await.unwrap();
    }
    assert_eq!(count(&mut owner, "bookings").await, acknowledged, "what was done was also answered");
    WorldOptions::working().on(&database).start().await.audit().await;
}

// Two seconds: that is the time that the shutdown is given.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_shutdown_ends_in_its_time_whatever_is_stuck() {
    let world = WorldOptions::patient().with_workers().set("server.shutdown_ms", "2000").start().await;
    let (flight, customer) = (roomy_flight(&world, "AI101").await, world.customer().await);
    let (database, base) = (world.database.clone(), world.base.clone());
    let holding = Holding::flight(&world, &flight).await;
    // Work that waits for somebody else's lock, and a request whose body does not come.
    let booking = tokio::spawn({
        let (customer, flight) = (customer.clone(), flight.clone());
        async move { customer.request(reqwest::Method::POST, "/api/v1/bookings").json(&order(&flight)).send().await }
    });
    until_blocked(&Client::anonymous(&base), 1).await;
    let request = format!(
        "POST /api/v1/bookings HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n",
        customer.token.as_deref().unwrap()
    );
    let mut stream = TcpStream::connect(address(&customer)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();

    let stopping = tokio::time::timeout(std::time::Duration::from_secs(10), world.shutdown());
    stopping.await.expect("it does not wait for what is stuck");
    assert!(booking.await.unwrap().is_err(), "its connection was cut");
    holding.let_go().await;
    WorldOptions::working().on(&database).start().await.audit().await;
}
