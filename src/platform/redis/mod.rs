//! Redis speeds things up and serialises politely. Nothing that is true depends on it.
mod breaker;

use std::time::Duration;

use anyhow::Context;
use redis::{
    Client, FromRedisValue, IntoConnectionInfo,
    aio::{ConnectionManager, ConnectionManagerConfig},
    io::tcp::TcpSettings,
};
use secrecy::{ExposeSecret, SecretString};

use super::settings;
use breaker::Breaker;

/// Longest wait for a connection, however patient one is.
const LONGEST_CONNECT: Duration = Duration::from_secs(2);

/// A connection on which nothing was acknowledged for so long is given up, and made anew.
#[cfg(target_os = "linux")]
const SILENT_PEER: Duration = Duration::from_secs(5);

/// How often a Redis that did not answer is asked whether it is back.
const PROBE: Duration = Duration::from_secs(1);

/// Deletes a key if it has that value: a lock that has expired and is another's by now stays his.
const DELETE_IF: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end";

/// A connection that mends itself; every call is bounded in time.
#[derive(Clone)]
pub struct Redis {
    client: Client,
    connection: ConnectionManager,
    timeout: Duration,
    breaker: Breaker,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redis")
    }
}

#[derive(Debug, thiserror::Error)]
#[error("Redis did not answer: {0}")]
pub struct RedisAway(pub String);

impl Redis {
    /// Prepares the connection without waiting for it: a Redis that is away must not keep us from starting.
    pub fn open(url: &SecretString, settings: &settings::Redis) -> anyhow::Result<Self> {
        let address = url.expose_secret().into_connection_info().context("redis.url is not a Redis address")?;
        let tcp = TcpSettings::default().set_nodelay(true);
        // A peer that vanished without a word would otherwise be waited for a quarter of an hour.
        #[cfg(target_os = "linux")]
        let tcp = tcp.set_user_timeout(SILENT_PEER);
        let client = Client::open(address.set_tcp_settings(tcp)).context("redis.url is not a Redis address")?;
        Self::connect(client, settings.timeout())
    }

    /// The same Redis by a connection of its own, for work that nobody waits for.
    pub fn patient(&self, timeout: Duration) -> anyhow::Result<Self> {
        Self::connect(self.client.clone(), timeout)
    }

    fn connect(client: Client, timeout: Duration) -> anyhow::Result<Self> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some((timeout * 5).min(LONGEST_CONNECT)))
            .set_response_timeout(Some(timeout))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_secs(1));
        let connection = ConnectionManager::new_lazy_with_config(client.clone(), config)?;
        Ok(Self { client, connection, timeout, breaker: Breaker::default() })
    }

    /// Whether it answers, asked also when nobody else asks. A Redis that is full or read-only is as good as away.
    pub async fn check(&self) -> Result<(), RedisAway> {
        let mut probe = redis::cmd("SET");
        probe.arg("loadmaster:health").arg(1).arg("EX").arg(60);
        let mut connection = self.connection.clone();
        let answer = self.bounded(async move { probe.query_async::<()>(&mut connection).await }).await;
        self.note(answer.is_ok());
        answer
    }

    /// Whether calls are refused at once because the last ones failed.
    pub fn is_given_up(&self) -> bool {
        self.breaker.is_open()
    }

    /// Sets a key that expires, unless it is there. True: it was set.
    pub async fn set_if_absent(&self, key: &str, value: &str, expiry: Duration) -> Result<bool, RedisAway> {
        let milliseconds = u64::try_from(expiry.as_millis()).unwrap_or(u64::MAX);
        let mut set = redis::cmd("SET");
        let answer: Option<String> = self.ask(set.arg(key).arg(value).arg("NX").arg("PX").arg(milliseconds)).await?;
        Ok(answer.is_some())
    }

    /// Deletes a key if it has this value. Tried also when Redis is not asked for anything else: nobody waits for it.
    pub async fn delete_if(&self, key: &str, value: &str) -> Result<(), RedisAway> {
        let mut delete = redis::cmd("EVAL");
        delete.arg(DELETE_IF).arg(1).arg(key).arg(value);
        let mut connection = self.connection.clone();
        self.bounded(async move { delete.query_async::<()>(&mut connection).await }).await
    }

    /// Leaves a word of this process where the others of its group look for it, for as long as it is repeated within
    /// `lifetime`.
    pub async fn announce(&self, group: &str, member: &str, word: &str, lifetime: Duration) -> Result<(), RedisAway> {
        let seconds = lifetime.as_secs().max(1);
        let mut announcement = redis::pipe();
        announcement.cmd("SET").arg(format!("{group}:{member}")).arg(word).arg("EX").arg(seconds).ignore();
        announcement.cmd("SADD").arg(group).arg(member).ignore();
        // The list of members outlives none of them for long.
        announcement.cmd("EXPIRE").arg(group).arg(seconds * 10).ignore();
        let mut connection = self.connection.clone();
        self.guarded(async move { announcement.query_async::<()>(&mut connection).await }).await
    }

    /// The words of the group's members that are still there, each with who left it.
    pub async fn announcements(&self, group: &str) -> Result<Vec<(String, String)>, RedisAway> {
        let members: Vec<String> = self.ask(redis::cmd("SMEMBERS").arg(group)).await?;
        if members.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<String> = members.iter().map(|member| format!("{group}:{member}")).collect();
        let words: Vec<Option<String>> = self.ask(redis::cmd("MGET").arg(keys)).await?;
        let gone: Vec<&String> =
            members.iter().zip(&words).filter(|(_, word)| word.is_none()).map(|(m, _)| m).collect();
        if !gone.is_empty() {
            self.ask::<()>(redis::cmd("SREM").arg(group).arg(gone)).await?;
        }
        Ok(members.into_iter().zip(words).filter_map(|(member, word)| Some((member, word?))).collect())
    }

    /// Appends texts to a stream that keeps about so many, and publishes each on the channel of the same name: all of it
    /// or nothing.
    pub async fn append(&self, stream: &str, kept: usize, texts: &[String]) -> Result<(), RedisAway> {
        let mut transaction = redis::pipe();
        transaction.atomic();
        for text in texts {
            let entry = transaction.cmd("XADD").arg(stream).arg("MAXLEN").arg("~").arg(kept).arg("*");
            entry.arg("event").arg(text).ignore();
            transaction.cmd("PUBLISH").arg(stream).arg(text).ignore();
        }
        let mut connection = self.connection.clone();
        self.bounded(async move { transaction.query_async::<()>(&mut connection).await }).await
    }

    async fn ask<T: FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, RedisAway> {
        let mut connection = self.connection.clone();
        self.guarded(async move { command.query_async::<T>(&mut connection).await }).await
    }

    /// Asks, unless the last ones who did had no answer.
    async fn guarded<T>(&self, work: impl Future<Output = redis::RedisResult<T>>) -> Result<T, RedisAway> {
        if self.breaker.is_open() {
            return Err(RedisAway("it is not asked since it did not answer".to_owned()));
        }
        let answer = self.bounded(work).await;
        self.note(answer.is_ok());
        answer
    }

    /// Takes down how it went; whoever finds Redis away asks until it is back, so that nobody else need wait.
    fn note(&self, is_answered: bool) {
        if self.breaker.note(is_answered) {
            let this = self.clone();
            tokio::spawn(async move {
                while this.is_given_up() {
                    tokio::time::sleep(PROBE).await;
                    _ = this.check().await;
                }
            });
        }
    }

    async fn bounded<T>(&self, work: impl Future<Output = redis::RedisResult<T>>) -> Result<T, RedisAway> {
        match tokio::time::timeout(self.timeout, work).await {
            Ok(answer) => answer.map_err(|error| RedisAway(error.to_string())),
            Err(_) => Err(RedisAway("timed out".to_owned())),
        }
    }
}
