use loadmaster_kernel::BookingId;
use loadmaster_platform::{
    postgres::{Database, Recency},
    web::{PageRequest, Place},
};

use super::{
    BookingError, BookingService,
    dto::BookingFilter,
    model::{Booking, BookingAnchor},
    repository,
};

/// Number of bookings in which a page looks for a text.
const LOOKED_AT: u32 = 500;
/// More bookings are not looked up by a customer reference.
const MOST_NAMED: u32 = 2_000;

impl BookingService {
    /// Returns a page of the list, and the place where the next one begins. A text that is the whole reference, air waybill number
    /// or customer reference of bookings finds these, by index. Any other is looked for in as many bookings as a page can read: the
    /// page may have fewer entries than it could, or none, although there are more.
    pub(super) async fn look(
        &self,
        filter: &BookingFilter,
        page: &PageRequest<Place<BookingId>>,
        recency: Recency,
    ) -> Result<(Vec<Booking>, Option<Place<BookingId>>), BookingError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.listing().await?;
            let anchored = page.anchored(BookingAnchor);
            let (after, offset, fetch) = (anchored.after, anchored.offset, page.fetch());
            let mut found = match &filter.q {
                None => repository::list(&mut snapshot, filter, after, offset, fetch).await?,
                Some(text) => {
                    let mut named = repository::named(&mut snapshot, text, MOST_NAMED).await?;
                    // A reference that so many bookings have is a text like others.
                    if named.len() >= MOST_NAMED as usize {
                        named.clear();
                    }
                    repository::list_of(&mut snapshot, filter, named, after, offset, fetch).await?
                }
            };
            let next = page.cut(&mut found).map(|last| Place::After(last.id));
            let Some(text) = filter.q.as_ref().filter(|_| found.is_empty()) else { return Ok((found, next)) };
            let (before, _) = page.start();
            let (ids, looked_to) = repository::mentioning(&mut snapshot, filter, text, before, LOOKED_AT).await?;
            let (shown, next) = page.settle(&ids, looked_to);
            let ids: Vec<_> = shown.into_iter().map(BookingId::uuid).collect();
            Ok((repository::newest_first(&mut snapshot, &ids).await?, next))
        };
        self.db.reading(recency, read).await
    }

    /// Returns a page of the list however long it takes to find its entries.
    pub(super) async fn list(
        &self,
        filter: &BookingFilter,
        page: &PageRequest<BookingAnchor>,
        recency: Recency,
    ) -> Result<Vec<Booking>, BookingError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.listing().await?;
            Ok(repository::list(&mut snapshot, filter, page.after, page.offset, page.fetch()).await?)
        };
        self.db.reading(recency, read).await
    }

    /// Returns the number of bookings that a list with this filter has.
    pub(super) async fn number_of(&self, filter: &BookingFilter) -> Result<i64, BookingError> {
        Ok(repository::count(&mut *self.db.read().await?, filter).await?)
    }
}
