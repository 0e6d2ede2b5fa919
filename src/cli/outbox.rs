use std::process::ExitCode;

use clap::Subcommand;

use super::{backend::Backend, output::say};
use crate::{app::AppState, platform::settings::Settings};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show the sinks that receive messages, and the lag of each.
    Sinks,
    /// Remove a sink that is no longer used; messages are no longer kept for it.
    Retire {
        /// Name of the sink, as shown by `outbox sinks`.
        name: String,
    },
}

pub(super) async fn run(settings: Settings, command: Command) -> anyhow::Result<ExitCode> {
    Box::pin(Backend::with_rooms(settings, async |rooms| execute(rooms, command).await)).await
}

async fn execute(rooms: &AppState, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Sinks => {
            say(&format!("{:<20} {:>10}  {}\n", "sink", "behind", "served"));
            for lag in rooms.background.lags().await? {
                let served = if lag.is_served { "yes" } else { "no" };
                say(&format!("{:<20} {:>8.0} s  {served}\n", lag.sink, lag.seconds));
            }
        }
        Command::Retire { name } => {
            anyhow::ensure!(rooms.background.retire_sink(&name).await?, "there is no sink {name}");
            say(&format!("Messages are no longer kept for {name}.\n"));
        }
    }
    Ok(ExitCode::SUCCESS)
}
