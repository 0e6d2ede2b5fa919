//! Redis speeds things up and serialises politely. Nothing that is true depends on it.
use std::time::Duration;

use anyhow::Context;
use redis::{
    Client,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use secrecy::{ExposeSecret, SecretString};

use super::settings;

/// A connection that mends itself; every call is bounded in time.
#[derive(Clone)]
pub struct Redis {
    connection: ConnectionManager,
    timeout: Duration,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redis")
    }
}

#[derive(Debug, thiserror::Error)]
#[error("Redis did not answer: {0}")]
pub struct RedisAway(String);

impl Redis {
    /// Prepares the connection without waiting for it: a Redis that is away must not keep us from starting.
    pub fn open(url: &SecretString, settings: &settings::Redis) -> anyhow::Result<Self> {
        let client = Client::open(url.expose_secret()).context("redis.url is not a Redis address")?;
        let timeout = settings.timeout();
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(timeout * 5))
            .set_response_timeout(Some(timeout))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_secs(1));
        let connection = ConnectionManager::new_lazy_with_config(client, config)?;
        Ok(Self { connection, timeout })
    }

    /// Writes and reads a key: a Redis that is full or read-only is as good as away.
    pub async fn check(&self) -> Result<(), RedisAway> {
        let mut connection = self.connection.clone();
        let probe = async move {
            redis::cmd("SET").arg("loadmaster:health").arg(1).arg("EX").arg(60).query_async::<()>(&mut connection).await
        };
        match tokio::time::timeout(self.timeout * 2, probe).await {
            Ok(answer) => answer.map_err(|error| RedisAway(error.to_string())),
            Err(_) => Err(RedisAway("timed out".to_owned())),
        }
    }
}
