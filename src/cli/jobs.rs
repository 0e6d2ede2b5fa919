use std::process::ExitCode;

use clap::Subcommand;
use loadmaster_platform::{
    jobs::{Job, Ran},
    settings::Settings,
};
use uuid::Uuid;

use super::{backend::Backend, output::say};

use crate::app::AppState;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show the jobs that are queued, running or dead (failed for good), and the schedules.
    List,
    /// Run a scheduled job now.
    Run {
        /// Name of the schedule, as shown by `jobs list`.
        name: String,
    },
    /// Queue a dead job again.
    Retry {
        /// Id of the job, as shown by `jobs list`.
        #[arg(required_unless_present = "all")]
        id: Option<Uuid>,
        /// Queue all dead jobs again.
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
    /// Delete a dead job; its work will not be done.
    Drop {
        /// Id of the job, as shown by `jobs list`.
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
            Ran::Failed(error) => anyhow::bail!("{name} failed and will be retried: {error}"),
            Ran::Gone => {
                say(&format!("{name} is already running.\n"));
                Ok(ExitCode::SUCCESS)
            }
        },
        Command::Retry { id, .. } => {
            let retried = rooms.background.retry(id).await?;
            anyhow::ensure!(
                retried > 0 || id.is_none(),
                "there is no dead job with this id, or a newer job does the same work"
            );
            say(&format!("Jobs queued again: {retried}\n"));
            Ok(ExitCode::SUCCESS)
        }
        Command::Drop { id } => {
            anyhow::ensure!(rooms.background.drop_job(id).await?, "there is no dead job with this id");
            say(&format!("{id} is deleted.\n"));
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
        .map(|schedule| match (rooms.background.time_of(schedule), schedule.every.num_hours()) {
            (Some(time), _) => format!("{} ({time})", schedule.name),
            (None, 0) => format!("{} (every {} min)", schedule.name, schedule.every.num_minutes()),
            (None, hours) => format!("{} (every {hours} h)", schedule.name),
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
