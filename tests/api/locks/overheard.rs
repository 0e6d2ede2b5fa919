use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

use crate::support::{OwnRedis, until};

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
