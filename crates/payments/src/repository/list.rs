//! Which payments a list shows, and in which order.
use loadmaster_platform::{
    listing::{Anchor, CreatedOrder, Total, in_order_of},
    postgres::PgSession,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::read::find_all;

use crate::{
    dto::PaymentFilter,
    model::{ListedPayment, PaymentDue, PaymentStatus},
};

/// Returns a page of the payments that the filter chooses.
pub(crate) async fn list(
    db: &mut PgSession,
    filter: &PaymentFilter,
    order: CreatedOrder,
    after: Option<Anchor>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<ListedPayment>> {
    let ids = chosen(db, filter, order, after, offset, fetch).await?;
    let listed = described(db, &ids).await?;
    Ok(in_order_of(&ids, listed, |listed| listed.payment.id.uuid()))
}

/// Returns the number of payments that a list with this filter has, as far as they are counted.
pub(crate) async fn number_of(db: &mut PgSession, filter: &PaymentFilter, order: CreatedOrder) -> sqlx::Result<Total> {
    Ok(Total::of(chosen(db, filter, order, None, 0, Total::LOOKED_FOR).await?.len()))
}

async fn chosen(
    db: &mut PgSession,
    filter: &PaymentFilter,
    order: CreatedOrder,
    after: Option<Anchor>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<Uuid>> {
    // Made for the filters that are given: each is served by the index that fits it.
    let mut query = QueryBuilder::new("select id from payments where true");
    if let Some(organization) = filter.organization_id {
        query.push(" and organization_id = ").push_bind(organization);
    }
    if let Some(reference) = &filter.ref_id {
        query.push(" and booking_ref = ").push_bind(reference.clone());
    }
    if let Some(statuses) = &filter.status {
        query.push(" and status = any(").push_bind(names(statuses)).push(")");
    }
    match filter.due {
        None => {}
        Some(PaymentDue::Open) => {
            let all = PaymentStatus::WORDS.iter().map(|(_, status)| *status);
            let open: Vec<_> = all.filter(|status| status.is_open()).collect();
            query.push(" and status = any(").push_bind(names(&open)).push(")");
        }
        Some(PaymentDue::Failed) => {
            query.push(" and status = ").push_bind(PaymentStatus::Failed.as_str());
        }
        Some(PaymentDue::Refund) => {
            query.push(
                " and id in (select payment_id from payment_operations
                             where kind = 'REFUND' and status in ('OPEN', 'UNRESOLVED'))",
            );
        }
    }
    order.by("id").page(&mut query, after, offset, fetch);
    query.build_query_scalar().fetch_all(db).await
}

fn names(statuses: &[PaymentStatus]) -> Vec<&'static str> {
    statuses.iter().map(|status| status.as_str()).collect()
}

/// Returns these payments, in ascending order of id, with what lists show beside them.
async fn described(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<ListedPayment>> {
    let payments = find_all(&mut *db, ids).await?;
    let beside = sqlx::query!(
        r#"select o.name as "organization_name?",
                  (select coalesce(sum(r.amount), 0)::bigint from payment_operations r
                   where r.payment_id = p.id and r.kind = 'REFUND' and r.status in ('OPEN', 'UNRESOLVED')) as "refund_due!"
           from payments p left join organizations o on o.id = p.organization_id
           where p.id = any($1) order by p.id"#,
        ids,
    )
    .fetch_all(db)
    .await?;
    let listed = payments.into_iter().zip(beside).map(|(payment, row)| ListedPayment {
        payment,
        organization_name: row.organization_name,
        refund_due: row.refund_due,
    });
    Ok(listed.collect())
}
