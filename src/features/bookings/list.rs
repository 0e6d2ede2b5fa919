use super::{
    BookingError, BookingService,
    dto::BookingFilter,
    model::{Booking, BookingAnchor},
    repository,
};
use crate::platform::{
    postgres::{Database, Recency},
    web::PageRequest,
};

impl BookingService {
    pub(super) async fn list(
        &self,
        filter: &BookingFilter,
        page: &PageRequest<BookingAnchor>,
        recency: Recency,
    ) -> Result<Vec<Booking>, BookingError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.snapshot().await?;
            Ok(repository::list(&mut snapshot, filter, page.after, page.offset, page.fetch()).await?)
        };
        self.db.reading(recency, read).await
    }

    /// Returns the number of bookings that a list with this filter has.
    pub(super) async fn number_of(&self, filter: &BookingFilter) -> Result<i64, BookingError> {
        Ok(repository::count(&mut *self.db.read().await?, filter).await?)
    }
}
