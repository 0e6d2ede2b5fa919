//! The web console: a static application, made from `web/` and compiled in. Its addresses answer the shell, a page that
//! loads what the address asks for; it uses the public API like any other client.
use std::{collections::HashMap, sync::LazyLock};

use axum::{
    Router,
    extract::MatchedPath,
    http::{HeaderName, HeaderValue, Uri, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use bytes::Bytes;
use loadmaster_platform::settings::HostedFields;
use rust_embed::RustEmbed;

use super::kept::{Document, DocumentRequest, nothing_here};

/// The addresses of pages. `web/src/routes.ts` says what each shows; a test compares both.
const PAGES: [&str; 58] = [
    "/",
    "/track",
    TRACKING,
    "/sign-in",
    "/register",
    "/forgot",
    "/reset",
    "/book",
    "/holds",
    "/guest",
    "/claim",
    "/stations",
    "/stations/{code}",
    "/bookings",
    "/bookings/{ref}",
    "/bookings/{ref}/documents",
    "/payments",
    "/quotes",
    "/quotes/{id}",
    "/parties",
    "/waitlist",
    "/alerts",
    "/consolidations",
    "/consolidations/{id}",
    "/consolidations/{id}/manifest/{origin}",
    "/join",
    "/account",
    "/board",
    "/flights",
    "/flights/{id}",
    "/rerouting",
    "/graphiql",
    "/admin",
    "/admin/users",
    "/admin/organizations",
    "/admin/api-keys",
    "/admin/airports",
    "/admin/airlines",
    "/admin/aircraft",
    "/admin/tariffs",
    "/admin/surcharges",
    "/admin/sales",
    "/admin/embargoes",
    "/admin/allotments",
    "/admin/stations",
    "/admin/tags",
    "/admin/collections",
    "/admin/tips",
    "/admin/import",
    "/admin/feeds",
    "/admin/feeds/{id}",
    "/admin/jobs",
    "/admin/messages",
    "/admin/alerts",
    "/admin/consolidations",
    "/admin/audit",
    "/admin/analytics",
    "/admin/health",
];
/// A shipment's address may be passed on, but must not appear in a search engine.
const TRACKING: &str = "/track/{number}";
const FILES: &str = "/assets/{*file}";

/// The name of a file contains a hash of its content.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const REVALIDATED: &str = "no-cache";
const SHELL: &str = "index.html";
/// The shell with the search form in it, which is seen before the script is there.
const SEARCH: &str = "search.html";

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Built;

/// The built files by their path below `web/dist`.
static DOCUMENTS: LazyLock<HashMap<String, Document>> = LazyLock::new(|| {
    let document = |path: &str| {
        let bytes = match Built::get(path)?.data {
            std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
        };
        let cache = if [SHELL, SEARCH].contains(&path) { REVALIDATED } else { IMMUTABLE };
        Some(Document::new(content_type(path), move || bytes.clone()).cached(cache))
    };
    Built::iter().filter_map(|path| Some((path.to_string(), document(&path)?))).collect()
});

static ADDRESSES: LazyLock<matchit::Router<()>> = LazyLock::new(|| {
    let mut addresses = matchit::Router::new();
    for page in PAGES.into_iter().chain([FILES]) {
        // The templates are constants, and a test finds each.
        _ = addresses.insert(page, ());
    }
    addresses
});

/// Whether a path belongs to the console: opening a page must not use up the quota of the calls that it makes.
pub(super) fn is_console(path: &str) -> bool {
    ADDRESSES.at(path).is_ok()
}

/// The templates of the routes.
pub(super) fn routes(is_enabled: bool) -> Vec<&'static str> {
    if is_enabled { PAGES.into_iter().chain([FILES]).collect() } else { vec!["/"] }
}

/// Serves the console, or in its place a redirect to the API's description.
pub(super) fn router<S: Clone + Send + Sync + 'static>(
    is_enabled: bool,
    fields: Option<HostedFields<'_>>,
) -> anyhow::Result<Router<S>> {
    if !is_enabled {
        return Ok(Router::new().route("/", get(async || Redirect::temporary("/docs/"))));
    }
    let policy = policy(fields)?;
    let shell = move |route: MatchedPath, wish: DocumentRequest| shell(policy.clone(), route, wish);
    let pages = PAGES.into_iter().fold(Router::new(), |router, page| router.route(page, get(shell.clone())));
    Ok(pages.route(FILES, get(file)))
}

/// The policy of the pages. The console loads nothing from elsewhere, runs no script and no style that is written into a page,
/// and appears in no frame. Svelte's templates are the only text that becomes HTML. With payment fields, scripts, frames and
/// connections may be of their provider, whose script makes the addresses of its further scripts by the policy `default` of
/// trusted types: the page admits those of the same origin.
fn policy(fields: Option<HostedFields<'_>>) -> anyhow::Result<HeaderValue> {
    let (provider, frames, types) = match fields {
        None => (String::new(), String::new(), ""),
        Some(fields) => {
            let origins = fields.origins()?.join(" ");
            (format!(" {origins}"), format!(" frame-src {origins};"), " default")
        }
    };
    let policy = format!(
        "default-src 'none'; script-src 'self'{provider};{frames} style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'{provider}; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types svelte-trusted-html{types}"
    );
    Ok(HeaderValue::try_from(policy)?)
}

async fn shell(policy: HeaderValue, route: MatchedPath, wish: DocumentRequest) -> Response {
    let path = if route.as_str() == "/" { SEARCH } else { SHELL };
    let Some(document) = DOCUMENTS.get(path) else { return nothing_here().into_response() };
    let mut response = document.answer(&wish).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    if route.as_str() == TRACKING {
        headers.insert(ROBOTS, HeaderValue::from_static("noindex"));
    }
    response
}

async fn file(uri: Uri, wish: DocumentRequest) -> Response {
    match DOCUMENTS.get(uri.path().trim_start_matches('/')) {
        Some(document) => document.answer(&wish).await,
        None => nothing_here().into_response(),
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_admits_the_provider_of_payment_fields_where_they_are_configured_and_no_other_host() {
        let own = policy(None).unwrap();
        assert!(!own.to_str().unwrap().contains("frame-src"), "{own:?}");
        let fields = HostedFields {
            publishable_key: "pk_1",
            script_url: "https://js.provider.example/v3/",
            script_origins: &["https://hooks.provider.example".to_owned()],
        };
        let policy = policy(Some(fields)).unwrap();
        let directives: Vec<_> = policy.to_str().unwrap().split("; ").collect();
        for directive in [
            "script-src 'self' https://js.provider.example https://hooks.provider.example",
            "frame-src https://js.provider.example https://hooks.provider.example",
            "connect-src 'self' https://js.provider.example https://hooks.provider.example",
            "trusted-types svelte-trusted-html default",
        ] {
            assert!(directives.contains(&directive), "{directive}: {directives:?}");
        }
        assert_eq!(directives.iter().filter(|directive| directive.contains("provider")).count(), 3);
        assert_eq!(directives.len(), own.to_str().unwrap().split("; ").count() + 1);
    }

    #[test]
    fn the_addresses_are_those_of_the_pages() {
        let routes = include_str!("../../web/src/routes.ts");
        let shown: std::collections::BTreeSet<_> =
            routes.split("path: \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(shown, PAGES.into_iter().collect());
    }

    #[test]
    fn the_shells_are_compiled_in_and_so_is_every_file_that_they_name() {
        for shell in [SHELL, SEARCH] {
            let shell = Built::get(shell).unwrap().data;
            let shell = std::str::from_utf8(&shell).unwrap();
            let named: Vec<_> = shell
                .split('"')
                .filter(|text| text.starts_with("/assets/"))
                .map(|path| path.trim_start_matches('/'))
                .collect();
            for kind in ["text/javascript", "text/css"] {
                assert!(named.iter().any(|path| content_type(path).starts_with(kind)), "{kind}: {named:?}");
            }
            for path in named {
                assert!(DOCUMENTS.contains_key(path), "{path}");
                assert_ne!(content_type(path), "application/octet-stream", "{path}");
            }
        }
    }

    #[test]
    fn the_application_and_the_server_know_the_same_addresses() {
        let routes = include_str!("../../web/src/routes.ts");
        let shown: Vec<_> = routes.split("path: \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(shown.len() > 5, "{shown:?}");
        for path in shown {
            let path = path.replace(['{', '}'], "");
            assert!(is_console(&path), "{path} is a page, but the server does not answer the shell there");
        }
        let ingress = include_str!("../../deploy/kubernetes/ingress.yaml");
        for path in PAGES.iter().copied().chain([TRACKING, FILES]) {
            let first = path.split('/').nth(1).unwrap_or_default();
            assert!(ingress.contains(&format!("- path: /{first}\n")), "{path} cannot be reached by the ingress");
        }
        for path in ["/nowhere", "/assets", "/track/1/2", "/api/v1/routes", "/bookingsx"] {
            assert!(!is_console(path), "{path}");
        }
    }
}
