use axum::{Json, extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::Customer;
use loadmaster_kernel::BookingRef;
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    web::{PRIVATE, PathText, Problem, Query, private, problem_responses, unless_missing},
    work::ChangeRequest,
};
use loadmaster_shipment::{BookingContact, MOST_CONTACTS, read_contact};

use super::super::{
    dto::{ContactBody, WantedContacts},
    error::code,
    name::SetContacts,
    service::NotificationService,
};

problem_responses!(ShowProblems: [INPUT, ROLE], NOT_FOUND);

/// Show the contacts that receive notifications about a booking.
///
/// With the language of each, and what they are told at the addresses that have agreed to it.
#[utoipa::path(get, path = "/bookings/{ref_id}/contacts", tag = "notifications", operation_id = "getBookingContacts",
    params(("ref_id" = String, Path, description = "Booking reference, in upper or lower case")),
    responses((status = 200, body = Vec<ContactBody>), ShowProblems))]
pub(super) async fn show(
    Customer(caller): Customer,
    State(notifications): State<NotificationService>,
    PathText(reference): PathText<BookingRef>,
    query: Query,
) -> Result<Response, Problem> {
    let exists = async { notifications.booking(caller, &reference).await.map(drop) };
    unless_missing(query.refuse_all(), exists).await?;
    let contacts = notifications.contacts(caller, &reference).await?;
    Ok(private(Json(contacts.iter().map(ContactBody::from).collect::<Vec<_>>())))
}

problem_responses!(ReplaceProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND);

/// Replace the contacts that receive notifications about a booking.
///
/// At most 10. A new address is asked once for its consent, and receives nothing until it gives it; after that it also receives
/// notifications about other bookings of the same organization that name it. For one organization at most 50 addresses are
/// asked in a day; set the contacts again to have the others asked.
#[utoipa::path(put, path = "/bookings/{ref_id}/contacts", tag = "notifications", operation_id = "setBookingContacts",
    request_body = inline(WantedContacts),
    params(("ref_id" = String, Path, description = "Booking reference, in upper or lower case"), KeyHeader),
    responses((status = 200, body = Vec<ContactBody>, headers(("Idempotency-Replayed" = Option<bool>))), ReplaceProblems))]
pub(super) async fn replace(
    Customer(caller): Customer,
    State(notifications): State<NotificationService>,
    PathText(reference): PathText<BookingRef>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_list(MOST_CONTACTS, read_contact);
    let see = || notifications.booking(caller, &reference);
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    let booking = notifications.booking(caller, &reference).await?.id;
    let command =
        |wanted: Vec<BookingContact>, _| SetContacts { notifications: notifications.clone(), booking, wanted };
    let answer = |contacts: &Vec<BookingContact>| {
        let bodies: Vec<ContactBody> = contacts.iter().map(ContactBody::from).collect();
        Answer::new(StatusCode::OK, &bodies, PRIVATE)
    };
    judged.run(command, answer).await
}
