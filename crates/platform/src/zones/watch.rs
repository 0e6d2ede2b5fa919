//! Looks whether the system has a later release.
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::{Release, release, renew};
use crate::{shutdown::stopped_within, telemetry::metric};

/// Takes the system's release whenever it is later.
pub struct ZoneWatch {
    directory: PathBuf,
}

impl ZoneWatch {
    /// `directory`: `time_zones.directory`
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Looks once.
    pub async fn look(&self) {
        let (before, directory) = (release(), self.directory.clone());
        match tokio::task::spawn_blocking(move || renew(&directory)).await {
            Ok(Ok(true)) => {
                in_use(&before, 0);
                tracing::info!(version = release().version, before = before.version, "the rules of time zones are renewed");
            }
            Ok(Ok(false)) | Err(_) => {}
            Ok(Err(error)) => {
                let directory = self.directory.display();
                tracing::warn!(%error, %directory, "the system's time zones cannot be read; the former rules stay");
            }
        }
        let release = release();
        in_use(&release, 1);
        #[allow(clippy::cast_precision_loss, reason = "it is shown as such")]
        metric::TIME_ZONES_PUBLISHED.set(release.published.timestamp() as f64);
    }

    /// Looks again and again, until `stop`. A look reads one line of one file.
    pub async fn run(self, interval: Duration, stop: CancellationToken) {
        while !stopped_within(&stop, interval).await {
            self.look().await;
        }
    }
}

fn in_use(release: &Release, value: u8) {
    let source = if release.directory.is_some() { "system" } else { "compiled" };
    metric::TIME_ZONES.with([release.version.as_str(), source]).set(value);
}
