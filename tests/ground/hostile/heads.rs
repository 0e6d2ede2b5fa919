//! What stands before the body: too much of it, too slowly.
use loadmaster_testkit::{World, WorldOptions, connect, exchange, is_closed, read_answer};
use tokio::io::AsyncWriteExt;

const KIB: usize = 1024;

fn head(target: &str, headers: &[(usize, usize)]) -> String {
    let mut text = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    for (number, length) in headers {
        text.push_str(&format!("X-Padding-{number}: {}\r\n", "p".repeat(*length)));
    }
    text.push_str("\r\n");
    text
}

#[tokio::test]
async fn headers_over_32_kib_each_or_64_kib_in_all_are_refused() {
    let world = World::working().await;
    for headers in [vec![], vec![(1, 30 * KIB)], vec![(1, 30 * KIB), (2, 30 * KIB)]] {
        let answer = exchange(&world.base, head("/livez", &headers).as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{headers:?}: {answer}");
    }
    for headers in [vec![(1, 33 * KIB)], vec![(1, 30 * KIB), (2, 30 * KIB), (3, 8 * KIB)]] {
        let answer = exchange(&world.base, head("/livez", &headers).as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{headers:?}: {answer}");
        assert!(answer.contains("\"code\":\"headers_too_large\""), "{answer}");
        assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    }
    for headers in [vec![(1, 100 * KIB)], (0..200).map(|number| (number, 10)).collect(), vec![(1, 4000 * KIB)]] {
        let answer = exchange(&world.base, head("/livez", &headers).as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431 ") || answer.is_empty(), "{answer}");
    }
}

#[tokio::test]
async fn a_target_of_any_length_is_a_fault_of_the_caller() {
    let world = World::working().await;
    for length in [KIB, 9 * KIB, 40 * KIB, 66 * KIB, 200 * KIB] {
        for target in [format!("/{}", "a".repeat(length)), format!("/api/v1/flights?q={}", "a".repeat(length))] {
            let answer = exchange(&world.base, head(&target, &[]).as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 4") || answer.is_empty(), "{length}: {answer}");
        }
    }
}

#[tokio::test]
async fn the_head_of_a_later_request_is_bounded_as_the_first_one_is() {
    let world = WorldOptions::working().set("server.header_timeout_ms", "300").start().await;
    let mut stream = connect(&world.base).await;
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(read_answer(&mut stream).await.ends_with("alive"));
    stream.write_all(b"GET /livez HTTP/1.1\r\n").await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    // A byte now and then does not prolong it.
    let dripping = tokio::spawn(async move {
        while writing.write_all(b"X").await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    let closed = tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while let Ok(1..) = tokio::io::AsyncReadExt::read(&mut reading, &mut [0; 64]).await {}
    });
    closed.await.expect("it is closed");
    dripping.await.unwrap();
}

#[tokio::test]
async fn a_connection_that_is_not_used_any_more_is_closed() {
    let options = WorldOptions::working().set("server.idle_timeout_ms", "400").set("server.header_timeout_ms", "100");
    let world = options.start().await;
    let mut stream = connect(&world.base).await;
    // Longer than a head may take: between requests the idle time counts.
    for _ in 0..3 {
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        assert!(read_answer(&mut stream).await.ends_with("alive"));
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    }
    assert!(is_closed(&mut stream).await);
}
