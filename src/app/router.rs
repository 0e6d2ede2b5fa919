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

use super::{AppState, guard, in_flight::InFlight, kept, limits, problems, system};
use crate::{
    features::accounts::Authenticator,
    platform::{
        clock::SharedClock,
        random::IdSource,
        room::{API, Routes},
        telemetry::{self, Traced},
        web::{BodyLimit, Problem, choose_coding, code, track},
    },
};

/// Maximum size of a table to import, in bytes.
pub(super) const MAX_IMPORT_BYTES: usize = 32 * 1024 * 1024;
/// Importing a table of that size takes longer than any other request may.
const IMPORT_TIMEOUT: Duration = Duration::from_mins(5);

/// Routes that belong to no room.
pub(super) fn system() -> Routes<AppState> {
    let root = OpenApiRouter::new().merge(system::probes()).merge(problems::catalogue());
    Routes { api: system::information(), root, ..Routes::default() }
}

/// Returns the operations of all rooms, and of the system.
fn operations(state: &AppState) -> OpenApiRouter {
    let server = &state.settings.server;
    let rooms = state.take_routes().into_iter().fold(system().with_state(state), Routes::and);
    let Routes { api, tables, root } = rooms;
    let ordinary = bounded(root.nest(API, api), server.max_body_bytes, server.request_timeout());
    ordinary.merge(bounded(OpenApiRouter::new().nest(API, tables), MAX_IMPORT_BYTES, IMPORT_TIMEOUT))
}

/// Bounds the size of the bodies and the time of the answers.
fn bounded(routes: OpenApiRouter, bytes: usize, time: Duration) -> OpenApiRouter {
    routes
        .layer(Extension(BodyLimit(bytes)))
        .layer(middleware::from_fn(move |request: Request, next: Next| guard::bound_time(time, request, next)))
}

/// Compresses responses that are large enough and not in their final form already.
fn compression() -> CompressionLayer<impl Predicate> {
    let is_plain =
        |_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions| kept::is_to_be_encoded(extensions);
    CompressionLayer::new().compress_when(SizeAbove::new(kept::COMPRESS_ABOVE as u64).and(is_plain))
}

async fn handle(request: Request, next: Next) -> Response {
    next.run(request).in_span(telemetry::span("handler")).await
}

/// Returns the router served until the application is ready: the process is alive, and nothing else is available.
pub fn starting(clock: SharedClock, ids: IdSource) -> Router {
    system::starting().layer(middleware::from_fn(move |request: Request, next: Next| {
        track(clock.clone(), ids.clone(), request, next)
    }))
}

/// Builds the whole application, from the request id down to the rooms.
pub fn router(state: &AppState) -> anyhow::Result<Router> {
    let server = &state.settings.server;
    let (routes, _) = operations(state).split_for_parts();
    let in_flight = Arc::new(InFlight::new(server.max_in_flight));
    let (clock, ids, flood) = (state.clock.clone(), state.ids.clone(), state.flood.clone());
    let authenticator: Authenticator = state.service()?;
    let application =
        routes
            .merge(kept::documentation())
            .route("/", get(async || Redirect::temporary("/docs/")))
            .fallback(async || kept::nothing_here())
            .method_not_allowed_fallback(async || {
                Problem::new(
                    code::METHOD_NOT_ALLOWED,
                    "This address does not support that method; `Allow` lists the supported methods.",
                )
            })
            // From the innermost to the outermost:
            // the handler's span in the request's trace
            .layer(option_layer(telemetry::are_traces_on().then(|| middleware::from_fn(handle))))
            // quota of authenticated callers
            .layer(middleware::from_fn_with_state(state.limits.clone(), limits::inside))
            // authentication; an invalid credential is refused on public routes too
            .layer(middleware::from_fn_with_state(authenticator, limits::authenticate))
            // quota of all other callers
            .layer(middleware::from_fn_with_state(state.limits.clone(), limits::outside))
            .layer(compression())
            // content coding of the response
            .layer(middleware::from_fn(choose_coding))
            // limits concurrent requests, in total and for one address
            .layer(middleware::from_fn(move |request: Request, next: Next| {
                guard::bound_in_flight(in_flight.clone(), request, next)
            }))
            // turns a panic into a 500 response
            .layer(CatchPanicLayer::custom(guard::panicked))
            // refuses floods from one address
            .layer(option_layer(flood.map(|flood| {
                middleware::from_fn(move |request: Request, next: Next| flood.clone().pass(request, next))
            })))
            .layer(middleware::from_fn_with_state(state.limits.clone(), limits::locate))
            // CORS; a permitted site may read all of the refusals above
            .layer(option_layer(guard::cors(server)))
            .layer(middleware::from_fn(guard::bound_headers))
            // id, log line and metrics of every request
            .layer(middleware::from_fn(move |request: Request, next: Next| {
                track(clock.clone(), ids.clone(), request, next)
            }));
    Ok(application)
}
