use clap::{Subcommand, ValueEnum};
use secrecy::ExposeSecret;

use super::{
    backend::Backend,
    output::{read_secret, say},
};
use crate::{
    app::AppState,
    features::accounts::{NewUser, Role},
    platform::settings::Settings,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a user with an organization of its own.
    Create {
        #[arg(long)]
        email: String,
        #[arg(long, value_enum)]
        role: GivenRole,
        #[arg(long)]
        name: Option<String>,
        /// Read the password from standard input; else one is generated and printed once.
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum GivenRole {
    Customer,
    Operator,
    Admin,
}

impl From<GivenRole> for Role {
    fn from(role: GivenRole) -> Self {
        match role {
            GivenRole::Customer => Self::Customer,
            GivenRole::Operator => Self::Operator,
            GivenRole::Admin => Self::Admin,
        }
    }
}

pub(super) async fn run(settings: Settings, command: Command) -> anyhow::Result<()> {
    let backend = Backend::attach(settings).await?;
    let outcome = match backend.rooms().await {
        Ok(rooms) => create(&rooms, command).await,
        Err(error) => Err(error),
    };
    backend.stop().await?;
    outcome
}

async fn create(rooms: &AppState, command: Command) -> anyhow::Result<()> {
    let Command::Create { email, role, name, password_stdin } = command;
    let password = if password_stdin { read_secret()? } else { rooms.accounts.generate_password()? };
    let new = NewUser { email, name, role: role.into(), password: password.clone() };
    let user = rooms.accounts.create_user(new).await?;
    say(&format!("Created {} {} ({}).\n", user.role.as_str(), user.email, user.id));
    if !password_stdin {
        say(&format!("Password (shown only this once): {}\n", password.expose_secret()));
    }
    Ok(())
}
