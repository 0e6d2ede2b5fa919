//! Calls to addresses that a caller chose. Judges the URL and every address that its name has, connects to a judged address
//! itself, and bounds each wait and everything that is read. Nothing here uses a proxy, follows a redirect, keeps a cookie or
//! decompresses an answer while it comes.
mod address;
mod call;
mod fetch;
mod network;
mod pause;
mod tls;

use std::{sync::Arc, time::Duration};

use ipnet::IpNet;

pub use address::{Target, is_public};
pub use call::{Call, Outcome, Report};
pub use fetch::{Download, Fetch, FetchError, Fetched, NoFile};
pub use network::{Network, SystemNetwork};
pub use pause::pause_of;
pub use tls::read_authorities;

/// Where calls may go.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Of public addresses.
    pub ports: Vec<u16>,
    /// Networks to which trusted calls may go, too: there also without encryption, and to any port.
    pub trusted: Vec<IpNet>,
}

/// The longest times of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallTimes {
    /// For the addresses of a name.
    pub resolve: Duration,
    /// For connection and TLS handshake.
    pub connect: Duration,
    /// For all of it.
    pub whole: Duration,
    /// For all of a file.
    pub download: Duration,
    /// A call that takes longer is slow.
    pub slow: Duration,
}

impl CallTimes {
    pub const STANDARD: Self = Self {
        resolve: Duration::from_secs(3),
        connect: Duration::from_secs(5),
        whole: Duration::from_secs(15),
        download: Duration::from_mins(2),
        slow: Duration::from_secs(1),
    };

    /// For tests.
    pub const BRIEF: Self = Self {
        resolve: Duration::from_secs(1),
        connect: Duration::from_millis(1_500),
        whole: Duration::from_secs(3),
        download: Duration::from_secs(20),
        slow: Duration::from_millis(300),
    };
}

/// The client of such calls. Cheap to clone.
#[derive(Clone)]
pub struct Outbound(Arc<Inner>);

struct Inner {
    rules: Rules,
    times: CallTimes,
    network: Arc<dyn Network>,
    tls: tls::Tls,
}

impl Outbound {
    /// `authorities` are trusted beside the system's.
    pub fn new(
        rules: Rules,
        times: CallTimes,
        network: Arc<dyn Network>,
        authorities: Vec<tokio_rustls::rustls::pki_types::CertificateDer<'static>>,
    ) -> Self {
        Self(Arc::new(Inner { rules, times, network, tls: tls::Tls::new(authorities) }))
    }

    pub fn rules(&self) -> &Rules {
        &self.0.rules
    }

    pub fn times(&self) -> CallTimes {
        self.0.times
    }
}
