use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    extract::Request,
    http::{Extensions, HeaderMap, StatusCode, Version},
    middleware::{self, Next},
    response::{Redirect, Response},
    routing::get,
};
use tower::util::option_layer;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{Predicate, SizeAbove},
    },
};
use utoipa_axum::router::OpenApiRouter;

use super::{AppState, document, guard, in_flight::InFlight, kept, limits, problems, system};
use crate::{
    features::{accounts, bookings, capacity, flights, operations, reference, search, tracking},
    platform::{
        clock::SharedClock,
        random::IdSource,
        telemetry::{self, Traced},
        web::{BodyLimit, Code, Problem, choose_coding, track},
    },
};

/// The base path of the API.
const API: &str = "/api/v1";
/// Largest table that can be imported at once.
pub(super) const MAX_IMPORT_BYTES: usize = 32 * 1024 * 1024;
/// A table of that size takes longer than any other request may.
const IMPORT_TIMEOUT: Duration = Duration::from_mins(5);

/// All rooms in one router, with their operations in one document.
pub(super) fn rooms() -> OpenApiRouter<AppState> {
    frame_of(ordinary(), imports())
}

fn ordinary() -> OpenApiRouter<AppState> {
    let api = OpenApiRouter::new()
        .merge(accounts::router())
        .merge(reference::router())
        .merge(capacity::router())
        .merge(flights::router())
        .merge(search::router())
        .merge(bookings::router())
        .merge(operations::router())
        .merge(tracking::router())
        .merge(system::information());
    OpenApiRouter::new()
        .nest(API, api)
        .merge(accounts::public_keys_router())
        .merge(system::probes())
        .merge(problems::catalogue())
}

fn imports() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().nest(API, operations::import_router())
}

fn frame_of(ordinary: OpenApiRouter<AppState>, imports: OpenApiRouter<AppState>) -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(document::frame()).merge(ordinary).merge(imports)
}

/// Bounds the size of the bodies and the time of the answers.
fn bounded(rooms: OpenApiRouter<AppState>, bytes: usize, time: Duration) -> OpenApiRouter<AppState> {
    rooms
        .layer(Extension(BodyLimit(bytes)))
        .layer(middleware::from_fn(move |request: Request, next: Next| guard::bound_time(time, request, next)))
}

/// Compresses what is worth it and not in its final form already.
fn compression() -> CompressionLayer<impl Predicate> {
    let is_plain =
        |_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions| kept::is_to_be_encoded(extensions);
    CompressionLayer::new().compress_when(SizeAbove::new(kept::COMPRESS_ABOVE as u64).and(is_plain))
}

async fn handle(request: Request, next: Next) -> Response {
    next.run(request).within(telemetry::part("handler")).await
}

/// What is served until the application is there: the process is up, and nothing else yet.
pub fn starting(clock: SharedClock, ids: IdSource) -> Router {
    system::starting().layer(middleware::from_fn(move |request: Request, next: Next| {
        track(clock.clone(), ids.clone(), request, next)
    }))
}

/// The whole application, from the request id down to the rooms.
pub fn router(state: AppState) -> Router {
    let server = &state.settings.server;
    let ordinary = bounded(ordinary(), server.max_body_bytes, server.request_timeout());
    let imports = bounded(imports(), MAX_IMPORT_BYTES, IMPORT_TIMEOUT);
    let (routes, _) = frame_of(ordinary, imports).split_for_parts();
    let in_flight = Arc::new(InFlight::new(server.max_in_flight));
    let (clock, ids, flood) = (state.clock.clone(), state.ids.clone(), state.flood.clone());
    routes
        .merge(kept::documentation())
        .route("/", get(async || Redirect::temporary("/docs/")))
        .fallback(async || kept::nothing_here())
        .method_not_allowed_fallback(async || {
            Problem::new(
                Code::MethodNotAllowed,
                "This address does not take that method; `Allow` lists those it takes.",
            )
        })
        // From the innermost to the outermost:
        // the handler's part in the request's trace
        .layer(option_layer(telemetry::are_traces_on().then(|| middleware::from_fn(handle))))
        // a known caller's quota
        .layer(middleware::from_fn_with_state(state.limits.clone(), limits::inside))
        // who calls; a bad credential is refused on public routes too
        .layer(middleware::from_fn_with_state(state.accounts.clone(), limits::authenticate))
        // everybody else's quota
        .layer(middleware::from_fn_with_state(state.limits.clone(), limits::outside))
        .layer(compression())
        // in which coding the client gets the answer
        .layer(middleware::from_fn(choose_coding))
        // no more at once than we can serve, and not all of it for one address
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            guard::bound_in_flight(in_flight.clone(), request, next)
        }))
        // a panic is our fault and answers as such
        .layer(CatchPanicLayer::custom(guard::panicked))
        // no floods from one address
        .layer(option_layer(
            flood.map(|flood| {
                middleware::from_fn(move |request: Request, next: Next| flood.clone().pass(request, next))
            }),
        ))
        .layer(middleware::from_fn_with_state(state.limits.clone(), limits::locate))
        // the browser's question whether another site may call; that site may read all of the refusals above
        .layer(option_layer(guard::cors(server)))
        .layer(middleware::from_fn(guard::bound_headers))
        // id, log line and metrics of every request
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            track(clock.clone(), ids.clone(), request, next)
        }))
        .with_state(state)
}
