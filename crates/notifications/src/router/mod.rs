mod admin;
mod contacts;
mod pages;
mod preferences;
mod texts;

use loadmaster_platform::room::{Routes, handler_state};
use loadmaster_platform::web::{ApiRouter, routes};

use super::{service::NotificationService, words::Language};

handler_state!(HandlerState { notifications: NotificationService, language: Language });

pub(super) fn routes() -> Routes<HandlerState> {
    let api = ApiRouter::new()
        .routes(routes!(preferences::list))
        .routes(routes!(preferences::show, preferences::replace))
        .routes(routes!(contacts::show, contacts::replace))
        .routes(routes!(admin::list))
        .routes(routes!(admin::resend));
    let root = ApiRouter::new()
        .routes(routes!(pages::ask, pages::answer))
        .routes(routes!(pages::ask_unsubscribe, pages::unsubscribe));
    Routes { api, root, ..Routes::default() }
}
