use std::process::ExitCode;

use loadmaster_platform::settings::Settings;
use sqlx::Connection;

use super::{backend::Backend, output::say};

use crate::app;

/// Makes a restored database fit to serve.
pub(super) async fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    let backend = Backend::attach_as_owner(settings).await?;
    let prepared = prepare(&backend).await;
    backend.stop().await?;
    let left_out = prepared?;
    say(&format!(
        "The next {left_out} booking references are left out. Caches in Redis begin anew, and events have another source.\n"
    ));
    Ok(ExitCode::SUCCESS)
}

async fn prepare(backend: &Backend) -> anyhow::Result<u64> {
    let mut owner = backend.owner().await?;
    let left_out = app::restored(&mut owner).await?;
    owner.close().await?;
    Ok(left_out)
}
