//! The events that were committed, as the outbox has them.
use std::sync::Arc;

use anyhow::Context;
use loadmaster_platform::{outbox::Feed, postgres::Database, settings};
use serde_json::Value;

const AT_ONCE: i64 = 5_000;

pub(crate) struct Truth(Database);

impl Truth {
    pub async fn open(url: &str, settings: &settings::Database) -> anyhow::Result<Self> {
        Ok(Self(Database::open(&url.into(), settings).await?))
    }

    /// All that are visible now; the outbox keeps them for longer than a run lasts.
    pub async fn events(&self) -> anyhow::Result<Vec<Value>> {
        let (mut feed, mut events) = (Feed::default(), Vec::new());
        loop {
            let entries = feed.read(&self.0, AT_ONCE).await.context("the outbox cannot be read")?;
            if entries.is_empty() {
                return Ok(events);
            }
            events.extend(entries.into_iter().map(|entry| Arc::unwrap_or_clone(entry.event)));
        }
    }
}

/// Without the member that tells installations apart, which is completed when an event is delivered.
pub(super) fn without_source(event: &Value) -> Value {
    let mut event = event.clone();
    if let Some(members) = event.as_object_mut() {
        members.remove("source");
    }
    event
}
