//! Callers that do not read what they asked for. Answers must be larger than what the sockets keep.
use std::time::Duration;

use loadmaster_testkit::{WorldOptions, connect};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const PATIENCE: Duration = Duration::from_secs(20);
/// Answers of some hundred kilobytes each, all asked for at once.
const REQUESTS: usize = 60;

async fn ask_much(base: &str) -> TcpStream {
    let mut stream = connect(base).await;
    let request = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(REQUESTS);
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Until the server has reset the connection; nothing is read.
async fn until_reset(stream: &mut TcpStream) {
    let writing = async {
        while stream.write_all(b"\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, writing).await.expect("the connection is reset");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_not_waited_for() {
    let world = WorldOptions::working().set("server.write_timeout_ms", "300").start().await;
    until_reset(&mut ask_much(&world.base).await).await;
}

// Three seconds: who reads slowly is told from who does not read by reading for a while.
#[tokio::test]
async fn a_client_that_reads_far_too_slowly_is_not_waited_for() {
    let world = WorldOptions::working().set("server.write_timeout_ms", "2000").start().await;
    let (mut reading, mut writing) = ask_much(&world.base).await.into_split();
    let reading = tokio::spawn(async move {
        let mut few = [0; 10];
        while reading.read_exact(&mut few).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let writing = async {
        while writing.write_all(b"\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, writing).await.expect("the connection is reset");
    reading.abort();
}

#[tokio::test]
async fn a_client_that_reads_steadily_gets_all_of_it() {
    let world = WorldOptions::working().set("server.write_timeout_ms", "1000").start().await;
    let one = world.anonymous().get("/openapi.json").await.text.len();
    let mut stream = ask_much(&world.base).await;
    let (mut buffer, mut read) = (vec![0; 256 * 1024], 0);
    while read < REQUESTS * one {
        let reading = tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await;
        read += reading.expect("it goes on").expect("it is not cut");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
