use axum::{extract::State, response::Response};
use loadmaster_accounts::{Guest, Role};
use loadmaster_platform::{
    postgres::Recency,
    tables::{Export, ExportParams},
    web::{PageRequest, Problem, Query, problem_responses},
};
use loadmaster_reference::Reference;

use super::super::error::code;

use crate::{
    BookingService,
    dto::{BookingBody, BookingFilter},
    model::{Booking, BookingAnchor},
};

/// The columns of an export: the members of a booking, and those of its first four legs.
const COLUMNS: &[&str] = &[
    "ref_id",
    "status",
    "origin",
    "destination",
    "current_airport",
    "at_destination",
    "needs_rerouting",
    "pieces",
    "weight_kg",
    "volume_m3",
    "chargeable_weight_kg",
    "dimensions",
    "positions",
    "description",
    "special_handling_codes",
    "awb_number",
    "shipper/name",
    "shipper/account_number",
    "shipper/street",
    "shipper/postal_code",
    "shipper/city",
    "shipper/country_code",
    "shipper/phone",
    "shipper/email",
    "consignee/name",
    "consignee/account_number",
    "consignee/street",
    "consignee/postal_code",
    "consignee/city",
    "consignee/country_code",
    "consignee/phone",
    "consignee/email",
    "customer_reference",
    "price/total/amount",
    "price/total/currency",
    "payment_status",
    "paid/amount",
    "refunded/amount",
    "balance_due/amount",
    "cancellation_fee/amount",
    "legs/0/flight_number",
    "legs/0/origin",
    "legs/0/destination",
    "legs/0/departure_datetime",
    "legs/0/arrival_datetime",
    "legs/0/status",
    "legs/1/flight_number",
    "legs/1/origin",
    "legs/1/destination",
    "legs/1/departure_datetime",
    "legs/1/arrival_datetime",
    "legs/1/status",
    "legs/2/flight_number",
    "legs/2/origin",
    "legs/2/destination",
    "legs/2/departure_datetime",
    "legs/2/arrival_datetime",
    "legs/2/status",
    "legs/3/flight_number",
    "legs/3/origin",
    "legs/3/destination",
    "legs/3/departure_datetime",
    "legs/3/arrival_datetime",
    "legs/3/status",
    "id",
    "hold_id",
    "organization_id",
    "created_by",
    "version",
    "created_at",
    "updated_at",
];

problem_responses!(ExportProblems: [INPUT, SIGNED_IN], EXPORT_TOO_LARGE);

/// Export bookings, newest first: those of your organization, or all for carrier staff.
///
/// A table with the members of each booking and of its first four legs; the names of nested members are joined by `_`. An
/// export by staff is recorded in `/admin/audit`. In CSV every text is quoted, and one that a spreadsheet could take for a
/// formula gets a leading `'`.
#[utoipa::path(get, path = "/bookings/export", tag = "bookings", operation_id = "exportBookings",
    params(BookingFilter, ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), ExportProblems))]
pub(super) async fn export(
    Guest(caller): Guest,
    State(bookings): State<BookingService>,
    State(reference): State<Reference>,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, params) =
        query.read(|fields| Some((BookingFilter::read(fields, &reference, caller)?, ExportParams::read(fields)?)))?;
    let export = Export::new("bookings", COLUMNS, &params);
    let rows = bookings.number_of(&filter).await?;
    export.check(rows)?;
    if caller.role >= Role::Operator {
        bookings.acts.record_export(&bookings.db, caller.user_id, "bookings", rows).await?;
    }
    let surroundings = bookings.surroundings().clone();
    let read = move |page: PageRequest<BookingAnchor>| {
        let (bookings, filter) = (bookings.clone(), filter.clone());
        async move { Ok(bookings.list(&filter, &page, Recency::Now).await?) }
    };
    let row = move |booking: &Booking| serde_json::to_value(BookingBody::new(booking, &surroundings)).ok();
    export.paged(read, |booking| BookingAnchor(booking.id), row).await
}
