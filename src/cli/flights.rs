use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use loadmaster_operations::OperationService;
use loadmaster_platform::{settings::Settings, tables::Table};

use super::{
    backend::Backend,
    demo_timetable,
    output::{Progress, say},
    tables,
};

use crate::app::AppState;

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
            let table = tables::read(&file).await?;
            Backend::with_rooms(settings, async |rooms| Box::pin(import(rooms, table, dry_run)).await).await
        }
        Command::Demo => Backend::with_rooms(settings, async |rooms| Box::pin(load_demo(rooms)).await).await,
    }
}

async fn load_demo(rooms: &AppState) -> anyhow::Result<ExitCode> {
    let progress = Progress::begin("Loading the demo timetable");
    let created = demo_timetable::extend(rooms).await?;
    drop(progress);
    say(&format!("created: {created}\n"));
    Ok(ExitCode::SUCCESS)
}

async fn import(rooms: &AppState, table: Table, dry_run: bool) -> anyhow::Result<ExitCode> {
    let listener = tables::progress("Importing flights");
    let outcome = rooms.service::<OperationService>()?.import(table, dry_run, listener).await;
    match outcome {
        Ok(done) => {
            let would = if dry_run { "Would be " } else { "" };
            say(&format!("{would}{}", tables::summary(done)));
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(tables::explain(error)),
    }
}
