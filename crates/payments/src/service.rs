use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use chrono::NaiveDate;
use loadmaster_accounts::{Acts, Principal};
use loadmaster_kernel::{BookingId, HoldId, OrganizationId, PaymentId, PaymentOperationId};
use loadmaster_platform::{
    clock::SharedClock,
    listing::{Anchor, CountParams, CreatedOrder, Listed},
    postgres::{Database, DbError, Recency},
    tasks::Tasks,
    web::PageRequest,
};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use super::{
    desk::{PaymentDesk, Record},
    dto::PaymentFilter,
    error::PaymentError,
    model::{CreditAccount, CreditAnchor, CreditEntry, ListedPayment, Payment, TestOperation},
    provider::{Journal, Provider, ProviderKind},
    repository,
    signature::WebhookKeys,
    tokens::Tokens,
    waiters::{Waiter, Waiters},
};

pub use loadmaster_platform::settings::{CancellationBand, CaptureMode};

/// Most entries of a statement.
pub(super) const LONGEST_STATEMENT: usize = 50_000;

/// How payments are made.
#[derive(Debug, Clone)]
pub(super) struct PaymentSettings {
    pub capture: CaptureMode,
    pub wait: Duration,
    pub guests_on_invoice: bool,
    pub cancellation_fees: Arc<[CancellationBand]>,
}

/// Attempts under way in this process; each ends when its outcome is recorded.
pub(super) type UnderWay = Arc<Mutex<HashMap<PaymentOperationId, watch::Receiver<bool>>>>;

/// The use cases of payments and credit: `attempt` asks the provider, `driver` keeps promises, `webhook` hears from it;
/// finding is here. Cheap to clone.
#[derive(Clone)]
pub struct PaymentService {
    pub(super) db: Database,
    pub(super) clock: SharedClock,
    pub(super) acts: Acts,
    pub(super) tasks: Tasks,
    pub(super) provider: Option<Arc<dyn Provider>>,
    /// The provider, if it is `test`.
    pub(super) journal: Option<Journal>,
    pub(super) keys: WebhookKeys,
    pub(super) settings: PaymentSettings,
    pub(super) desk: Arc<RwLock<Option<Arc<dyn PaymentDesk>>>>,
    pub(super) under_way: UnderWay,
    pub(super) tokens: Tokens,
    /// Wakes the driver of this process.
    pub(super) news: Arc<Notify>,
    /// Requests that wait for what becomes of a payment.
    pub(super) waiters: Waiters,
}

impl PaymentService {
    /// Returns the same service on the connections reserved for background work.
    #[must_use]
    pub fn for_background(&self) -> Self {
        let journal = self.journal.as_ref().map(Journal::for_background);
        let of_journal = journal.clone().map(|journal| Arc::new(journal) as Arc<dyn Provider>);
        let provider = of_journal.or_else(|| self.provider.clone());
        Self { db: self.db.for_background(), journal, provider, ..self.clone() }
    }

    /// Registers the desk of the room above, in place of one registered before.
    pub fn know_desk(&self, desk: Arc<dyn PaymentDesk>) {
        *self.desk.write().unwrap_or_else(PoisonError::into_inner) = Some(desk);
    }

    pub(super) fn desk(&self) -> Arc<dyn PaymentDesk> {
        let alone = || Arc::new(Record { db: self.db.clone(), clock: self.clock.clone() }) as Arc<dyn PaymentDesk>;
        self.desk.read().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_else(alone)
    }

    /// Returns the provider, if one is set: without it nobody can pay by a token.
    pub fn provider(&self) -> Option<ProviderKind> {
        self.provider.as_ref().map(|provider| provider.kind())
    }

    /// Returns the time for which a request waits for the provider.
    pub const fn wait(&self) -> Duration {
        self.settings.wait
    }

    /// Whether a guest may book now and pay the carrier's invoice later.
    pub const fn guests_on_invoice(&self) -> bool {
        self.settings.guests_on_invoice
    }

    pub const fn capture_mode(&self) -> CaptureMode {
        self.settings.capture
    }

    /// Returns the bands of cancellation fees, by falling `hours`.
    pub fn cancellation_fees(&self) -> &[CancellationBand] {
        &self.settings.cancellation_fees
    }

    /// Has the driver look for promises now. To be called after the commit of a transaction that has made some.
    pub fn wake(&self) {
        self.news.notify_one();
    }

    /// Enters a request that waits for what becomes of a payment, and of the hold that it is for. To be called before they are
    /// read.
    pub fn waiter(&self, payment: PaymentId, hold: Option<HoldId>) -> Waiter {
        self.waiters.enter([payment.uuid()].into_iter().chain(hold.map(HoldId::uuid)).collect())
    }

    /// Wakes the requests that wait for what becomes of a payment. To be called after the commit of a change.
    pub fn changed(&self, payment: PaymentId) {
        self.waiters.wake([payment.uuid()]);
    }

    /// Returns the payment if the caller may see it; one of another organization is reported as unknown.
    pub async fn visible(&self, caller: Principal, id: PaymentId) -> Result<Payment, PaymentError> {
        let mut connection = self.db.read().await?;
        repository::find(&mut connection, id, caller.sees_only()).await?.ok_or(PaymentError::Unknown)
    }

    /// Returns the payments of these bookings, oldest first. The caller may see the bookings.
    pub async fn of_bookings(&self, bookings: &[BookingId]) -> Result<Vec<Payment>, DbError> {
        let ids: Vec<Uuid> = bookings.iter().map(|id| id.uuid()).collect();
        let mut connection = self.db.read().await?;
        Ok(repository::of_bookings(&mut connection, &ids).await?)
    }

    /// Returns a page of the payments that the filter chooses.
    pub(super) async fn list(
        &self,
        filter: &PaymentFilter,
        order: CreatedOrder,
        page: &PageRequest<Anchor>,
        count: CountParams,
        recency: Recency,
    ) -> Result<Listed<ListedPayment>, PaymentError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.listing().await?;
            let (after, offset, fetch) = (page.after, page.offset, page.fetch());
            let entries = repository::list(&mut snapshot, filter, order, after, offset, fetch).await?;
            let counted = repository::number_of(&mut snapshot, filter, order);
            let total = count.total(page, entries.len(), counted).await?;
            Ok(Listed { entries, total })
        };
        self.db.reading(recency, read).await
    }

    /// Returns the payment with this reference of the provider `test`, if the caller may see it.
    pub(super) async fn visible_test(&self, caller: Principal, reference: &str) -> Result<Payment, PaymentError> {
        self.check_test()?;
        let mut connection = self.db.read().await?;
        let name = ProviderKind::Test.as_str();
        let found = repository::find_by_reference(&mut connection, name, reference, caller.sees_only()).await?;
        found.ok_or(PaymentError::Unknown)
    }

    /// Checks that the provider is `test`.
    pub(super) fn check_test(&self) -> Result<(), PaymentError> {
        if self.journal.is_some() { Ok(()) } else { Err(PaymentError::UnknownProvider) }
    }

    pub(super) async fn journal_page(
        &self,
        page: &PageRequest<PaymentOperationId>,
        recency: Recency,
    ) -> Result<Vec<TestOperation>, PaymentError> {
        self.check_test()?;
        let read = move |db: Database| async move {
            let mut connection = db.read().await?;
            Ok(repository::journal(&mut connection, page.after, page.offset, page.fetch()).await?)
        };
        self.db.reading(recency, read).await
    }

    /// Checks that the caller may see the credit of an organization.
    pub(super) fn check_credit_of(caller: Principal, organization: OrganizationId) -> Result<(), PaymentError> {
        let is_own = caller.sees_only().is_none_or(|own| own == organization);
        if is_own { Ok(()) } else { Err(PaymentError::UnknownOrganization(organization)) }
    }

    /// Checks that an organization exists.
    pub(super) async fn check_organization(&self, organization: OrganizationId) -> Result<(), PaymentError> {
        let exists = repository::organization_exists(&mut *self.db.read().await?, organization).await?;
        if exists { Ok(()) } else { Err(PaymentError::UnknownOrganization(organization)) }
    }

    /// Returns the credit of an organization, if the caller may see it.
    pub async fn credit(&self, caller: Principal, organization: OrganizationId) -> Result<CreditAccount, PaymentError> {
        Self::check_credit_of(caller, organization)?;
        let found = repository::account(&mut *self.db.read().await?, organization).await?;
        if let Some(account) = found {
            return Ok(account);
        }
        self.check_organization(organization).await?;
        Err(PaymentError::NoCredit(organization))
    }

    pub(super) async fn credit_entries(
        &self,
        organization: OrganizationId,
        page: &PageRequest<CreditAnchor>,
        recency: Recency,
    ) -> Result<Vec<CreditEntry>, PaymentError> {
        let read = move |db: Database| async move {
            let mut connection = db.read().await?;
            Ok(repository::entries(&mut connection, organization, page.after, page.offset, page.fetch()).await?)
        };
        self.db.reading(recency, read).await
    }

    /// Returns the last entry before a period of UTC days, and the entries within it.
    pub(super) async fn credit_statement(
        &self,
        organization: OrganizationId,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<(Option<CreditEntry>, Vec<CreditEntry>), PaymentError> {
        let start = from.and_time(chrono::NaiveTime::MIN).and_utc();
        let end = to.succ_opt().unwrap_or(to).and_time(chrono::NaiveTime::MIN).and_utc();
        let mut snapshot = self.db.snapshot().await?;
        let most = i64::try_from(LONGEST_STATEMENT + 1).unwrap_or(i64::MAX);
        let before = repository::opening(&mut snapshot, organization, start).await?;
        let entries = repository::statement(&mut snapshot, organization, start, end, most).await?;
        Ok((before, entries))
    }

    /// Whether an operation is still open.
    pub(super) async fn is_open(&self, operation: PaymentOperationId) -> Result<bool, DbError> {
        let open = repository::is_open(&mut *self.db.read().await?, operation).await?;
        Ok(open.unwrap_or_default())
    }
}
