use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// How a receiver behaves.
#[derive(Debug, Clone)]
pub enum Mode {
    Status(u16),
    /// A status with these further lines of the head.
    With(u16, String),
    /// Reads the request and says nothing.
    Hangs,
    /// Closes the connection after the request.
    Closes,
    /// 200, and a body that comes a byte at a time and never ends.
    Drips,
    /// 200, and a body of ten megabytes.
    Floods,
    /// A head of this many bytes that comes at once.
    LongHead(usize),
    /// A head that comes a byte at a time and never ends.
    DripsHead,
    /// This status for subjects in this list, else 200.
    Refuses(Vec<String>),
}

/// A request as it was received.
#[derive(Debug, Clone)]
pub struct Received {
    pub line: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Received {
    pub fn event(&self) -> Value {
        serde_json::from_str(&self.body).expect("a CloudEvent")
    }

    pub fn subject(&self) -> String {
        self.event()["subject"].as_str().unwrap().to_owned()
    }

    pub fn sequence(&self) -> u64 {
        self.event()["sequence"].as_str().unwrap().parse().unwrap()
    }

    /// Verifies a signature by the secret, as Standard Webhooks says.
    pub fn is_signed_by(&self, secret: &str) -> bool {
        self.is_signed_with(secret, &self.body)
    }

    pub fn is_signed_with(&self, secret: &str, body: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).unwrap();
        let text = format!("{}.{}.{body}", self.headers["webhook-id"], self.headers["webhook-timestamp"]);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), text.as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(tag));
        self.headers["webhook-signature"].split(' ').any(|signature| signature == expected)
    }

    pub fn signatures(&self) -> usize {
        self.headers["webhook-signature"].split(' ').count()
    }
}

/// A server that receives webhooks, and may be hostile.
pub struct Receiver {
    pub address: SocketAddr,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

struct State {
    mode: Mutex<Mode>,
    received: Mutex<Vec<Received>>,
    open: Mutex<(usize, usize)>,
    written: Mutex<usize>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    pub async fn start(mode: Mode) -> Self {
        Self::serve(mode, None).await
    }

    /// With the certificate `server.crt` of this directory.
    pub async fn encrypted(mode: Mode, directory: &Path) -> Self {
        let certificates = CertificateDer::pem_file_iter(directory.join("server.crt")).unwrap();
        let certificates: Vec<_> = certificates.map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(directory.join("server.key")).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(certificates, key).unwrap();
        Self::serve(mode, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn serve(mode: Mode, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            mode: Mutex::new(mode),
            received: Mutex::default(),
            open: Mutex::default(),
            written: Mutex::default(),
        });
        let shared = state.clone();
        let serving = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (state, tls) = (shared.clone(), tls.clone());
                connections.spawn(async move {
                    match tls {
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => state.converse(stream).await,
                            Err(_) => None,
                        },
                        None => state.converse(stream).await,
                    }
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, state, serving }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook?a=b", self.address)
    }

    pub fn turn(&self, mode: Mode) {
        *self.state.mode.lock().unwrap() = mode;
    }

    pub fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.state.received.lock().unwrap().len()
    }

    /// The most conversations at once so far.
    pub fn most_at_once(&self) -> usize {
        self.state.open.lock().unwrap().1
    }

    /// How many bytes of answers were taken by the sender.
    pub fn written(&self) -> usize {
        *self.state.written.lock().unwrap()
    }
}

impl State {
    async fn converse(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Option<()> {
        let received = read_request(&mut stream).await?;
        let mode = self.mode.lock().unwrap().clone();
        let subject = received.subject();
        self.received.lock().unwrap().push(received);
        {
            let mut open = self.open.lock().unwrap();
            open.0 += 1;
            open.1 = open.1.max(open.0);
        }
        self.answer(&mut stream, mode, &subject).await;
        self.open.lock().unwrap().0 -= 1;
        Some(())
    }

    async fn answer(&self, stream: &mut (impl AsyncRead + AsyncWrite + Unpin), mode: Mode, subject: &str) {
        let plain = |status: u16, headers: &str| {
            format!("HTTP/1.1 {status} X\r\n{headers}content-length: 6\r\nconnection: close\r\n\r\nansw\0r")
        };
        let text = match mode {
            Mode::Status(status) => plain(status, ""),
            Mode::With(status, headers) => plain(status, &headers),
            Mode::Refuses(subjects) => plain(if subjects.iter().any(|bad| bad == subject) { 500 } else { 200 }, ""),
            Mode::Hangs => return until_closed(stream).await,
            Mode::Closes => return,
            Mode::Drips => {
                let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
                self.write(stream, head.as_bytes()).await;
                return self.drip(stream, b"x").await;
            }
            Mode::DripsHead => {
                self.write(stream, b"HTTP/1.1 200 OK\r\nx: ").await;
                return self.drip(stream, b"y").await;
            }
            Mode::Floods => {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 10 << 20);
                self.write(stream, head.as_bytes()).await;
                let piece = vec![b'x'; 16 * 1024];
                for _ in 0..640 {
                    if !self.write(stream, &piece).await {
                        return;
                    }
                }
                return;
            }
            Mode::LongHead(bytes) => {
                let many: String = (0..bytes / 100).map(|n| format!("x-{n:05}: {}\r\n", "y".repeat(89))).collect();
                plain(200, &many)
            }
        };
        self.write(stream, text.as_bytes()).await;
        _ = stream.shutdown().await;
    }

    async fn write(&self, stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> bool {
        let is_taken = stream.write_all(bytes).await.is_ok() && stream.flush().await.is_ok();
        *self.written.lock().unwrap() += if is_taken { bytes.len() } else { 0 };
        is_taken
    }

    async fn drip(&self, stream: &mut (impl AsyncRead + AsyncWrite + Unpin), piece: &[u8]) {
        while self.write(stream, piece).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn until_closed(stream: &mut (impl AsyncRead + Unpin)) {
    let mut rest = [0; 64];
    while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<Received> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let line = lines.next().unwrap().to_owned();
    let headers: BTreeMap<String, String> = lines
        .map(|line| line.split_once(": ").expect("a header"))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers["content-length"].parse().unwrap();
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(body).unwrap();
    Some(Received { line, headers, body })
}
