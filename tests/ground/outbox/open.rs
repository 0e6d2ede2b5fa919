//! Transactions that write messages and stay open as long as a test likes.
use std::time::Duration;

use loadmaster_platform::{
    outbox::{Message, append_in_tx},
    postgres::PgSession,
};
use loadmaster_testkit::{TestDatabase, start_of_time};
use serde_json::json;
use sqlx::Executor;
use uuid::Uuid;

/// One of the serving role that has its transaction number.
pub struct Open(PgSession);

impl Open {
    pub async fn begin(database: &TestDatabase) -> Self {
        let mut this = Self(PgSession::own(database.app().await, Duration::from_mins(1)));
        this.begin_again().await;
        this
    }

    /// On the same connection, after a commit or a rollback.
    pub async fn begin_again(&mut self) {
        self.0.execute("begin").await.unwrap();
        self.0.execute("select pg_current_xact_id()").await.unwrap();
    }

    pub fn session(&mut self) -> &mut PgSession {
        &mut self.0
    }

    /// Messages of an aggregate that nobody else knows, with these numbers.
    pub async fn write(&mut self, aggregate_id: Uuid, sequences: impl Iterator<Item = i32>) {
        let subject = aggregate_id.to_string();
        let message = |sequence| Message {
            aggregate: "flight",
            aggregate_id,
            organization: None,
            subject: &subject,
            sequence,
            event_type: "CHANGED",
            data: json!({"invented": true}),
            occurred_at: start_of_time(),
            trace: None,
        };
        let messages: Vec<_> = sequences.map(message).collect();
        append_in_tx(&mut self.0, &messages).await.unwrap();
    }

    pub async fn commit(&mut self) {
        self.0.execute("commit").await.unwrap();
    }

    pub async fn roll_back(&mut self) {
        self.0.execute("rollback").await.unwrap();
    }
}

/// Messages that are committed at once.
pub async fn tell(database: &TestDatabase, aggregate_id: Uuid, sequences: impl Iterator<Item = i32>) {
    let mut open = Open::begin(database).await;
    open.write(aggregate_id, sequences).await;
    open.commit().await;
}
