use axum::{Json, extract::State, http::header, response::IntoResponse};

use crate::features::accounts::{dto::JwkSet, service::AccountService};

/// A new key is published minutes before it signs.
const CACHE: &str = "public, max-age=60";

/// The public keys that verify access tokens (RFC 7517).
///
/// Empty when tokens are signed with a shared secret. A new key is here some minutes before it signs, and a former one as
/// long as a token that it signed may live.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "auth", operation_id = "jwks",
    responses((status = 200, description = "The keys.", body = JwkSet)))]
pub(super) async fn jwks(State(accounts): State<AccountService>) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, CACHE)], Json(JwkSet::from(accounts.public_keys())))
}
