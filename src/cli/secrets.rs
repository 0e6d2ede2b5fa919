use std::process::ExitCode;

use clap::Subcommand;
use loadmaster_feeds::FeedService;
use loadmaster_platform::settings::Settings;
use loadmaster_webhooks::WebhookService;

use super::{backend::Backend, output::say};

use crate::app::AppState;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Encrypt all stored secrets anew that are not encrypted under `secrets.key`; then former keys are not needed any more.
    Reseal,
}

pub(super) async fn run(settings: Settings, command: Command) -> anyhow::Result<ExitCode> {
    Box::pin(Backend::with_rooms(settings, async |rooms| execute(rooms, command).await)).await
}

async fn execute(rooms: &AppState, command: Command) -> anyhow::Result<ExitCode> {
    let Command::Reseal = command;
    let resealed = rooms.service::<WebhookService>()?.reseal().await?;
    say(&format!("The secrets of {} webhooks were encrypted anew.\n", resealed.changed));
    let of_feeds = rooms.service::<FeedService>()?.reseal().await?;
    say(&format!("The headers of {} feeds were encrypted anew.\n", of_feeds.changed));
    if resealed.lost > 0 {
        say(&format!(
            "The secrets of {} webhooks cannot be decrypted: secrets.former_keys lacks their key.\n",
            resealed.lost
        ));
    }
    if of_feeds.lost > 0 {
        say(&format!(
            "The headers of {} feeds cannot be decrypted: secrets.former_keys lacks their key.\n",
            of_feeds.lost
        ));
    }
    Ok(if resealed.lost + of_feeds.lost > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
