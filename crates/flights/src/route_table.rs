use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_platform::shared::Shared;

use super::{
    dto::RouteFilter,
    model::{AirlineLane, NetworkVersion, RouteAnchor},
};

/// Maximum age of the cached routes. A flight that is new in the network, or moves, is still visible at once.
const OLDEST: TimeDelta = TimeDelta::seconds(60);
/// While flights change all the time, reading the routes takes a tenth of one connection's time at most.
const PAUSE: u32 = 9;

/// All routes, as last read. Reading them scans every flight, so concurrent callers share one read.
#[derive(Debug, Clone)]
pub(super) struct RouteTableCache {
    table: Arc<RwLock<Option<Arc<RouteTable>>>>,
    /// `None`: reading failed, as the log reports.
    pub reading: Shared<Option<Arc<RouteTable>>>,
}

#[derive(Debug)]
pub(super) struct RouteTable {
    pub network_version: NetworkVersion,
    pub read_at: DateTime<Utc>,
    /// In the order of their anchors.
    pub rows: Vec<AirlineLane>,
}

impl Default for RouteTableCache {
    fn default() -> Self {
        Self { table: Arc::default(), reading: Shared::pausing(PAUSE) }
    }
}

impl RouteTableCache {
    /// Returns the cached routes, if they are of this network version and young enough. Setting the clock back makes
    /// none young.
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
