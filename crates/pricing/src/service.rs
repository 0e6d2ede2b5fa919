use std::sync::{Arc, OnceLock};

use chrono::TimeDelta;
use loadmaster_accounts::{Actor, Acts, Principal, Subject};
use loadmaster_flights::FlightService;
use loadmaster_kernel::{Fault, FaultCode, OrganizationId, QuoteId, UserId};
use loadmaster_platform::{
    clock::SharedClock,
    entries::Step,
    listing::{Anchor, CountParams, ExpiryOrder, Listed},
    outbox::{self, Message},
    postgres::{Database, DbError, PgSession, Recency},
    random::IdSource,
    settings,
    snapshot::Snapshot,
    web::PageRequest,
};
use loadmaster_reference::Reference;
use serde_json::json;
use uuid::Uuid;

use super::{
    error::PricingError,
    known::{DefaultSales, RuleSource},
    model::{Copied, PriceEventType, Rule, Sale, SaleUses, Terms},
    quote::Quote,
    repository::{self, Stored, uses},
    rules::{Defaults, PriceRules},
    ways::WayFinder,
};

/// How long a quote that nothing has taken is kept.
const KEPT: TimeDelta = TimeDelta::days(7);

/// The use cases of prices: rules in `change` and `import`, quotes in `quoting`; the rules in force, and finding, here.
#[derive(Clone)]
pub struct PricingService {
    pub(super) db: Database,
    pub(super) flights: FlightService,
    pub(super) reference: Reference,
    pub(super) known: Snapshot<RuleSource>,
    pub(super) clock: SharedClock,
    pub(super) ids: IdSource,
    pub(super) acts: Acts,
    pub(super) ways: Arc<OnceLock<Arc<dyn WayFinder>>>,
    settings: Arc<settings::Pricing>,
}

impl PricingService {
    /// Fails for handling codes that do not exist, and for amounts that the validation of settings refuses.
    pub fn new(
        db: Database,
        flights: FlightService,
        reference: Reference,
        clock: SharedClock,
        ids: IdSource,
        acts: Acts,
        (settings, sales): (&settings::Pricing, DefaultSales),
    ) -> Result<Self, Fault> {
        let source = RuleSource {
            reference: reference.clone(),
            defaults: Arc::new(Defaults::of(settings, &reference)?),
            applies: settings.default_tariff.applies,
            sales,
            is_demo: Arc::default(),
        };
        let known = Snapshot::new(source, db.clone(), clock.clone());
        let (ways, settings) = (Arc::default(), Arc::new(settings.clone()));
        Ok(Self { db, flights, reference, known, clock, ids, acts, ways, settings })
    }

    /// Returns the same service on the connections reserved for background work.
    #[must_use]
    pub fn for_background(&self) -> Self {
        let (flights, known) = (self.flights.for_background(), self.known.for_background());
        Self { db: self.db.for_background(), flights, known, ..self.clone() }
    }

    /// Lets a higher room find flights for quotes without any. The first one remains.
    pub fn find_ways_with(&self, finder: Arc<dyn WayFinder>) {
        _ = self.ways.set(finder);
    }

    /// Lets the default tariff apply if it does so in the demo.
    pub fn serve_demo(&self) {
        let source = self.known.source();
        if source.is_demo.set(()).is_ok() {
            self.known.replace(|rules| rules.with_defaults(source.defaults_now()));
        }
    }

    /// Returns the tariff of the settings with its surcharges, and whether it applies.
    pub(super) fn default_tariff(&self) -> (&Defaults, bool) {
        let source = self.known.source();
        (source.defaults.as_ref(), source.defaults_now().is_some())
    }

    /// Returns the sales of the settings.
    pub(super) fn default_sales(&self) -> &[Arc<Copied<Sale>>] {
        &self.known.source().sales
    }

    /// Returns whether holds and bookings need a quote.
    pub fn requires_quote(&self) -> bool {
        self.settings.required
    }

    /// Returns for how long a quote holds.
    pub fn quote_minutes(&self) -> TimeDelta {
        TimeDelta::minutes(self.settings.quote_minutes.into())
    }

    /// Returns the rules in force: all changes by this process, and those by others up to half a second ago. Reads what
    /// has changed only if this process is not up to date.
    pub async fn in_force(&self) -> Result<PriceRules, DbError> {
        self.known.current().await
    }

    /// Returns the same within a transaction.
    pub async fn in_force_in_tx(&self, tx: &mut PgSession) -> Result<PriceRules, DbError> {
        self.known.current_in_tx(tx).await
    }

    /// Returns a quote that the caller may see; another one is reported as unknown.
    pub async fn quote(&self, caller: Principal, id: QuoteId) -> Result<Quote, PricingError> {
        let mut connection = self.db.read().await?;
        let found = repository::quotes::find(&mut connection, &[id]).await?.pop();
        let is_visible = |quote: &Quote| caller.sees_only().is_none_or(|own| own == quote.organization_id);
        found.filter(is_visible).ok_or(PricingError::Unknown("quote"))
    }

    /// Returns a page of the quotes that still hold and that nothing has taken; `of`: of this organization only.
    pub(super) async fn untaken_quotes(
        &self,
        of: Option<OrganizationId>,
        order: ExpiryOrder,
        page: &PageRequest<Anchor>,
        count: CountParams,
        recency: Recency,
    ) -> Result<Listed<Quote>, PricingError> {
        let now = self.clock.now();
        let read = move |db: Database| async move {
            let mut snapshot = db.listing().await?;
            let (after, offset, fetch) = (page.after, page.offset, page.fetch());
            let entries = repository::quotes::untaken(&mut snapshot, of, order, after, now, offset, fetch).await?;
            let counted = repository::quotes::number_of_untaken(&mut snapshot, of, order, now);
            let total = count.total(page, entries.len(), counted).await?;
            Ok(Listed { entries, total })
        };
        self.db.reading(recency, read).await
    }

    /// Deletes quotes that nothing has taken within seven days. Returns their number.
    pub(super) async fn delete_old_quotes(&self) -> Result<u64, DbError> {
        let now = self.clock.now();
        self.db.delete_in_batches(|tx, most| Box::pin(repository::quotes::delete_old(tx, now - KEPT, now, most))).await
    }

    pub(super) async fn list<T: Stored>(
        &self,
        page: &PageRequest<Uuid>,
        recency: Recency,
    ) -> Result<Vec<Rule<T>>, PricingError> {
        let read = move |db: Database| async move {
            let mut connection = db.read().await?;
            Ok(T::list(&mut connection, page.after, page.offset, page.fetch()).await?)
        };
        self.db.reading(recency, read).await
    }

    /// Returns the number of tariffs in force.
    pub(super) async fn count_tariffs(&self) -> Result<i64, PricingError> {
        Ok(repository::count_tariffs(&mut *self.db.read().await?).await?)
    }

    /// Writes a version with its act and its message. The caller has begun the change.
    pub(super) async fn save_in_tx<T: Stored>(
        &self,
        tx: &mut PgSession,
        rule: &Rule<T>,
        step: Step,
        actor: UserId,
        revision: i64,
    ) -> Result<(), PricingError> {
        let written = T::write(tx, std::slice::from_ref(rule), revision).await;
        written.map_err(|error| match DbError::from(error) {
            error if error.constraint().is_some_and(|name| name.ends_with("_one_current_code")) => {
                PricingError::AlreadyExists
            }
            error => error.into(),
        })?;
        let (event_type, name) = match step {
            Step::Created => (PriceEventType::Created, T::CREATED),
            Step::Changed => (PriceEventType::Changed, T::CHANGED),
            Step::Ended => (PriceEventType::Ended, T::ENDED),
        };
        let mut data = json!(rule.terms);
        if let Some(members) = data.as_object_mut() {
            members.insert("version".to_owned(), rule.version.into());
        }
        self.acts.record_in_tx(tx, Actor::Caller(actor), name, Subject::new(T::KIND, rule.id), data).await?;
        let message = Message {
            aggregate: T::KIND,
            aggregate_id: rule.id,
            organization: None,
            subject: &rule.id.to_string(),
            sequence: rule.version,
            event_type: event_type.as_str(),
            data: T::message(rule.id, rule.version),
            occurred_at: rule.updated_at,
            trace: None,
        };
        Ok(outbox::append_in_tx(tx, &[message]).await?)
    }

    /// Lets the counter of a sale have its limit. Uses above a new limit are a fault.
    pub(super) async fn limit_in_tx(&self, tx: &mut PgSession, id: Uuid, sale: &Sale) -> Result<(), PricingError> {
        let known = uses::lock_counter(tx, id).await?;
        let used = match (known, sale.max_uses) {
            (None, _) | (_, None) => 0,
            (Some(SaleUses { used, max: Some(_) }), Some(_)) => used,
            (Some(_), Some(_)) => uses::count(tx, id).await?,
        };
        if sale.max_uses.is_some_and(|most| most < used) {
            let fault = Fault::new(FaultCode::TooSmall, format!("must be at least {used}, the number of uses"));
            return Err(PricingError::Invalid(vec![("/max_uses".into(), fault)]));
        }
        Ok(uses::set(tx, id, SaleUses { used, max: sale.max_uses }).await?)
    }

    /// Fails for an organization that does not exist.
    pub(super) async fn check_owner_in_tx<T: Terms>(&self, tx: &mut PgSession, terms: &T) -> Result<(), PricingError> {
        match terms.owner() {
            Some(owner) if repository::organizations(tx, &[owner]).await?.is_empty() => {
                Err(PricingError::UnknownOrganization)
            }
            _ => Ok(()),
        }
    }
}
