use std::str::FromStr;

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use loadmaster_kernel::Fault;

use super::problem::Problem;

/// The single parameter of a path. An invalid name is not found, like a name that does not exist. Blanks around it are
/// part of the name, unlike in members of bodies and parameters.
#[derive(Debug)]
pub struct PathText<T>(pub T);

impl<S, T> FromRequestParts<S> for PathText<T>
where
    S: Send + Sync,
    T: FromStr<Err = Fault>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await.ok();
        let text = text.filter(|Path(text)| text.trim().len() == text.len());
        let value = text.and_then(|Path(text)| text.parse().ok());
        value.map(Self).ok_or_else(|| Problem::not_found("resource at this address"))
    }
}

/// The same for two parts of a path.
#[derive(Debug, Clone, Copy)]
pub struct PathTexts<A, B>(pub A, pub B);

impl<S, A, B> FromRequestParts<S> for PathTexts<A, B>
where
    S: Send + Sync,
    A: FromStr<Err = Fault>,
    B: FromStr<Err = Fault>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let texts = Path::<(String, String)>::from_request_parts(parts, state).await.ok();
        let texts = texts.filter(|Path((a, b))| a.trim().len() == a.len() && b.trim().len() == b.len());
        let values = texts.and_then(|Path((a, b))| Some(Self(a.parse().ok()?, b.parse().ok()?)));
        values.ok_or_else(|| Problem::not_found("resource at this address"))
    }
}
