//! How callers are met over HTTP, a file per subject. Paths are relative to `/api/v1`, but for the public keys.
mod acts;
mod api_keys;
mod public_keys;
mod sessions;
mod users;

use axum::extract::FromRef;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::service::AccountService;
use crate::platform::{idempotency::Idempotency, tasks::Tasks, web::CursorKey, work::UnitOfWork};

/// Paths are relative to `/api/v1`.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    AccountService: FromRef<S>,
    Tasks: FromRef<S>,
    UnitOfWork: FromRef<S>,
    Idempotency: FromRef<S>,
    CursorKey: FromRef<S>,
{
    OpenApiRouter::default()
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
        .routes(routes!(acts::list))
}

/// Where everybody looks for public keys: outside `/api/v1`.
pub fn public_keys_router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    AccountService: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(public_keys::jwks))
}
