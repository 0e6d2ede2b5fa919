//! Data loaders: what the objects of one level refer to is read by one statement for each type.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use loadmaster_accounts::{Principal, Role};
use loadmaster_flights::{FlightBody, FlightService};
use loadmaster_payments::{PaymentBody, PaymentService};
use loadmaster_platform::{json, web::Problem};
use loadmaster_reference::Reference;
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use super::{rest::Refused, turn::Turn};

type Found = HashMap<Uuid, Arc<Json>>;
type Reading = BoxFuture<'static, Result<Found, Refused>>;
type Read = Arc<dyn Fn(Vec<Uuid>) -> Reading + Send + Sync>;

/// The services from which relations are read.
#[derive(Clone)]
pub(crate) struct Services {
    pub flights: FlightService,
    pub payments: PaymentService,
    pub reference: Reference,
}

/// The loaders of one request.
pub(crate) struct Loaders {
    flights: Loader,
    /// With the feeds that only the carrier's staff sees.
    fed_flights: Loader,
    payments: Loader,
    sees_feeds: bool,
}

impl Loaders {
    /// Remembers what was read if nothing changes meanwhile.
    pub fn new(services: &Services, caller: Option<&Principal>, remembers: bool) -> Self {
        let flights = |has_feeds: bool| {
            let services = services.clone();
            Loader::new(remembers, move |ids| {
                let services = services.clone();
                async move { services.flights(&ids, has_feeds).await.map_err(Refused::from) }.boxed()
            })
        };
        let of_payments = services.clone();
        Self {
            flights: flights(false),
            fed_flights: flights(true),
            payments: Loader::new(remembers, move |ids| {
                let services = of_payments.clone();
                async move { services.payments(&ids).await.map_err(Refused::from) }.boxed()
            }),
            sees_feeds: caller.is_some_and(|caller| caller.role >= Role::Operator),
        }
    }

    /// Returns a flight as REST shows it to the caller. Its feed needs a statement of its own.
    pub async fn flight(&self, id: Uuid, has_feed: bool) -> Result<Option<Arc<Json>>, Refused> {
        let loader = if has_feed && self.sees_feeds { &self.fed_flights } else { &self.flights };
        loader.load(id).await
    }

    /// Returns the payments of a booking that the caller was shown.
    pub async fn payments(&self, booking: Uuid) -> Result<Option<Arc<Json>>, Refused> {
        self.payments.load(booking).await
    }
}

impl Services {
    async fn flights(&self, ids: &[Uuid], has_feeds: bool) -> Result<Found, Problem> {
        let ids: Vec<_> = ids.iter().copied().map(Into::into).collect();
        let flights = self.flights.flights(&ids).await?;
        let mut feeds = if has_feeds { self.flights.feeds_of(&ids).await? } else { HashMap::new() };
        let one = |flight: &loadmaster_flights::Flight| {
            let body = FlightBody::new(flight, &self.reference).with_feed(feeds.remove(&flight.id));
            Ok((flight.id.uuid(), Arc::new(shown(&body)?)))
        };
        flights.iter().map(one).collect()
    }

    async fn payments(&self, bookings: &[Uuid]) -> Result<Found, Problem> {
        let ids: Vec<_> = bookings.iter().copied().map(Into::into).collect();
        // A booking without payments is remembered, too.
        let mut of_bookings: HashMap<Uuid, Vec<Json>> = bookings.iter().map(|id| (*id, Vec::new())).collect();
        for payment in self.payments.of_bookings(&ids).await? {
            if let Some((booking, _)) = &payment.booking {
                of_bookings.entry(booking.uuid()).or_default().push(shown(&PaymentBody::from(&payment))?);
            }
        }
        Ok(of_bookings.into_iter().map(|(booking, payments)| (booking, Arc::new(Json::Array(payments)))).collect())
    }
}

/// Returns a body as REST writes it.
fn shown(body: &impl Serialize) -> Result<Json, Problem> {
    let written = serde_json::to_vec(body).map_err(|error| Problem::internal(&error))?;
    json::parse(&written).map_err(|error| Problem::internal(&error))
}

/// Reads at once what several fields ask for one by one.
struct Loader {
    read: Read,
    /// What was found so far, if it is remembered.
    known: Option<Mutex<Found>>,
    open: Arc<Mutex<Option<Batch>>>,
}

/// What is asked for until the fields of a level have all had their turn.
struct Batch {
    ids: Vec<Uuid>,
    reading: Shared<Reading>,
}

impl Loader {
    fn new(remembers: bool, read: impl Fn(Vec<Uuid>) -> Reading + Send + Sync + 'static) -> Self {
        Self { read: Arc::new(read), known: remembers.then(Mutex::default), open: Arc::default() }
    }

    async fn load(&self, id: Uuid) -> Result<Option<Arc<Json>>, Refused> {
        if let Some(found) = self.known(id) {
            return Ok(Some(found));
        }
        let reading = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            let batch = open.get_or_insert_with(|| Batch { ids: Vec::new(), reading: self.opened() });
            batch.ids.push(id);
            batch.reading.clone()
        };
        let found = reading.await?.get(&id).cloned();
        if let (Some(known), Some(found)) = (&self.known, &found) {
            known.lock().unwrap_or_else(PoisonError::into_inner).insert(id, found.clone());
        }
        Ok(found)
    }

    /// Returns what is remembered of this id.
    fn known(&self, id: Uuid) -> Option<Arc<Json>> {
        self.known.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// Opens a batch. It is closed when it is read.
    fn opened(&self) -> Shared<Reading> {
        let (read, open) = (self.read.clone(), self.open.clone());
        let reading = async move {
            until_batch_is_complete(&open).await;
            let batch = open.lock().unwrap_or_else(PoisonError::into_inner).take();
            let mut ids = batch.map(|batch| batch.ids).unwrap_or_default();
            ids.sort_unstable();
            ids.dedup();
            read(ids).await
        };
        reading.boxed().shared()
    }
}

/// Waits until a whole turn of the task has added nothing to the batch.
async fn until_batch_is_complete(open: &Mutex<Option<Batch>>) {
    let mut known = 0;
    loop {
        Turn::new().await;
        let asked = open.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(0, |batch| batch.ids.len());
        if asked == known {
            return;
        }
        known = asked;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_batch_is_read_by_one_call_and_again_unless_it_is_remembered() {
        for (remembers, expected) in [(false, &[100, 1][..]), (true, &[100])] {
            let reads = Arc::new(Mutex::new(Vec::new()));
            let noted = reads.clone();
            let loader = Loader::new(remembers, move |ids| {
                noted.lock().unwrap().push(ids.len());
                async move { Ok(ids.into_iter().map(|id| (id, Arc::new(id.to_string().into()))).collect()) }.boxed()
            });
            let ids: Vec<Uuid> = (0..100).map(Uuid::from_u128).collect();
            let twice = ids.iter().chain(&ids).map(|id| loader.load(*id));
            let found = futures_util::future::try_join_all(twice).await.unwrap();
            assert_eq!(found[7].as_deref(), Some(&Json::from(ids[7].to_string())));
            loader.load(ids[0]).await.unwrap();
            assert_eq!(*reads.lock().unwrap(), expected);
        }
    }
}
