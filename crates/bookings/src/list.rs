use chrono::{DateTime, Utc};
use loadmaster_kernel::BookingId;
use loadmaster_platform::{
    listing::{Anchor, CountParams, Direction, Total},
    postgres::{Database, PgSession, Recency},
    web::{ListPosition, PageRequest},
};

use super::{
    BookingError, BookingService,
    dto::BookingFilter,
    model::{Booking, BookingAnchor},
    repository::{self, Among, Part},
};

/// Number of bookings in which a page looks for a text.
const LOOKED_AT: u32 = 500;
/// More bookings are not looked up by a customer reference.
const MOST_NAMED: u32 = 2_000;
/// Number of bookings that are ordered by departure: the newest ones.
const BY_DEPARTURE: i64 = 5_000;
/// The same, where a text is looked for in them.
const BY_DEPARTURE_WITH_TEXT: i64 = 2_000;

/// A page of bookings, the place where the next one begins, and the number of all.
pub(super) struct Page<P> {
    pub bookings: Vec<Booking>,
    pub next: Option<P>,
    pub total: Option<Total>,
}

impl BookingService {
    /// Returns a page of the list in the order of creation. A text that is the whole reference, air waybill number or customer
    /// reference of bookings finds these, by index. Any other is looked for in as many bookings as a page can read: the page may
    /// have fewer entries than it could, or none, although there are more.
    pub(super) async fn look(
        &self,
        filter: &BookingFilter,
        direction: Direction,
        page: &PageRequest<ListPosition<BookingId>>,
        count: CountParams,
        recency: Recency,
    ) -> Result<Page<ListPosition<BookingId>>, BookingError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.listing().await?;
            let anchored = page.anchored(|id| Anchor::Id(id.uuid()));
            let part = Part { direction, after: anchored.after, offset: anchored.offset, fetch: page.fetch() };
            let total = total(&mut snapshot, filter, direction, count).await?;
            let mut bookings = match &filter.q {
                None => repository::list(&mut snapshot, filter, part).await?,
                Some(text) => {
                    let named = named(&mut snapshot, text).await?;
                    repository::list_of(&mut snapshot, filter, named, part).await?
                }
            };
            let next = page.cut(&mut bookings).map(|last| ListPosition::After(last.id));
            let Some(text) = filter.q.as_ref().filter(|_| bookings.is_empty()) else {
                return Ok(Page { bookings, next, total });
            };
            let (behind, _) = page.start();
            let (ids, looked_to) =
                repository::mentioning(&mut snapshot, filter, text, direction, behind, LOOKED_AT).await?;
            let (shown, next) = page.settle(&ids, looked_to);
            let ids: Vec<_> = shown.into_iter().map(BookingId::uuid).collect();
            let bookings = repository::in_order(&mut snapshot, &ids).await?;
            Ok(Page { bookings, next, total })
        };
        self.db.reading(recency, read).await
    }

    /// Returns a page of the list in the order of departure: of the newest bookings that the filter chooses.
    pub(super) async fn look_by_departure(
        &self,
        filter: &BookingFilter,
        direction: Direction,
        page: &PageRequest<Anchor>,
        count: CountParams,
        recency: Recency,
    ) -> Result<Page<Anchor>, BookingError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.listing().await?;
            let part = Part { direction, after: page.after, offset: page.offset, fetch: page.fetch() };
            let total = total(&mut snapshot, filter, direction, count).await?;
            let mut found = leaving(&mut snapshot, filter, part).await?;
            let next = page.cut(&mut found).map(|(departure, id)| Anchor::Time(*departure, *id));
            let ids: Vec<_> = found.into_iter().map(|(_, id)| id).collect();
            let bookings = repository::in_order(&mut snapshot, &ids).await?;
            Ok(Page { bookings, next, total })
        };
        self.db.reading(recency, read).await
    }

    /// Returns a page of the list, newest first, however long it takes to find its entries.
    pub(super) async fn list(
        &self,
        filter: &BookingFilter,
        page: &PageRequest<BookingAnchor>,
        recency: Recency,
    ) -> Result<Vec<Booking>, BookingError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.listing().await?;
            let after = page.after.map(|BookingAnchor(id)| Anchor::Id(id.uuid()));
            let (direction, offset, fetch) = (Direction::Descending, page.offset, page.fetch());
            Ok(repository::list(&mut snapshot, filter, Part { direction, after, offset, fetch }).await?)
        };
        self.db.reading(recency, read).await
    }

    /// Returns the number of bookings that a list with this filter has.
    pub(super) async fn number_of(&self, filter: &BookingFilter) -> Result<i64, BookingError> {
        Ok(repository::count(&mut *self.db.read().await?, filter).await?)
    }
}

/// Counts the bookings of a list; not those that mention a text, which are not found by an index.
async fn total(
    db: &mut PgSession,
    filter: &BookingFilter,
    direction: Direction,
    count: CountParams,
) -> Result<Option<Total>, BookingError> {
    if !count.is_wanted() || filter.q.is_some() {
        return Ok(None);
    }
    Ok(Some(repository::number_of(db, filter, direction).await?))
}

/// Returns the ids of the bookings whose name this is. A reference that many bookings have is a text like others.
async fn named(db: &mut PgSession, text: &str) -> Result<Vec<uuid::Uuid>, BookingError> {
    let mut named = repository::named(db, text, MOST_NAMED).await?;
    if named.len() >= MOST_NAMED as usize {
        named.clear();
    }
    Ok(named)
}

/// Returns the ids of a page of bookings by departure, with these.
async fn leaving(
    db: &mut PgSession,
    filter: &BookingFilter,
    part: Part,
) -> Result<Vec<(DateTime<Utc>, uuid::Uuid)>, BookingError> {
    let Some(text) = &filter.q else {
        return Ok(repository::by_departure(db, filter, Among::Newest(BY_DEPARTURE), part).await?);
    };
    let named = named(db, text).await?;
    let found = repository::by_departure(db, filter, Among::Named(named), part).await?;
    if !found.is_empty() {
        return Ok(found);
    }
    Ok(repository::by_departure(db, filter, Among::Mentioning(text, BY_DEPARTURE_WITH_TEXT), part).await?)
}
