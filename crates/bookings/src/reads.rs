use std::collections::{BTreeMap, HashMap};

use loadmaster_kernel::{BookingId, OrganizationId};
use loadmaster_platform::{
    loader::Loader,
    postgres::{Database, DbError},
};

use super::{model::Booking, repository};

/// A booking to read, if it belongs to the organization, where one is given.
pub(super) type ReadKey = (BookingId, Option<OrganizationId>);
pub(super) type Reads = Loader<ReadKey, Result<Option<Booking>, DbError>>;

/// Reads bookings that are wanted at the same time by one statement.
pub(super) fn reads(db: &Database) -> Reads {
    let db = db.clone();
    Loader::new(move |keys| {
        let db = db.clone();
        Box::pin(async move {
            match read_all(&db, &keys).await {
                Ok(found) => found.into_iter().map(Ok).collect(),
                Err(error) => {
                    let copies: Vec<_> = keys.iter().skip(1).map(|_| Err(error.copy())).collect();
                    std::iter::once(Err(error)).chain(copies).collect()
                }
            }
        })
    })
}

/// Returns an answer for each key, in their order.
async fn read_all(db: &Database, keys: &[ReadKey]) -> Result<Vec<Option<Booking>>, DbError> {
    let mut connection = db.read().await?;
    if let [(id, of)] = keys {
        return Ok(vec![repository::find(&mut connection, *id, *of).await?]);
    }
    // Where several ask for one booking it is read once, for anybody if they are of several organizations.
    let mut asked = BTreeMap::<BookingId, Option<OrganizationId>>::new();
    for (id, of) in keys {
        asked.entry(*id).and_modify(|before| *before = before.filter(|before| Some(*before) == *of)).or_insert(*of);
    }
    let mut found: HashMap<BookingId, Booking> = repository::find_requested(&mut connection, asked.into_iter())
        .await?
        .into_iter()
        .map(|booking| (booking.id, booking))
        .collect();
    drop(connection);
    let mut wanted = HashMap::<BookingId, usize>::new();
    for (id, _) in keys {
        *wanted.entry(*id).or_default() += 1;
    }
    let answers = keys.iter().map(|(id, of)| {
        let left = wanted.get_mut(id).map_or(0, |left| {
            *left -= 1;
            *left
        });
        let booking = if left == 0 { found.remove(id) } else { found.get(id).cloned() };
        booking.filter(|booking| of.is_none_or(|of| of == booking.organization_id))
    });
    Ok(answers.collect())
}
