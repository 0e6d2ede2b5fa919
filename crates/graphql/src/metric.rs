//! What this room counts.

use loadmaster_platform::telemetry::{Label, metric::metrics};

pub(super) const ANSWERED: &str = "answered";
pub(super) const ERRORS: &str = "errors";
pub(super) const REFUSED: &str = "refused";
pub(super) const FOLLOWED: &str = "followed";

metrics! {
    "GraphQL": {
        OPERATIONS: Counter "loadmaster_graphql_operations_total" [Label::one_of("outcome", &[ANSWERED, ERRORS, REFUSED, FOLLOWED])]
            "GraphQL operations, by outcome: answered, answered with errors, refused before they ran, or a stream that was opened.";
    }
}
