use serde::{Deserialize, Serialize};

use super::{BookingError, BookingService, dto::BookingFilter, model::Booking, repository};
use crate::{kernel::BookingId, platform::web::PageRequest};

/// Where a page of bookings ended: lists go from the newest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingAnchor(pub BookingId);

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
