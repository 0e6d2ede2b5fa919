//! GraphQL over the operations of REST: a board or a shipment in one round trip. Decides which operations are its fields, how deep and
//! how costly a document may be, and how what its objects refer to is read at once. Rights, refusals, keys and preconditions are
//! REST's own: each field of a root is a call of REST within this process, in the name of the caller.
mod brackets;
mod breaking;
mod cost;
mod derive;
mod described;
mod error;
mod execute;
mod field_error;
mod introspection;
mod load;
mod metric;
mod model;
mod operations;
mod overlaps;
mod page;
mod plan;
mod rest;
mod room;
mod router;
mod sdl;
mod unfit;
mod validate;
mod value;
mod values;
mod write;

use utoipa::openapi::OpenApi;

pub use room::ROOM;

/// Returns the schema in its definition language, derived from the API's description.
pub fn sdl(document: &OpenApi) -> anyhow::Result<String> {
    Ok(described::derive(document)?.to_string())
}

/// Returns what clients of an earlier schema would notice, one sentence each.
pub fn breaks(earlier: &str, later: &str) -> anyhow::Result<Vec<String>> {
    breaking::breaks(earlier, later)
}
