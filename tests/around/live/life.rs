use axum::http;
use chrono::TimeDelta;
use loadmaster_testkit::{World, WorldOptions, connect, freight::order, sum_of, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{follow, path_of_flight, roomy};

#[tokio::test]
async fn silence_is_broken_by_comments() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let mut stream = follow(&world.anonymous(), &path_of_flight(&flight), None).await;
    stream.expect("flight").await;
    stream.expect("availability").await;
    for _ in 0..3 {
        world.clock.advance(TimeDelta::seconds(15));
        stream.comment().await;
    }
    world.customer().await.book(order(&[&flight])).await;
    stream.expect("availability").await;
    assert_eq!(stream.comments, 3);
}

#[tokio::test]
async fn no_stream_lives_longer_than_an_hour() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let mut stream = follow(&world.anonymous(), &path_of_flight(&flight), None).await;
    stream.expect("flight").await;
    stream.expect("availability").await;
    world.clock.advance(TimeDelta::minutes(54));
    stream.comment().await;
    world.clock.advance(TimeDelta::minutes(6));
    stream.end().await;
}

#[tokio::test]
async fn at_shutdown_clients_get_a_time_to_reconnect() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        let mut stream = follow(&world.anonymous(), &path_of_flight(&flight), None).await;
        stream.expect("flight").await;
        stream.expect("availability").await;
        streams.push(stream);
    }
    let down = tokio::spawn(world.shutdown());
    let mut told = Vec::new();
    for stream in &mut streams {
        stream.end().await;
        let [3000, last] = stream.retries[..] else { panic!("{:?}", stream.retries) };
        assert!((1000..=5000).contains(&last), "{last}");
        told.push(last);
    }
    told.dedup();
    assert!(told.len() > 1, "they do not come back together: {told:?}");
    down.await.unwrap();
}

/// Many megabytes, at the pace of one who is behind: takes some seconds.
#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_and_delays_no_other() {
    let world = WorldOptions::working().set("server.write_timeout_ms", "600000").start().await;
    let flight = roomy(&world).await;
    let path = path_of_flight(&flight);
    let mut lazy = connect(&world.base).await;
    let request = format!(
        "GET /api/v1/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        world.operator().await.token.unwrap()
    );
    lazy.write_all(request.as_bytes()).await.unwrap();
    let mut quick = follow(&world.anonymous(), &path, None).await;
    quick.expect("flight").await;
    quick.expect("availability").await;
    let mut busy = follow(&world.operator().await, "/api/v1", None).await;
    let open = async || sum_of(&world.anonymous(), "loadmaster_streams{", "kind=\"messages\"").await;
    until("both are open", async || open().await == 2).await;
    let busy = tokio::spawn(async move {
        for _ in 0..300 {
            busy.expect("message").await;
        }
    });
    // More than the system and the server keep for a connection that is not read.
    world
        .sql(
            "insert into outbox (aggregate, aggregate_id, sequence, event_type, payload, occurred_at)
             select 'flight', gen_random_uuid(), 1, 'CREATED', jsonb_build_object('x', repeat('x', 60000)), now()
             from generate_series(1, 300)",
        )
        .await;
    world.customer().await.book(order(&[&flight])).await;
    quick.expect("availability").await;
    // All has been sent to both.
    busy.await.unwrap();
    let mut read = Vec::new();
    until("it is left", async || {
        // What has been sent is still read; the stream then ends in order.
        let mut buffer = vec![0; 1 << 20];
        let length = lazy.read(&mut buffer).await.unwrap();
        read.extend_from_slice(&buffer[..length]);
        read.ends_with(b"0\r\n\r\n")
    })
    .await;
    let messages = read.windows(12).filter(|text| *text == b"event: messa").count();
    assert!((1..300).contains(&messages), "{messages} of 300 were sent");
    until("its place is free", async || open().await == 0).await;
}

/// Takes a second: it is longer than an answer may be kept waiting by its client.
#[tokio::test]
async fn a_quiet_stream_is_not_taken_for_one_that_is_not_read() {
    let world = WorldOptions::working().set("server.write_timeout_ms", "300").start().await;
    let flight = roomy(&world).await;
    let path = path_of_flight(&flight);
    let mut stream = follow(&world.anonymous(), &path, None).await;
    stream.expect("flight").await;
    stream.expect("availability").await;
    let (sending, connection) = h2::client::handshake(connect(&world.base).await).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::get(format!("{}{path}/stream", world.base)).body(()).unwrap();
    let mut sending = sending.ready().await.unwrap();
    let (answer, _) = sending.send_request(request, true).unwrap();
    let answer = answer.await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["content-type"] == "text/event-stream"), (200, true));
    let mut body = answer.into_body();
    let mut read = async |until: &str| {
        let mut text = String::new();
        while !text.contains(until) {
            let data = body.data().await.expect("the stream goes on").expect("it is not reset");
            body.flow_control().release_capacity(data.len()).unwrap();
            text += std::str::from_utf8(&data).unwrap();
        }
    };
    read("event: availability").await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    world.customer().await.book(order(&[&flight])).await;
    stream.expect("availability").await;
    read("event: availability").await;
    connection.abort();
}

#[tokio::test]
async fn a_client_that_goes_makes_room_and_one_that_talks_into_a_stream_is_left() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let open = async || sum_of(&world.anonymous(), "loadmaster_streams{", "kind=\"flight\"").await;
    let head = format!("GET {}/stream HTTP/1.1\r\nhost: x\r\n\r\n", path_of_flight(&flight));
    let mut quiet = connect(&world.base).await;
    quiet.write_all(head.as_bytes()).await.unwrap();
    let mut loud = connect(&world.base).await;
    loud.write_all(head.as_bytes()).await.unwrap();
    until("both are open", async || open().await == 2).await;
    drop(quiet);
    until("the one that has gone is forgotten", async || open().await == 1).await;
    let talking = async { while loud.write_all(&[b'x'; 4096]).await.is_ok() {} };
    tokio::time::timeout(std::time::Duration::from_secs(20), talking).await.expect("it is left");
    until("the other is forgotten, too", async || open().await == 0).await;
}
