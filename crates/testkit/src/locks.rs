//! The locks in Redis, seen from outside.
use std::sync::{Arc, Mutex};

use redis::aio::MultiplexedConnection;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

use crate::{OwnRedis, freight::text, until};

/// What a Redis is asked, as it says itself.
#[derive(Clone, Default)]
pub struct Overheard(Arc<Mutex<Vec<String>>>);

impl Overheard {
    pub async fn at(redis: &OwnRedis) -> Self {
        let (reading, mut writing) = UnixStream::connect(redis.socket()).await.unwrap().into_split();
        writing.write_all(b"MONITOR\r\n").await.unwrap();
        let mut lines = BufReader::new(reading).lines();
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("+OK"));
        let heard = Self::default();
        let told = heard.clone();
        // It ends with the Redis.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                told.0.lock().unwrap().push(line);
            }
            drop(writing);
        });
        heard
    }

    /// How many requests have all of these words.
    pub fn count(&self, words: &[&str]) -> usize {
        let lines = self.0.lock().unwrap();
        lines.iter().filter(|line| words.iter().all(|word| line.contains(&format!("\"{word}\"")))).count()
    }

    pub async fn until(&self, times: usize, words: &[&str]) {
        until(&format!("{words:?} was heard {times} times"), async || self.count(words) >= times).await;
    }
}

/// Where the lock of a booking lies.
pub fn lock_of(booking: &Value) -> String {
    format!("lock:booking:{}", text(booking, "ref_id"))
}

/// Puts a foreign token there.
pub async fn put(redis: &mut MultiplexedConnection, lock: &str, token: &str) {
    redis::cmd("SET").arg(lock).arg(token).query_async::<()>(redis).await.unwrap();
}

/// Removes a lock.
pub async fn take_away(redis: &mut MultiplexedConnection, lock: &str) {
    redis::cmd("DEL").arg(lock).query_async::<()>(redis).await.unwrap();
}
