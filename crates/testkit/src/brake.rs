//! Transactions that are kept in the middle of their writing.
use sqlx::{Connection, Executor, PgConnection};

use super::{Watch, database::TestDatabase, until};

/// Stops each transaction that writes messages, for as long as it is there. By then it has written all else but the answer
/// that is kept under its key.
pub struct Brake {
    owner: PgConnection,
    watch: Watch,
}

impl Brake {
    pub async fn on(database: &TestDatabase) -> Self {
        let mut owner = database.owner().await;
        // It does not wait for a lock: the limit of such waits would end it.
        let trigger = "select pg_advisory_lock(1, 2);
            create or replace function brake() returns trigger language plpgsql as $$ begin
                while not pg_try_advisory_xact_lock_shared(1, 2) loop perform pg_sleep(0.01); end loop;
                return null;
            end $$;
            create or replace trigger brake after insert on outbox for each statement execute function brake();";
        owner.execute(sqlx::raw_sql(trigger)).await.unwrap();
        Self { owner, watch: Watch::over(database).await }
    }

    /// Until this many transactions have been stopped.
    pub async fn until_stopped(&mut self, transactions: i64) {
        let watch = &mut self.watch;
        until(&format!("{transactions} transactions are stopped"), async || watch.sleeping().await == transactions)
            .await;
    }

    /// Ends the sessions that were stopped, as an operator would.
    pub async fn kill(&mut self) {
        let watch = &mut self.watch;
        // Between two naps it does not sleep.
        until("a stopped session was ended", async || watch.kill_sleeping().await > 0).await;
    }

    /// Lets all go on.
    pub async fn release(self) {
        self.owner.close().await.unwrap();
    }
}
