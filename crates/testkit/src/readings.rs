use sqlx::{AssertSqlSafe, Executor, PgConnection};

use super::{database::TestDatabase, watch::until};

/// Counts how often the serving role reads rows of a table, but in transactions that only read: what tells that a request
/// has come so far. The table must have rows. Made once for a database.
pub struct Readings(PgConnection);

impl Readings {
    pub async fn of(database: &TestDatabase, table: &str) -> Self {
        let mut owner = database.owner().await;
        let count = format!(
            "create sequence readings;
             create function count_reading() returns boolean language plpgsql volatile security definer
                 as $$ begin
                     if not current_setting('transaction_read_only')::boolean then perform nextval('public.readings'); end if;
                     return true;
                 end $$;
             create policy readings on {table} using (count_reading()) with check (true);
             alter table {table} enable row level security"
        );
        owner.execute(sqlx::raw_sql(AssertSqlSafe(count))).await.expect("counting readings");
        Self(owner)
    }

    pub async fn count(&mut self) -> i64 {
        // Not yet called, a sequence says 1.
        let query = "select last_value - (not is_called)::int from readings";
        sqlx::query_scalar(query).fetch_one(&mut self.0).await.unwrap()
    }

    pub async fn until_above(&mut self, before: i64) {
        until("somebody has read", async || self.count().await > before).await;
    }
}
