use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::Args;
use serde_json::Value;

use super::output::say;
use crate::app;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Instead, check that consumers of the schemas in this file understand all messages: since it was written, types have
    /// only gained optional members. Exit 1 if not.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let Some(file) = &options.check else {
        say(&format!("{}\n", serde_json::to_string_pretty(&app::event_schemas())?));
        return Ok(ExitCode::SUCCESS);
    };
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let earlier: BTreeMap<String, Value> =
        serde_json::from_str(&text).with_context(|| format!("{} has no schemas", file.display()))?;
    let broken = app::broken_event_types(&earlier);
    for text in &broken {
        say(&format!("{text}\n"));
    }
    if broken.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    say(
        "Within a version, messages only gain optional members. Anything else needs another version beside this one.\n",
    );
    Ok(ExitCode::FAILURE)
}
