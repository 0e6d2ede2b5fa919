use std::process::ExitCode;

use loadmaster_platform::settings::Settings;

use super::{
    backend::Backend,
    output::{Progress, say},
};

/// Brings the database up to this version; with `check` only reports whether it is.
pub(super) async fn run(settings: Settings, check: bool) -> anyhow::Result<ExitCode> {
    let backend = Backend::attach_as_owner(settings).await?;
    let code = if check { report(&backend).await } else { apply(&backend).await };
    backend.stop().await?;
    code
}

async fn report(backend: &Backend) -> anyhow::Result<ExitCode> {
    let db = backend.database().await?;
    let migrated = db.is_migrated().await?;
    db.close().await;
    say(if migrated { "The database is up to date.\n" } else { "The database lacks migrations of this version.\n" });
    Ok(if migrated { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn apply(backend: &Backend) -> anyhow::Result<ExitCode> {
    {
        let _progress = Progress::begin("Migrating");
        backend.migrate().await?;
    }
    say("The database is up to date.\n");
    Ok(ExitCode::SUCCESS)
}
