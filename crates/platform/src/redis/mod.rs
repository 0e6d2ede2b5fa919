//! Redis, used for speed and for serialising requests. Correctness never depends on it.
mod breaker;
mod link;
mod memory;
mod scripts;

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::try_join_all;
use redis::{FromRedisValue, RedisResult, Script};
use secrecy::SecretString;

use super::{
    settings,
    telemetry::{self, RedisName, Traced},
};
use breaker::Breaker;
use link::{Address, Link};
use scripts::{DELETE_IF, GRANT, PROBE_SCRIPT, RAISE};

/// Interval between probes of a Redis that did not answer.
const PROBE: Duration = Duration::from_secs(1);

/// A connection that reconnects by itself; every call is bounded in time.
#[derive(Clone)]
pub struct Redis {
    address: Arc<Addressed>,
    /// With the number of the address that it was made with.
    link: Arc<RwLock<(u64, Link)>>,
    timeout: Duration,
    breaker: Breaker,
    /// The server's name in spans.
    name: RedisName,
    grant: Arc<Script>,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redis")
    }
}

/// The address of all connections, and how often it has changed.
struct Addressed {
    address: RwLock<Address>,
    number: AtomicU64,
}

impl Addressed {
    fn read(&self) -> RwLockReadGuard<'_, Address> {
        self.address.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn link(&self, timeout: Duration) -> anyhow::Result<Link> {
        self.read().link(timeout)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("Redis is unavailable: {0}")]
pub struct RedisAway(pub String);

/// The outcome of an append.
#[derive(Debug)]
pub struct Appended {
    /// The id of the last entry.
    pub last: String,
    /// True when the previously appended entry is gone although newer entries did not displace it.
    pub has_lost: bool,
}

/// What is asked of a caller's window.
#[derive(Debug)]
pub struct Wanted {
    pub key: String,
    pub limit: u32,
    /// Requests that wait.
    pub waiting: u32,
    /// Requests that are expected soon.
    pub ahead: u32,
    /// Unused grants, and the number of their window.
    pub back: Option<(u32, i64)>,
}

/// The answer: what was granted, and the window after it.
#[derive(Debug, Clone, Copy)]
pub struct Granted {
    pub requests: u32,
    pub number: i64,
    pub current: u32,
    pub previous: u32,
    /// When another process was last granted requests in advance, in milliseconds since 1970; 0: not lately.
    pub lent_elsewhere: i64,
}

/// The numbers of [`Granted`].
type Grants = (u32, i64, u32, u32, i64);

/// Entries of a stream: id, and fields with their values.
type Entries = Vec<(String, Vec<String>)>;

/// Returns whether a stream without the entry `before` has lost it: a stream only drops entries from its old end, while
/// there are more than `kept`.
fn has_lost(before: &str, newest: Option<&str>, length: usize, kept: usize) -> bool {
    newest.is_none_or(|newest| entry_id(newest) < entry_id(before)) || length < kept
}

/// Parses an entry's id: milliseconds since 1970, and a count within the millisecond.
fn entry_id(id: &str) -> Option<(u64, u64)> {
    let (milliseconds, number) = id.split_once('-')?;
    Some((milliseconds.parse().ok()?, number.parse().ok()?))
}

impl Redis {
    /// Prepares the connection without waiting for it: an absent Redis must not prevent the start.
    pub fn open(url: &SecretString, settings: &settings::Redis) -> anyhow::Result<Self> {
        let address = RwLock::new(Address::of(url, settings)?);
        Self::at(Arc::new(Addressed { address, number: AtomicU64::new(0) }), settings.timeout())
    }

    /// Opens a separate connection to the same Redis, for work that nobody waits for.
    pub fn patient(&self, timeout: Duration) -> anyhow::Result<Self> {
        Self::at(self.address.clone(), timeout)
    }

    /// Uses another address, or the same with other credentials, for connections from now on.
    pub fn move_to(&self, url: &SecretString, settings: &settings::Redis) -> anyhow::Result<()> {
        let address = Address::of(url, settings)?;
        // Where it is wrong, the former one stays in use.
        _ = address.link(self.timeout)?;
        *self.address.address.write().unwrap_or_else(PoisonError::into_inner) = address;
        self.address.number.fetch_add(1, Ordering::Release);
        Ok(())
    }

    fn at(address: Arc<Addressed>, timeout: Duration) -> anyhow::Result<Self> {
        let number = address.number.load(Ordering::Acquire);
        let (link, name) = (RwLock::new((number, address.link(timeout)?)), address.read().name());
        let (link, breaker) = (Arc::new(link), Breaker::default());
        Ok(Self { address, link, timeout, breaker, name, grant: Arc::new(Script::new(GRANT)) })
    }

    fn link(&self) -> Link {
        let number = self.address.number.load(Ordering::Acquire);
        {
            let kept = self.link.read().unwrap_or_else(PoisonError::into_inner);
            if kept.0 == number {
                return kept.1.clone();
            }
        }
        let mut kept = self.link.write().unwrap_or_else(PoisonError::into_inner);
        if kept.0 != number {
            match self.address.link(self.timeout) {
                Ok(link) => *kept = (number, link),
                Err(error) => tracing::error!(error = format!("{error:#}"), "the new address of Redis cannot be used"),
            }
        }
        kept.1.clone()
    }

    /// Checks that Redis does its work, also while the breaker is open. A Redis that is full, read-only or runs no
    /// scripts counts as away.
    pub async fn check(&self) -> Result<(), RedisAway> {
        let mut probe = redis::cmd("EVAL");
        probe.arg(PROBE_SCRIPT).arg(1).arg("loadmaster:health");
        let mut connection = self.link();
        let answer = self.bounded("EVAL", async move { probe.query_async::<()>(&mut connection).await }).await;
        self.note(answer.is_ok());
        answer
    }

    /// Returns the server's `maxmemory-policy`, which applies when its memory is full.
    pub async fn eviction_policy(&self) -> Result<String, RedisAway> {
        // Allowed where CONFIG is not, as with most hosted servers.
        let info: InfoText = self.ask("INFO", redis::cmd("INFO").arg("memory")).await?;
        let policy = info.0.lines().find_map(|line| line.strip_prefix("maxmemory_policy:"));
        policy
            .map(|policy| policy.trim().to_owned())
            .ok_or_else(|| RedisAway("INFO reports no maxmemory_policy".to_owned()))
    }

    /// Returns whether calls are refused immediately because the last ones failed.
    pub fn is_given_up(&self) -> bool {
        self.breaker.is_open()
    }

    /// Sets a key that expires, unless it exists. Returns true if it was set.
    pub async fn set_if_absent(&self, key: &str, value: &str, expiry: Duration) -> Result<bool, RedisAway> {
        let milliseconds = u64::try_from(expiry.as_millis()).unwrap_or(u64::MAX);
        let mut set = redis::cmd("SET");
        let answer: Option<String> =
            self.ask("SET", set.arg(key).arg(value).arg("NX").arg("PX").arg(milliseconds)).await?;
        Ok(answer.is_some())
    }

    /// Deletes a key if it has this value, and returns whether it had. Runs also while the breaker is open: nobody waits for
    /// it.
    pub async fn delete_if(&self, key: &str, value: &str) -> Result<bool, RedisAway> {
        let mut delete = redis::cmd("EVAL");
        delete.arg(DELETE_IF).arg(1).arg(key).arg(value);
        let mut connection = self.link();
        self.bounded("EVAL", async move { delete.query_async::<bool>(&mut connection).await }).await
    }

    /// Returns the value of a key, and its remaining lifetime.
    pub async fn recall(&self, key: &str) -> Result<Option<(Vec<u8>, Duration)>, RedisAway> {
        let mut both = redis::pipe();
        both.atomic().cmd("GET").arg(key).cmd("PTTL").arg(key);
        let mut connection = self.link();
        let answer =
            self.guarded("MULTI GET", async move { both.query_async::<(Option<Vec<u8>>, i64)>(&mut connection).await });
        let (value, milliseconds) = answer.await?;
        // A value without expiry does not come from this product.
        let left = u64::try_from(milliseconds).ok().map(Duration::from_millis);
        Ok(value.zip(left))
    }

    /// Stores a value under a key with an expiry.
    pub async fn keep(&self, key: &str, value: &[u8], expiry: Duration) -> Result<(), RedisAway> {
        let milliseconds = u64::try_from(expiry.as_millis()).unwrap_or(u64::MAX).max(1);
        self.ask("SET", redis::cmd("SET").arg(key).arg(value).arg("PX").arg(milliseconds)).await
    }

    /// Stores a value under a key with an expiry, unless a greater one was stored lately. Values are ordered as texts.
    pub async fn raise(&self, key: &str, value: &str, expiry: Duration) -> Result<(), RedisAway> {
        let milliseconds = u64::try_from(expiry.as_millis()).unwrap_or(u64::MAX).max(1);
        let raise = redis::cmd("EVAL").arg(RAISE).arg(1).arg(key).arg(value).arg(milliseconds).to_owned();
        self.ask::<redis::Value>("EVAL", &raise).await.map(drop)
    }

    /// Counts requests in sliding windows of this length, in milliseconds, as far as their limits allow. Returns an
    /// answer to each question, in their order.
    pub async fn grant(
        &self,
        process: u64,
        wanted: &[Wanted],
        (now, length): (i64, i64),
    ) -> Result<Vec<Granted>, RedisAway> {
        let link = self.link();
        // Sent by its hash; in full where Redis does not know it. A server of a cluster has only some of the keys.
        let asking = async move {
            if !link.is_cluster() {
                return self.ask_for_grants(link, process, wanted, (now, length)).await;
            }
            let each = wanted.chunks(1).map(|one| self.ask_for_grants(link.clone(), process, one, (now, length)));
            Ok(try_join_all(each).await?.into_iter().flatten().collect())
        };
        let replies = self.guarded("EVALSHA", asking).await?;
        let granted = |(requests, number, current, previous, lent_elsewhere)| Granted {
            requests,
            number,
            current,
            previous,
            lent_elsewhere,
        };
        Ok(replies.into_iter().map(granted).collect())
    }

    async fn ask_for_grants(
        &self,
        mut link: Link,
        process: u64,
        wanted: &[Wanted],
        (now, length): (i64, i64),
    ) -> RedisResult<Vec<Grants>> {
        let mut grant = self.grant.prepare_invoke();
        grant.arg(now).arg(length).arg(process);
        for Wanted { key, limit, waiting, ahead, back } in wanted {
            let (back, of) = back.unwrap_or_default();
            grant.key(&**key).arg(limit).arg(waiting).arg(ahead).arg(back).arg(of);
        }
        grant.invoke_async(&mut link).await
    }

    /// Publishes a word of this process to the other members of its group; it lasts while it is repeated within
    /// `lifetime`.
    pub async fn announce(&self, group: &str, member: &str, word: &str, lifetime: Duration) -> Result<(), RedisAway> {
        let seconds = lifetime.as_secs().max(1);
        let mut announcement = redis::pipe();
        // All or nothing: a list without an expiry would stay for ever.
        announcement.atomic();
        announcement.cmd("SET").arg(word_key(group, member)).arg(word).arg("EX").arg(seconds).ignore();
        let group = members_key(group);
        announcement.cmd("SADD").arg(&group).arg(member).ignore();
        // The list of members expires soon after its last member.
        announcement.cmd("EXPIRE").arg(&group).arg(seconds * 10).ignore();
        let mut connection = self.link();
        self.guarded("MULTI SET", async move { announcement.query_async::<()>(&mut connection).await }).await
    }

    /// Returns the unexpired words of the group's members, each with the member that published it.
    pub async fn announcements(&self, group: &str) -> Result<Vec<(String, String)>, RedisAway> {
        let members: Vec<String> = self.ask("SMEMBERS", redis::cmd("SMEMBERS").arg(members_key(group))).await?;
        if members.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<String> = members.iter().map(|member| word_key(group, member)).collect();
        let words: Vec<Option<String>> = self.ask("MGET", redis::cmd("MGET").arg(keys)).await?;
        let gone: Vec<&String> =
            members.iter().zip(&words).filter(|(_, word)| word.is_none()).map(|(m, _)| m).collect();
        if !gone.is_empty() {
            self.ask::<()>("SREM", redis::cmd("SREM").arg(members_key(group)).arg(gone)).await?;
        }
        Ok(members.into_iter().zip(words).filter_map(|(member, word)| Some((member, word?))).collect())
    }

    /// Appends texts to a stream with a bound of about `kept` entries, and publishes each on the channel of the same
    /// name, atomically. `before` is the id of the previously appended entry, from [`Appended::last`].
    pub async fn append(
        &self,
        stream: &str,
        kept: usize,
        texts: &[String],
        before: Option<&str>,
    ) -> Result<Appended, RedisAway> {
        let mut transaction = redis::pipe();
        transaction.atomic();
        let known = before.unwrap_or("0-0");
        transaction.cmd("XRANGE").arg(stream).arg(known).arg(known);
        transaction.cmd("XREVRANGE").arg(stream).arg("+").arg("-").arg("COUNT").arg(1);
        transaction.cmd("XLEN").arg(stream);
        for (number, text) in texts.iter().enumerate() {
            let entry = transaction.cmd("XADD").arg(stream).arg("MAXLEN").arg("~").arg(kept).arg("*");
            entry.arg("event").arg(text);
            if number + 1 < texts.len() {
                transaction.ignore();
            }
            transaction.cmd("PUBLISH").arg(stream).arg(text).ignore();
        }
        let mut connection = self.link();
        let appending =
            async move { transaction.query_async::<(Entries, Entries, usize, String)>(&mut connection).await };
        let (same, newest, length, last) = self.bounded("MULTI XADD", appending).await?;
        let newest = newest.first().map(|(id, _)| id.as_str());
        let has_lost = before.is_some_and(|before| same.is_empty() && has_lost(before, newest, length, kept));
        Ok(Appended { last, has_lost })
    }

    async fn ask<T: FromRedisValue>(&self, name: &'static str, command: &redis::Cmd) -> Result<T, RedisAway> {
        let mut connection = self.link();
        self.guarded(name, async move { command.query_async::<T>(&mut connection).await }).await
    }

    /// Makes a call, unless the breaker is open.
    async fn guarded<T>(
        &self,
        name: &'static str,
        work: impl Future<Output = redis::RedisResult<T>>,
    ) -> Result<T, RedisAway> {
        if self.breaker.is_open() {
            return Err(RedisAway("calls are suspended after earlier failures".to_owned()));
        }
        let answer = self.bounded(name, work).await;
        self.note(answer.is_ok());
        answer
    }

    /// Records the outcome; the call that opens the breaker starts a probe, so that no other call need wait.
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

    async fn bounded<T>(
        &self,
        name: &'static str,
        work: impl Future<Output = redis::RedisResult<T>>,
    ) -> Result<T, RedisAway> {
        let asking = async {
            let answer = match tokio::time::timeout(self.timeout, work).await {
                Ok(answer) => answer.map_err(|error| RedisAway(error.to_string())),
                Err(_) => Err(RedisAway("timed out".to_owned())),
            };
            if answer.is_err() {
                telemetry::fail("unavailable");
            }
            answer
        };
        asking.in_span(telemetry::redis_call(name, &self.name)).await
    }
}

/// The keys of a group. What stands in braces decides which server of a cluster has a key: one has the whole group.
fn members_key(group: &str) -> String {
    format!("{{{group}}}")
}

fn word_key(group: &str, member: &str) -> String {
    format!("{{{group}}}:{member}")
}

/// The answer to `INFO`; a cluster gives one of each server, which should be configured alike.
struct InfoText(String);

impl FromRedisValue for InfoText {
    fn from_redis_value(value: redis::Value) -> Result<Self, redis::ParsingError> {
        if matches!(value, redis::Value::Map(_)) {
            let of_each = HashMap::<String, String>::from_redis_value(value)?;
            return Ok(Self(of_each.into_values().collect()));
        }
        String::from_redis_value(value).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_lost_unless_newer_ones_took_its_place() {
        assert!(has_lost("5-1", None, 0, 10), "the stream is gone");
        assert!(has_lost("5-1", Some("5-0"), 10, 10), "the end is gone");
        assert!(has_lost("10-0", Some("9-7"), 10, 10), "ids are numbers");
        assert!(has_lost("5-1", Some("6-0"), 9, 10), "another has begun it anew");
        assert!(!has_lost("5-1", Some("6-0"), 10, 10), "there are as many newer ones as are kept");
    }
}
