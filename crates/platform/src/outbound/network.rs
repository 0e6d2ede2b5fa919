use std::{
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    sync::Arc,
};

use futures_util::future::BoxFuture;
use tokio::{net::TcpStream, sync::Semaphore};

/// What calls need of the network. The product's is the system's; tests have names of their own.
pub trait Network: Send + Sync + 'static {
    /// Returns the addresses of a name. `is_doubtful`: it must not delay calls that are not.
    fn addresses<'a>(&'a self, name: &'a str, is_doubtful: bool) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;

    fn connect(&self, to: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>>;
}

/// Names that the system looks up at once. A look-up cannot be cancelled and may occupy its thread long after nobody waits
/// for it any more.
const LOOKUPS: usize = 48;
const DOUBTFUL_LOOKUPS: usize = 16;

/// The network as the system knows it.
pub struct SystemNetwork {
    lookups: Arc<Semaphore>,
    doubtful_lookups: Arc<Semaphore>,
}

impl Default for SystemNetwork {
    fn default() -> Self {
        let places = |number| Arc::new(Semaphore::new(number));
        Self { lookups: places(LOOKUPS), doubtful_lookups: places(DOUBTFUL_LOOKUPS) }
    }
}

impl Network for SystemNetwork {
    fn addresses<'a>(&'a self, name: &'a str, is_doubtful: bool) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let places = if is_doubtful { &self.doubtful_lookups } else { &self.lookups };
        Box::pin(async move {
            let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
            let name = name.to_owned();
            let found = tokio::task::spawn_blocking(move || {
                let found = (name.as_str(), 0).to_socket_addrs().map(|found| found.map(|at| at.ip()).collect());
                drop(place);
                found
            });
            found.await.map_err(io::Error::other)?
        })
    }

    fn connect(&self, to: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        Box::pin(TcpStream::connect(to))
    }
}
