use axum::{extract::FromRequestParts, http::request::Parts};
use loadmaster_platform::web::Problem;

use super::model::{Principal, Role};

use crate::error::code;

/// Declares an extractor that admits callers of at least one role. The authentication layer has checked the credential
/// before and put the [`Principal`] into the request.
macro_rules! at_least {
    ($($(#[$doc:meta])* $name:ident),+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name(pub Principal);

        impl<S: Send + Sync> FromRequestParts<S> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
                admit(parts, Role::$name).map(Self)
            }
        }
    )+};
}

at_least!(
    /// Any caller with a credential, a guest's token too.
    Guest,
    /// A caller who may book: a customer or more.
    Customer,
    /// The carrier's staff: an operator or an administrator.
    Operator,
    /// An administrator.
    Admin
);

fn admit(parts: &Parts, least: Role) -> Result<Principal, Problem> {
    required(parts.extensions.get(), least)
}

/// Refuses a caller without a credential, or with a lower role than this.
pub fn required(caller: Option<&Principal>, least: Role) -> Result<Principal, Problem> {
    let Some(principal) = caller else {
        return Err(Problem::new(
            code::UNAUTHENTICATED,
            "This request requires an access token; log in and send it as a Bearer token.",
        ));
    };
    if principal.role < least {
        let (need, have) = (least.as_str(), principal.role.as_str());
        return Err(Problem::new(code::FORBIDDEN, format!("This request requires the role {need}; yours is {have}.")));
    }
    Ok(*principal)
}
