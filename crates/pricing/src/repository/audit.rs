//! Reads prices for an audit. The time limits of requests do not apply here.
use loadmaster_platform::postgres::PgSession;
use sqlx::types::Json;
use uuid::Uuid;

use crate::quote::Rated;

/// A quote as it is kept; `None`: its body cannot be read.
pub struct KeptQuote {
    pub id: Uuid,
    pub sale_id: Option<Uuid>,
    pub rated: Option<Rated>,
}

struct Row {
    id: Uuid,
    sale_id: Option<Uuid>,
    body: Json<serde_json::Value>,
}

/// Returns a page of the quotes, by id.
pub async fn quotes(db: &mut PgSession, after: Option<Uuid>, fetch: i64) -> sqlx::Result<Vec<KeptQuote>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, sale_id, body as "body: Json<serde_json::Value>" from quotes
           where $1::uuid is null or id > $1 order by id limit $2"#,
        after,
        fetch,
    );
    let kept =
        |row: Row| KeptQuote { id: row.id, sale_id: row.sale_id, rated: serde_json::from_value(row.body.0).ok() };
    Ok(rows.fetch_all(db).await?.into_iter().map(kept).collect())
}

pub async fn sales(db: &mut PgSession) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from sale_counters"#).fetch_one(db).await
}

/// A sale whose counter says something else than its uses, or another limit than its last version.
pub struct Mismatch {
    pub sale_id: Uuid,
    pub used: i64,
    pub uses: i64,
    pub is_limit_right: bool,
}

pub async fn sale_mismatches(db: &mut PgSession) -> sqlx::Result<Vec<Mismatch>> {
    let rows = sqlx::query_as!(
        Mismatch,
        r#"select c.sale_id, c.used, u.uses as "uses!", s.max_uses is not distinct from c.max_uses as "is_limit_right!"
           from sale_counters c
           cross join lateral (select count(*) as uses from sale_uses where sale_id = c.sale_id) u
           left join lateral (select max_uses from sales where id = c.sale_id order by version desc limit 1) s on true
           where s.max_uses is distinct from c.max_uses
              or (c.max_uses is not null and (c.used <> u.uses or u.uses > c.max_uses))
           order by 1"#,
    );
    rows.fetch_all(db).await
}
