//! Documentation files, which stay the same while the process runs. Each is made once, and encoded once for each
//! content coding, at its first request; the process keeps them.
use std::convert::Infallible;

use async_compression::Level;
use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use loadmaster_platform::web::{
    COMPRESS_ABOVE, ChosenCoding, Coding, IfNoneMatch, Problem, code, conditional, encode, encoded,
};
use tokio::{
    runtime::Handle,
    sync::OnceCell,
    task::{JoinError, spawn_blocking},
};

/// Documents change with a release at most.
const CACHE: &str = "public, max-age=300";
/// Encoding happens once, so it may cost more than encoding an answer.
const THOROUGH: Level = Level::Precise(9);

const NOTHING_HERE: &str = "There is no resource at this address.";
/// A document, and the codings of it requested so far.
pub(super) struct Document {
    content_type: HeaderValue,
    cache: &'static str,
    make: Box<dyn Fn() -> Bytes + Send + Sync>,
    forms: [OnceCell<Form>; Coding::ALL.len()],
}

/// A document in one coding.
#[derive(Debug)]
struct Form {
    bytes: Bytes,
    /// A strong entity tag of exactly these bytes, without its quotes.
    tag: String,
}

impl Form {
    fn new(bytes: Bytes) -> Self {
        let hash = digest(&SHA256, &bytes);
        let tag = URL_SAFE_NO_PAD.encode(hash.as_ref().get(..16).unwrap_or_default());
        Self { bytes, tag }
    }
}

impl Document {
    /// Creates a document. `make` runs once, on a thread where it may block.
    pub fn new(content_type: impl Into<String>, make: impl Fn() -> Bytes + Send + Sync + 'static) -> Self {
        let content_type = HeaderValue::try_from(content_type.into());
        let content_type = content_type.unwrap_or(HeaderValue::from_static("application/octet-stream"));
        Self { content_type, cache: CACHE, make: Box::new(make), forms: Default::default() }
    }

    /// Replaces `Cache-Control`.
    pub fn cached(self, cache: &'static str) -> Self {
        Self { cache, ..self }
    }

    /// Returns the document in the requested form, or 304 if the client has it already.
    pub async fn answer(&'static self, wish: &DocumentRequest) -> Response {
        let Some((form, coding)) = self.form_for(wish.coding).await else {
            return Problem::unavailable("This instance is shutting down.").into_response();
        };
        let body = ([(header::CONTENT_TYPE, self.content_type.clone())], form.bytes.clone());
        let response = conditional(&form.tag, &wish.known, self.cache, body);
        encoded(response, coding)
    }

    /// Returns the form in this coding, or the plain form of a document too small for any coding.
    async fn form_for(&'static self, coding: Coding) -> Option<(&'static Form, Coding)> {
        let plain = self.form(Coding::Identity).await?;
        let is_picture = self.content_type.as_bytes().starts_with(b"image/");
        if coding == Coding::Identity || is_picture || plain.bytes.len() <= COMPRESS_ABOVE {
            return Some((plain, Coding::Identity));
        }
        Some((self.form(coding).await?, coding))
    }

    /// Returns the form, which the first request makes in a task of its own: a client that hangs up cancels nothing,
    /// and other requests wait for it. `None` only when the runtime shuts down.
    async fn form(&'static self, coding: Coding) -> Option<&'static Form> {
        let form = self.forms.get(coding as usize)?;
        if form.get().is_none() {
            let making = tokio::spawn(async move { form.get_or_try_init(|| self.make(coding)).await.map(drop) });
            making.await.ok()?.ok()?;
        }
        form.get()
    }

    async fn make(&'static self, coding: Coding) -> Result<Form, JoinError> {
        let plain = self.forms.first().and_then(OnceCell::get).map(|form| form.bytes.clone());
        spawn_blocking(move || {
            let plain = plain.unwrap_or_else(|| (self.make)());
            Form::new(Handle::current().block_on(encode(plain, coding, THOROUGH)))
        })
        .await
    }
}

/// The form of a document that a client accepts, and the one it has.
#[derive(Debug)]
pub(super) struct DocumentRequest {
    coding: Coding,
    known: IfNoneMatch,
}

impl<S: Send + Sync> FromRequestParts<S> for DocumentRequest {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let coding = ChosenCoding::from_request_parts(parts, state).await?.into();
        Ok(Self { coding, known: IfNoneMatch::from_request_parts(parts, state).await? })
    }
}

pub(super) fn nothing_here() -> Problem {
    Problem::new(code::NOT_FOUND, NOTHING_HERE)
}
