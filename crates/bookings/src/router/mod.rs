//! The room's routes, one file for reading, and one for each kind of change.
mod bulk;
mod change;
mod claim;
mod commit;
mod connections;
mod export;
mod guest;
mod hold;
mod onward;
mod pay;
mod read;

use loadmaster_platform::room::{Routes, handler_state};
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_reference::Reference;

use super::{BookingService, desk::Desk};

handler_state!(HandlerState { bookings: BookingService, desk: Desk, reference: Reference });

pub(super) use change::{answer_changed, changed, created};
pub(super) use pay::{payment_decided, payment_made, payment_pending, refund_promised};

pub(super) fn routes() -> Routes<HandlerState> {
    let api = ApiRouter::new()
        .routes(routes!(read::list, change::create))
        .routes(routes!(read::show, change::amend, change::delete))
        .routes(routes!(read::status))
        .routes(routes!(read::history))
        .routes(routes!(change::depart))
        .routes(routes!(change::arrive))
        .routes(routes!(change::deliver))
        .routes(routes!(change::cancel))
        .routes(routes!(change::correct))
        .routes(routes!(claim::claim))
        .routes(routes!(guest::open))
        .routes(routes!(guest::cancel))
        .routes(routes!(guest::pay))
        .routes(routes!(connections::list))
        .routes(routes!(connections::list_of_flight))
        .routes(routes!(hold::create))
        .routes(routes!(hold::amend, hold::delete))
        .routes(routes!(hold::extend))
        .routes(routes!(hold::release))
        .routes(routes!(hold::reserve))
        .routes(routes!(hold::release_reservation))
        .routes(routes!(commit::commit))
        .routes(routes!(pay::list, pay::pay))
        .routes(routes!(pay::cancellation))
        .routes(routes!(pay::refund))
        .routes(routes!(pay::capture))
        .routes(routes!(pay::void))
        .routes(routes!(pay::resolve));
    let (bulk, tables) = (routes!(bulk::act), routes!(export::export));
    let (bulk, tables) = (ApiRouter::new().routes(bulk), ApiRouter::new().routes(tables));
    Routes { api, tables, bulk, ..Routes::default() }
}
