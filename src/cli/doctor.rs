use std::{path::Path, process::ExitCode};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_platform::{
    certificate::{CertificateFiles, Concern, Validity},
    clock::{Clock, SystemClock},
    descriptors,
    durability::{Durability, OLDEST_SERVER},
    postgres::{Database, ReplicaState},
    redis::{Redis, RedisAway},
    rights::Rights,
    settings::Settings,
    zones::{self, Release},
};
use sqlx::Connection;

use super::{backend::Backend, output::say};
use crate::app;

/// Advice on how to serve with fewer rights than the owner's.
const INSTEAD: &str =
    "serve with the role loadmaster_app (database.url) and migrate with the owner (database.owner_url)";

#[cfg(test)]
#[path = "doctor/tests.rs"]
mod tests;

/// Finding of a check: fine, weaker than it could be, or broken.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    Fine(String),
    Weaker(String),
    /// Weaker than it could be, because the serving role has rights that it does not need.
    Exposed(String),
    Broken(String),
}

/// The exit status where nothing is broken and the serving role has rights that it does not need.
const EXPOSED: u8 = 3;
/// The exit status where something is broken.
const BROKEN: u8 = 1;

/// Prints the state of this installation and its deficiencies. The exit status is that of [`status`].
pub(super) async fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    let backend = Backend::attach(settings).await?;
    let mut findings = vec![Finding::Fine(format!("settings are valid; version {}", env!("CARGO_PKG_VERSION")))];
    let whose =
        if backend.is_private() { "a private PostgreSQL, run by Loadmaster" } else { "the configured PostgreSQL" };
    findings.push(Finding::Fine(format!("the database is {whose}")));
    findings.push(descriptors());
    findings.push(time_zones(&backend.settings.time_zones.directory, SystemClock.now()));
    findings.push(secrets(&backend.settings));
    findings.extend(certificate(&backend.settings, SystemClock.now()));
    let exposure = CertificateFiles::of(&backend.settings.server).and_then(|files| files.exposure());
    findings.extend(exposure.map(Finding::Weaker));
    findings.extend(database(&backend).await);
    findings.extend(redis(&backend).await);
    backend.stop().await?;
    let status = status(&findings);
    for finding in findings {
        let (word, text) = match finding {
            Finding::Fine(text) => ("ok     ", text),
            Finding::Weaker(text) | Finding::Exposed(text) => ("weaker ", text),
            Finding::Broken(text) => ("BROKEN ", text),
        };
        say(&format!("{word} {text}\n"));
    }
    Ok(ExitCode::from(status))
}

/// Returns [`BROKEN`] if something is broken, else [`EXPOSED`] if the serving role has rights that it does not need,
/// else 0.
fn status(findings: &[Finding]) -> u8 {
    let is = |kind: fn(&Finding) -> bool| findings.iter().any(kind);
    if is(|finding| matches!(finding, Finding::Broken(_))) {
        BROKEN
    } else if is(|finding| matches!(finding, Finding::Exposed(_))) {
        EXPOSED
    } else {
        0
    }
}

/// Reports where the key lies that encrypts stored secrets.
fn secrets(settings: &Settings) -> Finding {
    if settings.secrets.key.is_some() {
        return Finding::Fine("stored secrets are encrypted under a key that the database does not contain".to_owned());
    }
    Finding::Weaker(
        "stored secrets are encrypted, and links and claims are sealed, under a key that the database contains, too: whoever copies \
         it can sign webhooks and make links for new passwords; set secrets.key, and run `loadmaster secrets reseal`"
            .to_owned(),
    )
}

/// Reports on the TLS certificate, if one is configured.
fn certificate(settings: &Settings, now: DateTime<Utc>) -> Option<Finding> {
    let certificate = match CertificateFiles::of(&settings.server)?.load() {
        Ok(certificate) => certificate,
        Err(error) => return Some(Finding::Broken(format!("{error:#}"))),
    };
    let Validity { from, until } = certificate.validity;
    Some(match certificate.validity.concern(now) {
        None => Finding::Fine(format!("the TLS certificate is valid until {until}")),
        Some(Concern::EndsSoon) => Finding::Weaker(format!("the TLS certificate expires on {until}; renew it")),
        Some(Concern::Expired) => {
            Finding::Broken(format!("the TLS certificate has expired on {until}, and clients refuse it; renew it"))
        }
        Some(Concern::NotYetValid) => {
            Finding::Broken(format!("the TLS certificate is not valid before {from}, and clients refuse it"))
        }
    })
}

/// The least number of open files with which `server.max_connections` can be reached.
const FEW_DESCRIPTORS: u64 = 4096;

fn descriptors() -> Finding {
    // A server raises its limit in force to the hard limit.
    let most = descriptors::limit().hard;
    if most < FEW_DESCRIPTORS {
        return Finding::Weaker(format!(
            "a process may open {most} files and sockets, which limits the connections of callers; raise the hard limit \
             (LimitNOFILE=, ulimits) to at least {FEW_DESCRIPTORS}"
        ));
    }
    Finding::Fine(format!("a process may open {most} files and sockets"))
}

/// The age at which rules of time zones are probably wrong somewhere: releases come several times a year.
const OLD_RULES: TimeDelta = TimeDelta::days(365);

/// Reports which rules of time zones a server takes.
fn time_zones(directory: &Path, now: DateTime<Utc>) -> Finding {
    if let Err(error) = zones::renew(directory) {
        return Finding::Weaker(format!("the time zones of {} cannot be read: {error}", directory.display()));
    }
    let Release { version, published, directory } = zones::release();
    let source = directory.map_or_else(|| "compiled in".to_owned(), |found| format!("from {}", found.display()));
    if now - published > OLD_RULES {
        return Finding::Weaker(format!(
            "the rules of time zones are those of {version} ({source}), more than a year old: local times may be wrong; renew the \
             system's package tzdata"
        ));
    }
    Finding::Fine(format!("the rules of time zones are those of {version}, {source}"))
}

async fn database(backend: &Backend) -> Vec<Finding> {
    let db = match backend.database().await {
        Ok(db) => db,
        Err(error) => return vec![Finding::Broken(format!("{error:#}"))],
    };
    let mut findings = vec![match db.is_migrated().await {
        Ok(true) => Finding::Fine("the database is migrated".to_owned()),
        Ok(false) => Finding::Broken("the database lacks migrations; run `loadmaster migrate`".to_owned()),
        Err(error) => Finding::Broken(format!("{error}")),
    }];
    match db.read().await {
        Ok(mut connection) => match Rights::of(&mut connection, &app::tables()).await {
            Ok(rights) => {
                findings.extend(history(&rights));
                findings.extend(schema(&rights));
                findings.extend(match Durability::of(&mut connection).await {
                    Ok(found) => durability(&found),
                    Err(error) => {
                        vec![Finding::Broken(format!("the settings of the PostgreSQL server cannot be read: {error}"))]
                    }
                });
            }
            Err(error) => {
                findings.push(Finding::Broken(format!("the rights of the serving role cannot be read: {error}")));
            }
        },
        Err(error) => findings.push(Finding::Broken(format!("{error}"))),
    }
    findings.extend(replica(&db).await);
    db.close().await;
    findings.push(match backend.owner().await {
        Ok(owner) => match owner.close().await {
            Ok(()) => Finding::Fine("the owner role can connect".to_owned()),
            Err(error) => Finding::Weaker(format!("the connection of the owner role could not be closed: {error}")),
        },
        Err(error) => Finding::Broken(format!("{error:#}")),
    });
    findings
}

/// Reports the standby that answers reads, if one is configured.
async fn replica(db: &Database) -> Option<Finding> {
    const MEANWHILE: &str = "the primary answers all reads meanwhile";
    let seen = db.observe_replica().await?;
    let lag = seen.lag.map_or_else(|| "an unknown time".to_owned(), |lag| format!("{} ms", lag.as_millis()));
    Some(match seen.state {
        ReplicaState::Up => Finding::Fine(format!("the read replica is {lag} behind")),
        ReplicaState::Behind => Finding::Weaker(format!("the read replica is {lag} behind; {MEANWHILE}")),
        ReplicaState::Down => Finding::Weaker(format!("the read replica does not answer; {MEANWHILE}")),
        ReplicaState::NotAReplica => Finding::Broken(format!(
            "database.read_url leads to no standby of this database; {MEANWHILE}; correct or remove the setting"
        )),
    })
}

/// Reports the protection of events and ledger against change.
fn history(rights: &Rights) -> Vec<Finding> {
    let Rights { role, .. } = rights;
    let mut findings = Vec::new();
    if rights.is_superuser {
        findings.push(Finding::Exposed(format!(
            "the serving role {role} is a superuser and can change events and ledger despite every guard; {INSTEAD}"
        )));
    } else if rights.is_owner {
        findings.push(Finding::Exposed(format!(
            "the serving role {role} owns events and ledger; only triggers prevent changes, and it can drop the triggers; \
             {INSTEAD}"
        )));
    } else if !rights.may_change.is_empty() {
        findings.push(Finding::Exposed(format!(
            "the serving role {role} may change {}; only triggers prevent changes; run `loadmaster migrate` as the \
             owner, and revoke additional grants",
            rights.may_change.join(", ")
        )));
    } else {
        findings.push(Finding::Fine("the serving role cannot change events and ledger".to_owned()));
    }
    findings.push(if rights.unguarded.is_empty() {
        Finding::Fine("triggers refuse every change of events and ledger, by any role".to_owned())
    } else {
        Finding::Broken(format!(
            "triggers that refuse changes are missing or disabled: {}",
            rights.unguarded.join(", ")
        ))
    });
    findings
}

/// Reports rights by which the serving role could mislead the owner's statements. [`history`] reports the rights of a
/// superuser or owner.
fn schema(rights: &Rights) -> Option<Finding> {
    let Rights { role, .. } = rights;
    if rights.is_superuser {
        return None;
    }
    Some(if rights.may_create {
        Finding::Exposed(format!(
            "the serving role {role} may create tables and functions in the schema; {INSTEAD}, and run `loadmaster migrate` \
             to revoke the right (if another role owns the schema, that role must revoke it)"
        ))
    } else if rights.is_owner {
        return None;
    } else if rights.may_write.is_empty() {
        Finding::Fine(format!("the serving role {role} has no unnecessary rights in the schema"))
    } else {
        Finding::Exposed(format!(
            "the serving role {role} may write tables that only migrations write: {}; run `loadmaster migrate` as the owner, and \
             revoke additional grants",
            rights.may_write.join(", ")
        ))
    })
}

/// Reports whether the server keeps acknowledged writes.
fn durability(found: &Durability) -> Vec<Finding> {
    let number = format!("PostgreSQL {}.{}", found.version / 10_000, found.version % 10_000);
    let mut findings = vec![if found.is_supported() {
        Finding::Fine(format!("the server is {number}"))
    } else {
        Finding::Broken(format!("the server is {number}; the oldest supported version is {OLDEST_SERVER}"))
    }];
    if !found.fsync {
        findings.push(Finding::Broken(
            "fsync is off: when the machine crashes, acknowledged bookings are lost and the database may be damaged"
                .to_owned(),
        ));
    }
    if !found.full_page_writes {
        findings.push(Finding::Broken(
            "full_page_writes is off: when the machine crashes, the database may be damaged".to_owned(),
        ));
    }
    if found.synchronous_commit == "off" {
        findings.push(Finding::Broken(
            "synchronous_commit is off for the serving role: when the server crashes, acknowledged bookings are lost"
                .to_owned(),
        ));
    }
    if findings.len() == 1 && found.is_supported() {
        findings.push(Finding::Fine("the server preserves acknowledged writes after a crash".to_owned()));
    }
    findings
}

async fn redis(backend: &Backend) -> Vec<Finding> {
    let Some(url) = backend.redis_url() else {
        return vec![Finding::Weaker(
            "no Redis is configured or installed; correctness does not depend on it".to_owned(),
        )];
    };
    match Redis::open(url, &backend.settings.redis) {
        Ok(redis) => match redis.check().await {
            Ok(()) => {
                vec![Finding::Fine("Redis answers".to_owned()), eviction(redis.eviction_policy().await)]
            }
            Err(error) => vec![Finding::Weaker(format!("{error}"))],
        },
        Err(error) => vec![Finding::Broken(format!("{error:#}"))],
    }
}

/// Reports how Redis behaves when its memory is full.
fn eviction(policy: Result<String, RedisAway>) -> Finding {
    const SET: &str = "set maxmemory-policy to volatile-lru";
    match policy {
        Ok(policy) if policy.starts_with("volatile-") => {
            Finding::Fine(format!("a full Redis evicts only keys that expire ({policy})"))
        }
        Ok(policy) if policy == "noeviction" => Finding::Weaker(format!(
            "a full Redis refuses every write (noeviction); it then counts as unavailable, and messages wait in the database, until \
             enough keys have expired; {SET}"
        )),
        Ok(policy) => Finding::Weaker(format!(
            "a full Redis may evict the event stream, which subscribers read ({policy}); {SET}"
        )),
        Err(error) => Finding::Weaker(format!("the eviction policy of Redis cannot be read ({error}); {SET}")),
    }
}
