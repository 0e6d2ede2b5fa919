use loadmaster_kernel::UserId;
use loadmaster_platform::{
    entries::{Entry, Listed, Spans, Step},
    postgres::{PgSession, Recency},
    web::{PRIVATE, PageRequest, Patch},
};
use serde::Serialize;
use uuid::Uuid;

use super::{
    error::PricingError,
    model::{Faults, Rule, Terms},
    repository::{self, Stored},
    service::PricingService,
};

/// A kind of rule that administrators change; each change is recorded with its actor.
pub trait AuditedRule: Stored {
    /// A change of its terms.
    type Change: PatchOf<Self>;

    /// The names of the spans.
    const LIST: &'static str;
    const FIND: &'static str;
    const SPANS: Spans;
    /// Their address below `/api/v1`.
    const PATH: &'static str;

    /// The rule as it is shown.
    fn shown(rule: &Rule<Self>) -> impl Serialize;

    /// Keeps what hangs on a version that is about to be written.
    fn keep_in_tx(
        &self,
        _prices: &PricingService,
        _tx: &mut PgSession,
        _id: Uuid,
    ) -> impl Future<Output = Result<(), PricingError>> + Send {
        std::future::ready(Ok(()))
    }
}

/// A change of terms, member by member.
pub trait PatchOf<T>: Send + Sync + 'static {
    /// Returns the changed terms, or the members that contradict existing values, each with its fault.
    fn applied(&self, terms: &T) -> Result<T, Faults>;
}

/// Returns the terms if they do not contradict each other.
pub(super) fn checked<T: Terms>(terms: T) -> Result<T, Faults> {
    let faults = terms.faults();
    if faults.is_empty() { Ok(terms) } else { Err(faults) }
}

/// Returns a list after a patch.
pub(super) fn patched<E: Clone>(patch: &Patch<Vec<E>>, before: &[E]) -> Vec<E> {
    patch.clone().or(Some(before.to_vec())).unwrap_or_default()
}

impl<T: AuditedRule> Entry for Rule<T> {
    type Keeper = PricingService;
    type Terms = T;
    type Change = T::Change;
    /// The number of the change.
    type Begun = i64;
    type Error = PricingError;

    const SPANS: Spans = T::SPANS;
    const PATH: &'static str = T::PATH;
    const CACHE: &'static str = PRIVATE;

    fn id(&self) -> Uuid {
        self.id
    }

    fn version(&self) -> i32 {
        self.version
    }

    fn is_ended(&self) -> bool {
        self.ended_at.is_some()
    }

    fn shown(&self) -> impl Serialize {
        T::shown(self)
    }

    fn created(prices: &PricingService, terms: T) -> Self {
        let now = prices.clock.now();
        Self { id: prices.ids.next(now), version: 1, terms, created_at: now, updated_at: now, ended_at: None }
    }

    fn changed(&self, prices: &PricingService, change: &T::Change) -> Result<Option<Self>, PricingError> {
        let terms = change.applied(&self.terms).map_err(PricingError::Invalid)?;
        let updated_at = prices.clock.now();
        let is_other = terms != self.terms;
        Ok(is_other.then(|| Self { terms, version: self.version + 1, updated_at, ..self.clone() }))
    }

    fn ended(self, prices: &PricingService) -> Self {
        let now = prices.clock.now();
        Self { version: self.version + 1, updated_at: now, ended_at: Some(now), ..self }
    }

    fn unknown(_: Uuid) -> PricingError {
        PricingError::Unknown(T::KIND)
    }

    fn version_mismatch(current: i32) -> PricingError {
        PricingError::VersionMismatch(current)
    }

    async fn find(prices: &PricingService, id: Uuid) -> Result<Option<Self>, PricingError> {
        let mut connection = prices.db.read().await?;
        Ok(T::last(&mut connection, id).await?)
    }

    async fn begin_in_tx(tx: &mut PgSession) -> Result<i64, PricingError> {
        Ok(repository::begin_change(tx).await?)
    }

    /// The change that has begun keeps it as it is.
    async fn lock_in_tx(tx: &mut PgSession, id: Uuid) -> Result<Option<Self>, PricingError> {
        Ok(T::last(tx, id).await?)
    }

    async fn save_in_tx(
        &self,
        prices: &PricingService,
        tx: &mut PgSession,
        step: Step,
        actor: UserId,
        revision: i64,
    ) -> Result<(), PricingError> {
        if step != Step::Ended {
            self.terms.keep_in_tx(prices, tx, self.id).await?;
        }
        prices.save_in_tx(tx, self, step, actor, revision).await
    }

    async fn saved(&self, prices: &PricingService, step: Step) {
        tracing::info!(kind = T::KIND, id = %self.id, version = self.version, ?step, "price rule written");
        prices.known.changed().await;
    }
}

impl<T: AuditedRule> Listed for Rule<T> {
    const LIST: &'static str = T::LIST;
    const FIND: &'static str = T::FIND;

    async fn list(
        prices: &PricingService,
        page: &PageRequest<Uuid>,
        recency: Recency,
    ) -> Result<Vec<Self>, PricingError> {
        prices.list(page, recency).await
    }
}
