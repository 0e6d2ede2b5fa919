//! All SQL of this room.
pub mod audit;
pub mod quotes;
mod sales;
mod surcharges;
mod tariffs;
pub mod uses;

use std::collections::{HashMap, HashSet};

use loadmaster_kernel::OrganizationId;
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

use super::{
    model::{Rule, Terms},
    rules::{Changes, Revisions},
};

pub(super) use tariffs::{count_tariffs, find_by_codes};

/// A kind of rule with its table.
pub trait Stored: Terms {
    /// Returns the last version of a rule, in force or ended.
    fn last(db: &mut PgSession, id: Uuid) -> impl Future<Output = sqlx::Result<Option<Rule<Self>>>> + Send;

    /// Returns a page of the rules in force, oldest first.
    fn list(
        db: &mut PgSession,
        after: Option<Uuid>,
        offset: u32,
        fetch: i64,
    ) -> impl Future<Output = sqlx::Result<Vec<Rule<Self>>>> + Send;

    /// Returns all rules in force, with the number of the last change among them.
    fn in_force(db: &mut PgSession) -> impl Future<Output = sqlx::Result<Read<Self>>> + Send;

    /// Returns the versions written after this change.
    fn since(db: &mut PgSession, revision: i64) -> impl Future<Output = sqlx::Result<Read<Self>>> + Send;

    /// Writes versions, each in place of the one before; ended ones are not in force any more.
    fn write(
        db: &mut PgSession,
        versions: &[Rule<Self>],
        revision: i64,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;
}

/// Versions, each with the number of the change that wrote it.
pub type Read<T> = Vec<(Rule<T>, i64)>;

/// Begins a change of prices: no other one is made, or becomes visible, before this transaction ends. Returns its number.
pub(super) async fn begin_change(db: &mut PgSession) -> sqlx::Result<i64> {
    sqlx::query_scalar!("update price_revision set revision = revision + 1 returning revision").fetch_one(db).await
}

/// Returns what has changed since then; all rules in force where nothing was read yet.
pub(super) async fn changes(db: &mut PgSession, known: Revisions) -> sqlx::Result<Changes> {
    // Before the tables: whatever is visible now is in them.
    let revision = sqlx::query_scalar!("select revision from price_revision").fetch_one(&mut *db).await?;
    let (tariffs, tariffs_to) = read(db, known.tariffs, revision).await?;
    let (surcharges, surcharges_to) = read(db, known.surcharges, revision).await?;
    let (sales, sales_to) = read(db, known.sales, revision).await?;
    let used_up = uses::used_up(db).await?;
    let revisions = Revisions { tariffs: tariffs_to, surcharges: surcharges_to, sales: sales_to };
    Ok(Changes { tariffs, surcharges, sales, used_up, revisions })
}

async fn read<T: Stored>(db: &mut PgSession, known: i64, revision: i64) -> sqlx::Result<(Vec<Rule<T>>, i64)> {
    let found = match known {
        0 => T::in_force(db).await?,
        known if known < revision => T::since(db, known).await?,
        known => return Ok((Vec::new(), known)),
    };
    // Changes become visible in the order of their numbers.
    let reached = found.iter().map(|(_, revision)| *revision).max().unwrap_or_default().max(revision);
    let mut last = HashMap::<Uuid, Rule<T>>::with_capacity(found.len());
    for (rule, _) in found {
        if last.get(&rule.id).is_none_or(|known| known.version < rule.version) {
            last.insert(rule.id, rule);
        }
    }
    Ok((last.into_values().collect(), reached))
}

/// Returns those of these organizations that exist.
pub(super) async fn organizations(db: &mut PgSession, ids: &[OrganizationId]) -> sqlx::Result<HashSet<OrganizationId>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let found = sqlx::query_scalar!("select id from organizations where id = any($1)", &ids).fetch_all(db).await?;
    Ok(found.into_iter().map(OrganizationId::from).collect())
}

/// The columns that all kinds of rules have.
macro_rules! rule_of {
    ($row:expr, $terms:expr) => {
        Rule {
            id: $row.id,
            version: $row.version,
            terms: $terms,
            created_at: $row.created_at,
            updated_at: $row.updated_at,
            ended_at: $row.ended_at,
        }
    };
}

macro_rules! reach_of {
    ($row:expr) => {
        Reach {
            airline_code: $row.airline_code,
            origin: $row.origin,
            destination: $row.destination,
            flight_numbers: $row.flight_numbers,
            valid_from: $row.valid_from,
            valid_to: $row.valid_to,
        }
    };
}

use {reach_of, rule_of};

/// Returns lists as texts with blanks between their values: a list of lists of several lengths is no value of a statement.
fn joined<T: ToString>(values: &[T]) -> String {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    texts.join(" ")
}
