//! Credentials that change while a server runs: an orchestrator writes new ones into the files that `..._FILE` names.
use secrecy::{ExposeSecret, SecretString};

use super::SettingsArguments;
use crate::platform::{
    postgres::Database,
    redis::Redis,
    room::Worker,
    settings::{self, Settings},
    shutdown::stopped_within,
    timing::Timing,
    trouble::Trouble,
};

/// Reads the settings again at an interval, and uses new credentials for new connections. Other settings keep the values
/// that they had at the start.
pub(super) fn following(
    arguments: SettingsArguments,
    known: &Settings,
    db: Database,
    redis: Option<Redis>,
    timing: Timing,
) -> Worker {
    let mut known = (known.database.clone(), known.redis.clone());
    Box::new(move |stop| {
        Box::pin(async move {
            let mut trouble = Trouble::new("the settings cannot be read again; the former credentials stay in use");
            while !stopped_within(&stop, timing.access).await {
                let again = arguments.clone();
                let read = tokio::task::spawn_blocking(move || again.load()).await;
                let Ok(read) = read else { continue };
                let Ok(Settings { database, redis: cache, .. }) = trouble.note(read) else { continue };
                if let Err(error) = take(&known, (&database, &cache), &db, redis.as_ref()) {
                    tracing::error!(error = format!("{error:#}"), "new credentials cannot be used");
                    continue;
                }
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
) -> anyhow::Result<()> {
    if let Some(url) = changed(database.url.as_ref(), new_database.url.as_ref()) {
        db.renew_login(url)?;
        tracing::info!(setting = "database.url", "new credentials are used for new connections");
    }
    if let Some(url) = changed(database.read_url.as_ref(), new_database.read_url.as_ref()) {
        db.renew_replica_login(url)?;
        tracing::info!(setting = "database.read_url", "new credentials are used for new connections");
    }
    if let Some(url) = changed(cache.url.as_ref(), new_cache.url.as_ref())
        && let Some(redis) = redis
    {
        redis.move_to(url, new_cache)?;
        tracing::info!(setting = "redis.url", "new credentials are used from now on");
    }
    Ok(())
}

/// Returns the new value if it differs. One that came or went takes effect with the next start.
fn changed<'a>(before: Option<&SecretString>, after: Option<&'a SecretString>) -> Option<&'a SecretString> {
    let (before, after) = before.zip(after)?;
    (before.expose_secret() != after.expose_secret()).then_some(after)
}
