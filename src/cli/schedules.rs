mod listing;

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Subcommand;
use loadmaster_flights::{Differences, FlightError, Season};
use loadmaster_operations::{OperationError, OperationService};
use loadmaster_platform::{settings::Settings, tables::Table};

use super::{
    backend::Backend,
    output::{Progress, say},
    tables,
};

use crate::app::AppState;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Import a season's timetable of recurring flights from a CSV, xlsx or SSIM file. Shows how the schedule would change,
    /// asks, and applies it, all or nothing.
    Import(Options),
}

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The file; `-` reads standard input.
    file: PathBuf,
    /// Apply without asking.
    #[arg(long)]
    yes: bool,
    /// Show how the schedule would change, but change nothing.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Maximum number of lines in which the changes are shown.
    #[arg(long, value_name = "LINES", default_value_t = 100)]
    limit: usize,
}

pub(super) async fn run(settings: Settings, command: Command) -> anyhow::Result<ExitCode> {
    let Command::Import(options) = command;
    let table = tables::read(&options.file).await?;
    Backend::with_rooms(settings, async |rooms| Box::pin(import(rooms, table, options)).await).await
}

async fn import(rooms: &AppState, table: Table, options: Options) -> anyhow::Result<ExitCode> {
    let operations = rooms.service::<OperationService>()?;
    let progress = Progress::begin("Comparing the season with the schedule");
    let compared = compare(&operations, table).await;
    drop(progress);
    let (season, differences) = compared.map_err(tables::explain)?;
    say(&listing::listing(&differences, options.limit));
    if differences.has_refused() {
        anyhow::bail!("nothing was changed: flights of the file are refused; change the file, or what is in their way");
    }
    if !differences.has_changes() {
        say("Nothing to apply.\n");
        return Ok(ExitCode::SUCCESS);
    }
    if options.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    if !options.yes {
        confirm().await?;
    }
    apply(&operations, season, differences).await
}

async fn compare(operations: &OperationService, table: Table) -> Result<(Season, Differences), OperationError> {
    let season = operations.read_season(table).await?;
    let differences = operations.compare_season(&season).await?;
    Ok((season, differences))
}

async fn apply(operations: &OperationService, season: Season, shown: Differences) -> anyhow::Result<ExitCode> {
    let outcome = operations.apply_season(season, shown, tables::progress("Applying the season")).await;
    match outcome {
        Ok(done) => {
            say(&tables::summary(done));
            Ok(ExitCode::SUCCESS)
        }
        Err(OperationError::Flight(FlightError::NotAsShown)) => anyhow::bail!(
            "nothing was changed: the schedule, or the day, has changed since it was compared with the file; run the command again"
        ),
        Err(error) => Err(tables::explain(error)),
    }
}

/// Asks on the terminal whether to apply the changes; fails if the answer is not yes.
async fn confirm() -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        anyhow::bail!("nothing was changed: there is no terminal to ask on; apply the changes with --yes");
    }
    let ask = || {
        let mut answer = String::new();
        let mut prompt = std::io::stderr();
        prompt.write_all(b"Apply? [y/N] ").and_then(|()| prompt.flush())?;
        std::io::stdin().read_line(&mut answer).map(|_| answer)
    };
    let answer = tokio::task::spawn_blocking(ask).await??;
    anyhow::ensure!(is_yes(&answer), "nothing was changed");
    Ok(())
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::is_yes;

    #[test]
    fn only_yes_is_yes() {
        assert!(["y\n", "Y\r\n", " yes \n", "YES"].into_iter().all(is_yes));
        assert!(!["", "\n", "n\n", "no\n", "yesterday\n", "ja\n"].into_iter().any(is_yes));
    }
}
