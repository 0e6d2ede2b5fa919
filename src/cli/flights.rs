use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::Subcommand;

use super::{
    backend::Backend,
    output::{Progress, say},
};
use crate::{
    app::AppState,
    features::{
        flights::FlightError,
        operations::{OperationError, OperationService},
    },
    platform::settings::Settings,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Import a timetable from a CSV file, all or nothing.
    Import {
        file: PathBuf,
        /// Check and count, but change nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) async fn run(settings: Settings, command: Command) -> anyhow::Result<ExitCode> {
    let Command::Import { file, dry_run } = command;
    let table = tokio::fs::read(&file).await.with_context(|| format!("cannot read {}", file.display()))?;
    Backend::with_rooms(settings, async |rooms| Box::pin(import(rooms, table, dry_run)).await).await
}

async fn import(rooms: &AppState, table: Vec<u8>, dry_run: bool) -> anyhow::Result<ExitCode> {
    let progress = Progress::begin("Importing flights");
    let outcome = rooms.service::<OperationService>()?.import(table.into(), dry_run).await;
    drop(progress);
    match outcome {
        Ok(done) => {
            let would = if dry_run { "Would be " } else { "" };
            say(&format!(
                "{would}created: {}, updated: {}, unchanged: {}\n",
                done.created, done.updated, done.unchanged
            ));
            Ok(ExitCode::SUCCESS)
        }
        Err(OperationError::Flight(FlightError::Import(faults))) => {
            for fault in &faults {
                say(&format!("{}\n", fault.message));
            }
            anyhow::bail!("nothing was imported; the file has faults (the first {} are listed)", faults.len())
        }
        Err(error) => Err(error.into()),
    }
}
