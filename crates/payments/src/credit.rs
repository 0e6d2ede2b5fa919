//! Credit of organizations: charges and refunds in the transaction of what is paid, limits and payments by administrators.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use loadmaster_accounts::{Actor, Subject};
use loadmaster_kernel::{BookingId, BookingRef, Currency, Money, OrganizationId, PaymentId, UserId};
use loadmaster_platform::{
    postgres::{DbError, PgSession},
    web::Precondition,
    work::Command,
};
use serde_json::json;
use uuid::Uuid;

use super::{
    error::PaymentError,
    model::{CreditAccount, CreditEntry, CreditKind, CreditRefusal},
    repository,
    service::PaymentService,
};

/// The subject of acts about credit.
const CREDIT_ACCOUNT: &str = "credit";

/// An amount to charge to an organization's credit.
#[derive(Debug, Clone)]
pub struct Charge {
    pub organization: OrganizationId,
    pub payment: PaymentId,
    pub booking: Option<(BookingId, BookingRef)>,
    pub amount: Money,
    pub actor: Option<UserId>,
}

/// An amount that goes back to an organization's credit.
#[derive(Debug, Clone)]
pub struct CreditRefund {
    pub organization: OrganizationId,
    pub payment: PaymentId,
    pub booking: Option<(BookingId, BookingRef)>,
    /// Of the currency of the charge.
    pub amount: Money,
    pub actor: Option<UserId>,
}

/// Locks the accounts of these organizations in ascending order, and reads them. Comes before the locks of payments.
pub async fn lock_credit_in_tx(
    tx: &mut PgSession,
    organizations: &[OrganizationId],
) -> Result<HashMap<OrganizationId, CreditAccount>, DbError> {
    let ids: Vec<Uuid> = organizations.iter().map(|id| id.uuid()).collect();
    let accounts = repository::lock_accounts(tx, &ids).await?;
    Ok(accounts.into_iter().map(|account| (account.organization_id, account)).collect())
}

/// Charges amounts in this order, each only within the limit of its account at that moment. Locks the accounts. Returns for
/// each whether it was charged.
pub async fn charge_in_tx(
    tx: &mut PgSession,
    charges: &[Charge],
    now: DateTime<Utc>,
) -> Result<Vec<Result<(), CreditRefusal>>, DbError> {
    let mut accounts = lock_credit_in_tx(tx, &organizations(charges.iter().map(|charge| charge.organization))).await?;
    let mut outcomes = Vec::with_capacity(charges.len());
    for charge in charges {
        let Some(account) = accounts.get_mut(&charge.organization) else {
            outcomes.push(Err(CreditRefusal::NoAccount(charge.organization)));
            continue;
        };
        if let Err(refusal) = account.judge(charge.amount) {
            outcomes.push(Err(refusal));
            continue;
        }
        let entry = CreditEntry {
            payment_id: Some(charge.payment),
            booking: charge.booking.clone(),
            actor_id: charge.actor,
            ..account.enter(CreditKind::Charge, charge.amount.minor(), now)
        };
        enter(tx, account, &entry).await?;
        outcomes.push(Ok(()));
    }
    Ok(outcomes)
}

/// Lowers what is used, with an entry for each refund. Locks the accounts.
pub async fn refund_credit_in_tx(
    tx: &mut PgSession,
    refunds: &[CreditRefund],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let mut accounts = lock_credit_in_tx(tx, &organizations(refunds.iter().map(|refund| refund.organization))).await?;
    for refund in refunds {
        let account = accounts.get_mut(&refund.organization);
        // An account is never deleted, nor does it change its currency.
        let account = account.filter(|account| account.currency == refund.amount.currency());
        let account = account.ok_or(sqlx::Error::RowNotFound)?;
        let entry = CreditEntry {
            payment_id: Some(refund.payment),
            booking: refund.booking.clone(),
            actor_id: refund.actor,
            ..account.enter(CreditKind::Refund, refund.amount.minor(), now)
        };
        enter(tx, account, &entry).await?;
    }
    Ok(())
}

fn organizations(all: impl Iterator<Item = OrganizationId>) -> Vec<OrganizationId> {
    let mut all: Vec<_> = all.collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Writes an account whose lock is held, with its entry. The statement guards the limit and the numbers once more.
async fn enter(tx: &mut PgSession, account: &CreditAccount, entry: &CreditEntry) -> Result<(), DbError> {
    if !repository::save_account(tx, account, entry).await? {
        return Err(sqlx::Error::RowNotFound.into());
    }
    Ok(repository::insert_entry(tx, entry).await?)
}

/// Sets the limit of an organization's credit. The first one opens the account, and fixes its currency.
pub(super) struct SetLimit {
    pub payments: PaymentService,
    pub actor: UserId,
    pub organization: OrganizationId,
    pub precondition: Precondition,
    pub limit: Money,
}

impl Command for SetLimit {
    const NAME: &'static str = "payments.set_limit";
    type Done = CreditAccount;
    type Error = PaymentError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<CreditAccount, PaymentError> {
        let (now, organization) = (self.payments.clock.now(), self.organization);
        if !repository::organization_exists(tx, organization).await? {
            return Err(PaymentError::UnknownOrganization(organization));
        }
        let found = lock_credit_in_tx(tx, &[organization]).await?.remove(&organization);
        let version = found.as_ref().map_or(0, |account| account.entries);
        self.precondition.check(version).map_err(PaymentError::VersionMismatch)?;
        let currency = self.limit.currency();
        let mut account = found.unwrap_or_else(|| CreditAccount::opened(organization, currency, now));
        if account.currency != currency {
            return Err(PaymentError::OtherCurrency { member: "/limit/currency", currency: account.currency });
        }
        if account.entries > 0 && account.limit == self.limit.minor() {
            return Ok(account);
        }
        let entry =
            CreditEntry { actor_id: Some(self.actor), ..account.enter(CreditKind::Limit, self.limit.minor(), now) };
        enter_or_repeat(tx, &account, &entry).await?;
        let data = json!({"limit": self.limit, "used": account.money(account.used), "seq": entry.seq});
        self.payments.record_act_in_tx(tx, self.actor, "credit.limit_set", organization, data).await?;
        Ok(account)
    }

    async fn concluded(&mut self, outcome: Result<&CreditAccount, &PaymentError>) {
        if let Ok(account) = outcome {
            tracing::info!(organization_id = %account.organization_id, seq = account.entries, "credit limit set");
        }
    }
}

/// Two first limits at once: the second waits for the first, and finds the account.
async fn enter_or_repeat(tx: &mut PgSession, account: &CreditAccount, entry: &CreditEntry) -> Result<(), PaymentError> {
    if !repository::save_account(tx, account, entry).await? {
        return Err(PaymentError::Raced);
    }
    Ok(repository::insert_entry(tx, entry).await?)
}

/// Records what an organization has paid the carrier.
pub(super) struct PayCredit {
    pub payments: PaymentService,
    pub actor: UserId,
    pub organization: OrganizationId,
    pub precondition: Precondition,
    pub amount: Money,
    pub reference: String,
}

impl Command for PayCredit {
    const NAME: &'static str = "payments.pay_credit";
    type Done = (CreditEntry, Currency);
    type Error = PaymentError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<(CreditEntry, Currency), PaymentError> {
        let (now, organization) = (self.payments.clock.now(), self.organization);
        let found = lock_credit_in_tx(tx, &[organization]).await?.remove(&organization);
        let mut account = found.ok_or(PaymentError::NoCredit(organization))?;
        self.precondition.check(account.entries).map_err(PaymentError::VersionMismatch)?;
        if account.currency != self.amount.currency() {
            return Err(PaymentError::OtherCurrency { member: "/amount/currency", currency: account.currency });
        }
        if self.amount.minor() > account.used {
            return Err(PaymentError::ExceedsUsed { used: account.money(account.used.max(0)) });
        }
        let entry = CreditEntry {
            actor_id: Some(self.actor),
            reference: Some(self.reference.clone()),
            ..account.enter(CreditKind::Payment, self.amount.minor(), now)
        };
        enter(tx, &account, &entry).await?;
        let data = json!({"amount": self.amount, "used": account.money(account.used), "seq": entry.seq});
        self.payments.record_act_in_tx(tx, self.actor, "credit.paid", organization, data).await?;
        Ok((entry, account.currency))
    }

    async fn concluded(&mut self, outcome: Result<&(CreditEntry, Currency), &PaymentError>) {
        if let Ok((entry, _)) = outcome {
            tracing::info!(organization_id = %entry.organization_id, seq = entry.seq, "credit paid");
        }
    }
}

impl PaymentService {
    async fn record_act_in_tx(
        &self,
        tx: &mut PgSession,
        actor: UserId,
        name: &'static str,
        organization: OrganizationId,
        data: serde_json::Value,
    ) -> Result<(), DbError> {
        self.acts.record_in_tx(tx, Actor::Caller(actor), name, Subject::new(CREDIT_ACCOUNT, organization), data).await
    }
}
