use loadmaster_accounts::{Actor, Principal, Subject};
use loadmaster_kernel::{AlertId, Money, OrganizationId};
use loadmaster_platform::{
    idempotency::Key,
    postgres::{DbError, PgSession},
    web::{ClientAddress, Precondition},
    work::Command,
};
use serde_json::json;

use super::{
    dto::{ChangeAlert, WantedStatus},
    error::AlertError,
    model::{ALERT, Alert, AlertKind, AlertStatus, CHECKED_AGAIN, Found, Terms},
    repository,
    service::AlertService,
};

/// Makes an alert. What is true already shows, and is no crossing.
pub(super) struct Create {
    pub alerts: AlertService,
    pub caller: Principal,
    /// Of the caller, until the dates are counted against the quota: another attempt counts them no more.
    pub address: Option<ClientAddress>,
    pub terms: Terms,
    /// The best option now.
    pub found: Option<Found>,
}

impl Command for Create {
    const NAME: &'static str = "alerts.create";
    type Done = Alert;
    type Error = AlertError;

    async fn prepare(&mut self, _: &Key) -> Result<(), AlertError> {
        self.alerts.validate(&self.terms)?;
        // A month is not searched for what the limit refuses.
        self.alerts.admit(self.caller.organization_id).await?;
        if let Some(address) = self.address.take() {
            self.alerts.admit_dates(self.caller, address, &self.terms).await?;
        }
        let currency = self.terms.below.map(Money::currency);
        let mut lane = self.alerts.search.watch(self.terms.origin, self.terms.destination);
        self.found = self.alerts.best(&mut lane, &self.terms, self.caller.organization_id, currency).await?;
        Ok(())
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Alert, AlertError> {
        let Self { alerts, caller, terms, found, .. } = self;
        alerts.admit_in_tx(tx, caller.organization_id).await?;
        let now = alerts.clock.now();
        let mut alert = Alert {
            id: alerts.ids.next(now),
            organization_id: caller.organization_id,
            created_by: caller.user_id,
            terms: terms.clone(),
            status: AlertStatus::Active,
            base: None,
            ends_at: alerts.end_of(terms),
            is_met: false,
            is_armed: false,
            is_pending: false,
            is_fresh: true,
            times_met: 0,
            current: None,
            last_checked_at: None,
            last_notified_at: None,
            next_check_at: now + CHECKED_AGAIN,
            event_sequence: 0,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        alert.take_in(found.clone(), now);
        repository::save(tx, &alert).await?;
        Ok(alert)
    }
}

/// Changes an alert. One that is changed to what it is already keeps its version.
pub(super) struct Change {
    pub alerts: AlertService,
    pub caller: Principal,
    pub id: AlertId,
    pub precondition: Precondition,
    pub wanted: ChangeAlert,
}

impl Command for Change {
    const NAME: &'static str = "alerts.change";
    type Done = Alert;
    type Error = AlertError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Alert, AlertError> {
        let Self { alerts, caller, id, precondition, wanted } = self;
        let before = lock_in_tx(tx, *caller, *id, precondition).await?;
        if before.status == AlertStatus::Expired {
            return Err(AlertError::Ended);
        }
        let terms = wanted.applied(&before.terms);
        let status = match wanted.status {
            Some(WantedStatus::Active) => AlertStatus::Active,
            Some(WantedStatus::Paused) => AlertStatus::Paused,
            None => before.status,
        };
        if terms == before.terms && status == before.status {
            return Ok(before);
        }
        if terms != before.terms {
            alerts.validate(&terms)?;
        }
        if status == AlertStatus::Active && before.status != AlertStatus::Active {
            alerts.admit_in_tx(tx, before.organization_id).await?;
        }
        let alert = changed(alerts, &before, terms, status);
        repository::save(tx, &alert).await?;
        alerts.record_in_tx(tx, *caller, &alert, "alert.changed").await?;
        Ok(alert)
    }
}

/// Returns an alert after a change: the next check judges it anew, and what is true then is no crossing.
fn changed(alerts: &AlertService, before: &Alert, terms: Terms, status: AlertStatus) -> Alert {
    let now = alerts.clock.now();
    // A price of other freight or other dates is no base of a drop.
    let kept = Terms { expires_at: before.terms.expires_at, ..terms.clone() };
    let keeps_base = terms.drop_percent.is_some() && kept == before.terms;
    Alert {
        ends_at: alerts.end_of(&terms),
        base: before.base.filter(|_| keeps_base),
        terms,
        status,
        is_met: false,
        is_armed: false,
        is_pending: false,
        is_fresh: true,
        current: None,
        next_check_at: now,
        version: before.version + 1,
        updated_at: now,
        ..before.clone()
    }
}

/// Deletes an alert.
pub(super) struct Delete {
    pub alerts: AlertService,
    pub caller: Principal,
    pub id: AlertId,
    pub precondition: Precondition,
}

impl Command for Delete {
    const NAME: &'static str = "alerts.delete";
    type Done = ();
    type Error = AlertError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<(), AlertError> {
        let alert = lock_in_tx(tx, self.caller, self.id, &self.precondition).await?;
        repository::delete(tx, self.id, self.alerts.clock.now()).await?;
        Ok(self.alerts.record_in_tx(tx, self.caller, &alert, "alert.deleted").await?)
    }
}

/// Locks an alert that the caller may change and that still has the version that the caller knows.
async fn lock_in_tx(
    tx: &mut PgSession,
    caller: Principal,
    id: AlertId,
    precondition: &Precondition,
) -> Result<Alert, AlertError> {
    let alert = repository::lock(tx, id, caller.sees_only()).await?.ok_or(AlertError::Unknown)?;
    precondition.check(alert.version).map_err(AlertError::VersionMismatch)?;
    Ok(alert)
}

impl AlertService {
    /// Fails if the organization has as many active alerts as it may. It gets no other until the transaction has ended.
    async fn admit(&self, organization: OrganizationId) -> Result<(), AlertError> {
        let active = repository::count_active(&mut *self.db.read().await?, organization, self.clock.now()).await?;
        self.check_limit(active)
    }

    /// Counts the dates of these terms against the quota of the caller, as `GET /routes/days` does.
    async fn admit_dates(&self, caller: Principal, address: ClientAddress, terms: &Terms) -> Result<(), AlertError> {
        let dates = terms.dates(self.reference.local_date(terms.origin, self.clock.now())).len();
        let admitted = self.search.admit_dates(caller, Some(address), dates, terms.kind == AlertKind::Price);
        admitted.await.map_err(|problem| AlertError::QuotaUsedUp(Box::new(problem)))
    }

    fn check_limit(&self, active: i64) -> Result<(), AlertError> {
        if active >= i64::from(self.most_active) { Err(AlertError::LimitReached(self.most_active)) } else { Ok(()) }
    }

    async fn admit_in_tx(&self, tx: &mut PgSession, organization: OrganizationId) -> Result<(), AlertError> {
        repository::lock_organization(tx, organization).await?;
        self.check_limit(repository::count_active(tx, organization, self.clock.now()).await?)
    }

    /// Records what the carrier's staff does to an alert of another organization.
    async fn record_in_tx(
        &self,
        tx: &mut PgSession,
        caller: Principal,
        alert: &Alert,
        name: &str,
    ) -> Result<(), DbError> {
        if caller.organization_id == alert.organization_id {
            return Ok(());
        }
        let data = json!({
            "organization_id": alert.organization_id, "kind": alert.terms.kind, "status": alert.status,
            "version": alert.version,
        });
        let subject = Subject::new(ALERT, alert.id);
        self.acts.record_in_tx(tx, Actor::Caller(caller.user_id), name, subject, data).await
    }
}
