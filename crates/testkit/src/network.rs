use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
};

use futures_util::future::BoxFuture;
use loadmaster_platform::outbound::Network;
use tokio::net::TcpStream;

/// A network with names and addresses of its own: what a name's addresses are, and which receiver of the test stands behind
/// an address, is the test's. What it does not know is nowhere.
#[derive(Debug, Clone, Default)]
pub struct TestNetwork(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// What each look-up of a name answers, one after the other; the last one for ever.
    names: HashMap<String, Vec<Vec<IpAddr>>>,
    behind: HashMap<SocketAddr, SocketAddr>,
    dialled: Vec<SocketAddr>,
    looked_up: Vec<String>,
}

impl TestNetwork {
    /// A name with these addresses.
    pub fn name(&self, name: &str, addresses: &[&str]) {
        self.name_that_changes(name, &[addresses]);
    }

    /// A name that has these addresses at its first look-up, those at its second, and so on.
    pub fn name_that_changes(&self, name: &str, answers: &[&[&str]]) {
        let parsed = |addresses: &&[&str]| addresses.iter().map(|address| address.parse().unwrap()).collect();
        self.0.lock().unwrap().names.insert(name.to_owned(), answers.iter().map(parsed).collect());
    }

    /// Who connects to this address reaches the receiver.
    pub fn place(&self, at: &str, receiver: SocketAddr) {
        self.0.lock().unwrap().behind.insert(at.parse().unwrap(), receiver);
    }

    /// Every address that was connected to, in order.
    pub fn dialled(&self) -> Vec<String> {
        self.0.lock().unwrap().dialled.iter().map(ToString::to_string).collect()
    }

    pub fn looked_up(&self) -> Vec<String> {
        self.0.lock().unwrap().looked_up.clone()
    }
}

impl Network for TestNetwork {
    fn addresses<'a>(&'a self, name: &'a str, _: bool) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let mut inner = self.0.lock().unwrap();
        inner.looked_up.push(name.to_owned());
        let known = inner.names.get_mut(name);
        let found = known.map(|answers| if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() });
        Box::pin(async move { found.ok_or_else(|| io::Error::other("no such name")) })
    }

    fn connect(&self, to: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        let mut inner = self.0.lock().unwrap();
        inner.dialled.push(to);
        // A receiver of a trusted network is reached as it is.
        let behind = inner.behind.get(&to).copied().or(to.ip().is_loopback().then_some(to));
        Box::pin(async move {
            match behind {
                Some(receiver) => TcpStream::connect(receiver).await,
                None => Err(io::ErrorKind::ConnectionRefused.into()),
            }
        })
    }
}
