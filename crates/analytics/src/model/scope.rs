use loadmaster_kernel::{AirlineCode, AirportCode, OrganizationId};

use super::{Period, Span};

/// What a report is about; filters combine with AND.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    pub span: Span,
    pub by: Period,
    /// What the rows are grouped by, as the API names it.
    pub group: Option<&'static str>,
    /// Number of groups that have rows of their own.
    pub limit: i64,
    pub origin: Option<AirportCode>,
    pub destination: Option<AirportCode>,
    pub airline: Option<AirlineCode>,
    pub product: Option<String>,
    /// Only what belongs to this organization.
    pub organization: Option<OrganizationId>,
    /// Whether the report shows what only the carrier's staff may know.
    pub is_whole: bool,
}

impl Scope {
    /// Returns whether searches can be chosen by its filters: of them only the lane is known.
    pub fn knows_searches(&self) -> bool {
        self.airline.is_none() && self.product.is_none() && self.organization.is_none()
    }
}
