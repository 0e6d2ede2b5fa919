use std::sync::Arc;

use chrono::{DateTime, Utc};
use loadmaster_accounts::Channel;
use loadmaster_kernel::{KeptDimensions, OrganizationId, QuoteId, SaleId};
use loadmaster_platform::{
    listing::{Anchor, ExpiryOrder, Total, in_order_of},
    postgres::{PgSession, column},
};
use sqlx::{QueryBuilder, types::Json};
use uuid::Uuid;

use crate::quote::{Quote, Rated};

struct Row {
    id: Uuid,
    organization_id: Uuid,
    created_by: Uuid,
    body: Json<Rated>,
    dimensions: Option<Json<KeptDimensions>>,
    expires_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    channel: Option<String>,
}

impl From<Row> for Quote {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            organization_id: row.organization_id.into(),
            created_by: row.created_by.into(),
            rated: Arc::new(row.body.0),
            dimensions: row.dimensions.map(|Json(kept)| kept.into()),
            expires_at: row.expires_at,
            created_at: row.created_at,
            channel: row.channel.as_deref().and_then(Channel::named),
        }
    }
}

pub async fn find(db: &mut PgSession, ids: &[QuoteId]) -> sqlx::Result<Vec<Quote>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, organization_id, created_by, body as "body: Json<Rated>",
                  dimensions as "dimensions: Json<KeptDimensions>", expires_at, created_at, channel
           from quotes where id = any($1)"#,
        &column(ids, |id| id.uuid()),
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(Quote::from).collect())
}

/// Returns a page of the quotes that still hold and that nothing has taken; `of`: of this organization only.
pub async fn untaken(
    db: &mut PgSession,
    of: Option<OrganizationId>,
    order: ExpiryOrder,
    after: Option<Anchor>,
    now: DateTime<Utc>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<Quote>> {
    let ids = chosen(db, of, order, after, now, offset, fetch).await?;
    let quotes: Vec<QuoteId> = ids.iter().copied().map(QuoteId::from).collect();
    Ok(in_order_of(&ids, find(db, &quotes).await?, |quote| quote.id.uuid()))
}

/// Returns the number of quotes that a list of untaken ones has, as far as they are counted.
pub async fn number_of_untaken(
    db: &mut PgSession,
    of: Option<OrganizationId>,
    order: ExpiryOrder,
    now: DateTime<Utc>,
) -> sqlx::Result<Total> {
    Ok(Total::of(chosen(db, of, order, None, now, 0, Total::LOOKED_FOR).await?.len()))
}

async fn chosen(
    db: &mut PgSession,
    of: Option<OrganizationId>,
    order: ExpiryOrder,
    after: Option<Anchor>,
    now: DateTime<Utc>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<Uuid>> {
    let mut query = QueryBuilder::new("select id from quotes where not is_taken and expires_at > ");
    query.push_bind(now);
    if let Some(organization) = of {
        query.push(" and organization_id = ").push_bind(organization);
    }
    order.by("id", "expires_at").page(&mut query, after, offset, fetch);
    query.build_query_scalar().fetch_all(db).await
}

/// Keeps those for good that there are already, if they are taken now.
pub async fn insert(db: &mut PgSession, quotes: &[Quote], is_taken: bool) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into quotes (id, organization_id, created_by, body, sale_id, is_taken, expires_at, created_at, channel, dimensions)
         select new.id, new.organization_id, new.created_by, new.body, new.sale_id, $6, new.expires_at, new.created_at,
                new.channel, new.dimensions
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::jsonb[], $5::uuid[], $7::timestamptz[], $8::timestamptz[],
                     $9::text[], $10::jsonb[])
              as new (id, organization_id, created_by, body, sale_id, expires_at, created_at, channel, dimensions)
         on conflict (id) do update set is_taken = quotes.is_taken or excluded.is_taken",
        &column(quotes, |quote| quote.id.uuid()),
        &column(quotes, |quote| quote.organization_id.uuid()),
        &column(quotes, |quote| quote.created_by.uuid()),
        &column(quotes, |quote| Json(&*quote.rated)) as &[Json<&Rated>],
        &column(quotes, |quote| quote.sale().map(SaleId::uuid)) as &[Option<Uuid>],
        is_taken,
        &column(quotes, |quote| quote.expires_at),
        &column(quotes, |quote| quote.created_at),
        &column(quotes, |quote| quote.channel.map(Channel::as_str)) as &[Option<&str>],
        &column(quotes, |quote| quote.dimensions.as_ref().map(|dimensions| Json(KeptDimensions::from(dimensions))))
            as &[Option<Json<KeptDimensions>>],
    )
    .execute(db)
    .await
    .map(drop)
}

/// Deletes at most `limit` unused quotes made before this time. Returns their number.
pub async fn delete_old(
    db: &mut PgSession,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "delete from quotes where id in (select id from quotes where not is_taken and created_at < $1 and expires_at < $2 limit $3)
         and not is_taken",
        before,
        now,
        limit,
    );
    Ok(deleted.execute(db).await?.rows_affected())
}
