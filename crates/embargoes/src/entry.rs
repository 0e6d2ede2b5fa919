use loadmaster_accounts::Actor;
use loadmaster_flights::REVALIDATE;
use loadmaster_kernel::{Fault, UserId, fault_of_end};
use loadmaster_platform::{
    entries::{Entry, Listed, Spans, Step},
    postgres::{Database, PgSession, Recency, commit},
    web::PageRequest,
};
use serde::Serialize;
use uuid::Uuid;

use super::{
    dto::{ChangeEmbargo, EmbargoBody},
    error::EmbargoError,
    model::{Embargo, Terms},
    repository,
    service::EmbargoService,
};

impl Entry for Embargo {
    type Keeper = EmbargoService;
    type Terms = Terms;
    type Change = ChangeEmbargo;
    type Begun = ();
    type Error = EmbargoError;

    const SPANS: Spans = Spans { create: "embargoes.create", change: "embargoes.change", end: "embargoes.end" };
    const PATH: &'static str = "/embargoes";
    const CACHE: &'static str = REVALIDATE;

    fn id(&self) -> Uuid {
        self.id.uuid()
    }

    fn version(&self) -> i32 {
        self.version
    }

    fn is_ended(&self) -> bool {
        self.ended_at.is_some()
    }

    fn shown(&self) -> impl Serialize {
        EmbargoBody::from(self)
    }

    fn created(embargoes: &EmbargoService, terms: Terms) -> Self {
        let now = embargoes.clock.now();
        Self { id: embargoes.ids.next(now), terms, version: 1, created_at: now, updated_at: now, ended_at: None }
    }

    fn changed(&self, embargoes: &EmbargoService, change: &ChangeEmbargo) -> Result<Option<Self>, EmbargoError> {
        let terms = change.apply(&self.terms).map_err(EmbargoError::Invalid)?;
        let updated_at = embargoes.clock.now();
        let is_other = terms != self.terms;
        Ok(is_other.then(|| Self { terms, version: self.version + 1, updated_at, ..self.clone() }))
    }

    fn ended(self, embargoes: &EmbargoService) -> Self {
        let now = embargoes.clock.now();
        Self { version: self.version + 1, updated_at: now, ended_at: Some(now), ..self }
    }

    fn unknown(id: Uuid) -> EmbargoError {
        EmbargoError::Unknown(id.into())
    }

    fn version_mismatch(current: i32) -> EmbargoError {
        EmbargoError::VersionMismatch(current)
    }

    async fn find(embargoes: &EmbargoService, id: Uuid) -> Result<Option<Self>, EmbargoError> {
        let mut connection = embargoes.db.read().await?;
        Ok(repository::find(&mut connection, id).await?)
    }

    async fn begin_in_tx(_: &mut PgSession) -> Result<(), EmbargoError> {
        Ok(())
    }

    async fn lock_in_tx(tx: &mut PgSession, id: Uuid) -> Result<Option<Self>, EmbargoError> {
        Ok(repository::lock(tx, id).await?)
    }

    async fn save_in_tx(
        &self,
        embargoes: &EmbargoService,
        tx: &mut PgSession,
        step: Step,
        actor: UserId,
        (): (),
    ) -> Result<(), EmbargoError> {
        embargoes.save_in_tx(tx, self, step, Actor::Caller(actor)).await
    }

    async fn saved(&self, embargoes: &EmbargoService, step: Step) {
        embargoes.changed(self, step).await;
    }
}

impl Listed for Embargo {
    const LIST: &'static str = "embargoes.list";
    const FIND: &'static str = "embargoes.find";

    async fn list(
        embargoes: &EmbargoService,
        page: &PageRequest<Uuid>,
        recency: Recency,
    ) -> Result<Vec<Self>, EmbargoError> {
        let read = move |db: Database| async move {
            let mut connection = db.read().await?;
            Ok(repository::list(&mut connection, page.after, page.offset, page.fetch()).await?)
        };
        embargoes.db.reading(recency, read).await
    }
}

impl EmbargoService {
    /// Puts these embargoes into force if there has never been any. Returns their number.
    pub async fn add_first(&self, terms: Vec<Terms>) -> Result<usize, EmbargoError> {
        let mut tx = self.db.begin().await?;
        let mut created = Vec::new();
        if !repository::any(&mut tx).await? {
            for terms in terms {
                let embargo = Embargo::created(self, terms);
                self.save_in_tx(&mut tx, &embargo, Step::Created, Actor::CommandLine).await?;
                created.push(embargo);
            }
        }
        commit(tx).await?;
        for embargo in &created {
            self.changed(embargo, Step::Created).await;
        }
        Ok(created.len())
    }
}

impl ChangeEmbargo {
    /// Returns the changed terms, or the members that contradict existing values, each with its fault.
    fn apply(&self, terms: &Terms) -> Result<Terms, Vec<(&'static str, Fault)>> {
        let change = self.clone();
        let valid_from = change.valid_from.unwrap_or(terms.valid_from);
        let valid_to = change.valid_to.or(terms.valid_to);
        if let Some(fault) = valid_to.and_then(|last| fault_of_end(valid_from, last, "valid_from")) {
            let is_end = !self.valid_to.is_keep();
            return Err(vec![if is_end {
                ("/valid_to", fault)
            } else {
                ("/valid_from", Fault::new(fault.code, "must not be after `valid_to`"))
            }]);
        }
        Ok(Terms {
            name: change.name.unwrap_or_else(|| terms.name.clone()),
            reason: change.reason.unwrap_or_else(|| terms.reason.clone()),
            airline: change.airline_code.or(terms.airline),
            origin: change.origin.unwrap_or_else(|| terms.origin.clone()),
            destination: change.destination.unwrap_or_else(|| terms.destination.clone()),
            flight_numbers: change.flight_numbers.or(Some(terms.flight_numbers.clone())).unwrap_or_default(),
            valid_from,
            valid_to,
            aircraft: change.aircraft_code.or(terms.aircraft),
            is_freighter: change.is_freighter.or(terms.is_freighter),
            weekdays: change.weekdays.or(Some(terms.weekdays.clone())).unwrap_or_default(),
            handling_codes: change.handling_codes.or(Some(terms.handling_codes.clone())).unwrap_or_default(),
            effect: change.effect.unwrap_or_else(|| terms.effect.clone()),
        })
    }
}
