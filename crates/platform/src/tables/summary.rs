use serde::Serialize;
use utoipa::ToSchema;

/// Counts of what an import changed, or would change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImportSummary {
    /// Number created.
    pub created: u64,
    /// Number changed.
    pub updated: u64,
    /// Rows that are as they were.
    pub unchanged: u64,
}
