//! How often statements are executed.
use sqlx::Executor;

use crate::{TestDatabase, World};

impl TestDatabase {
    /// A light one that counts the statements of sessions that begin from now on.
    pub async fn counting() -> Self {
        let database = Self::light().await;
        let mut owner = database.owner().await;
        owner
            .execute("create extension pg_stat_statements")
            .await
            .expect("PostgreSQL is installed with its extensions");
        let name: String = sqlx::query_scalar("select current_database()").fetch_one(&mut owner).await.unwrap();
        let track = format!("alter role loadmaster_app in database {name} set pg_stat_statements.track = 'all'");
        owner.execute(sqlx::AssertSqlSafe(track)).await.unwrap();
        database
    }
}

impl World {
    /// How often statements that contain this were executed, in a database that counts them.
    pub async fn executed(&self, part: &str) -> i64 {
        let counted = format!(
            "select coalesce(sum(calls), 0)::text from pg_stat_statements s join pg_database d on d.oid = s.dbid
             where d.datname = current_database() and query like '%{part}%' and query not like '%pg_stat_statements%'"
        );
        self.texts(&counted).await[0].parse().unwrap()
    }
}
