//! The API's description, and the page that shows it.
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use axum::{
    Router,
    http::{HeaderValue, Uri, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use bytes::Bytes;
use utoipa_swagger_ui::Config;

use super::{
    document::openapi,
    kept::{Document, DocumentRequest, nothing_here},
};

/// As the console's pages, the page at `/docs` appears in no frame: who is authorized there could be made to press its buttons.
const NO_FRAMES: HeaderValue = HeaderValue::from_static("frame-ancestors 'none'");

/// The files of the page at `/docs`.
const FILES: [&str; 13] = [
    "index.html",
    "index.css",
    "favicon-16x16.png",
    "favicon-32x32.png",
    "oauth2-redirect.html",
    "oauth2-redirect.js",
    "swagger-initializer.js",
    "swagger-ui.css",
    "swagger-ui.js",
    "swagger-ui-bundle.js",
    "swagger-ui-es-bundle.js",
    "swagger-ui-es-bundle-core.js",
    "swagger-ui-standalone-preset.js",
];

static DESCRIPTION: LazyLock<Document> =
    LazyLock::new(|| Document::new("application/json", || serde_json::to_vec(&openapi()).unwrap_or_default().into()));

static PAGE: LazyLock<HashMap<&'static str, Document>> = LazyLock::new(|| {
    // The page sends no request elsewhere, so that it works offline.
    let config = Arc::new(Config::new(["/openapi.json"]).validator_url("none"));
    let file = |name: &'static str| {
        let file = utoipa_swagger_ui::serve(name, config.clone()).ok()??;
        let bytes = Bytes::from(file.bytes.into_owned());
        Some((name, Document::new(file.content_type, move || bytes.clone())))
    };
    FILES.into_iter().filter_map(file).collect()
});

/// The routes of [`documentation`].
pub(super) const ROUTES: [&str; 4] = ["/openapi.json", "/docs", "/docs/", "/docs/{*file}"];

/// Serves the API's description, and the page that shows it.
pub(super) fn documentation<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let [description, page, index, files] = ROUTES;
    Router::new()
        .route(description, get(async |wish: DocumentRequest| DESCRIPTION.answer(&wish).await))
        .route(page, get(async || Redirect::to("/docs/")))
        .route(index, get(file))
        .route(files, get(file))
}

async fn file(uri: Uri, wish: DocumentRequest) -> Response {
    let name = match uri.path().strip_prefix("/docs/") {
        None | Some("") => "index.html",
        Some(name) => name,
    };
    let Some(document) = PAGE.get(name) else { return nothing_here().into_response() };
    let mut response = document.answer(&wish).await;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, NO_FRAMES);
    response
}
