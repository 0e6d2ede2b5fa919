//! Credentials that change while a server runs: an orchestrator writes new ones into the files that `..._FILE` names.
use std::time::Duration;

use loadmaster_platform::{
    outage::OutageLog,
    postgres::Database,
    redis::Redis,
    room::Worker,
    settings::{self, Settings},
    shutdown::stopped_within,
};
use secrecy::{ExposeSecret, SecretString};

use super::SettingsArguments;

/// Reads the settings again at an interval, and uses new credentials for new connections. Other settings keep the values
/// that they had at the start.
pub(super) fn following(
    arguments: SettingsArguments,
    known: &Settings,
    db: Database,
    redis: Option<Redis>,
    interval: Duration,
) -> Worker {
    let mut known = (known.database.clone(), known.redis.clone());
    Box::new(move |stop| {
        Box::pin(async move {
            let mut outage = OutageLog::new("the settings cannot be read again; the former credentials stay in use");
            while !stopped_within(&stop, interval).await {
                let again = arguments.clone();
                let read = tokio::task::spawn_blocking(move || again.load()).await;
                let Ok(read) = read else { continue };
                let Ok(Settings { database, redis: cache, .. }) = outage.note(read) else { continue };
                take(&known, (&database, &cache), &db, redis.as_ref());
                known = (database, cache);
            }
        })
    })
}

fn take(
    (database, cache): &(settings::Database, settings::Redis),
    (new_database, new_cache): (&settings::Database, &settings::Redis),
    db: &Database,
    redis: Option<&Redis>,
) {
    if let Some(url) = changed(database.url.as_ref(), new_database.url.as_ref()) {
        log_outcome("database.url", db.renew_login(url));
    }
    if let Some(url) = changed(database.read_url.as_ref(), new_database.read_url.as_ref()) {
        log_outcome("database.read_url", db.renew_replica_login(url));
    }
    if let (Some(url), Some(redis)) = (changed(cache.url.as_ref(), new_cache.url.as_ref()), redis) {
        log_outcome("redis.url", redis.move_to(url, new_cache));
    }
}

fn log_outcome(setting: &'static str, outcome: anyhow::Result<()>) {
    match outcome {
        Ok(()) => tracing::info!(setting, "new credentials are used for new connections"),
        Err(error) => {
            tracing::error!(
                setting,
                error = format!("{error:#}"),
                "the new value cannot be used; the former one stays in use"
            );
        }
    }
}

/// Returns the new value if it differs. One that came or went takes effect with the next start.
fn changed<'a>(before: Option<&SecretString>, after: Option<&'a SecretString>) -> Option<&'a SecretString> {
    let (before, after) = before.zip(after)?;
    (before.expose_secret() != after.expose_secret()).then_some(after)
}
