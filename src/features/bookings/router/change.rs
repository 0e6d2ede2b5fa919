use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    features::{
        accounts::{Customer, Operator, Principal},
        bookings::{
            Action, Booking, BookingError, BookingService,
            dto::{
                AmendBooking, BookingBody, CancelBooking, CreateBooking, RecordMovement, read_amendment, read_movement,
                read_new_booking, read_reason,
            },
        },
        reference::Reference,
    },
    kernel::BookingRef,
    platform::{
        tasks::Tasks,
        web::{
            Body, IfMatch, PRIVATE, PathText, Precondition, Problem, Query, both, problem_responses, tagged,
            unless_missing,
        },
    },
};

/// The booking with its `ETag`.
fn answer(status: StatusCode, booking: &Booking) -> Response {
    let mut response = (status, Json(BookingBody::from(booking))).into_response();
    tagged(&mut response, &booking.version.to_string(), PRIVATE);
    response
}

problem_responses!(CreateProblems: MalformedRequest, ValidationFailed, Unauthenticated, TokenExpired, Forbidden,
    PayloadTooLarge, UnsupportedMediaType, CapacityExceeded, ItineraryInvalid, FlightClosed, FlightCancelled,
    NoBookableItinerary, AlreadyExists);

/// Book a shipment.
///
/// With `flight_ids` on exactly these flights; they must chain from origin to destination with the minimum connection
/// time. Without, on the best option that leaves on `departure_date`, or, without a date, within 72 hours: the
/// earliest-arriving direct flight, and only if there is none the earliest-arriving connection. All legs get room or
/// none does.
#[utoipa::path(post, path = "/bookings", tag = "bookings", operation_id = "createBooking",
    request_body = CreateBooking, security(("bearer" = []), ("password" = [])),
    responses((status = 201, body = BookingBody, headers(("ETag" = String), ("Location" = String))), CreateProblems))]
pub(super) async fn create(
    Customer(caller): Customer,
    State(bookings): State<BookingService>,
    State(reference): State<Reference>,
    State(tasks): State<Tasks>,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let ((), new) = both(query.refuse_all(), body.read(|fields| read_new_booking(fields, &reference)))?;
    let booking = tasks.to_the_end(async move { bookings.book(caller, new).await }).await?;
    let mut response = answer(StatusCode::CREATED, &booking);
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/bookings/{}", booking.ref_id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// What every change of a booking needs from its request.
struct Step {
    caller: Principal,
    bookings: BookingService,
    tasks: Tasks,
    reference: BookingRef,
    if_match: IfMatch,
    query: Query,
    body: Body,
}

impl Step {
    async fn advance(self, known: &Reference, action: Action) -> Result<Response, Problem> {
        let said = self.body.read_optional(|fields| Some(read_movement(fields, known)));
        self.make(said, async move |bookings, caller, reference, movement, precondition| {
            bookings.advance(caller, &reference, action, &movement, &precondition).await
        })
        .await
    }

    async fn amend(self, known: &Reference) -> Result<Response, Problem> {
        let said = self.body.read_patch(|fields| Some(read_amendment(fields, known)));
        self.make(said, async move |bookings, caller, reference, amendment, precondition| {
            bookings.amend(caller, &reference, &amendment, &precondition).await
        })
        .await
    }

    async fn cancel(self) -> Result<Response, Problem> {
        let said = self.body.read_optional(|fields| Some(read_reason(fields)));
        self.make(said, async move |bookings, caller, reference, reason, precondition| {
            bookings.cancel(caller, &reference, reason.as_deref(), &precondition).await
        })
        .await
    }

    /// Does the work on what was said, unless the booking is none of the caller's or what was said has faults.
    async fn make<T, F>(
        self,
        said: Result<T, Problem>,
        work: impl FnOnce(BookingService, Principal, BookingRef, T, Precondition) -> F,
    ) -> Result<Response, Problem>
    where
        F: Future<Output = Result<Booking, BookingError>> + Send + 'static,
    {
        let Self { caller, bookings, tasks, reference, if_match, query, body: _ } = self;
        let read = both(query.refuse_all(), both(said, if_match.read()));
        let exists = async { bookings.visible(caller, &reference).await.map(drop) };
        let ((), (said, precondition)) = unless_missing(read, exists).await?;
        let work = work(bookings, caller, reference, said, precondition);
        Ok(answer(StatusCode::OK, &tasks.to_the_end(work).await?))
    }
}

problem_responses!(MoveProblems: MalformedRequest, ValidationFailed, Unauthenticated, TokenExpired, Forbidden,
    NotFound, PayloadTooLarge, UnsupportedMediaType, InvalidTransition, LocationMismatch, FlightMismatch,
    FlightCancelled, VersionMismatch);

/// Declares a handler that moves a shipment one step on.
macro_rules! movement {
    ($(#[$doc:meta])* $name:ident, $action:expr, $path:literal, $operation:literal) => {
        $(#[$doc])*
        #[utoipa::path(post, path = $path, tag = "bookings", operation_id = $operation,
            security(("bearer" = []), ("password" = [])), request_body = Option<RecordMovement>,
            params(("ref_id" = String, Path, description = "Booking reference, upper or lower case"),
                   ("If-Match" = Option<String>, Header, description = "Only if the ETag is still this")),
            responses((status = 200, body = BookingBody, headers(("ETag" = String))), MoveProblems))]
        #[allow(clippy::too_many_arguments, reason = "each is one part of the request")]
        pub(super) async fn $name(
            Operator(caller): Operator,
            State(bookings): State<BookingService>,
            State(known): State<Reference>,
            State(tasks): State<Tasks>,
            PathText(reference): PathText<BookingRef>,
            if_match: IfMatch,
            query: Query,
            body: Body,
        ) -> Result<Response, Problem> {
            Step { caller, bookings, tasks, reference, if_match, query, body }.advance(&known, $action).await
        }
    };
}

movement!(
    /// Depart: the current leg leaves its origin.
    ///
    /// Moves this shipment's leg, not the flight.
    depart, Action::Depart, "/bookings/{ref_id}/depart", "departBooking"
);
movement!(
    /// Arrive: the leg in the air lands at its destination.
    arrive, Action::Arrive, "/bookings/{ref_id}/arrive", "arriveBooking"
);
movement!(
    /// Deliver: the consignee takes the shipment at its destination.
    deliver, Action::Deliver, "/bookings/{ref_id}/deliver", "deliverBooking"
);

problem_responses!(AmendProblems: MalformedRequest, ValidationFailed, Unauthenticated, TokenExpired, Forbidden,
    NotFound, PayloadTooLarge, UnsupportedMediaType, InvalidTransition, FlightClosed, FlightCancelled, ItineraryInvalid,
    AlreadyExists, CapacityExceeded, VersionMismatch);

/// Amend or reroute a shipment.
///
/// A JSON merge patch. Descriptive members until `DELIVERED` or `CANCELLED`. Pieces, weight, volume, positions and air
/// waybill while `BOOKED`; the room they need is taken again on every leg or on none. `flight_ids` names the new legs
/// only and replaces all that have not departed, until the arrival at the destination; after the first departure it is
/// the carrier's staff's. Customers amend until the cut-off of the flights concerned, staff until their departure.
#[utoipa::path(patch, path = "/bookings/{ref_id}", tag = "bookings", operation_id = "amendBooking",
    security(("bearer" = []), ("password" = [])), request_body(content((AmendBooking = "application/json"), (AmendBooking = "application/merge-patch+json"))),
    params(("ref_id" = String, Path, description = "Booking reference, upper or lower case"),
           ("If-Match" = Option<String>, Header, description = "Only if the ETag is still this")),
    responses((status = 200, body = BookingBody, headers(("ETag" = String))), AmendProblems))]
#[allow(clippy::too_many_arguments, reason = "each is one part of the request")]
pub(super) async fn amend(
    Customer(caller): Customer,
    State(bookings): State<BookingService>,
    State(known): State<Reference>,
    State(tasks): State<Tasks>,
    PathText(reference): PathText<BookingRef>,
    if_match: IfMatch,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    Step { caller, bookings, tasks, reference, if_match, query, body }.amend(&known).await
}

problem_responses!(CancelProblems: MalformedRequest, ValidationFailed, Unauthenticated, TokenExpired, Forbidden,
    NotFound, PayloadTooLarge, UnsupportedMediaType, InvalidTransition, VersionMismatch);

/// Cancel a shipment.
///
/// Gives back the room of every leg that has not departed. Never once any leg has arrived; customers only while
/// `BOOKED`.
#[utoipa::path(post, path = "/bookings/{ref_id}/cancel", tag = "bookings", operation_id = "cancelBooking",
    security(("bearer" = []), ("password" = [])), request_body = Option<CancelBooking>,
    params(("ref_id" = String, Path, description = "Booking reference, upper or lower case"),
           ("If-Match" = Option<String>, Header, description = "Only if the ETag is still this")),
    responses((status = 200, body = BookingBody, headers(("ETag" = String))), CancelProblems))]
pub(super) async fn cancel(
    Customer(caller): Customer,
    State(bookings): State<BookingService>,
    State(tasks): State<Tasks>,
    PathText(reference): PathText<BookingRef>,
    if_match: IfMatch,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    Step { caller, bookings, tasks, reference, if_match, query, body }.cancel().await
}

/// Cancel a shipment, by deleting it.
///
/// The same as `POST …/cancel`; the booking stays and is `CANCELLED`.
#[utoipa::path(delete, path = "/bookings/{ref_id}", tag = "bookings", operation_id = "deleteBooking",
    security(("bearer" = []), ("password" = [])), request_body = Option<CancelBooking>,
    params(("ref_id" = String, Path, description = "Booking reference, upper or lower case"),
           ("If-Match" = Option<String>, Header, description = "Only if the ETag is still this")),
    responses((status = 200, body = BookingBody, headers(("ETag" = String))), CancelProblems))]
pub(super) async fn delete(
    Customer(caller): Customer,
    State(bookings): State<BookingService>,
    State(tasks): State<Tasks>,
    PathText(reference): PathText<BookingRef>,
    if_match: IfMatch,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    Step { caller, bookings, tasks, reference, if_match, query, body }.cancel().await
}
