use loadmaster_bookings::{Booking, BookingError, BookingService, History, HistoryAnchor};
use loadmaster_kernel::{AwbNumber, BookingRef, Fault};
use loadmaster_platform::{postgres::Recency, web::PageRequest};

/// A number by which a shipment can be tracked.
#[derive(Debug)]
pub enum TrackingNumber {
    Reference(BookingRef),
    Awb(AwbNumber),
}

impl std::str::FromStr for TrackingNumber {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        text.parse().map(Self::Reference).or_else(|_| text.parse().map(Self::Awb))
    }
}

impl TrackingNumber {
    pub(super) async fn find(
        &self,
        bookings: &BookingService,
        page: &PageRequest<HistoryAnchor>,
        recency: Recency,
    ) -> Result<History, BookingError> {
        match self {
            Self::Reference(reference) => bookings.track_reference(reference, page, recency).await,
            Self::Awb(number) => bookings.track_awb(number, page, recency).await,
        }
    }

    /// Returns the booking of the shipment, as the book of record has it.
    pub async fn booking(&self, bookings: &BookingService) -> Result<Booking, BookingError> {
        Ok(self.find(bookings, &PageRequest::first(1), Recency::Primary).await?.booking)
    }
}
