//! Who reads the stream in Redis, or listens to the channel beside it.
use std::sync::{Arc, Mutex};

use loadmaster_testkit::{OwnRedis, until};
use redis::aio::MultiplexedConnection;
use serde_json::Value;

/// The stream, and the channel beside it.
const NAME: &str = "loadmaster:events";

/// Reads the stream from its beginning.
pub struct Consumer {
    connection: MultiplexedConnection,
    /// Where it goes on.
    next: String,
    /// All that was read so far.
    pub messages: Vec<Value>,
}

impl Consumer {
    pub async fn of(redis: &OwnRedis) -> Self {
        Self { connection: redis.connect().await, next: "-".to_owned(), messages: Vec::new() }
    }

    pub async fn read(&mut self) {
        let range = redis::cmd("XRANGE").arg(NAME).arg(&self.next).arg("+").to_owned();
        let entries: Vec<(String, Vec<String>)> = range.query_async(&mut self.connection).await.unwrap();
        for (id, fields) in entries {
            let [field, text] = fields.as_slice() else { panic!("not one field: {fields:?}") };
            assert_eq!(field, "event");
            self.messages.push(serde_json::from_str(text).expect("JSON"));
            self.next = format!("({id}");
        }
    }
}

/// What was published.
#[derive(Clone, Default)]
pub struct Heard(Arc<Mutex<Vec<Value>>>);

impl Heard {
    /// Writes down what is published from now on.
    pub async fn of(redis: &OwnRedis) -> Self {
        let heard = Self::default();
        let (url, told) = (redis.url(), heard.clone());
        // The thread ends with the connection.
        std::thread::spawn(move || {
            let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
            let mut channel = connection.as_pubsub();
            channel.subscribe(NAME).unwrap();
            while let Ok(message) = channel.get_message() {
                let text: String = message.get_payload().unwrap();
                told.0.lock().unwrap().push(serde_json::from_str(&text).unwrap());
            }
        });
        let mut connection = redis.connect().await;
        until("somebody listens", async || {
            let asked = redis::cmd("PUBSUB").arg("NUMSUB").arg(NAME).to_owned();
            let (_, listeners): (String, u64) = asked.query_async(&mut connection).await.unwrap();
            listeners == 1
        })
        .await;
        heard
    }

    pub fn messages(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }
}
