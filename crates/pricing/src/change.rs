use std::marker::PhantomData;

use loadmaster_accounts::Actor;
use loadmaster_kernel::UserId;
use loadmaster_platform::{
    postgres::PgSession,
    web::{Patch, Precondition},
    work::Command,
};
use uuid::Uuid;

use super::{
    error::PricingError,
    model::{Faults, PriceEventType, Rule, Sale, Surcharge, Tariff, Terms},
    repository::{self, Stored},
    service::PricingService,
};

/// A kind of rule that administrators change; each change is recorded with its actor.
pub(super) trait AuditedRule: Stored {
    /// The names of the spans.
    const CREATE: &'static str;
    const CHANGE: &'static str;
    const END: &'static str;

    /// Keeps what hangs on a version that is about to be written.
    fn keep_in_tx(
        &self,
        prices: &PricingService,
        tx: &mut PgSession,
        id: Uuid,
    ) -> impl Future<Output = Result<(), PricingError>> + Send;
}

impl AuditedRule for Tariff {
    const CREATE: &'static str = "pricing.create_tariff";
    const CHANGE: &'static str = "pricing.change_tariff";
    const END: &'static str = "pricing.end_tariff";

    async fn keep_in_tx(&self, prices: &PricingService, tx: &mut PgSession, _: Uuid) -> Result<(), PricingError> {
        prices.check_owner_in_tx(tx, self).await
    }
}

impl AuditedRule for Surcharge {
    const CREATE: &'static str = "pricing.create_surcharge";
    const CHANGE: &'static str = "pricing.change_surcharge";
    const END: &'static str = "pricing.end_surcharge";

    async fn keep_in_tx(&self, _: &PricingService, _: &mut PgSession, _: Uuid) -> Result<(), PricingError> {
        Ok(())
    }
}

impl AuditedRule for Sale {
    const CREATE: &'static str = "pricing.create_sale";
    const CHANGE: &'static str = "pricing.change_sale";
    const END: &'static str = "pricing.end_sale";

    async fn keep_in_tx(&self, prices: &PricingService, tx: &mut PgSession, id: Uuid) -> Result<(), PricingError> {
        prices.limit_in_tx(tx, id, self).await
    }
}

/// A change of terms, member by member.
pub(super) trait PatchOf<T>: Send {
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

/// Puts a rule into force.
pub(super) struct Create<T> {
    pub prices: PricingService,
    pub actor: UserId,
    pub terms: T,
}

impl<T: AuditedRule> Command for Create<T> {
    const NAME: &'static str = T::CREATE;
    type Done = Rule<T>;
    type Error = PricingError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Rule<T>, PricingError> {
        let Self { prices, actor, terms } = self;
        let now = prices.clock.now();
        let revision = repository::begin_change(tx).await?;
        let rule = Rule {
            id: prices.ids.next(now),
            version: 1,
            terms: terms.clone(),
            created_at: now,
            updated_at: now,
            ended_at: None,
        };
        rule.terms.keep_in_tx(prices, tx, rule.id).await?;
        prices.save_in_tx(tx, &rule, PriceEventType::Created, Actor::Caller(*actor), revision).await?;
        Ok(rule)
    }

    async fn concluded(&mut self, outcome: Result<&Rule<T>, &PricingError>) {
        if let Ok(rule) = outcome {
            tracing::info!(kind = T::KIND, id = %rule.id, "price rule created");
            self.prices.changed().await;
        }
    }
}

/// Changes the terms of a rule in force: a new version.
pub(super) struct Change<T, P> {
    pub prices: PricingService,
    pub actor: UserId,
    pub id: Uuid,
    pub precondition: Precondition,
    pub wanted: P,
    pub has_changed: bool,
    pub of: PhantomData<fn() -> T>,
}

impl<T: AuditedRule, P: PatchOf<T>> Command for Change<T, P> {
    const NAME: &'static str = T::CHANGE;
    type Done = Rule<T>;
    type Error = PricingError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Rule<T>, PricingError> {
        let revision = repository::begin_change(tx).await?;
        let rule: Rule<T> = find_in_tx(tx, self.id, &self.precondition).await?;
        let terms = self.wanted.applied(&rule.terms).map_err(PricingError::Invalid)?;
        self.has_changed = terms != rule.terms;
        if !self.has_changed {
            return Ok(rule);
        }
        let updated_at = self.prices.clock.now();
        let rule = Rule { terms, version: rule.version + 1, updated_at, ..rule };
        rule.terms.keep_in_tx(&self.prices, tx, rule.id).await?;
        let actor = Actor::Caller(self.actor);
        self.prices.save_in_tx(tx, &rule, PriceEventType::Changed, actor, revision).await?;
        Ok(rule)
    }

    async fn concluded(&mut self, outcome: Result<&Rule<T>, &PricingError>) {
        if let Ok(rule) = outcome
            && self.has_changed
        {
            tracing::info!(kind = T::KIND, id = %rule.id, version = rule.version, "price rule changed");
            self.prices.changed().await;
        }
    }
}

/// Ends a rule.
pub(super) struct End<T> {
    pub prices: PricingService,
    pub actor: UserId,
    pub id: Uuid,
    pub precondition: Precondition,
    pub of: PhantomData<fn() -> T>,
}

impl<T: AuditedRule> Command for End<T> {
    const NAME: &'static str = T::END;
    type Done = Rule<T>;
    type Error = PricingError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Rule<T>, PricingError> {
        let revision = repository::begin_change(tx).await?;
        let rule: Rule<T> = find_in_tx(tx, self.id, &self.precondition).await?;
        let now = self.prices.clock.now();
        let rule = Rule { version: rule.version + 1, updated_at: now, ended_at: Some(now), ..rule };
        let actor = Actor::Caller(self.actor);
        self.prices.save_in_tx(tx, &rule, PriceEventType::Ended, actor, revision).await?;
        Ok(rule)
    }

    async fn concluded(&mut self, outcome: Result<&Rule<T>, &PricingError>) {
        if let Ok(rule) = outcome {
            tracing::info!(kind = T::KIND, id = %rule.id, "price rule ended");
            self.prices.changed().await;
        }
    }
}

/// Returns a rule in force that still has the version that the caller knows. The change that has begun keeps it so.
async fn find_in_tx<T: Stored>(
    tx: &mut PgSession,
    id: Uuid,
    precondition: &Precondition,
) -> Result<Rule<T>, PricingError> {
    let found = T::last(tx, id).await?.filter(|rule| rule.ended_at.is_none());
    let rule = found.ok_or(PricingError::Unknown(T::KIND))?;
    precondition.check(rule.version).map_err(PricingError::VersionMismatch)?;
    Ok(rule)
}
