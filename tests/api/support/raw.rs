use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Bounds a wait that should end by itself long before.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection without an HTTP client in between, for requests that no client would send.
pub async fn connect(base: &str) -> TcpStream {
    TcpStream::connect(base.trim_start_matches("http://")).await.expect("the server listens")
}

/// Sends these bytes and reads until the server closes; panics when it does not.
pub async fn exchange(base: &str, request: &[u8]) -> String {
    let (mut reading, mut writing) = connect(base).await.into_split();
    let request = request.to_vec();
    // The server may answer and close before it has read everything. The half stays open, as a client's would.
    let sending = tokio::spawn(async move {
        _ = writing.write_all(&request).await;
        writing
    });
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, async {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = reading.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..length]);
        }
    });
    read.await.expect("the server closes the connection");
    drop(sending.await);
    String::from_utf8_lossy(&answer).into_owned()
}
