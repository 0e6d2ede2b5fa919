use std::process::ExitCode;

use clap::Subcommand;
use uuid::Uuid;

use super::{backend::Backend, output::say};
use crate::{
    app::AppState,
    platform::{
        jobs::{Job, Ran},
        settings::Settings,
    },
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show the jobs that wait, run or have failed for good, and what is scheduled.
    List,
    /// Run a scheduled job now.
    Run {
        /// The schedule's name, as `jobs list` shows it.
        name: String,
    },
    /// Let a job that has failed for good be tried again.
    Retry {
        /// The job's id, as `jobs list` shows it.
        #[arg(required_unless_present = "all")]
        id: Option<Uuid>,
        /// All of them.
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
    /// Give a job up that has failed for good: nobody will do its work.
    Drop {
        /// The job's id, as `jobs list` shows it.
        id: Uuid,
    },
}

pub(super) async fn run(settings: Settings, command: Command) -> anyhow::Result<ExitCode> {
    Box::pin(Backend::with_rooms(settings, async |rooms| execute(rooms, command).await)).await
}

async fn execute(rooms: &AppState, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List => list(rooms).await.map(|()| ExitCode::SUCCESS),
        Command::Run { name } => match rooms.background.run_now(&name).await? {
            Ran::Done => {
                say(&format!("{name} is done.\n"));
                Ok(ExitCode::SUCCESS)
            }
            Ran::Failed(error) => anyhow::bail!("{name} failed and will be tried again: {error}"),
            Ran::Gone => {
                say(&format!("{name} runs already.\n"));
                Ok(ExitCode::SUCCESS)
            }
        },
        Command::Retry { id, .. } => {
            let retried = rooms.background.retry(id).await?;
            anyhow::ensure!(
                retried > 0 || id.is_none(),
                "there is no such job that has failed for good and is not promised anew"
            );
            say(&format!("{retried} will be tried again.\n"));
            Ok(ExitCode::SUCCESS)
        }
        Command::Drop { id } => {
            anyhow::ensure!(rooms.background.drop_job(id).await?, "there is no such job that has failed for good");
            say(&format!("{id} is given up.\n"));
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn list(rooms: &AppState) -> anyhow::Result<()> {
    let jobs = rooms.background.jobs().await?;
    say(&format!("{:<36}  {:<8} {:<18} {:>8}  {:<20} {}\n", "id", "state", "kind", "attempts", "runs at", "error"));
    for job in &jobs {
        say(&line(job));
    }
    let scheduled: Vec<String> = rooms
        .background
        .schedules()
        .iter()
        .map(|schedule| match schedule.every.num_hours() {
            0 => format!("{} (every {} min)", schedule.name, schedule.every.num_minutes()),
            hours => format!("{} (every {hours} h)", schedule.name),
        })
        .collect();
    let more = if jobs.len() < 1000 { "" } else { " at least" };
    say(&format!("{}{more} jobs. Scheduled: {}.\n", jobs.len(), scheduled.join(", ")));
    Ok(())
}

fn line(job: &Job) -> String {
    let attempts = format!("{}/{}", job.attempts, job.max_attempts);
    let run_at = job.run_at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let error = job.last_error.as_deref().unwrap_or("");
    format!("{:<36}  {:<8} {:<18} {attempts:>8}  {run_at:<20} {error}\n", job.id, job.state.as_str(), job.kind)
}
