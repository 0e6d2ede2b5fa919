use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response,
    body::Incoming,
    client::conn::http1,
    header::{ACCEPT_ENCODING, CONNECTION, HOST, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::task::AbortOnDropHandle;
use url::Position;

use super::{Outbound, Target};

/// Longest head of an answer.
const LONGEST_HEAD: usize = 32 * 1024;
/// Longest part of a body that is read.
const LONGEST_BODY: usize = 64 * 1024;
/// Longest part of a body that is kept, in characters.
const LONGEST_KEPT: usize = 512;
/// Most addresses of a name that are tried.
const MOST_ADDRESSES: usize = 8;

/// Where a request goes, and by which rules.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    pub target: &'a Target,
    pub is_trusted: bool,
    pub is_doubtful: bool,
}

/// A POST to a target.
pub struct Call<'a> {
    pub target: &'a Target,
    /// It may go to the trusted networks.
    pub is_trusted: bool,
    /// Nothing good is known of the target: it must not delay others.
    pub is_doubtful: bool,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Bytes,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// 2xx.
    Delivered,
    /// Another status, or no readable answer.
    Rejected,
    /// 3xx: it is not followed.
    Redirected,
    Timeout,
    /// There is no such name, no connection, or the address is refused: a caller cannot know which.
    Unreachable,
    Tls,
}

/// What is known after a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub outcome: Outcome,
    pub status: Option<u16>,
    /// The beginning of the body, without control characters.
    pub response: Option<String>,
    /// As received.
    pub retry_after: Option<String>,
    pub took: Duration,
}

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoAnswer {
    Timeout,
    Unreachable,
    Tls,
    /// It is no HTTP, or its head is too long.
    Unreadable,
}

impl From<NoAnswer> for Outcome {
    fn from(why: NoAnswer) -> Self {
        match why {
            NoAnswer::Timeout => Self::Timeout,
            NoAnswer::Unreachable => Self::Unreachable,
            NoAnswer::Tls => Self::Tls,
            NoAnswer::Unreadable => Self::Rejected,
        }
    }
}

/// An answer whose head has come, and the connection that brings the rest.
pub(super) struct Answered {
    pub response: Response<Incoming>,
    _connection: AbortOnDropHandle<()>,
}

impl Outbound {
    /// Makes a call. Status and head decide; the body adds its beginning, and what is too long or too late of it is cut.
    pub async fn post(&self, call: &Call<'_>) -> Report {
        let began = Instant::now();
        let deadline = began + self.0.times.whole;
        let answering = async {
            let way = Way { target: call.target, is_trusted: call.is_trusted, is_doubtful: call.is_doubtful };
            self.answer(way, posting(call).ok_or(NoAnswer::Unreachable)?).await
        };
        let answered = timeout_at(deadline, answering).await.unwrap_or(Err(NoAnswer::Timeout));
        let mut report = Report {
            outcome: Outcome::Delivered,
            status: None,
            response: None,
            retry_after: None,
            took: Duration::ZERO,
        };
        match answered {
            Ok(answered) => answered.describe(&mut report, deadline).await,
            Err(why) => report.outcome = why.into(),
        }
        report.took = began.elapsed();
        report
    }

    /// Sends a request to an address that was judged, and returns the answer once its head has come.
    pub(super) async fn answer(&self, way: Way<'_>, request: Request<Full<Bytes>>) -> Result<Answered, NoAnswer> {
        let addresses = self.addresses(way).await?;
        let times = self.0.times;
        let connecting = self.connect(way.target, &addresses);
        let connection = timeout(times.connect, connecting).await.unwrap_or(Err(NoAnswer::Timeout))?;
        match connection {
            Connection::Plain(stream) => exchange(stream, request).await,
            Connection::Encrypted(stream) => exchange(stream, request).await,
        }
    }

    /// Returns the addresses of the target. If one of them is refused, none is used: a name that has both may answer
    /// otherwise the next time.
    async fn addresses(&self, way: Way<'_>) -> Result<Vec<IpAddr>, NoAnswer> {
        let found = if let Some(address) = way.target.address() {
            vec![address]
        } else {
            let name = way.target.url.host_str().unwrap_or_default();
            let finding = self.0.network.addresses(name, way.is_doubtful);
            let found = timeout(self.0.times.resolve, finding).await.map_err(|_| NoAnswer::Timeout)?;
            found.map_err(|_| NoAnswer::Unreachable)?
        };
        let rules = &self.0.rules;
        let all_good = found.iter().all(|address| rules.allows(way.target, *address, way.is_trusted));
        if found.is_empty() || !all_good {
            return Err(NoAnswer::Unreachable);
        }
        Ok(found.into_iter().take(MOST_ADDRESSES).collect())
    }

    /// Connects to the first of these addresses that accepts; each may take its share of the time.
    async fn connect(&self, target: &Target, addresses: &[IpAddr]) -> Result<Connection, NoAnswer> {
        let end = Instant::now() + self.0.times.connect;
        let mut why = NoAnswer::Unreachable;
        for (place, address) in addresses.iter().enumerate() {
            let left = u32::try_from(addresses.len() - place).unwrap_or(1);
            let share = end.saturating_duration_since(Instant::now()) / left;
            match timeout(share, self.0.network.connect(SocketAddr::new(*address, target.port))).await {
                Ok(Ok(stream)) => return self.encrypt(target, stream).await,
                Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => why = NoAnswer::Timeout,
                Ok(Err(_)) => why = NoAnswer::Unreachable,
                Err(_) => why = NoAnswer::Timeout,
            }
        }
        Err(why)
    }

    async fn encrypt(&self, target: &Target, stream: TcpStream) -> Result<Connection, NoAnswer> {
        if !target.is_encrypted {
            return Ok(Connection::Plain(stream));
        }
        let connector = self.0.tls.connector().await.map_err(|error| {
            tracing::error!(error = format!("{error:#}"), "no other server can be called: TLS cannot be set up");
            NoAnswer::Tls
        })?;
        let name = target.server_name().ok_or(NoAnswer::Tls)?;
        let stream = connector.connect(name, stream).await.map_err(|_| NoAnswer::Tls)?;
        Ok(Connection::Encrypted(Box::new(stream)))
    }
}

enum Connection {
    Plain(TcpStream),
    Encrypted(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

fn posting(call: &Call<'_>) -> Option<Request<Full<Bytes>>> {
    request(Method::POST, call.target, &call.headers, call.body.clone())
}

/// Returns a request whose connection ends with it.
pub(super) fn request(
    method: Method,
    target: &Target,
    own: &[(HeaderName, HeaderValue)],
    body: Bytes,
) -> Option<Request<Full<Bytes>>> {
    let url = &target.url;
    let path = &url[Position::BeforePath..Position::AfterQuery];
    let mut request = Request::builder().method(method).uri(path).body(Full::new(body)).ok()?;
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]).ok()?);
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("Loadmaster/", env!("CARGO_PKG_VERSION"))));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.extend(own.iter().cloned());
    Some(request)
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Answered, NoAnswer> {
    let handshake = http1::Builder::new()
        .max_header_size(LONGEST_HEAD)
        .max_buf_size(LONGEST_HEAD)
        .handshake(TokioIo::new(stream))
        .await;
    let (mut sender, connection) = handshake.map_err(|_| NoAnswer::Unreachable)?;
    let connection = AbortOnDropHandle::new(tokio::spawn(async move {
        // The request has the error, too.
        _ = connection.await;
    }));
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| if error.is_parse() { NoAnswer::Unreadable } else { NoAnswer::Unreachable })?;
    Ok(Answered { response, _connection: connection })
}

impl Answered {
    async fn describe(self, report: &mut Report, deadline: Instant) {
        let status = self.response.status();
        report.status = Some(status.as_u16());
        report.outcome = match status.as_u16() {
            200..=299 => Outcome::Delivered,
            300..=399 => Outcome::Redirected,
            _ => Outcome::Rejected,
        };
        let retry_after = self.response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        report.retry_after = retry_after.map(str::to_owned);
        let mut read = Vec::new();
        _ = timeout_at(deadline, read_beginning(self.response.into_body(), &mut read)).await;
        let text = String::from_utf8_lossy(&read);
        report.response = Some(text.chars().filter(|c| !c.is_control()).take(LONGEST_KEPT).collect());
    }
}

async fn read_beginning(mut body: Incoming, read: &mut Vec<u8>) {
    while let Some(Ok(frame)) = body.frame().await {
        let Some(data) = frame.data_ref() else { continue };
        let room = LONGEST_BODY - read.len();
        read.extend_from_slice(data.get(..room).unwrap_or(data));
        if data.len() >= room {
            return;
        }
    }
}
