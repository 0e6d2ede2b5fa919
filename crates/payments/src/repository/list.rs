//! Which payments a list shows, newest first.
use loadmaster_kernel::PaymentId;
use loadmaster_platform::postgres::PgSession;
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
    after: Option<PaymentId>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<ListedPayment>> {
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
    if let Some(id) = after {
        query.push(" and id < ").push_bind(id);
    }
    query.push(" order by id desc limit ").push_bind(fetch).push(" offset ").push_bind(i64::from(offset));
    let ids: Vec<Uuid> = query.build_query_scalar().fetch_all(&mut *db).await?;
    described(db, &ids).await
}

fn names(statuses: &[PaymentStatus]) -> Vec<&'static str> {
    statuses.iter().map(|status| status.as_str()).collect()
}

/// Returns these payments, newest first, with what lists show beside them.
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
    Ok(listed.rev().collect())
}
