use clap::Subcommand;
use loadmaster_accounts::{Rotation, SigningKeyInfo, TokenService};
use loadmaster_platform::settings::Settings;

use super::{backend::Backend, output::say};

use crate::app::AppState;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a new signing key. It is published immediately and signs after 5 minutes; sessions continue.
    Rotate {
        /// Revoke the current keys immediately, because others may know them. All access tokens must be refreshed.
        #[arg(long)]
        compromised: bool,
    },
    /// Show ids and times of the signing keys, not the keys themselves.
    List,
}

pub(super) async fn run(settings: Settings, command: Command) -> anyhow::Result<()> {
    Box::pin(Backend::with_rooms(settings, async |rooms| execute(rooms, command).await)).await
}

async fn execute(rooms: &AppState, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Rotate { compromised } => {
            let rotation = if compromised { Rotation::Compromised } else { Rotation::InTurn };
            let key = rooms.service::<TokenService>()?.rotate_keys(rotation).await?;
            say(&format!("{} signs from {}.\n", key.kid, written(key.signs_from)));
        }
        Command::List => {
            let keys = rooms.service::<TokenService>()?.signing_keys().await?;
            if keys.is_empty() {
                say("The signing key is configured (auth.private_key or auth.secret); there are no keys to rotate.\n");
                return Ok(());
            }
            say(&format!("{:<43}  {:<20}  {:<20}  {}\n", "kid", "created", "signs from", "verifies until"));
            for key in &keys {
                say(&line(key));
            }
        }
    }
    Ok(())
}

fn line(key: &SigningKeyInfo) -> String {
    let until = key.verifies_until.map_or_else(|| "-".to_owned(), written);
    format!("{:<43}  {}  {}  {until}\n", key.kid, written(key.created_at), written(key.signs_from))
}

fn written(instant: chrono::DateTime<chrono::Utc>) -> String {
    instant.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
