use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

/// Bounds a wait that should end by itself long before.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection without an HTTP client in between, for requests that no client would send.
pub async fn connect(base: &str) -> TcpStream {
    TcpStream::connect(host_and_port(base)).await.expect("the server listens")
}

fn host_and_port(base: &str) -> &str {
    base.split_once("://").expect("a URL").1
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

/// The same from an address of one's own; on loopback all of 127.0.0.0/8 can be used. The server may refuse it.
pub async fn connect_from(address: &str, base: &str) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(format!("{address}:0").parse().unwrap())?;
    socket.connect(host_and_port(base).parse().unwrap()).await
}

/// Reads one answer with a `Content-Length` (or without a body) and leaves the connection as it is.
pub async fn read_answer(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, async {
        while !is_whole(&answer) {
            let mut buffer = [0; 4096];
            match stream.read(&mut buffer).await {
                Ok(length @ 1..) => answer.extend_from_slice(&buffer[..length]),
                _ => break,
            }
        }
    });
    read.await.expect("the server answers");
    String::from_utf8_lossy(&answer).into_owned()
}

fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| body.len() >= length.trim().parse().expect("a number"))
}

/// Whether the server closes this connection, politely or not, while nothing more is sent. What it still says is dropped.
pub async fn is_closed(stream: &mut (impl AsyncRead + Unpin)) -> bool {
    let read = tokio::time::timeout(PATIENCE, async {
        let mut buffer = vec![0; 65536];
        while let Ok(1..) = stream.read(&mut buffer).await {}
    });
    read.await.is_ok()
}
