//! The connection of one server to `PostgreSQL`: TCP on the loopback interface, so that keep-alives and
//! `TCP_USER_TIMEOUT` work as in a network, and every packet can be dropped. `PostgreSQL` itself trusts every client of
//! its socket; the tunnel asks for a password that only the servers of this run know.
use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use loadmaster_platform::random::TokenSource;
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

/// Time after which `PostgreSQL` ends the session of a lost client, as with keep-alives of its own.
const SERVER_NOTICES_AFTER: Duration = Duration::from_secs(30);
/// Time allowed for the startup message and the password.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(30);
const LONGEST_MESSAGE: usize = 10_000;
const CANCEL_REQUEST: u32 = 80_877_102;
const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;

#[derive(Debug, Clone, Copy, Default)]
struct Link {
    /// Number of outages so far: connections opened before the last one are dead.
    outages: u64,
    drops: bool,
}

pub(super) struct Tunnel {
    port: u16,
    password: SecretString,
    link: watch::Sender<Link>,
    forwarder: JoinHandle<()>,
}

impl Tunnel {
    /// Opens a tunnel to the server that listens on this socket, whether it runs already or not.
    pub async fn open(socket: PathBuf) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let password: SecretString = TokenSource::default().token()?.into();
        let link = watch::Sender::new(Link::default());
        let forwarder = tokio::spawn(forward_all(listener, socket, password.clone(), link.subscribe()));
        Ok(Self { port, password, link, forwarder })
    }

    pub fn url(&self, role: &str, database: &str) -> String {
        let password = self.password.expose_secret();
        format!("postgres://{role}:{password}@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// Drops every packet from now on, in both directions and without notice: on present connections for ever, on new
    /// ones until [`Self::restore`].
    pub fn drop_packets(&self) {
        self.link.send_modify(|link| *link = Link { outages: link.outages + 1, drops: true });
    }

    pub fn restore(&self) {
        self.link.send_modify(|link| link.drops = false);
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.forwarder.abort();
    }
}

async fn forward_all(listener: TcpListener, socket: PathBuf, password: SecretString, mut link: watch::Receiver<Link>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else {
                    sleep(Duration::from_millis(10)).await;
                    continue;
                };
                connections.spawn(forward(client, socket.clone(), password.clone(), link.clone()));
            }
            changed = link.changed() => {
                if changed.is_err() {
                    return;
                }
                // Connection attempts get no answer either.
                filter::drop_all(&listener, link.borrow_and_update().drops);
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Forwards one connection until either end closes it, or holds it open for ever after an outage.
async fn forward(mut client: TcpStream, socket: PathBuf, password: SecretString, mut link: watch::Receiver<Link>) {
    _ = client.set_nodelay(true);
    let Link { outages: before, drops } = *link.borrow_and_update();
    let mut server = None;
    if !drops {
        let through = async {
            let authenticated = timeout(STARTUP_TIMEOUT, authenticate(&mut client, &socket, &password)).await;
            let server = server.insert(authenticated.ok()??);
            copy_bidirectional(&mut client, server).await.ok()
        };
        tokio::select! {
            _ = through => return,
            _ = link.wait_for(|link| link.outages > before) => {}
        }
    }
    filter::drop_all(&client, true);
    // Held open: closing the socket would notify the client.
    sleep(SERVER_NOTICES_AFTER).await;
    drop(server);
    std::future::pending::<()>().await;
}

/// Checks the client's password and opens its session with the server. `None`: the connection is to be closed.
async fn authenticate(client: &mut TcpStream, socket: &PathBuf, password: &SecretString) -> Option<UnixStream> {
    let startup = loop {
        let startup = message(client, &[]).await?;
        match startup.get(4..8).and_then(|code| code.try_into().ok()).map(u32::from_be_bytes)? {
            SSL_REQUEST | GSS_REQUEST => client.write_all(b"N").await.ok()?,
            CANCEL_REQUEST => {
                // A cancel request carries a secret of its own.
                UnixStream::connect(socket).await.ok()?.write_all(&startup).await.ok()?;
                return None;
            }
            _ => break startup,
        }
    };
    // AuthenticationCleartextPassword; the answer is `p`, a length, and the password with a zero byte.
    client.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]).await.ok()?;
    let reply = message(client, b"p").await?;
    if reply.get(5..reply.len().saturating_sub(1)) != Some(password.expose_secret().as_bytes()) {
        return None;
    }
    let mut server = UnixStream::connect(socket).await.ok()?;
    server.write_all(&startup).await.ok()?;
    Some(server)
}

/// Reads a message with its length, after the byte that names its kind, if there is one.
async fn message(client: &mut TcpStream, kind: &[u8]) -> Option<Vec<u8>> {
    let head = kind.len();
    let mut message = vec![0; head + 4];
    client.read_exact(&mut message).await.ok()?;
    let length = u32::from_be_bytes(message.get(head..)?.try_into().ok()?);
    let length = usize::try_from(length).ok().filter(|length| (4..LONGEST_MESSAGE).contains(length))?;
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
            tracing::debug!(%error, "cannot change the packet filter of a socket");
        }
    }
}

/// On other systems the kernel still acknowledges data that nobody reads.
#[cfg(not(target_os = "linux"))]
mod filter {
    pub fn drop_all<S>(_: &S, _: bool) {}
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;

    /// A server that reads a startup message and echoes everything.
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

    async fn connect(port: u16, password: &str) -> Option<TcpStream> {
        let startup = [0, 0, 0, 8, 0, 3, 0, 0];
        let mut client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        client.write_all(&startup).await.unwrap();
        let mut asked = [0; 9];
        client.read_exact(&mut asked).await.unwrap();
        assert_eq!(asked, [b'R', 0, 0, 0, 8, 0, 0, 0, 3]);
        let length = u32::try_from(password.len() + 5).unwrap();
        client.write_all(&[b"p", &length.to_be_bytes()[..], password.as_bytes(), b"\0"].concat()).await.unwrap();
        let mut echoed = [0; 8];
        client.read_exact(&mut echoed).await.ok().filter(|_| echoed == startup)?;
        Some(client)
    }

    #[tokio::test]
    async fn only_clients_with_the_password_get_through() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("s");
        echo(&socket);
        let tunnel = Tunnel::open(socket).await.unwrap();
        assert!(connect(tunnel.port, "not it").await.is_none());
        assert!(connect(tunnel.port, tunnel.password.expose_secret()).await.is_some());
        let url = reqwest::Url::parse(&tunnel.url("r", "d")).unwrap();
        assert_eq!((url.username(), url.port()), ("r", Some(tunnel.port)));
    }

    #[tokio::test]
    async fn old_connections_stay_silent_after_an_outage_and_new_ones_get_through() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("s");
        echo(&socket);
        let tunnel = Tunnel::open(socket).await.unwrap();
        let password = tunnel.password.expose_secret().to_owned();
        let mut old = connect(tunnel.port, &password).await.unwrap();
        tunnel.drop_packets();
        let mut byte = [0];
        // The filter may take effect a moment later; from then on nothing is answered.
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
        tunnel.restore();
        let new = async {
            loop {
                if let Ok(Some(_)) = timeout(Duration::from_millis(500), connect(tunnel.port, &password)).await {
                    break;
                }
            }
        };
        timeout(Duration::from_secs(20), new).await.unwrap();
        old.write_all(b"!").await.unwrap();
        let read = timeout(Duration::from_millis(300), old.read_exact(&mut byte)).await;
        assert!(read.is_err(), "{read:?}: it must receive nothing, not even the end");
    }
}
