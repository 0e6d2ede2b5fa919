use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use loadmaster_accounts::{Principal, Role, required};
use loadmaster_flights::ChangeFlight;
use loadmaster_platform::web::Problem;

use crate::{OperationService, error::code};

/// A caller who may change flights: an administrator or, with `operations.operators_change_flights`, an operator.
pub(super) struct Changer(pub Principal);

impl<S> FromRequestParts<S> for Changer
where
    S: Send + Sync,
    OperationService: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let operators_change = OperationService::from_ref(state).operators_change_flights;
        let least = if operators_change { Role::Operator } else { Role::Admin };
        required(parts.extensions.get(), least).map(Self)
    }
}

/// Refuses an operator's change of what only administrators change.
pub(super) fn permitted(caller: &Principal, change: ChangeFlight) -> Result<ChangeFlight, Problem> {
    if caller.role >= Role::Admin || change.is_operational() {
        return Ok(change);
    }
    let text = "Operators change only `departure_datetime`, `arrival_datetime`, `aircraft_code`, `offload`, `follow_feed` and \
                `accept_oversize`; the other members require the role admin.";
    Err(Problem::new(code::FORBIDDEN, text))
}
