use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::Args;

use super::output::say;
use crate::app;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Instead, check that clients of the schema in this file understand the schema: name each change that they would notice, and
    /// exit 1 if there is one.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let Some(file) = &options.check else {
        say(&app::graphql_schema()?);
        return Ok(ExitCode::SUCCESS);
    };
    let earlier = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let broken = app::broken_graphql(&earlier).with_context(|| format!("{} has no schema", file.display()))?;
    for text in &broken {
        say(&format!("{text}\n"));
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
