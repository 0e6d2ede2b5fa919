//! The uses of sales, in the transactions of higher rooms.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use loadmaster_kernel::SaleId;
use loadmaster_platform::{
    outbox::{self, Message},
    postgres::{DbError, PgSession},
};
use uuid::{Builder, Uuid};

use super::{
    error::PricingError,
    model::{LimitEventType, SALE_LIMIT, SaleLimitMessage, SaleUses},
    repository::uses::{self, Turn},
};

/// The constraint that no use exceeds its limit.
const LIMIT: &str = "sale_uses_within_limit";

/// Locks the counters of these sales, given in ascending order, until the transaction ends; counters without a limit only
/// against getting one. Unknown sales are left out.
pub async fn lock_sales_in_tx(tx: &mut PgSession, sales: &[SaleId]) -> Result<HashMap<SaleId, SaleUses>, DbError> {
    let ids: Vec<Uuid> = sales.iter().map(|id| id.uuid()).collect();
    Ok(uses::lock(tx, &ids).await?)
}

/// Takes a use of each sale for its subject, once. The caller has locked the sales, and has seen that a use is left.
/// Where there is none, fails with [`PricingError::Rating`], and the transaction with it.
pub async fn use_sales_in_tx(
    tx: &mut PgSession,
    uses: &[(SaleId, Uuid)],
    now: DateTime<Utc>,
) -> Result<(), PricingError> {
    if uses.is_empty() {
        return Ok(());
    }
    let taken = uses::take(tx, uses).await.map_err(|error| match DbError::from(error) {
        error if error.constraint() == Some(LIMIT) => {
            PricingError::Rating(super::RatingError::Discount(super::DiscountReason::UsedUp))
        }
        error => error.into(),
    })?;
    Ok(write_messages_in_tx(tx, &taken, now).await?)
}

/// Returns the sales that these subjects use, in ascending order.
pub async fn sales_of_in_tx(tx: &mut PgSession, subjects: &[Uuid]) -> Result<Vec<SaleId>, DbError> {
    if subjects.is_empty() {
        return Ok(Vec::new());
    }
    Ok(uses::of_subjects(tx, subjects).await?.into_iter().map(SaleId::from).collect())
}

/// Returns all uses of these subjects, whichever they are. Locks their sales.
pub async fn return_uses_in_tx(tx: &mut PgSession, subjects: &[Uuid], now: DateTime<Utc>) -> Result<(), DbError> {
    if subjects.is_empty() {
        return Ok(());
    }
    let sales = uses::of_subjects(tx, subjects).await?;
    if sales.is_empty() {
        return Ok(());
    }
    uses::lock(tx, &sales).await?;
    let returned = uses::give_back(tx, subjects).await?;
    Ok(write_messages_in_tx(tx, &returned, now).await?)
}

/// Informs every process which limits are reached, and which not any more.
async fn write_messages_in_tx(tx: &mut PgSession, turns: &[Turn], now: DateTime<Utc>) -> sqlx::Result<()> {
    if turns.is_empty() {
        return Ok(());
    }
    let limits: Vec<(Uuid, String)> = turns
        .iter()
        .map(|turn| {
            let limit = limit_of(turn.sale_id);
            (limit, limit.to_string())
        })
        .collect();
    let messages: Vec<Message<'_, _>> = turns
        .iter()
        .zip(&limits)
        .map(|(turn, (limit, subject))| {
            let kind = if turn.is_reached { LimitEventType::Reached } else { LimitEventType::Lifted };
            Message {
                aggregate: SALE_LIMIT,
                aggregate_id: *limit,
                organization: None,
                subject,
                sequence: turn.number,
                event_type: kind.as_str(),
                data: SaleLimitMessage { sale_id: turn.sale_id },
                occurred_at: now,
                trace: None,
            }
        })
        .collect();
    outbox::append_in_tx(tx, &messages).await
}

/// Returns the id of a sale's limit: messages about the sale have numbers of their own. It is the sale's, as a UUID of version
/// 8, which nothing else has.
fn limit_of(sale: Uuid) -> Uuid {
    Builder::from_custom_bytes(sale.into_bytes()).into_uuid()
}
