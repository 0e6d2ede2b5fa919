//! A client that costs little: requests that are written ahead, connections that stay open, and bodies of which only the
//! beginning is looked at.
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The part of a body in which [`Question::contains`] is looked for.
const BEGINNING: usize = 512;

#[derive(Default, Clone)]
pub struct Load {
    pub answers: usize,
    pub body_bytes: usize,
    pub seconds: f64,
    /// Milliseconds, sorted; a list for each kind of question.
    latencies: Vec<Vec<f64>>,
}

impl Load {
    pub fn per_second(&self) -> f64 {
        self.answers as f64 / self.seconds
    }

    pub fn quantile(&self, part: f64) -> f64 {
        self.quantile_of(0, part)
    }

    pub fn quantile_of(&self, kind: usize, part: f64) -> f64 {
        let Some(latencies) = self.latencies.get(kind) else { return 0.0 };
        let at = (latencies.len() as f64 * part) as usize;
        latencies.get(at).or(latencies.last()).copied().unwrap_or_default()
    }

    pub fn answers_of(&self, kind: usize) -> usize {
        self.latencies.get(kind).map_or(0, Vec::len)
    }

    fn took(&mut self, kind: usize, time: Duration) {
        if self.latencies.len() <= kind {
            self.latencies.resize(kind + 1, Vec::new());
        }
        self.latencies[kind].push(time.as_secs_f64() * 1000.0);
    }

    fn add(&mut self, other: Self) {
        self.answers += other.answers;
        self.body_bytes += other.body_bytes;
        if self.latencies.len() < other.latencies.len() {
            self.latencies.resize(other.latencies.len(), Vec::new());
        }
        for (mine, theirs) in self.latencies.iter_mut().zip(other.latencies) {
            mine.extend(theirs);
        }
    }
}

/// A request, and what its answer must be.
pub struct Question<'a> {
    pub kind: usize,
    pub request: &'a [u8],
    pub status: u16,
    /// What stands near the beginning of the body.
    pub contains: &'a [u8],
}

/// What the user of one connection asks, one after the other.
pub trait Caller: Send + 'static {
    /// `None`: there is nothing more to ask.
    fn next(&mut self) -> Option<Question<'_>>;

    fn answered(&mut self, _body: &[u8]) {}
}

/// The same requests again and again.
#[derive(Clone)]
pub struct Cycle {
    requests: Arc<Vec<Vec<u8>>>,
    contains: Arc<Vec<Vec<u8>>>,
    status: u16,
    at: usize,
}

impl Cycle {
    /// One of many clients, each of which begins elsewhere. `contains` belongs to the requests, or is one for all.
    pub fn new(requests: &Arc<Vec<Vec<u8>>>, contains: &Arc<Vec<Vec<u8>>>, status: u16, place: f64) -> Self {
        let at = (requests.len() as f64 * place) as usize;
        Self { requests: requests.clone(), contains: contains.clone(), status, at }
    }
}

impl Caller for Cycle {
    fn next(&mut self) -> Option<Question<'_>> {
        let at = self.at;
        self.at += 1;
        Some(Question {
            kind: 0,
            request: &self.requests[at % self.requests.len()],
            status: self.status,
            contains: self.contains.get(at % self.contains.len().max(1)).map_or(b"", Vec::as_slice),
        })
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

    /// The status and the body; a body in chunks is left as it came.
    pub async fn ask(&mut self, request: &[u8]) -> (u16, &[u8]) {
        self.stream.write_all(request).await.unwrap();
        self.buffer.clear();
        let mut head = 0;
        let mut length = None;
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
            assert!(read > 0, "the server closed the connection");
            if head == 0
                && let Some(end) = find(&self.buffer, b"\r\n\r\n")
            {
                head = end + 4;
                length = content_length(&self.buffer[..head]);
            }
            let is_complete = match length {
                Some(length) => self.buffer.len() >= head + length,
                None => self.buffer.ends_with(b"\r\n0\r\n\r\n"),
            };
            if head > 0 && is_complete {
                break;
            }
        }
        let status = std::str::from_utf8(&self.buffer[9..12]).unwrap().parse().unwrap();
        (status, &self.buffer[head..])
    }

    /// The head of the last answer.
    pub fn head(&self) -> String {
        let end = find(&self.buffer, b"\r\n\r\n").unwrap_or(self.buffer.len());
        String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase()
    }
}

pub fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// The servers write header names in lower case.
fn content_length(head: &[u8]) -> Option<usize> {
    let name = b"content-length: ";
    let rest = &head[find(head, name)? + name.len()..];
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0')))
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
    let (requests, contains) = (Arc::new(requests.to_vec()), Arc::new(Vec::new()));
    let callers = (0..clients).map(|number| Cycle::new(&requests, &contains, wanted, number as f64 / clients as f64));
    play(address, callers, time).await
}

/// Lets each of these ask on a connection of its own for so long; every answer must be what was wanted.
pub async fn play<C: Caller>(address: SocketAddr, callers: impl Iterator<Item = C>, time: Duration) -> Load {
    let began = Instant::now();
    let asking: Vec<_> = callers
        .map(|mut caller| {
            tokio::spawn(async move {
                let mut client = Client::connect(address).await;
                let mut load = Load::default();
                while began.elapsed() < time {
                    let Some(question) = caller.next() else { break };
                    let asked = Instant::now();
                    let (status, body) = client.ask(question.request).await;
                    load.took(question.kind, asked.elapsed());
                    check(&question, status, body);
                    load.body_bytes += body.len();
                    load.answers += 1;
                    caller.answered(body);
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
    for latencies in &mut sum.latencies {
        latencies.sort_by(f64::total_cmp);
    }
    sum
}

fn check(question: &Question<'_>, status: u16, body: &[u8]) {
    let beginning = &body[..body.len().min(BEGINNING)];
    let is_right =
        status == question.status && (question.contains.is_empty() || find(beginning, question.contains).is_some());
    assert!(
        is_right,
        "{}\n{status} {}\nwanted: {} … {}",
        String::from_utf8_lossy(question.request),
        String::from_utf8_lossy(beginning),
        question.status,
        String::from_utf8_lossy(question.contains),
    );
}
