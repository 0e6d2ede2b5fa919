use std::{fs, time::Duration};

use anyhow::Context;
use redis::{
    Client, Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, Pipeline, RedisFuture, TlsCertificates, Value,
    aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig},
    cluster::{ClusterClient, ClusterConfig},
    cluster_async::ClusterConnection,
    io::tcp::TcpSettings,
};
use secrecy::{ExposeSecret, SecretString};

use crate::{settings, telemetry::RedisName};

/// Longest wait for a connection, also for patient calls.
const LONGEST_CONNECT: Duration = Duration::from_secs(2);

/// A connection without an acknowledgement for this time is closed and replaced.
#[cfg(target_os = "linux")]
const SILENT_PEER: Duration = Duration::from_secs(5);

/// A connection that reconnects by itself: to one server, or to the servers of a cluster.
#[derive(Clone)]
pub(super) enum Link {
    One(ConnectionManager),
    Cluster(ClusterConnection),
}

impl Link {
    pub const fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(link) => link.req_packed_command(command),
            Self::Cluster(link) => link.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(link) => link.req_packed_commands(pipeline, offset, count),
            Self::Cluster(link) => link.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(link) => link.get_db(),
            Self::Cluster(link) => link.get_db(),
        }
    }
}

/// How to reach Redis.
#[derive(Clone)]
pub(super) struct Address {
    info: ConnectionInfo,
    certificates: Option<TlsCertificates>,
    is_cluster: bool,
}

impl Address {
    pub fn of(url: &SecretString, settings: &settings::Redis) -> anyhow::Result<Self> {
        let info = url.expose_secret().into_connection_info().context("redis.url is not a Redis address")?;
        let tcp = TcpSettings::default().set_nodelay(true);
        // Without this, waiting for a vanished peer would take a quarter of an hour.
        #[cfg(target_os = "linux")]
        let tcp = tcp.set_user_timeout(SILENT_PEER);
        let certificates = match &settings.ca_file {
            None => None,
            Some(path) => {
                let root =
                    fs::read(path).with_context(|| format!("redis.ca_file: {} cannot be read", path.display()))?;
                Some(TlsCertificates { client_tls: None, root_cert: Some(root) })
            }
        };
        Ok(Self { info: info.set_tcp_settings(tcp), certificates, is_cluster: settings.cluster })
    }

    /// Prepares a connection without waiting for it.
    pub fn link(&self, timeout: Duration) -> anyhow::Result<Link> {
        const WRONG: &str = "redis.url or redis.ca_file is wrong";
        let connecting = (timeout * 5).min(LONGEST_CONNECT);
        if self.is_cluster {
            let mut builder =
                ClusterClient::builder([self.info.clone()]).tcp_settings(self.info.tcp_settings().clone());
            if let Some(certificates) = &self.certificates {
                builder = builder.certs(certificates.clone());
            }
            let client = builder.retries(1).build().context(WRONG)?;
            let config = ClusterConfig::new().set_connection_timeout(connecting).set_response_timeout(timeout);
            return Ok(Link::Cluster(client.get_pending_async_connection_with_config(config)));
        }
        let client = match &self.certificates {
            None => Client::open(self.info.clone()),
            Some(certificates) => Client::build_with_tls(self.info.clone(), certificates.clone()),
        };
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(connecting))
            .set_response_timeout(Some(timeout))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_secs(1));
        Ok(Link::One(ConnectionManager::new_lazy_with_config(client.context(WRONG)?, config)?))
    }

    /// Returns the name of the server in spans.
    pub fn name(&self) -> RedisName {
        let (server, port) = match self.info.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => (host.clone(), Some(*port)),
            ConnectionAddr::Unix(path) => (path.display().to_string(), None),
            other => (other.to_string(), None),
        };
        RedisName::new(server, port, self.info.redis_settings().db())
    }
}
