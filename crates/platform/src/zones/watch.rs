//! Follows the release of the system.
use std::{io, path::PathBuf, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{Release, release, renew};
use crate::{outage::OutageLog, shutdown::stopped_within, telemetry::metric};

/// Takes the release of the system whenever it is later.
pub struct ZoneWatch {
    directory: PathBuf,
    outage: OutageLog,
}

impl ZoneWatch {
    /// `directory`: `time_zones.directory`
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            outage: OutageLog::new("the time zones of the system cannot be read; the former rules stay; trying again"),
        }
    }

    /// Compares the release of the system with that in use.
    pub async fn compare(&mut self) {
        let (before, directory) = (release(), self.directory.clone());
        let renewed = tokio::task::spawn_blocking(move || renew(&directory)).await;
        if self.outage.note(renewed.unwrap_or_else(|error| Err(io::Error::other(error)))).unwrap_or(false) {
            set(&before, 0);
            tracing::info!(
                version = release().version,
                before = before.version,
                "later rules of time zones are in use"
            );
        }
        let release = release();
        set(&release, 1);
        #[allow(clippy::cast_precision_loss, reason = "it is shown as such")]
        metric::TIME_ZONES_PUBLISHED.set(release.published.timestamp() as f64);
    }

    /// Compares at this interval, until `stop`.
    pub async fn run(mut self, interval: Duration, stop: CancellationToken) {
        while !stopped_within(&stop, interval).await {
            self.compare().await;
        }
    }
}

fn set(release: &Release, value: u8) {
    let source = if release.directory.is_some() { "system" } else { "compiled" };
    metric::TIME_ZONES.with([release.version.as_str(), source]).set(value);
}
