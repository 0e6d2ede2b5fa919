use utoipa::ToSchema;

use super::model::read_name;
use crate::platform::web::{Fields, Patch};

/// Changes to your own account.
#[derive(Debug, ToSchema)]
pub(super) struct ChangeMe {
    /// `null` clears the name.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500)]
    pub name: Patch<String>,
}

impl ChangeMe {
    pub fn read(fields: &mut Fields<'_>) -> Self {
        Self { name: fields.patch("name", read_name) }
    }
}
