//! How callers are met over HTTP, a file per subject. Paths are relative to `/api/v1`, but for the public keys.
mod acts;
mod api_keys;
mod public_keys;
mod sessions;
mod users;

use utoipa_axum::{router::OpenApiRouter, routes};

use super::service::AccountService;
use crate::platform::room::{Routes, handler_state};

handler_state!(HandlerState { accounts: AccountService });

pub(super) fn routes() -> Routes<HandlerState> {
    let api = OpenApiRouter::default()
        .routes(routes!(sessions::register))
        .routes(routes!(sessions::log_in))
        .routes(routes!(sessions::token))
        .routes(routes!(sessions::refresh))
        .routes(routes!(sessions::log_out))
        .routes(routes!(sessions::guest))
        .routes(routes!(sessions::me, sessions::change_me))
        .routes(routes!(sessions::change_password))
        .routes(routes!(api_keys::create, api_keys::list))
        .routes(routes!(api_keys::revoke, api_keys::change))
        .routes(routes!(users::list))
        .routes(routes!(users::show, users::change))
        .routes(routes!(acts::list));
    Routes { api, root: OpenApiRouter::new().routes(routes!(public_keys::jwks)), ..Routes::default() }
}
