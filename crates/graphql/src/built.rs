//! The schema as it is executed.
use std::sync::Arc;

use async_graphql::SDLExportOptions;
use utoipa::openapi::OpenApi;

use super::{build::Schemas, described, model::Model};

pub(crate) struct Built {
    pub model: Arc<Model>,
    pub schemas: Schemas,
}

impl Built {
    /// Derives the schema from the API's description.
    pub fn new(document: &OpenApi) -> anyhow::Result<Self> {
        let model = described::derive(document)?;
        let schemas = Schemas::new(&model)?;
        Ok(Self { model: Arc::new(model), schemas })
    }

    /// Returns the schema in its definition language.
    pub fn sdl(&self) -> String {
        let options = SDLExportOptions::new().include_specified_by().use_space_ident();
        let text = self.schemas.whole.sdl_with_options(options);
        // Empty lines of descriptions are indented.
        text.lines().map(str::trim_end).fold(String::with_capacity(text.len()), |text, line| text + line + "\n")
    }
}
