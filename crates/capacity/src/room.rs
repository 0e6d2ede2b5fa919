use std::sync::Arc;

use futures_util::future::BoxFuture;
use loadmaster_platform::{
    clock::Moment,
    follower::Follower,
    postgres::Tables,
    room::{Opened, Opening, Room},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{CapacityService, audit::AUDIT, code, metric::METRICS, turn::LOCK};

pub const ROOM: Room = Room {
    features: &["availability"],
    codes: code::CODES,
    metrics: METRICS,
    labels: &[("lock", &[LOCK])],
    tables: Tables { history: &["capacity_ledger"], kept: &["flight_capacity"], ..Tables::NONE },
    audit: AUDIT,
    open: |opening| Box::pin(async { Ok(open(opening)) }),
    ..Room::named("capacity")
};

fn open(opening: &Opening) -> Opened {
    let Opening { settings, db, clock, locks, .. } = opening;
    let capacity = CapacityService::new(db.clone(), clock.clone(), locks.clone(), &settings.capacity);
    let (settling, measured) = (capacity.clone(), capacity.clone());
    let follower = Some(Arc::new(IndexFollower(capacity.for_background())) as Arc<dyn Follower>);
    Opened { follower, ..Opened::default() }
        .with(capacity)
        .working(|stop| settling.refresh_invalidated(stop))
        .measured(move || measured.measure())
}

/// Keeps the availability index up to date. Other rooms report the flights whose space has changed; the index itself
/// only learns up to which moment it is complete.
struct IndexFollower(CapacityService);

impl Follower for IndexFollower {
    fn start<'a>(&'a self, stop: &'a CancellationToken) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            let began = Instant::now();
            self.0.load_index(stop).await?;
            let flights = self.0.index().len();
            tracing::info!(flights, milliseconds = began.elapsed().as_millis(), "the availability of flights is known");
            Ok(())
        })
    }

    fn caught_up(&self, began: Moment) {
        self.0.caught_up(began);
    }
}
