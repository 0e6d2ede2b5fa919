use std::process::ExitCode;

use clap::Subcommand;
use loadmaster_platform::{
    clock::{Clock, SystemClock},
    postgres::{self, Month},
    settings::Settings,
};
use sqlx::{Connection, PgConnection};

use super::{
    backend::Backend,
    output::{Progress, say},
};

use crate::app;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the monthly partitions, with their rows and sizes as far as the statistics of the database know.
    List,
    /// Move all months before this one out of the tables that the server works on. The audit still reads them.
    Archive {
        /// The first month that stays, such as 2026-01 (UTC).
        #[arg(long, value_name = "YYYY-MM")]
        before: Month,
        /// Confirm that descriptions, references, parties and notes of the archived bookings are deleted.
        #[arg(long)]
        delete_texts: bool,
        /// Only say what would be done.
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) async fn run(settings: Settings, command: Command) -> anyhow::Result<ExitCode> {
    let backend = Backend::attach_as_owner(settings).await?;
    let outcome = async {
        let mut owner = backend.owner().await?;
        let done = execute(&mut owner, command).await;
        owner.close().await?;
        done
    };
    let outcome = outcome.await;
    backend.stop().await?;
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn execute(owner: &mut PgConnection, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List => list(owner).await,
        Command::Archive { before, delete_texts, dry_run } => archive(owner, before, delete_texts, dry_run).await,
    }
}

async fn list(owner: &mut PgConnection) -> anyhow::Result<()> {
    say(&format!("{:<8} {:<22} {:>12} {:>10}  {}\n", "month", "table", "rows", "MiB", "place"));
    for partition in postgres::partitions(owner).await? {
        let place = if partition.is_archived { "archive" } else { "live" };
        let mebibytes = partition.bytes / (1 << 20);
        let month = partition.month.to_string();
        say(&format!("{month:<8} {:<22} {:>12} {mebibytes:>10}  {place}\n", partition.table, partition.rows));
    }
    Ok(())
}

async fn archive(owner: &mut PgConnection, before: Month, delete_texts: bool, dry_run: bool) -> anyhow::Result<()> {
    anyhow::ensure!(before <= Month::of(SystemClock.now()), "{before} has not begun: its flights and bookings change");
    let live = postgres::partitions(owner).await?.into_iter().filter(|partition| !partition.is_archived);
    let mut months: Vec<Month> = live.map(|partition| partition.month).filter(|month| *month < before).collect();
    months.dedup();
    if months.is_empty() {
        say(&format!("There is nothing to archive before {before}.\n"));
        return Ok(());
    }
    let unfinished = app::unfinished(owner, before).await?;
    let unfinished: Vec<_> =
        unfinished.into_iter().map(|left| format!("{} {} (such as {})", left.count, left.what, left.one)).collect();
    anyhow::ensure!(
        unfinished.is_empty(),
        "before {before} there are {}; nothing was archived",
        unfinished.join(" and ")
    );
    let named = months.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if dry_run {
        say(&format!("Would archive {named}.\n"));
        return Ok(());
    }
    anyhow::ensure!(
        delete_texts,
        "descriptions, references, parties and notes of archived bookings are deleted, as they could not be erased later; \
         export them if you must keep them, then repeat with --delete-texts"
    );
    for month in months {
        let _progress = Progress::begin("Archiving a month");
        postgres::archive_month(owner, month).await?;
    }
    say(&format!("Archived {named}. `loadmaster audit` still reads these months.\n"));
    Ok(())
}
