use std::{
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::Subcommand;

use super::{
    backend::Backend,
    demo_timetable,
    output::{Progress, say},
};
use crate::{
    app::AppState,
    features::{
        flights::FlightError,
        operations::{OperationError, OperationService},
    },
    platform::{
        settings::Settings,
        tables::{Table, TableError},
    },
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Import a timetable from a CSV or xlsx file, all or nothing.
    Import {
        /// The file; `-` reads standard input.
        file: PathBuf,
        /// Check and count, but change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Load the demo timetable of the next 30 days; flights that exist stay as they are.
    Demo,
}

pub(super) async fn run(settings: Settings, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Import { file, dry_run } => {
            let table = read(&file).await?;
            Backend::with_rooms(settings, async |rooms| Box::pin(import(rooms, table, dry_run)).await).await
        }
        Command::Demo => Backend::with_rooms(settings, async |rooms| Box::pin(load_demo(rooms)).await).await,
    }
}

async fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file != Path::new("-") {
        return tokio::fs::read(file).await.with_context(|| format!("cannot read {}", file.display()));
    }
    let read = || {
        let mut table = Vec::new();
        std::io::stdin().lock().read_to_end(&mut table).map(|_| table)
    };
    tokio::task::spawn_blocking(read).await?.context("cannot read standard input")
}

async fn load_demo(rooms: &AppState) -> anyhow::Result<ExitCode> {
    let progress = Progress::begin("Loading the demo timetable");
    let created = demo_timetable::extend(rooms).await?;
    drop(progress);
    say(&format!("created: {created}\n"));
    Ok(ExitCode::SUCCESS)
}

async fn import(rooms: &AppState, table: Vec<u8>, dry_run: bool) -> anyhow::Result<ExitCode> {
    let progress = Progress::begin("Importing flights");
    let outcome = rooms.service::<OperationService>()?.import(Table::of_file(table.into()), dry_run).await;
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
        Err(OperationError::Flight(FlightError::Table(TableError::Faults(faults)))) => {
            for fault in faults.first() {
                say(&format!("{}\n", fault.message));
            }
            anyhow::bail!(
                "nothing was imported; the file has {} faults (the first {} are listed)",
                faults.total(),
                faults.first().len()
            )
        }
        Err(error) => Err(error.into()),
    }
}
