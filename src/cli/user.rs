use anyhow::Context;
use clap::{Subcommand, ValueEnum};
use loadmaster_accounts::{AdministrationService, ManagedUser, NewUser, Role, UserChange, UserService};
use loadmaster_platform::settings::Settings;
use loadmaster_privacy::PrivacyService;
use secrecy::ExposeSecret;

use super::{
    backend::Backend,
    output::{read_secret, say},
};

use crate::app::AppState;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a user with a new organization.
    Create {
        #[arg(long)]
        email: String,
        #[arg(long, value_enum)]
        role: GivenRole,
        #[arg(long)]
        name: Option<String>,
        /// Read the password from standard input. Default: a password is generated and printed once.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Show all users, newest first.
    List,
    /// Change the role of a user. It takes effect within 60 seconds for active sessions.
    SetRole {
        #[arg(long)]
        email: String,
        #[arg(long, value_enum)]
        role: GivenRole,
    },
    /// Disable a user: end all sessions, and refuse the API keys.
    Disable {
        #[arg(long)]
        email: String,
    },
    /// Enable a disabled user.
    Enable {
        #[arg(long)]
        email: String,
    },
    /// Print all personal data of one person as JSON.
    Export {
        #[arg(long)]
        email: String,
    },
    /// Erase all personal data of one person. This cannot be undone.
    Erase {
        #[arg(long)]
        email: String,
        /// Confirm the erasure.
        #[arg(long)]
        yes: bool,
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
    Box::pin(Backend::with_rooms(settings, async |rooms| Box::pin(execute(rooms, command)).await)).await
}

async fn execute(rooms: &AppState, command: Command) -> anyhow::Result<()> {
    let disabled = |disabled| UserChange { disabled: Some(disabled), ..UserChange::default() };
    match command {
        Command::Create { email, role, name, password_stdin } => create(rooms, email, role, name, password_stdin).await,
        Command::List => list(rooms).await,
        Command::SetRole { email, role } => {
            Box::pin(change(rooms, &email, UserChange { role: Some(role.into()), ..UserChange::default() })).await
        }
        Command::Disable { email } => Box::pin(change(rooms, &email, disabled(true))).await,
        Command::Enable { email } => Box::pin(change(rooms, &email, disabled(false))).await,
        Command::Export { email } => {
            let user = find(rooms, &email).await?;
            let export = rooms.service::<PrivacyService>()?.export(user.user.id).await?;
            say(&format!("{}\n", serde_json::to_string_pretty(&export)?));
            Ok(())
        }
        Command::Erase { email, yes } => {
            let user = find(rooms, &email).await?;
            anyhow::ensure!(yes, "an erasure cannot be undone; add --yes to confirm it");
            let blanked = rooms.service::<PrivacyService>()?.erase(user.user.id).await?;
            say(&format!("Erased {}; personal data was removed from {blanked} bookings and holds.\n", user.user.id));
            Ok(())
        }
    }
}

async fn create(
    rooms: &AppState,
    email: String,
    role: GivenRole,
    name: Option<String>,
    password_stdin: bool,
) -> anyhow::Result<()> {
    let accounts: AdministrationService = rooms.service()?;
    let password = if password_stdin { read_secret()? } else { accounts.generate_password()? };
    let new = NewUser { email, name, role: role.into(), password: password.clone() };
    let user = accounts.create_user(new).await?;
    say(&format!("Created {} {} ({}).\n", user.role.as_str(), user.email, user.id));
    if !password_stdin {
        say(&format!("Password (shown only this once): {}\n", password.expose_secret()));
    }
    Ok(())
}

async fn find(rooms: &AppState, email: &str) -> anyhow::Result<ManagedUser> {
    rooms.service::<UserService>()?.find_by_email(email).await.with_context(|| format!("looking for {email}"))
}

async fn change(rooms: &AppState, email: &str, change: UserChange) -> anyhow::Result<()> {
    let user = find(rooms, email).await?;
    let user = rooms.service::<AdministrationService>()?.change_user(user.user.id, change).await?;
    say(&line(&user));
    Ok(())
}

async fn list(rooms: &AppState) -> anyhow::Result<()> {
    let users = rooms.service::<UserService>()?.all().await?;
    for user in &users {
        say(&line(user));
    }
    Ok(())
}

fn line(managed: &ManagedUser) -> String {
    let ManagedUser { user, disabled, .. } = managed;
    let state = if *disabled { "disabled" } else { "enabled" };
    format!("{}  {:<8}  {state:<8}  {}\n", user.id, user.role.as_str(), user.email)
}
