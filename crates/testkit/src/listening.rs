//! Hearing what the server logs while a test plays.
use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::{EnvFilter, Registry, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// All that was logged, one JSON object a line.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn subscriber(&self, filter: &str) -> impl tracing::Subscriber + Send + Sync + 'static {
        let writer = self.clone();
        let lines = fmt::layer().json().with_writer(move || writer.clone());
        Registry::default().with(EnvFilter::new(filter)).with(lines)
    }

    /// Everything from now on, on all threads. For a test that has the process to itself.
    pub fn of_the_process(filter: &str) -> Self {
        let log = Self::default();
        log.subscriber(filter).init();
        log
    }

    /// What this thread logs while the guard lives: a test's server runs on the test's own thread.
    pub fn of_this_thread(filter: &str) -> (Self, DefaultGuard) {
        let log = Self::default();
        let guard = tracing::subscriber::set_default(log.subscriber(filter));
        (log, guard)
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The events of one request, oldest first.
    pub fn of_request(&self, id: &str) -> Vec<Value> {
        let events = self.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<Value>>();
        events.into_iter().filter(|event| event["span"]["request_id"] == id).collect()
    }
}
