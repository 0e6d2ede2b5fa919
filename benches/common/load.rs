//! A client that costs little: requests that are written ahead, connections that stay open, bodies that are only counted.
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[derive(Default)]
pub struct Load {
    pub answers: usize,
    pub body_bytes: usize,
    seconds: f64,
    /// Milliseconds, sorted.
    latencies: Vec<f64>,
}

impl Load {
    pub fn per_second(&self) -> f64 {
        self.answers as f64 / self.seconds
    }

    pub fn quantile(&self, part: f64) -> f64 {
        let at = (self.latencies.len() as f64 * part) as usize;
        self.latencies.get(at).or(self.latencies.last()).copied().unwrap_or_default()
    }

    fn add(&mut self, other: Self) {
        self.answers += other.answers;
        self.body_bytes += other.body_bytes;
        self.latencies.extend(other.latencies);
    }
}

/// One connection.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(256 * 1024) }
    }

    /// The status and the body.
    pub async fn ask(&mut self, request: &[u8]) -> (u16, &[u8]) {
        self.stream.write_all(request).await.unwrap();
        self.buffer.clear();
        let (mut head, mut length) = (0, 0);
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
            assert!(read > 0, "the server closed the connection");
            if head == 0
                && let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n")
            {
                head = end + 4;
                length = content_length(&self.buffer[..head]);
            }
            if head > 0 && self.buffer.len() >= head + length {
                break;
            }
        }
        let status = std::str::from_utf8(&self.buffer[9..12]).unwrap().parse().unwrap();
        (status, &self.buffer[head..])
    }
}

fn content_length(head: &[u8]) -> usize {
    let head = std::str::from_utf8(head).unwrap().to_ascii_lowercase();
    let (_, rest) = head.split_once("content-length: ").expect("a Content-Length");
    rest.split("\r\n").next().unwrap().parse().unwrap()
}

pub async fn each_once(address: SocketAddr, requests: &[Vec<u8>]) -> Load {
    let mut client = Client::connect(address).await;
    let mut load = Load::default();
    for request in requests {
        let (status, body) = client.ask(request).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
        load.answers += 1;
        load.body_bytes += body.len();
    }
    load
}

/// Asks by so many connections at once for so long, each beginning elsewhere in the requests; every answer must have the
/// wanted status.
pub async fn run(address: SocketAddr, requests: &[Vec<u8>], wanted: u16, clients: usize, time: Duration) -> Load {
    let requests: Arc<Vec<Vec<u8>>> = Arc::new(requests.to_vec());
    let began = Instant::now();
    let asking: Vec<_> = (0..clients)
        .map(|number| {
            let requests = requests.clone();
            tokio::spawn(async move {
                let mut client = Client::connect(address).await;
                let mut load = Load::default();
                let mut at = number * requests.len() / clients;
                while began.elapsed() < time {
                    let asked = Instant::now();
                    let (status, body) = client.ask(&requests[at % requests.len()]).await;
                    assert_eq!(status, wanted);
                    load.body_bytes += body.len();
                    load.answers += 1;
                    load.latencies.push(asked.elapsed().as_secs_f64() * 1000.0);
                    at += 1;
                }
                load
            })
        })
        .collect();
    let mut sum = Load::default();
    for asking in asking {
        sum.add(asking.await.unwrap());
    }
    sum.seconds = began.elapsed().as_secs_f64();
    sum.latencies.sort_by(f64::total_cmp);
    sum
}
