use axum::{
    Json,
    extract::{FromRef, State},
    http::header,
    response::IntoResponse,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::dto::Tracking;
use crate::{
    features::bookings::{Booking, BookingError, BookingService, Event},
    kernel::{AwbNumber, BookingRef, Fault},
    platform::{
        telemetry::{Traced, part},
        web::{NO_STORE, PathText, Problem, Query, problem_responses, unless_missing},
    },
};

pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    BookingService: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(track))
}

/// What a shipment may be tracked by.
#[derive(Debug)]
enum TrackingNumber {
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
    async fn find(&self, bookings: &BookingService) -> Result<(Booking, Vec<Event>), BookingError> {
        match self {
            Self::Reference(reference) => bookings.track_reference(reference).await,
            Self::Awb(number) => bookings.track_awb(number).await,
        }
    }
}

problem_responses!(TrackProblems: MalformedRequest, ValidationFailed, Unauthenticated, TokenExpired, NotFound);

/// Follow a shipment.
///
/// By booking reference or air waybill number, without logging in. A number that was used twice finds the booking that
/// is not cancelled.
#[utoipa::path(get, path = "/tracking/{number}", tag = "tracking", operation_id = "trackShipment",
    params(("number" = String, Path, description = "Booking reference or air waybill number")),
    responses((status = 200, body = Tracking), TrackProblems))]
async fn track(
    State(bookings): State<BookingService>,
    PathText(number): PathText<TrackingNumber>,
    query: Query,
) -> Result<impl IntoResponse, Problem> {
    unless_missing(query.refuse_all(), async { number.find(&bookings).await.map(drop) }).await?;
    let (booking, events) = number.find(&bookings).within(part("tracking.find")).await?;
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(Tracking::new(&booking, &events))))
}
