//! The way of one server to `PostgreSQL`: TCP on the loopback interface, so that keep-alives and `TCP_USER_TIMEOUT` count as
//! they do in a network, and a hole into which every packet can fall. `PostgreSQL` itself trusts whoever reaches its
//! socket; the tunnel asks for a password that only this run's servers know.
use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use loadmaster::platform::random::TokenSource;

/// After which `PostgreSQL` ends the session of a client that is lost, as with keep-alives of its own.
const SERVER_NOTICES_AFTER: Duration = Duration::from_secs(30);
/// What a client may take to introduce itself.
const HELLO_WITHIN: Duration = Duration::from_secs(30);
const LONGEST_HELLO: usize = 10_000;
const CANCEL_REQUEST: u32 = 80_877_102;
const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;

/// How the way is now.
#[derive(Debug, Clone, Copy, Default)]
struct Way {
    /// How many holes there were: connections that are older than the last one are dead.
    holes: u64,
    /// Nothing gets through at present.
    swallows: bool,
}

pub(super) struct Tunnel {
    port: u16,
    password: SecretString,
    way: watch::Sender<Way>,
    carrier: JoinHandle<()>,
}

impl Tunnel {
    /// To the server that listens on this socket, whether it runs already or not.
    pub async fn dig(socket: PathBuf) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let password: SecretString = TokenSource::default().token()?.into();
        let way = watch::Sender::new(Way::default());
        let carrier = tokio::spawn(carry_all(listener, socket, password.clone(), way.subscribe()));
        Ok(Self { port, password, way, carrier })
    }

    /// What leads a role to a database through it.
    pub fn url(&self, role: &str, database: &str) -> String {
        let password = self.password.expose_secret();
        format!("postgres://{role}:{password}@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// From now on every packet is lost, in both directions and without a word: of the connections that there are for
    /// ever, and of new ones until [`Self::mend`].
    pub fn swallow(&self) {
        self.way.send_modify(|way| *way = Way { holes: way.holes + 1, swallows: true });
    }

    /// New connections get through again.
    pub fn mend(&self) {
        self.way.send_modify(|way| way.swallows = false);
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.carrier.abort();
    }
}

async fn carry_all(listener: TcpListener, socket: PathBuf, password: SecretString, mut way: watch::Receiver<Way>) {
    let mut carried = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else {
                    sleep(Duration::from_millis(10)).await;
                    continue;
                };
                carried.spawn(carry(client, socket.clone(), password.clone(), way.clone()));
            }
            changed = way.changed() => {
                if changed.is_err() {
                    return;
                }
                // Whoever wants to connect meanwhile gets no answer either.
                filter::drop_all(&listener, way.borrow_and_update().swallows);
            }
            Some(_) = carried.join_next() => {}
        }
    }
}

/// One connection, until one of its ends closes it; or for ever, when it falls into a hole.
async fn carry(mut client: TcpStream, socket: PathBuf, password: SecretString, mut way: watch::Receiver<Way>) {
    _ = client.set_nodelay(true);
    let Way { holes: before, swallows } = *way.borrow_and_update();
    let mut server = None;
    if !swallows {
        let through = async {
            let introduced = timeout(HELLO_WITHIN, introduce(&mut client, &socket, &password)).await;
            let server = server.insert(introduced.ok()??);
            copy_bidirectional(&mut client, server).await.ok()
        };
        tokio::select! {
            _ = through => return,
            _ = way.wait_for(|way| way.holes > before) => {}
        }
    }
    filter::drop_all(&client, true);
    // Held open: a closed socket would tell the client.
    sleep(SERVER_NOTICES_AFTER).await;
    drop(server);
    std::future::pending::<()>().await;
}

/// Lets the client in if it knows the password, and opens its session with the server. `None`: it is to be closed.
async fn introduce(client: &mut TcpStream, socket: &PathBuf, password: &SecretString) -> Option<UnixStream> {
    let hello = loop {
        let hello = message(client, &[]).await?;
        match hello.get(4..8).and_then(|code| code.try_into().ok()).map(u32::from_be_bytes)? {
            SSL_REQUEST | GSS_REQUEST => client.write_all(b"N").await.ok()?,
            CANCEL_REQUEST => {
                // It bears a secret of its own.
                UnixStream::connect(socket).await.ok()?.write_all(&hello).await.ok()?;
                return None;
            }
            _ => break hello,
        }
    };
    // AuthenticationCleartextPassword; the answer is a `p`, a length, and the password with a zero.
    client.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]).await.ok()?;
    let said = message(client, b"p").await?;
    if said.get(5..said.len().saturating_sub(1)) != Some(password.expose_secret().as_bytes()) {
        return None;
    }
    let mut server = UnixStream::connect(socket).await.ok()?;
    server.write_all(&hello).await.ok()?;
    Some(server)
}

/// A message of the client with its length, after the byte that says which one it is, if there is one.
async fn message(client: &mut TcpStream, kind: &[u8]) -> Option<Vec<u8>> {
    let head = kind.len();
    let mut message = vec![0; head + 4];
    client.read_exact(&mut message).await.ok()?;
    let length = u32::from_be_bytes(message.get(head..)?.try_into().ok()?);
    let length = usize::try_from(length).ok().filter(|length| (4..LONGEST_HELLO).contains(length))?;
    message.resize(head + length, 0);
    client.read_exact(message.get_mut(head + 4..)?).await.ok()?;
    message.starts_with(kind).then_some(message)
}

/// Packets that are dropped before TCP sees them are not acknowledged: to the other end it is as if the cable were cut.
#[cfg(target_os = "linux")]
mod filter {
    use std::os::fd::AsFd;

    use socket2::{SockFilter, SockRef};

    /// `BPF_RET | BPF_K`.
    const RETURN: u16 = 0x06;

    pub fn drop_all(socket: &impl AsFd, on: bool) {
        let socket = SockRef::from(socket);
        let outcome =
            if on { socket.attach_filter(&[SockFilter::new(RETURN, 0, 0, 0)]) } else { socket.detach_filter() };
        if let Err(error) = outcome {
            tracing::debug!(%error, "the socket's filter stays");
        }
    }
}

/// Elsewhere the kernel goes on acknowledging what nobody reads.
#[cfg(not(target_os = "linux"))]
mod filter {
    pub fn drop_all<S>(_: &S, _: bool) {}
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;

    /// A server that takes a start-up message and then says back what it is told.
    fn echo(socket: &std::path::Path) {
        let listener = UnixListener::bind(socket).unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
    }

    async fn enter(port: u16, password: &str) -> Option<TcpStream> {
        let hello = [0, 0, 0, 8, 0, 3, 0, 0];
        let mut client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        client.write_all(&hello).await.unwrap();
        let mut asked = [0; 9];
        client.read_exact(&mut asked).await.unwrap();
        assert_eq!(asked, [b'R', 0, 0, 0, 8, 0, 0, 0, 3]);
        let length = u32::try_from(password.len() + 5).unwrap();
        client.write_all(&[b"p", &length.to_be_bytes()[..], password.as_bytes(), b"\0"].concat()).await.unwrap();
        let mut echoed = [0; 8];
        client.read_exact(&mut echoed).await.ok().filter(|_| echoed == hello)?;
        Some(client)
    }

    #[tokio::test]
    async fn only_who_knows_the_password_gets_through() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("s");
        echo(&socket);
        let tunnel = Tunnel::dig(socket).await.unwrap();
        assert!(enter(tunnel.port, "not it").await.is_none());
        assert!(enter(tunnel.port, tunnel.password.expose_secret()).await.is_some());
        let url = reqwest::Url::parse(&tunnel.url("r", "d")).unwrap();
        assert_eq!((url.username(), url.port()), ("r", Some(tunnel.port)));
    }

    #[tokio::test]
    async fn what_falls_into_the_hole_is_never_heard_of_again_and_new_connections_get_through_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("s");
        echo(&socket);
        let tunnel = Tunnel::dig(socket).await.unwrap();
        let password = tunnel.password.expose_secret().to_owned();
        let mut old = enter(tunnel.port, &password).await.unwrap();
        tunnel.swallow();
        let mut byte = [0];
        // It may take a moment until the hole is there; from then on nothing is answered.
        let silent = async {
            while timeout(Duration::from_millis(200), async {
                old.write_all(b"?").await?;
                old.read_exact(&mut byte).await
            })
            .await
            .is_ok_and(|read| read.is_ok())
            {}
        };
        timeout(Duration::from_secs(20), silent).await.unwrap();
        tunnel.mend();
        let new = async {
            loop {
                if let Ok(Some(_)) = timeout(Duration::from_millis(500), enter(tunnel.port, &password)).await {
                    break;
                }
            }
        };
        timeout(Duration::from_secs(20), new).await.unwrap();
        old.write_all(b"!").await.unwrap();
        let read = timeout(Duration::from_millis(300), old.read_exact(&mut byte)).await;
        assert!(read.is_err(), "{read:?}: it must hear nothing, not even an end");
    }
}
