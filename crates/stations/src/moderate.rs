//! Tips are written, decided about, reported and deleted.
use loadmaster_accounts::{Actor, Principal, Subject};
use loadmaster_kernel::{AirportCode, StationTipId, UserId};
use loadmaster_platform::{
    postgres::{Database, DbError, PgSession, Recency},
    web::{PageRequest, Precondition},
    work::Command,
};
use serde_json::json;
use uuid::Uuid;

use super::{
    error::StationError,
    repository::tips,
    service::StationService,
    tip::{MOST_PENDING, StationTipStatus, Tip, TipDecision, kept_since},
    tip_dto::{CreateStationTip, TipFilter},
};

/// What acts call it.
const TIP: &str = "station_tip";

/// Writes a tip, which is shown once staff approves it.
pub(super) struct Write {
    pub stations: StationService,
    pub author: UserId,
    pub station: AirportCode,
    pub new: CreateStationTip,
}

impl Command for Write {
    const NAME: &'static str = "stations.write_tip";
    type Done = Tip;
    type Error = StationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Tip, StationError> {
        let Self { stations, author, station, new } = self;
        stations.airport(*station)?;
        tips::lock_author(tx, *author).await?;
        if tips::count_pending(tx, *author).await? >= MOST_PENDING {
            return Err(StationError::LimitReached(MOST_PENDING));
        }
        let now = stations.clock.now();
        let tip = Tip {
            id: stations.ids.next(now),
            station: *station,
            topic: new.topic,
            text: new.text.clone(),
            link: new.link.clone(),
            status: StationTipStatus::Pending,
            created_by: *author,
            reports: 0,
            reason: None,
            moderated_by: None,
            moderated_at: None,
            version: 1,
            created_at: now,
        };
        tips::insert(tx, &tip).await?;
        Ok(tip)
    }
}

/// Approves or rejects a tip.
pub(super) struct Decide {
    pub stations: StationService,
    pub caller: Principal,
    pub id: StationTipId,
    pub precondition: Precondition,
    pub decision: TipDecision,
    pub reason: Option<String>,
}

impl Command for Decide {
    const NAME: &'static str = "stations.decide_tip";
    type Done = Tip;
    type Error = StationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Tip, StationError> {
        let Self { stations, caller, id, precondition, decision, reason } = self;
        let before = tips::lock(tx, *id).await?.ok_or(StationError::UnknownTip)?;
        if before.created_by == caller.user_id {
            return Err(StationError::OwnTip);
        }
        precondition.check(before.version).map_err(StationError::VersionMismatch)?;
        if !before.status.decisions().contains(decision) {
            return Err(StationError::Decided(before.status, *decision));
        }
        let tip = before.decided(*decision, caller.user_id, reason.clone(), stations.clock.now());
        tips::save(tx, &tip).await?;
        // Without the texts, which people wrote.
        let data = json!({"version": tip.version, "station": tip.station, "status": tip.status});
        let (subject, act) = (Subject::new(TIP, *id), format!("{TIP}.{}", tip.status.as_str().to_ascii_lowercase()));
        stations.acts.record_in_tx(tx, Actor::Caller(caller.user_id), &act, subject, data).await?;
        Ok(tip)
    }
}

/// Reports a tip that is shown and that somebody else wrote. A second report by the same user changes nothing.
pub(super) struct Report {
    pub stations: StationService,
    pub reader: UserId,
    pub id: StationTipId,
}

impl Command for Report {
    const NAME: &'static str = "stations.report_tip";
    type Done = ();
    type Error = StationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<(), StationError> {
        let Self { stations, reader, id } = self;
        let now = stations.clock.now();
        let before = tips::lock(tx, *id).await?.ok_or(StationError::UnknownTip)?;
        if tips::has_reported(tx, *id, *reader).await? {
            return Ok(());
        }
        if !before.is_shown(now) {
            return Err(StationError::UnknownTip);
        }
        if before.created_by == *reader {
            return Err(StationError::ReportOfOwnTip);
        }
        tips::insert_report(tx, *id, *reader, now).await?;
        Ok(tips::save(tx, &before.reported()).await?)
    }
}

impl StationService {
    /// Returns a tip, for the staff.
    pub(super) async fn tip(&self, id: StationTipId) -> Result<Tip, StationError> {
        let found = tips::find(&mut *self.db.read().await?, id).await?;
        found.ok_or(StationError::UnknownTip)
    }

    /// Fails unless the tip is shown, or was reported by this reader when it was.
    pub(super) async fn shown_tip(&self, id: StationTipId, reader: UserId) -> Result<(), StationError> {
        let mut connection = self.db.read().await?;
        let found = tips::find(&mut connection, id).await?.ok_or(StationError::UnknownTip)?;
        if found.is_shown(self.clock.now()) || tips::has_reported(&mut connection, id, reader).await? {
            return Ok(());
        }
        Err(StationError::UnknownTip)
    }

    /// Returns a page of the tips, newest first, for the staff.
    pub(super) async fn tips(
        &self,
        filter: &TipFilter,
        page: &PageRequest<Uuid>,
        recency: Recency,
    ) -> Result<Vec<Tip>, StationError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.listing().await?;
            let (after, offset, fetch) = (page.after, page.offset, page.fetch());
            Ok(tips::list(&mut snapshot, (filter.station, filter.status), None, (after, offset, fetch)).await?)
        };
        self.db.reading(recency, read).await
    }

    /// Returns a page of the tips about a station that anyone may read, newest first.
    pub(super) async fn shown_tips(
        &self,
        station: AirportCode,
        page: &PageRequest<Uuid>,
        recency: Recency,
    ) -> Result<Vec<Tip>, StationError> {
        let since = kept_since(self.clock.now());
        let read = move |db: Database| async move {
            let mut snapshot = db.listing().await?;
            let which = (Some(station), Some(StationTipStatus::Approved));
            Ok(tips::list(&mut snapshot, which, Some(since), (page.after, page.offset, page.fetch())).await?)
        };
        self.db.reading(recency, read).await
    }

    /// Deletes the tips whose time is up. Returns their number.
    pub(super) async fn delete_old_tips(&self) -> Result<u64, DbError> {
        let before = kept_since(self.clock.now());
        self.db.delete_in_batches(|tx, most| Box::pin(tips::delete_old(tx, before, most))).await
    }
}
