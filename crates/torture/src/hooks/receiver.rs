//! The receiver of all webhooks of a run: an HTTP/1.1 server that does what its phases say.
use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use super::{
    journal::{Arrival, Journal},
    phases::{Phase, Phases, SLOW},
};

/// Longer heads and bodies are no messages.
const LONGEST: usize = 1 << 20;

/// The place of one webhook.
pub(super) struct Endpoint {
    journal: Mutex<Journal>,
    phase: watch::Sender<Phase>,
}

impl Endpoint {
    pub fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn turn(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }
}

pub(super) struct Receiver {
    pub endpoints: Arc<Vec<Endpoint>>,
    port: u16,
    serving: JoinSet<()>,
    turning: JoinSet<()>,
}

impl Receiver {
    /// Opens one endpoint for each of `count` webhooks; every endpoint accepts requests.
    pub async fn open(count: usize) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let endpoint = |_| Endpoint { journal: Mutex::default(), phase: watch::Sender::new(Phase::Sound) };
        let endpoints: Arc<Vec<_>> = Arc::new((0..count).map(endpoint).collect());
        let mut serving = JoinSet::new();
        serving.spawn(accept(listener, Arc::clone(&endpoints)));
        Ok(Self { endpoints, port, serving, turning: JoinSet::new() })
    }

    pub fn url(&self, number: usize) -> String {
        format!("http://127.0.0.1:{}/hook/{number}", self.port)
    }

    /// Lets every place have phases of its own from now on.
    pub fn begin_phases(&mut self, seed: u64, time: Duration) {
        for number in 0..self.endpoints.len() {
            let (endpoints, mut phases) = (Arc::clone(&self.endpoints), Phases::of(seed, number as u64, time));
            self.turning.spawn(async move {
                loop {
                    let (phase, duration) = phases.next();
                    if let Some(endpoint) = endpoints.get(number) {
                        endpoint.turn(phase);
                    }
                    tokio::time::sleep(duration).await;
                }
            });
        }
    }

    /// From now on every place is sound.
    pub async fn end_phases(&mut self) {
        self.turning.shutdown().await;
        self.endpoints.iter().for_each(|endpoint| endpoint.turn(Phase::Sound));
    }

    pub async fn close(mut self) {
        self.serving.shutdown().await;
    }
}

async fn accept(listener: TcpListener, endpoints: Arc<Vec<Endpoint>>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let endpoints = Arc::clone(&endpoints);
        // An error ends the connection, as its peer sees.
        connections.spawn(async move { _ = serve(stream, &endpoints).await });
        while connections.try_join_next().is_some() {}
    }
}

/// Answers requests until the connection ends.
async fn serve(mut stream: TcpStream, endpoints: &[Endpoint]) -> std::io::Result<()> {
    let mut read = Vec::new();
    while let Some(arrival) = next(&mut stream, &mut read).await? {
        let number = arrival.path.strip_prefix("/hook/").and_then(|number| number.parse::<usize>().ok());
        let Some(endpoint) = number.and_then(|number| endpoints.get(number)) else {
            if let Some(endpoint) = endpoints.first() {
                endpoint.journal().wrong.insert(format!("something was sent to {}", arrival.path));
            }
            return Ok(());
        };
        let id = endpoint.journal().arrived(arrival);
        let Some(answer) = answer(endpoint, id.as_deref()).await else { return Ok(()) };
        if let Some(id) = &id {
            endpoint.journal().answers(id);
        }
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

/// The answer in this phase; `None` closes the connection.
async fn answer(endpoint: &Endpoint, id: Option<&str>) -> Option<String> {
    let mut phase = endpoint.phase.subscribe();
    let now = *phase.borrow_and_update();
    let (status, headers) = match now {
        Phase::Sound | Phase::Slow => {
            if now == Phase::Slow {
                tokio::time::sleep(SLOW).await;
            }
            if let Some(id) = id {
                endpoint.journal().accept(id);
            }
            (204, "")
        }
        Phase::Failing(status @ (429 | 503)) => (status, "retry-after: 1\r\n"),
        Phase::Failing(status) => (status, ""),
        Phase::Redirecting(status) => (status, "location: /elsewhere\r\n"),
        Phase::Closing => (0, ""),
        Phase::Hanging => {
            _ = phase.changed().await;
            (0, "")
        }
    };
    if status != 204 {
        endpoint.journal().refused += 1;
    }
    let length = if status == 204 { "" } else { "content-length: 0\r\n" };
    (status != 0).then(|| format!("HTTP/1.1 {status} -\r\n{length}{headers}\r\n"))
}

/// The next request on the connection. `None`: it has ended, or what came is no request.
async fn next(stream: &mut TcpStream, read: &mut Vec<u8>) -> std::io::Result<Option<Arrival>> {
    loop {
        if let Some((arrival, length)) = parse(read) {
            read.drain(..length);
            return Ok(Some(arrival));
        }
        if read.len() > LONGEST || stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
}

/// A whole request at the beginning, and its length.
fn parse(read: &[u8]) -> Option<(Arrival, usize)> {
    let end = read.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(read.get(..end)?).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    let headers: std::collections::BTreeMap<_, _> = lines.filter_map(header).collect();
    let length = headers.get("content-length").and_then(|length| length.parse::<usize>().ok()).unwrap_or_default();
    let body = read.get(end + 4..(end + 4).checked_add(length)?)?.to_vec();
    Some((Arrival { method, path, headers, body }, end + 4 + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_when_it_is_whole() {
        let request = b"POST /hook/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}GET";
        let (arrival, length) = parse(request).expect("a whole request");
        assert_eq!((arrival.method.as_str(), arrival.path.as_str(), length), ("POST", "/hook/1", request.len() - 3));
        assert_eq!(arrival.headers["host"], "x");
        assert_eq!(arrival.body, b"{}");
        assert!(parse(&request[..length - 1]).is_none());
    }
}
