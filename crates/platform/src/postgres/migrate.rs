use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection};

use super::{ensure_partitions, error, grants, grants::Tables, partitioned_tables};

/// Total time that a migration tries to lock tables in use, and the pause between two attempts.
const MIGRATION_PATIENCE: Duration = Duration::from_mins(10);
const MIGRATION_PAUSE: Duration = Duration::from_secs(1);

/// Applies missing migrations, creates partitions ahead, and grants the serving role its rights. An older binary
/// accepts a newer schema.
///
/// A change of a table waits for all transactions that use it, and later ones queue behind it: it waits for two seconds
/// at most, then lets the others go first and tries again, for ten minutes in all.
pub async fn migrate(owner: &mut PgConnection, tables: &[Tables], now: DateTime<Utc>) -> anyhow::Result<()> {
    let trouble = "a migration waits for a table that is in use; trying again";
    patiently(owner, trouble, async |owner| try_migrate(owner, tables, now).await).await
}

/// Changes tables in use: each attempt waits for two seconds at most.
pub(super) async fn patiently(
    owner: &mut PgConnection,
    trouble: &'static str,
    attempt: impl AsyncFn(&mut PgConnection) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let until = tokio::time::Instant::now() + MIGRATION_PATIENCE;
    sqlx::raw_sql("set lock_timeout = '2s'").execute(&mut *owner).await?;
    loop {
        match attempt(owner).await {
            Err(error) if waits_for_others(&error) && tokio::time::Instant::now() < until => {
                tracing::warn!("{trouble}");
                tokio::time::sleep(MIGRATION_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

/// Whether others held a lock for too long, or waited in a circle with the migration.
fn waits_for_others(error: &anyhow::Error) -> bool {
    let state = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<sqlx::Error>().and_then(error::sql_state).map(std::borrow::Cow::into_owned)
    };
    let waits = [error::LOCK_NOT_AVAILABLE, error::DEADLOCK_DETECTED];
    error.chain().filter_map(state).any(|state| waits.contains(&state.as_str()))
}

async fn try_migrate(owner: &mut PgConnection, tables: &[Tables], now: DateTime<Utc>) -> anyhow::Result<()> {
    let mut migrator = sqlx::migrate!("../../migrations");
    migrator.set_ignore_missing(true);
    migrator.run_direct(None, owner, false).await.context("migrating the database failed")?;
    for table in partitioned_tables(&mut *owner).await? {
        let mut tx = owner.begin().await?;
        ensure_partitions(&mut *tx, &table, now).await?;
        tx.commit().await?;
    }
    let mut tx = owner.begin().await?;
    grants::grant_serving_role(&mut tx, tables).await.context("granting the serving role its rights failed")?;
    tx.commit().await?;
    Ok(())
}
