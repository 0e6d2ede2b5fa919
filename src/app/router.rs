use std::{collections::BTreeSet, sync::Arc, time::Duration};

use axum::Router;
use loadmaster_platform::{
    room::{API, Above, Below, LeadsTo, Routes},
    web::{ApiRouter, Operation, Problem, bulk, code},
};

use super::{
    AppState, console, docs,
    document::openapi,
    guard::{Bounded, Bounds, MAX_IMPORT_BYTES, Operations},
    kept, system,
};

/// Importing a table of that size takes longer than any other request may.
const IMPORT_TIMEOUT: Duration = Duration::from_mins(5);

/// The templates of all routes, by path.
pub(super) type RouteNames = matchit::Router<Box<str>>;

/// A path may be that of a table for one method alone.
fn operations(routes: &ApiRouter) -> Operations {
    let of =
        |operation: &Operation| operation.methods().map(|method| (method, operation.path.clone())).collect::<Vec<_>>();
    routes.operations().iter().flat_map(of).collect()
}

/// Builds the routes of all rooms and of the system.
pub(super) fn router(state: &AppState) -> anyhow::Result<(Router, RouteNames)> {
    let server = &state.settings.server;
    let rooms = state.take_routes().into_iter().fold(system::routes().with_state(state), Routes::and);
    let Routes { api, tables, bulk: many, root } = rooms;
    let (tables, many) = (ApiRouter::new().nest(API, tables), ApiRouter::new().nest(API, many));
    let bounded = Bounded {
        ordinary: Bounds { bytes: server.max_body_bytes, time: server.request_timeout() },
        tables: Bounds { bytes: MAX_IMPORT_BYTES, time: IMPORT_TIMEOUT },
        of_tables: operations(&tables),
        bulk: Bounds { bytes: server.max_body_bytes, time: bulk::LONGEST.max(server.request_timeout()) },
        of_bulk: operations(&many),
    };
    let below = root.nest(API, api).merge(tables).merge(many);
    let documented = above(state, &below)?;
    let is_console = state.settings.console.enabled;
    let fields = state.settings.payments.hosted_fields(state.settings.database.url.is_none());
    let names = names(&documented, docs::ROUTES.into_iter().chain(console::routes(is_console)))?;
    let router = documented
        .into_router()
        .merge(docs::documentation())
        .merge(console::router(is_console, fields)?)
        .fallback(async || kept::nothing_here())
        .method_not_allowed_fallback(async || {
            Problem::new(
                code::METHOD_NOT_ALLOWED,
                "This address does not support that method; `Allow` lists the supported methods.",
            )
        })
        .layer(bounded);
    Ok((router, names))
}

/// Returns the templates of these routes, and of others.
fn names<'a>(routes: &'a ApiRouter, others: impl Iterator<Item = &'a str>) -> anyhow::Result<RouteNames> {
    let mut names = RouteNames::new();
    let paths: BTreeSet<_> = routes.operations().iter().map(|operation| operation.path.as_str()).collect();
    for route in paths.into_iter().chain(others) {
        names.insert(route, route.into())?;
    }
    Ok(names)
}

/// Returns these routes with those that answer by calling them. What is called has passed the bounds already.
fn above(state: &AppState, below: &ApiRouter) -> anyhow::Result<ApiRouter> {
    let router = below.clone().into_router().fallback(async || kept::nothing_here());
    let names = names(below, std::iter::empty())?;
    let leads_to: LeadsTo =
        Arc::new(move |path, template| names.at(path).is_ok_and(|found| **found.value == *template));
    let build = |above: Above| above(Below { router: router.clone(), document: openapi, leads_to: leads_to.clone() });
    Ok(state.take_above().into_iter().map(build).fold(below.clone(), ApiRouter::merge))
}
