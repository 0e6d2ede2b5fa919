use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    dto::RouteFilter,
    model::{AirlineLane, NetworkVersion, RouteAnchor},
};
use crate::platform::shared::Shared;

/// How old the kept routes may be. A flight that comes into the network, or moves, is seen at once all the same.
const OLDEST: TimeDelta = TimeDelta::seconds(60);
/// While flights change all the time, reading the routes takes a tenth of one connection's time at most.
const PAUSE: u32 = 9;

/// All routes, as they were read last. Reading them goes over every flight, so they are read once for all who ask.
#[derive(Debug, Clone)]
pub(super) struct RouteTableCache {
    table: Arc<RwLock<Option<Arc<RouteTable>>>>,
    /// None: they could not be read, which is in the log.
    pub reading: Shared<Option<Arc<RouteTable>>>,
}

#[derive(Debug)]
pub(super) struct RouteTable {
    pub network_version: NetworkVersion,
    pub read_at: DateTime<Utc>,
    /// By their anchors.
    pub rows: Vec<AirlineLane>,
}

impl Default for RouteTableCache {
    fn default() -> Self {
        Self { table: Arc::default(), reading: Shared::pausing(PAUSE) }
    }
}

impl RouteTableCache {
    /// The kept ones, if they are of this network and young enough. A clock that was put back makes nothing young.
    pub fn get(&self, network_version: NetworkVersion, now: DateTime<Utc>) -> Option<Arc<RouteTable>> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        let is_young = (TimeDelta::zero()..=OLDEST).contains(&(now - table.read_at));
        (is_young && table.network_version == network_version).then_some(table)
    }

    pub fn put(&self, table: Arc<RouteTable>) {
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Some(table);
    }
}

pub(super) fn anchor(row: &AirlineLane) -> RouteAnchor {
    RouteAnchor(row.airline_code, row.origin, row.destination)
}

impl RouteFilter {
    pub fn takes(self, row: &AirlineLane) -> bool {
        self.origin.is_none_or(|origin| origin == row.origin)
            && self.destination.is_none_or(|destination| destination == row.destination)
    }
}
