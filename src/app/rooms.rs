//! All rooms, and everything they register.
use std::sync::{Arc, LazyLock};

use axum::http::Extensions;
use chrono::{DateTime, Utc};
use loadmaster_bookings::leave_out_references;
use loadmaster_platform::{
    follower::Follower,
    jobs::Handlers,
    postgres::{self, Month, Tables},
    room::{Above, Messages, Opened, Opening, Room, Routes, Unfinished, Worker},
    secrets,
    web::{self, Code},
};

/// The rooms, lowest first: each builds on those before it.
pub(super) static ROOMS: &[Room] = &[
    loadmaster_accounts::ROOM,
    loadmaster_reference::ROOM,
    loadmaster_capacity::ROOM,
    loadmaster_flights::ROOM,
    loadmaster_embargoes::ROOM,
    loadmaster_stations::ROOM,
    loadmaster_pricing::ROOM,
    loadmaster_payments::ROOM,
    loadmaster_search::ROOM,
    loadmaster_holds::ROOM,
    loadmaster_bookings::ROOM,
    loadmaster_allotments::ROOM,
    loadmaster_operations::ROOM,
    loadmaster_parties::ROOM,
    loadmaster_tracking::ROOM,
    loadmaster_waitlist::ROOM,
    loadmaster_consolidations::ROOM,
    loadmaster_admin::ROOM,
    loadmaster_alerts::ROOM,
    loadmaster_analytics::ROOM,
    loadmaster_live::ROOM,
    loadmaster_rates::ROOM,
    loadmaster_feeds::ROOM,
    loadmaster_webhooks::ROOM,
    loadmaster_notifications::ROOM,
    loadmaster_graphql::ROOM,
    loadmaster_privacy::ROOM,
];

/// The catalogue of problems: the general codes, then each room's.
pub(super) static CODES: LazyLock<Vec<Code>> = LazyLock::new(|| {
    let own = ROOMS.iter().flat_map(|room| room.codes.iter().copied());
    web::code::CODES.iter().copied().chain(own).collect()
});

/// Returns whether a schema is an enumeration that may grow.
pub(super) fn growing(schema: &str) -> bool {
    ROOMS.iter().any(|room| room.growing.contains(&schema))
}

/// Returns the tables on which the serving role has restricted rights.
pub fn tables() -> Vec<Tables> {
    std::iter::once(Tables::PLATFORM).chain(ROOMS.iter().map(|room| room.tables)).collect()
}

/// Returns the types of all messages.
pub fn message_types() -> Vec<String> {
    ROOMS.iter().flat_map(|room| room.messages).flat_map(Messages::names).collect()
}

/// Brings the schema up to this version, and gives the serving role its rights.
pub async fn migrate(owner: &mut sqlx::PgConnection, now: DateTime<Utc>) -> anyhow::Result<()> {
    postgres::migrate(owner, &tables(), now).await
}

/// Objects of one kind that may still change.
#[derive(Debug)]
pub struct Left {
    pub what: &'static str,
    pub count: i64,
    pub one: String,
}

/// Returns how many objects made before `month` may still change, by kind, each with the name of one.
pub async fn unfinished(owner: &mut sqlx::PgConnection, month: Month) -> sqlx::Result<Vec<Left>> {
    let mut found = Vec::new();
    for Unfinished { what, count } in ROOMS.iter().flat_map(|room| room.unfinished) {
        let (count, one) = postgres::count_before(owner, month, count).await?;
        found.extend(one.map(|one| Left { what, count, one }));
    }
    Ok(found)
}

/// Makes a database that was restored from a backup fit to serve: no reference is issued again, and nothing that Redis
/// learned after the backup is believed. Returns the number of references left out.
pub async fn restored(owner: &mut sqlx::PgConnection) -> anyhow::Result<u64> {
    let sessions = postgres::serving_sessions(owner).await?;
    anyhow::ensure!(
        sessions == 0,
        "the serving role has {sessions} sessions in this database: stop every serving process and pooler first"
    );
    secrets::renew_namespace(owner).await?;
    Ok(leave_out_references(owner).await?)
}

/// The opened rooms.
#[derive(Default)]
pub(super) struct OpenRooms {
    pub services: Extensions,
    pub routes: Vec<Routes<()>>,
    pub above: Vec<Above>,
    pub features: Vec<&'static str>,
    pub jobs: Handlers,
    pub followers: Vec<Arc<dyn Follower>>,
    pub workers: Vec<Worker>,
    pub gauges: Vec<Arc<dyn Fn() + Send + Sync>>,
}

impl OpenRooms {
    /// Opens all rooms. The database must be migrated.
    pub async fn open(mut opening: Opening) -> anyhow::Result<Self> {
        let mut open = Self::default();
        for room in ROOMS {
            let Opened { services, routes, above, features, jobs, follower, personal, workers, gauges } =
                (room.open)(&opening).await?;
            opening.services.extend(services);
            opening.personal.extend(personal);
            open.routes.push(routes);
            open.above.extend(above);
            open.features.extend(room.features.iter().copied().chain(features));
            open.jobs = open.jobs.and(jobs);
            open.followers.extend(follower);
            open.workers.extend(workers);
            open.gauges.extend(gauges);
        }
        open.services = opening.services;
        Ok(open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_registered_message_is_documented() {
        let sections: Vec<_> = include_str!("../../docs/events.md").split("\n### ").collect();
        for messages in ROOMS.iter().flat_map(|room| room.messages) {
            let title = format!("`loadmaster.{}.*.v1`", messages.aggregate);
            let section =
                sections.iter().find(|section| section.lines().next().is_some_and(|line| line.contains(&title)));
            let section = section.unwrap_or_else(|| panic!("docs/events.md lacks {title}"));
            for event_type in messages.event_types {
                let word = format!("`{}`", event_type.to_ascii_lowercase());
                assert!(section.contains(&word), "docs/events.md lacks {word} below {title}");
            }
        }
    }
}
