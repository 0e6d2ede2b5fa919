//! GraphQL over the operations of REST: a board or a shipment in one round trip. Decides which operations are its fields, how deep and
//! how costly a document may be, and how what its objects refer to is read at once. Rights, refusals, keys and preconditions are
//! REST's own: each field of a root is a call of REST within this process, in the name of the caller.
mod breaking;
mod build;
mod cost;
mod derive;
mod described;
mod dto;
mod error;
mod frames;
mod load;
mod metric;
mod model;
mod operations;
mod request;
mod resolve;
mod rest;
mod room;
mod router;
mod service;
mod stream;
mod value;

use async_graphql::SDLExportOptions;
use utoipa::openapi::OpenApi;

pub use room::ROOM;

/// Returns the schema in its definition language, derived from the API's description.
pub fn sdl(document: &OpenApi) -> anyhow::Result<String> {
    Ok(sdl_of(&service::Built::new(document)?))
}

/// Returns what clients of an earlier schema would notice, one sentence each.
pub fn breaks(earlier: &str, later: &str) -> anyhow::Result<Vec<String>> {
    breaking::breaks(earlier, later)
}

fn sdl_of(built: &service::Built) -> String {
    built.schemas.whole.sdl_with_options(SDLExportOptions::new().include_specified_by())
}
