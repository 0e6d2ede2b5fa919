use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use super::{TestDatabase, own_host};

/// Outside the range from which the system gives ports away.
const PORT: u16 = 15_432;

/// An address by which a database is reached for as long as the test wants. While the gate is shut nobody listens there.
pub struct Gate {
    host: String,
    database: TestDatabase,
    doorkeeper: Option<JoinHandle<()>>,
    hole: Arc<Hole>,
}

/// A network that loses packets without telling anybody. A connection that is in the hole stays there: its bytes are read
/// and thrown away in both directions, and that one end closes is not passed on to the other.
struct Hole {
    /// While true, every connection falls into the hole, new ones too.
    is_open: watch::Sender<bool>,
    /// The next connection that sends this falls into the hole, after it was passed on, with all others or alone.
    trigger: Mutex<Option<Trigger>>,
}

struct Trigger {
    /// One after the other, on one connection.
    steps: Vec<&'static [u8]>,
    takes_all: bool,
}

impl Default for Hole {
    fn default() -> Self {
        Self { is_open: watch::Sender::new(false), trigger: Mutex::default() }
    }
}

impl Hole {
    /// Whether a connection that sends this falls into the hole with it. `taken` is how many steps it has taken.
    fn takes(&self, mut sent: &[u8], taken: &AtomicUsize) -> bool {
        let mut trigger = self.trigger.lock().unwrap();
        while let Some(Trigger { steps, takes_all }) = trigger.as_ref() {
            let step = steps[taken.load(Ordering::Relaxed)];
            let Some(at) = sent.windows(step.len()).position(|window| window == step) else { return false };
            sent = &sent[at + step.len()..];
            if taken.fetch_add(1, Ordering::Relaxed) + 1 == steps.len() {
                if *takes_all {
                    self.is_open.send_replace(true);
                }
                *trigger = None;
                return true;
            }
        }
        false
    }
}

impl Gate {
    /// Shut.
    pub fn before(database: &TestDatabase) -> Self {
        Self { host: own_host(), database: database.clone(), doorkeeper: None, hole: Arc::default() }
    }

    /// The serving role's address, through the gate.
    pub fn url(&self) -> String {
        let mut url = url::Url::parse(&self.database.app_url().replacen("@/", "@localhost/", 1)).unwrap();
        url.set_query(None);
        url.set_host(Some(&self.host)).unwrap();
        url.set_port(Some(PORT)).unwrap();
        url.into()
    }

    async fn listen(&self) -> TcpListener {
        TcpListener::bind((self.host.as_str(), PORT)).await.expect("nobody else has this address")
    }

    pub async fn open(&mut self) {
        let (listener, target) = (self.listen().await, self.database.served_url().parse::<PgConnectOptions>().unwrap());
        let hole = self.hole.clone();
        let keep = async move {
            let mut guests = JoinSet::new();
            loop {
                let (guest, _) = listener.accept().await.unwrap();
                guests.spawn(lead_in(guest, target.clone(), hole.clone()));
            }
        };
        self.doorkeeper = Some(tokio::spawn(keep));
    }

    /// From now on all connections lose every byte, and new ones are accepted and lose every byte too.
    pub fn fall_silent(&self) {
        self.hole.is_open.send_replace(true);
    }

    /// New connections work again. The old ones stay silent for ever.
    pub fn speak_again(&self) {
        self.hole.is_open.send_replace(false);
    }

    /// The next connection that sends these bytes is silent from then on. The server still gets them.
    pub fn lose_the_answer_to(&self, bytes: &'static [u8]) {
        self.set(vec![bytes], false);
    }

    /// The next transaction that writes these bytes is committed, and the answer to that is lost: its connection is silent
    /// from then on.
    pub fn lose_the_answer_to_the_commit_of(&self, bytes: &'static [u8]) {
        self.set(vec![bytes, b"COMMIT"], false);
    }

    /// As [`Self::lose_the_answer_to_the_commit_of`], and with it all connections fall silent.
    pub fn fall_silent_after_the_commit_of(&self, bytes: &'static [u8]) {
        self.set(vec![bytes, b"COMMIT"], true);
    }

    fn set(&self, steps: Vec<&'static [u8]>, takes_all: bool) {
        *self.hole.trigger.lock().unwrap() = Some(Trigger { steps, takes_all });
    }

    /// Until the connection that was waited for has come.
    pub async fn until_struck(&self) {
        super::until("the bytes are sent", async || self.hole.trigger.lock().unwrap().is_none()).await;
    }

    /// Whoever was inside is thrown out.
    pub async fn shut(&mut self) {
        let doorkeeper = self.doorkeeper.take().expect("it is open");
        doorkeeper.abort();
        _ = doorkeeper.await;
    }

    /// Tells each of so many who knock what PostgreSQL says while it starts; then nobody listens again.
    pub async fn turn_away(&self, guests: usize) {
        let (listener, fields) =
            (self.listen().await, "SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0");
        let length = u32::try_from(fields.len() + 4).unwrap();
        let answer = [&b"E"[..], &length.to_be_bytes(), fields.as_bytes()].concat();
        for _ in 0..guests {
            let (mut guest, _) = listener.accept().await.unwrap();
            hear_out(&mut guest).await;
            guest.write_all(&answer).await.unwrap();
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(doorkeeper) = &self.doorkeeper {
            doorkeeper.abort();
        }
    }
}

/// Reads what a client begins with; that it would like TLS is declined.
async fn hear_out(guest: &mut TcpStream) {
    use tokio::io::AsyncReadExt;
    const WOULD_LIKE_TLS: u32 = 80_877_103;
    loop {
        let length = guest.read_u32().await.unwrap();
        let mut message = vec![0; usize::try_from(length).unwrap() - 4];
        guest.read_exact(&mut message).await.unwrap();
        if message[..4] != WOULD_LIKE_TLS.to_be_bytes() {
            return;
        }
        guest.write_all(b"N").await.unwrap();
    }
}

async fn lead_in(guest: TcpStream, target: PgConnectOptions, hole: Arc<Hole>) {
    match target.get_socket() {
        Some(directory) => {
            let path = directory.join(format!(".s.PGSQL.{}", target.get_port()));
            join(guest, UnixStream::connect(path).await, hole).await;
        }
        None => join(guest, TcpStream::connect((target.get_host(), target.get_port())).await, hole).await,
    }
}

async fn join<S: AsyncRead + AsyncWrite>(guest: TcpStream, server: std::io::Result<S>, hole: Arc<Hole>) {
    let mut is_open = hole.is_open.subscribe();
    let (alone, mut is_alone) = watch::channel(false);
    let ((from_guest, to_guest), (from_server, to_server)) =
        (split(guest), split(server.expect("the database is there")));
    // Kept until the end: whoever closes does so unheard in the hole.
    let (mut there, mut back) = ((from_guest, to_server), (from_server, to_guest));
    let is_lost = || *alone.borrow() || *hole.is_open.borrow();
    let talk = async {
        let taken = AtomicUsize::new(0);
        let sent = |bytes: &[u8]| {
            if hole.takes(bytes, &taken) {
                alone.send_replace(true);
            }
        };
        tokio::select! {
            () = carry(&mut there, is_lost, sent) => {}
            () = carry(&mut back, is_lost, |_| {}) => {}
        }
    };
    tokio::select! {
        biased;
        _ = is_open.wait_for(|is_open| *is_open) => {}
        _ = is_alone.wait_for(|is_alone| *is_alone) => {}
        () = talk => return,
    }
    tokio::join!(swallow(&mut there.0), swallow(&mut back.0));
}

/// Until one end closes.
async fn carry<R: AsyncRead, W: AsyncWrite>(
    (from, to): &mut (ReadHalf<R>, WriteHalf<W>),
    is_lost: impl Fn() -> bool,
    sent: impl Fn(&[u8]),
) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if !is_lost() && to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
        sent(&buffer[..length]);
    }
}

async fn swallow<R: AsyncRead>(from: &mut ReadHalf<R>) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(1..) = from.read(&mut buffer).await {}
    pending::<()>().await;
}
