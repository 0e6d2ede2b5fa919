use std::time::Duration;

use loadmaster_testkit::{Events, World, WorldOptions, freight::order, until};

use super::{follow, path_of_flight, roomy};

#[tokio::test]
async fn each_caller_has_its_streams_and_a_closed_one_makes_room() {
    let world = WorldOptions::working().set("stream.max_per_caller", "2").start().await;
    let flight = roomy(&world).await;
    let path = path_of_flight(&flight);
    let (customer, other, anyone) = (world.customer().await, world.customer().await, world.anonymous());
    let stream = format!("{path}/stream");
    let mut open = Vec::new();
    for client in [&customer, &other, &anyone] {
        open.push(follow(client, &path, None).await);
        open.push(follow(client, &path, None).await);
        let refused = client.get(&stream).await;
        assert_eq!(refused.header("retry-after"), Some("1"));
        assert_eq!(refused.expect_problem(429, "too_many_streams")["limit"], 2);
    }
    drop(open.remove(0));
    until("its place is free", async || {
        let answer = customer.request(reqwest::Method::GET, &stream).send().await.unwrap();
        answer.status() == 200
    })
    .await;
}

#[tokio::test]
async fn a_process_has_a_bound_and_streams_take_no_places_of_requests() {
    let options = WorldOptions::working().set("stream.max_per_process", "3").set("server.max_in_flight", "2");
    let world = options.set("server.request_timeout_ms", "1000").start().await;
    let flight = roomy(&world).await;
    let (path, customer) = (path_of_flight(&flight), world.customer().await);
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(follow(&customer, &path, None).await);
    }
    let refused = world.anonymous().get(&format!("{path}/stream")).await;
    assert_eq!(refused.header("retry-after"), Some("1"));
    refused.expect_problem(503, "unavailable");
    // Longer than a request may take.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    customer.book(order(&[&flight])).await;
    for stream in &mut open {
        stream.expect("flight").await;
        stream.expect("availability").await;
        stream.expect("availability").await;
    }
}

#[tokio::test]
async fn no_coding_delays_an_event() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    for coding in ["gzip", "br", "zstd, gzip", "*"] {
        let request = world.anonymous().request(reqwest::Method::GET, &format!("{}/stream", path_of_flight(&flight)));
        let mut stream = Events::open(request.header("accept-encoding", coding)).await;
        stream.expect("flight").await;
        stream.expect("availability").await;
        world.customer().await.book(order(&[&flight])).await;
        stream.expect("availability").await;
    }
}
