use sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixStream},
    task::{JoinHandle, JoinSet},
};

use super::TestDatabase;
use crate::commands::process::own_host;

/// Outside the range from which the system gives ports away.
const PORT: u16 = 15_432;

/// An address by which a database is reached for as long as the test wants. While the gate is shut nobody listens there.
pub struct Gate {
    host: String,
    database: TestDatabase,
    doorkeeper: Option<JoinHandle<()>>,
}

impl Gate {
    /// Shut.
    pub fn before(database: &TestDatabase) -> Self {
        Self { host: own_host(), database: database.clone(), doorkeeper: None }
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
        let (listener, target) = (self.listen().await, self.database.app_url().parse::<PgConnectOptions>().unwrap());
        let keep = async move {
            let mut guests = JoinSet::new();
            loop {
                let (guest, _) = listener.accept().await.unwrap();
                guests.spawn(lead_in(guest, target.clone()));
            }
        };
        self.doorkeeper = Some(tokio::spawn(keep));
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

async fn lead_in(guest: TcpStream, target: PgConnectOptions) {
    match target.get_socket() {
        Some(directory) => {
            let path = directory.join(format!(".s.PGSQL.{}", target.get_port()));
            join(guest, UnixStream::connect(path).await).await;
        }
        None => join(guest, TcpStream::connect((target.get_host(), target.get_port())).await).await,
    }
}

async fn join<S: AsyncRead + AsyncWrite + Unpin>(mut guest: TcpStream, server: std::io::Result<S>) {
    // Whichever side goes away, the other notices.
    _ = copy_bidirectional(&mut guest, &mut server.expect("the database is there")).await;
}
