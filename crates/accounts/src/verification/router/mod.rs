//! The operations of this room: of the API, and pages for links in mails.
mod api;
mod links;
mod texts;

use loadmaster_platform::room::{Routes, handler_state};
use loadmaster_platform::web::{ApiRouter, routes};

use super::service::VerificationService;

handler_state!(HandlerState { verification: VerificationService });

pub fn routes() -> Routes<HandlerState> {
    let api = ApiRouter::new()
        .routes(routes!(api::change_me))
        .routes(routes!(api::send_link))
        .routes(routes!(api::verify_email))
        .routes(routes!(api::send_digits))
        .routes(routes!(api::verify_phone))
        .routes(routes!(api::forgot))
        .routes(routes!(api::reset));
    let root = ApiRouter::new()
        .routes(routes!(links::show_verification, links::verify))
        .routes(routes!(links::show_reset, links::reset));
    Routes { api, root, ..Routes::default() }
}
