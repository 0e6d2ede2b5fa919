use std::collections::{BTreeMap, BTreeSet};

use loadmaster_kernel::{BookingId, FlightId, HoldId};
use loadmaster_platform::postgres::{DbError, PgSession, column};
use loadmaster_pricing::{self as pricing, PricingError};
use loadmaster_shipment::PositionName;
use uuid::Uuid;

use super::{
    model::{Hold, HoldChange, HoldStatus},
    repository,
};

/// Writes new and changed holds, each with its event and message; what changes nothing makes no event. The caller holds the
/// locks of those there are, and has changed the flights' space.
pub async fn write_in_tx(tx: &mut PgSession, changes: &[HoldChange]) -> Result<(), DbError> {
    let changes: Vec<&HoldChange> =
        changes.iter().filter(|change| change.before.as_ref() != Some(&change.after)).collect();
    let (new, old): (Vec<&HoldChange>, Vec<&HoldChange>) = changes.iter().partition(|change| change.before.is_none());
    if !new.is_empty() {
        repository::insert(tx, &new).await?;
    }
    if !old.is_empty() {
        repository::save(tx, &old).await?;
        save_parts(tx, &old).await?;
    }
    save_prices(tx, &changes).await?;
    save_claims(tx, &changes).await
}

/// Frees and claims named positions. A hold that is made and committed at once claims them once, as a booking.
async fn save_claims(tx: &mut PgSession, changes: &[&HoldChange]) -> Result<(), DbError> {
    let (mut freed, mut claimed) = (BTreeSet::new(), BTreeMap::new());
    for HoldChange { before, after, .. } in changes.iter().filter(|change| claims_differ(change)) {
        if before.as_ref().is_some_and(has_names) {
            freed.insert(after.id.uuid());
        }
        if (after.is_open() || after.status == HoldStatus::Committed) && has_names(after) {
            claimed.insert(after.id, after);
        } else {
            claimed.remove(&after.id);
        }
    }
    if !freed.is_empty() {
        repository::free_names(tx, &freed.into_iter().collect::<Vec<_>>()).await?;
    }
    if !claimed.is_empty() {
        repository::claim_names(tx, &claimed.into_values().collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// Writes what has changed beside the holds' rows and claims.
async fn save_parts(tx: &mut PgSession, changes: &[&HoldChange]) -> Result<(), DbError> {
    let differ = |is_other: fn(&Hold, &Hold) -> bool| -> Vec<&Hold> {
        let others = changes
            .iter()
            .filter(|change| change.before.as_ref().is_some_and(|before| is_other(before, &change.after)));
        others.map(|change| &change.after).collect()
    };
    let legs = differ(|before, after| before.legs != after.legs);
    if !legs.is_empty() {
        repository::replace_legs(tx, &legs).await?;
    }
    let texts = differ(|before, after| before.texts != after.texts || before.contact != after.contact);
    if !texts.is_empty() {
        repository::save_texts(tx, &texts).await?;
    }
    Ok(())
}

/// Keeps the quotes that holds have got, and gives and takes the uses of sales.
async fn save_prices(tx: &mut PgSession, changes: &[&HoldChange]) -> Result<(), DbError> {
    let Some(now) = changes.iter().map(|change| change.after.updated_at).max() else { return Ok(()) };
    let (mut quotes, mut used, mut returned) = (BTreeMap::new(), Vec::new(), Vec::new());
    for HoldChange { before, after, .. } in changes {
        let before = before.as_ref();
        if let Some(quote) = &after.quote
            && before.and_then(Hold::quote_id) != Some(quote.id)
        {
            // Several holds may have one.
            quotes.insert(quote.id, quote.clone());
        }
        let (was, is) = (before.and_then(Hold::sale_in_use), after.sale_in_use());
        if was != is {
            returned.extend(was.map(|_| after.id.uuid()));
            used.extend(is.map(|sale| (sale, after.id.uuid())));
        }
    }
    if !returned.is_empty() {
        pricing::return_uses_in_tx(tx, &returned, now).await?;
    }
    if !used.is_empty() {
        // What is left was seen under the locks of the sales.
        match pricing::use_sales_in_tx(tx, &used, now).await {
            Err(PricingError::Database(cause)) => return Err(cause),
            Err(_) => return Err(DbError::Conflict),
            Ok(()) => {}
        }
    }
    if !quotes.is_empty() {
        pricing::insert_quotes_in_tx(tx, &quotes.into_values().collect::<Vec<_>>(), true).await?;
    }
    Ok(())
}

/// Returns whether a hold claims other positions than before, or in another way. Otherwise its claims stay as they are: the
/// name of one whose time is up may be another's by now.
fn claims_differ(HoldChange { before, after, .. }: &HoldChange) -> bool {
    fn names(hold: &Hold) -> impl Iterator<Item = (FlightId, &BTreeSet<PositionName>)> {
        hold.legs.iter().filter(|leg| !leg.names.is_empty()).map(|leg| (leg.flight_id, &leg.names))
    }
    before.as_ref().is_none_or(|before| before.status != after.status || !names(before).eq(names(after)))
}

fn has_names(hold: &Hold) -> bool {
    hold.legs.iter().any(|leg| !leg.names.is_empty())
}

/// Locks the holds' rows in ascending order, after those of flights and bookings, and reads them.
pub async fn lock_in_tx(tx: &mut PgSession, holds: &[HoldId]) -> Result<Vec<Hold>, DbError> {
    Ok(repository::lock(tx, &column(holds, |hold| hold.uuid())).await?)
}

/// The same without waiting: omits holds that another transaction has locked.
pub async fn lock_free_in_tx(tx: &mut PgSession, holds: &[Uuid]) -> Result<Vec<Hold>, DbError> {
    Ok(repository::lock_free(tx, holds).await?)
}

/// Frees the named positions that these bookings have on these flights.
pub async fn free_positions_in_tx(tx: &mut PgSession, legs: &[(BookingId, FlightId)]) -> Result<(), DbError> {
    if legs.is_empty() {
        return Ok(());
    }
    Ok(repository::free_booked_names(tx, legs).await?)
}
