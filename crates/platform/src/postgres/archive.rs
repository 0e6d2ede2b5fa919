//! Months that are moved out of the tables that the server works on. Every statement here runs as the owner.
use std::{fmt, str::FromStr};

use anyhow::{Context, ensure};
use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use super::{PgSession, migrate::patiently, months::floor};

/// What is logged while a table is in use.
const LOCKED: &str = "an archived month waits for a table that is in use; trying again";

/// A calendar month in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(NaiveDate);

impl Month {
    /// Returns the month that began most recently.
    pub fn of(now: DateTime<Utc>) -> Self {
        Self(now.date_naive().with_day(1).unwrap_or_default())
    }

    /// Returns the least id that is made in this month.
    pub fn first_id(self) -> Uuid {
        floor(self.0)
    }

    fn next(self) -> Self {
        Self(self.0.checked_add_months(Months::new(1)).unwrap_or(self.0))
    }

    /// As in the names of partitions.
    fn suffix(self) -> impl fmt::Display {
        self.0.format("%Y_%m")
    }

    fn of_suffix(text: &str) -> Option<Self> {
        let date = format!("{}-01", text.replace('_', "-"));
        NaiveDate::parse_from_str(&date, "%Y-%m-%d").ok().map(Self)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m"))
    }
}

impl FromStr for Month {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_written_so = text.len() == 7 && text.as_bytes().get(4) == Some(&b'-');
        Self::of_suffix(text).filter(|_| is_written_so).ok_or("must be a month such as 2026-11")
    }
}

/// A partition, as far as the statistics of the database know.
#[derive(Debug)]
pub struct Partition {
    pub table: String,
    pub month: Month,
    pub is_archived: bool,
    pub rows: i64,
    pub bytes: i64,
}

/// Returns the partitions of all months, oldest first.
pub async fn partitions(owner: &mut PgConnection) -> anyhow::Result<Vec<Partition>> {
    let question = "
        select p.table_name, right(c.relname, 7), n.nspname = 'loadmaster_archive', greatest(c.reltuples::bigint, 0),
               pg_total_relation_size(c.oid)
        from partitioned_tables p
        join pg_class parent on parent.relname = p.table_name
        join pg_namespace n on n.oid = parent.relnamespace and n.nspname in ('public', 'loadmaster_archive')
        join pg_inherits i on i.inhparent = parent.oid
        join pg_class c on c.oid = i.inhrelid and c.relname ~ '_[0-9]{4}_[0-9]{2}$'
        order by 2, 1";
    let rows: Vec<(String, String, bool, i64, i64)> = sqlx::query_as(question).fetch_all(owner).await?;
    let partition = |(table, month, is_archived, rows, bytes): (String, String, bool, i64, i64)| {
        Some(Partition { table, month: Month::of_suffix(&month)?, is_archived, rows, bytes })
    };
    Ok(rows.into_iter().filter_map(partition).collect())
}

/// Moves the partitions of a month to the archive, or deletes those that are not archived, all or none. The tables are locked
/// for an instant only: what would take long is done before.
pub async fn archive_month(owner: &mut PgConnection, month: Month) -> anyhow::Result<()> {
    let schema: Option<String> =
        sqlx::query_scalar("select to_regnamespace('loadmaster_archive')::text").fetch_one(&mut *owner).await?;
    ensure!(
        schema.is_some(),
        "there is no schema `loadmaster_archive`: when the database was migrated, the owner could not create schemas; grant it `create` on \
         the database and see docs/database.md"
    );
    let question = "select table_name, when_archived = 'move' from partitioned_tables
                    where to_regclass(format('public.%I', table_name || '_' || $1)) is not null
                    order by locked_as, table_name";
    let tables: Vec<(String, bool)> =
        sqlx::query_as(question).bind(month.suffix().to_string()).fetch_all(&mut *owner).await?;
    let plans = tables.iter().map(|(table, moves)| Plan::of(table, *moves, month)).collect::<Vec<_>>();
    for plan in plans.iter().filter(|plan| plan.moves) {
        plan.prove_bounds(owner).await.with_context(|| format!("checking {}", plan.part))?;
    }
    patiently(owner, LOCKED, async |owner| {
        let mut tx = owner.begin().await?;
        sqlx::raw_sql(AssertSqlSafe(lock_all(&plans))).execute(&mut *tx).await?;
        for plan in &plans {
            sqlx::raw_sql(AssertSqlSafe(plan.statements())).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    })
    .await
}

/// Locks the tables in the order in which writers lock them, and waits for none of them longer than a request notices.
fn lock_all(plans: &[Plan]) -> String {
    let tables: Vec<_> = plans.iter().map(|plan| format!("public.{}", plan.table)).collect();
    match tables.as_slice() {
        [] => String::new(),
        tables => {
            format!("set local lock_timeout = '200ms'; lock table {} in access exclusive mode", tables.join(", "))
        }
    }
}

/// What is done with one partition.
struct Plan {
    table: String,
    part: String,
    moves: bool,
    from: Uuid,
    to: Uuid,
}

impl Plan {
    fn of(table: &str, moves: bool, month: Month) -> Self {
        let (from, to) = (month.first_id(), month.next().first_id());
        Self { table: table.to_owned(), part: format!("{table}_{}", month.suffix()), moves, from, to }
    }

    /// Adds the bounds of the partition as a constraint, by which the archive takes the rows without reading them again.
    async fn prove_bounds(&self, owner: &mut PgConnection) -> anyhow::Result<()> {
        let key = "select a.attname::text from pg_partitioned_table p
                   join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
                   where p.partrelid = to_regclass(format('public.%I', $1))";
        let key: String = sqlx::query_scalar(key).bind(&self.table).fetch_one(&mut *owner).await?;
        let Self { part, from, to, .. } = self;
        let add = format!(
            "alter table public.{part} drop constraint if exists archived_bounds;
             alter table public.{part} add constraint archived_bounds
             check ({key} is not null and {key} >= '{from}' and {key} < '{to}') not valid"
        );
        patiently(owner, LOCKED, async |owner| {
            let mut tx = owner.begin().await?;
            sqlx::raw_sql(AssertSqlSafe(add.clone())).execute(&mut *tx).await?;
            Ok(tx.commit().await?)
        })
        .await?;
        let validate = format!("alter table public.{part} validate constraint archived_bounds");
        sqlx::raw_sql(AssertSqlSafe(validate)).execute(owner).await?;
        Ok(())
    }

    fn statements(&self) -> String {
        let Self { table, part, moves, from, to } = self;
        if !moves {
            return format!(
                "alter table public.{table} detach partition public.{part};
                 drop table public.{part};"
            );
        }
        format!(
            "alter table public.{table} detach partition public.{part};
             alter table public.{part} set schema loadmaster_archive;
             alter table loadmaster_archive.{table} attach partition loadmaster_archive.{part} for values from ('{from}') to ('{to}');
             alter table loadmaster_archive.{part} drop constraint archived_bounds;
             create or replace trigger {part}_keep before truncate on loadmaster_archive.{part}
             for each statement execute function public.refuse_change();"
        )
    }
}

/// Runs a statement that counts objects made before the id `$1` and names one of them.
pub async fn count_before(
    owner: &mut PgConnection,
    month: Month,
    statement: &'static str,
) -> sqlx::Result<(i64, Option<String>)> {
    sqlx::query_as(statement).bind(month.first_id()).fetch_one(owner).await
}

/// Lets a transaction that only reads see archived rows as well, until [`see_tables`].
pub async fn see_archive(session: &mut PgSession) -> sqlx::Result<()> {
    let question = "select exists (select from pg_inherits i join pg_class c on c.oid = i.inhparent
                                   where c.relnamespace = to_regnamespace('loadmaster_archive'))";
    let has_archive: bool = sqlx::query_scalar(question).fetch_one(&mut *session).await?;
    if has_archive {
        // A schema without this right is passed over in silence, and what is archived would seem to be missing.
        let right = "select has_schema_privilege('loadmaster_audited', 'usage')";
        if !sqlx::query_scalar::<_, bool>(right).fetch_one(&mut *session).await? {
            let text =
                "this role may not read the archive: run `loadmaster migrate`, which grants it to loadmaster_app";
            return Err(sqlx::Error::Configuration(text.into()));
        }
        sqlx::raw_sql("set local search_path = loadmaster_audited, public").execute(session).await?;
    }
    Ok(())
}

/// Lets the transaction see and change the tables alone again.
pub async fn see_tables(session: &mut PgSession) -> sqlx::Result<()> {
    sqlx::raw_sql("set local search_path to default").execute(session).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_written_with_its_year() {
        let month: Month = "2026-12".parse().unwrap();
        assert_eq!((month.to_string(), month.suffix().to_string()), ("2026-12".to_owned(), "2026_12".to_owned()));
        assert_eq!(month.next().to_string(), "2027-01");
        assert_eq!(Month::of_suffix("2026_12"), Some(month));
        for wrong in ["", "2026", "2026-13", "2026-00", "2026-1", "2026_12", "26-12", "2026-12-01"] {
            assert!(wrong.parse::<Month>().is_err(), "{wrong}");
        }
    }
}
