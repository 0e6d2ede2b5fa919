//! The uses of sales.
use std::collections::{HashMap, HashSet};

use loadmaster_kernel::SaleId;
use loadmaster_platform::postgres::{PgSession, column};
use uuid::Uuid;

use crate::model::SaleUses;

/// Returns the sales that have no use left.
pub async fn used_up(db: &mut PgSession) -> sqlx::Result<HashSet<Uuid>> {
    let ids = sqlx::query_scalar!("select sale_id from sale_counters where used >= max_uses").fetch_all(db).await?;
    Ok(ids.into_iter().collect())
}

/// Locks the counters of those of these sales that have a limit, in ascending order; the others only against getting one.
/// Returns fewer if one has got or lost its limit meanwhile.
pub async fn lock(db: &mut PgSession, sales: &[Uuid]) -> sqlx::Result<HashMap<SaleId, SaleUses>> {
    let limited = sqlx::query!(
        r#"select sale_id, max_uses as "max_uses!", used from sale_counters
           where sale_id = any($1) and max_uses is not null order by sale_id for no key update"#,
        sales,
    );
    let limited = limited.fetch_all(&mut *db).await?;
    let limited = limited.into_iter().map(|row| (row.sale_id, SaleUses { used: row.used, max: Some(row.max_uses) }));
    let mut found: HashMap<SaleId, SaleUses> = limited.map(|(id, uses)| (id.into(), uses)).collect();
    if found.len() < sales.len() {
        let free = sqlx::query_scalar!(
            "select sale_id from sale_counters where sale_id = any($1) and max_uses is null order by sale_id for key share",
            sales,
        );
        let free = free.fetch_all(db).await?;
        found.extend(free.into_iter().map(|id| (id.into(), SaleUses { used: 0, max: None })));
    }
    Ok(found)
}

/// Locks the counter of a sale against every use.
pub async fn lock_counter(db: &mut PgSession, sale: Uuid) -> sqlx::Result<Option<SaleUses>> {
    let row = sqlx::query!("select max_uses, used from sale_counters where sale_id = $1 for update", sale);
    Ok(row.fetch_optional(db).await?.map(|row| SaleUses { used: row.used, max: row.max_uses }))
}

/// Returns how often a sale is in use.
pub async fn count(db: &mut PgSession, sale: Uuid) -> sqlx::Result<i64> {
    let count = sqlx::query_scalar!(r#"select count(*) as "count!" from sale_uses where sale_id = $1"#, sale);
    count.fetch_one(db).await
}

/// Writes a counter: a new one, or one that the caller has locked.
pub async fn set(db: &mut PgSession, sale: Uuid, uses: SaleUses) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into sale_counters (sale_id, max_uses, used) values ($1, $2, $3)
         on conflict (sale_id) do update set max_uses = $2, used = $3",
        sale,
        uses.max,
        uses.used,
    )
    .execute(db)
    .await
    .map(drop)
}

/// A limit that is now reached, or not any more.
pub struct Turn {
    pub sale_id: Uuid,
    pub number: i32,
    pub is_reached: bool,
}

/// Takes a use of each sale for its subject, once; counts it where there is a limit. The caller has locked the counters.
/// Fails with `sale_uses_within_limit` where the limit does not allow it.
pub async fn take(db: &mut PgSession, uses: &[(SaleId, Uuid)]) -> sqlx::Result<Vec<Turn>> {
    let rows = sqlx::query_as!(
        Turn,
        r#"with taken as (
               insert into sale_uses (sale_id, subject_id)
               select * from unnest($1::uuid[], $2::uuid[])
               on conflict do nothing
               returning sale_id),
           counted as (select sale_id, count(*) as uses from taken group by sale_id),
           changed as (
               update sale_counters c
               set used = c.used + n.uses, turns = c.turns + (c.used + n.uses >= c.max_uses)::int
               from counted n where c.sale_id = n.sale_id and c.max_uses is not null
               returning c.sale_id, c.turns, c.used >= c.max_uses as is_reached)
           select sale_id as "sale_id!", turns as "number!", is_reached as "is_reached!" from changed where is_reached"#,
        &column(uses, |(sale, _)| sale.uuid()),
        &column(uses, |(_, subject)| *subject),
    );
    rows.fetch_all(db).await
}

/// Returns the sales that these subjects use.
pub async fn of_subjects(db: &mut PgSession, subjects: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    let sales =
        sqlx::query_scalar!("select distinct sale_id from sale_uses where subject_id = any($1) order by 1", subjects);
    sales.fetch_all(db).await
}

/// Returns the uses of these subjects. The caller has locked the counters.
pub async fn give_back(db: &mut PgSession, subjects: &[Uuid]) -> sqlx::Result<Vec<Turn>> {
    let rows = sqlx::query_as!(
        Turn,
        r#"with returned as (delete from sale_uses where subject_id = any($1) returning sale_id),
           counted as (select sale_id, count(*) as uses from returned group by sale_id),
           before as (select c.sale_id, c.used >= c.max_uses as was_reached, n.uses
                      from sale_counters c join counted n using (sale_id) where c.max_uses is not null),
           changed as (
               update sale_counters c set used = c.used - b.uses, turns = c.turns + b.was_reached::int
               from before b where c.sale_id = b.sale_id
               returning c.sale_id, c.turns, b.was_reached)
           select sale_id as "sale_id!", turns as "number!", false as "is_reached!" from changed where was_reached"#,
        subjects,
    );
    rows.fetch_all(db).await
}
