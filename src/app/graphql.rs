//! The schema of GraphQL, which follows from the API's description.
use loadmaster_graphql::{breaks, sdl};

use super::document::openapi;

/// Returns the schema in its definition language.
pub fn graphql_schema() -> anyhow::Result<String> {
    sdl(&openapi())
}

/// Returns what clients of an earlier schema would notice, one sentence each.
pub fn broken_graphql(earlier: &str) -> anyhow::Result<Vec<String>> {
    breaks(earlier, &graphql_schema()?)
}
