use super::{
    BookingError, BookingService,
    dto::BookingFilter,
    model::{Booking, BookingAnchor},
    repository,
};
use crate::platform::web::PageRequest;

impl BookingService {
    pub(super) async fn list(
        &self,
        filter: &BookingFilter,
        page: &PageRequest<BookingAnchor>,
    ) -> Result<Vec<Booking>, BookingError> {
        let mut snapshot = self.db.snapshot().await?;
        Ok(repository::list(&mut snapshot, filter, page.after, page.offset, page.fetch()).await?)
    }
}
