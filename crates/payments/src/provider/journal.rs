//! The provider `test`: acts on tokens by their names, and keeps its state and a journal in the database, each request in
//! a transaction of its own as an outside provider would.
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use loadmaster_kernel::{Money, PaymentOperationId};
use loadmaster_platform::{
    clock::SharedClock,
    in_own_tx,
    postgres::{Database, DbError, PgSession, commit, retrying},
};
use secrecy::{ExposeSecret, SecretString};

use super::{Call, FoundState, Provider, ProviderKind, ProviderPayment, Silence};

use crate::{
    model::{Failure, OperationKind, Outcome, TestOperation, TestPayment},
    repository,
};

/// Time for which `tok_lost` is not answered.
const LOST_FOR: TimeDelta = TimeDelta::seconds(60);
/// Time after which `tok_slow` succeeds.
const SLOW_BY: TimeDelta = TimeDelta::seconds(2);

/// What a token makes the provider do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    Ok,
    Declined,
    /// Acts, and does not answer the first request.
    Hang,
    /// Neither acts nor answers for a while; then it declines.
    Lost,
    Confirm,
    Slow,
}

impl Behaviour {
    fn of(token: &SecretString) -> Self {
        match token.expose_secret() {
            "tok_ok" | "tok_visa" => Self::Ok,
            "tok_hang" => Self::Hang,
            "tok_lost" => Self::Lost,
            "tok_confirm" => Self::Confirm,
            "tok_slow" => Self::Slow,
            _ => Self::Declined,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Declined => "DECLINED",
            Self::Hang => "HANG",
            Self::Lost => "LOST",
            Self::Confirm => "CONFIRM",
            Self::Slow => "SLOW",
        }
    }

    /// Returns the status of a new payment, and the outcome in the journal, if it acts.
    const fn begins(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Ok | Self::Hang => ("AUTHORIZED", Some("SUCCEEDED")),
            Self::Declined => ("FAILED", Some("DECLINED")),
            Self::Lost => ("LOST", None),
            Self::Confirm => ("REQUIRES_ACTION", Some("REQUIRES_ACTION")),
            Self::Slow => ("PENDING", Some("PENDING")),
        }
    }
}

/// What the payer does with a payment that waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    Confirm,
    Fail,
}

/// The provider `test`. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    db: Database,
    clock: SharedClock,
}

/// What the provider answers; `None`: nothing, ever.
type Reply = Option<Outcome>;

impl Journal {
    pub fn new(db: Database, clock: SharedClock) -> Self {
        Self { db, clock }
    }

    /// Returns the same provider on the connections reserved for background work.
    #[must_use]
    pub fn for_background(&self) -> Self {
        Self { db: self.db.for_background(), clock: self.clock.clone() }
    }

    /// Confirms a payment that waits for it, or fails it, in the caller's transaction; its webhook is due then. Returns
    /// it, or `None` if it does not wait.
    pub async fn confirm_in_tx(
        tx: &mut PgSession,
        reference: &str,
        confirmation: Confirmation,
        now: DateTime<Utc>,
    ) -> Result<Option<TestPayment>, DbError> {
        let found = repository::lock_test(tx, reference).await?;
        let Some(mut payment) = found.filter(|payment| payment.status == "REQUIRES_ACTION") else { return Ok(None) };
        let (status, outcome) = match confirmation {
            Confirmation::Confirm => ("AUTHORIZED", "SUCCEEDED"),
            Confirmation::Fail => ("FAILED", "DECLINED"),
        };
        (payment.status, payment.notify_at) = (status.to_owned(), Some(now));
        repository::save_test(tx, &payment).await?;
        repository::settle_test_operation(tx, payment.operation_id, outcome, now).await?;
        Ok(Some(payment))
    }

    async fn authorize_in_tx(
        &self,
        tx: &mut PgSession,
        call: &Call,
        behaviour: Option<Behaviour>,
    ) -> Result<Reply, DbError> {
        let now = self.clock.now();
        if let Some(mut known) = repository::lock_test_by_operation(tx, call.operation).await? {
            settle(tx, &mut known, now).await?;
            let is_lost = known.status == "LOST";
            return Ok((!is_lost).then(|| found(&known).authorization()));
        }
        // A key has one answer for good: also a request with the token that comes later has this one.
        let refusal = behaviour.is_none().then(|| Outcome::declined("missing_token"));
        let behaviour = behaviour.unwrap_or(Behaviour::Declined);
        let (status, outcome) = behaviour.begins();
        let payment = TestPayment {
            reference: format!("test_{}", call.operation.uuid().simple()),
            operation_id: call.operation.uuid(),
            behaviour: behaviour.as_str().to_owned(),
            status: status.to_owned(),
            currency: call.amount.currency(),
            amount: call.amount.minor(),
            captured: 0,
            refunded: 0,
            notify_at: (behaviour == Behaviour::Slow).then_some(now + SLOW_BY),
            created_at: now,
        };
        if !repository::insert_test(tx, &payment).await? {
            // Another request under this key is under way.
            return Ok(Some(Outcome::Unknown("the key is in use".to_owned())));
        }
        if let Some(outcome) = outcome {
            let entry = entry(call, &payment, OperationKind::Authorize, outcome, now);
            repository::insert_test_operation(tx, &entry).await?;
        }
        let is_silent = matches!(behaviour, Behaviour::Hang | Behaviour::Lost);
        Ok((!is_silent).then(|| refusal.unwrap_or_else(|| found(&payment).authorization())))
    }

    /// Makes a change of a payment once per operation. `change` returns whether it may be made.
    async fn change_in_tx(
        &self,
        tx: &mut PgSession,
        call: &Call,
        kind: OperationKind,
        change: fn(&mut TestPayment, i64) -> bool,
    ) -> Result<Reply, DbError> {
        let now = self.clock.now();
        let Some(reference) = &call.reference else { return Ok(Some(Outcome::declined("no_reference"))) };
        let Some(mut payment) = repository::lock_test(tx, reference).await? else {
            return Ok(Some(Outcome::declined("no_such_payment")));
        };
        settle(tx, &mut payment, now).await?;
        let outcome = if let Some(known) = repository::operation_of(tx, call.operation).await? {
            known.outcome
        } else {
            let is_right = call.amount.currency() == payment.currency && call.amount.minor() >= 0;
            let outcome = if is_right && change(&mut payment, call.amount.minor()) { "SUCCEEDED" } else { "DECLINED" };
            if outcome == "SUCCEEDED" {
                repository::save_test(tx, &payment).await?;
            }
            repository::insert_test_operation(tx, &entry(call, &payment, kind, outcome, now)).await?;
            outcome.to_owned()
        };
        let reference = match kind {
            OperationKind::Refund => Some(format!("test_refund_{}", call.operation.uuid().simple())),
            _ => Some(payment.reference),
        };
        Ok(Some(match outcome.as_str() {
            "SUCCEEDED" => Outcome::Succeeded { reference },
            _ => Outcome::declined("not_possible"),
        }))
    }

    /// Answers as decided, once that is committed; what it never answers hangs until the caller gives up.
    async fn answered(&self, reply: Result<Reply, DbError>) -> Outcome {
        match reply {
            Ok(Some(outcome)) => outcome,
            Ok(None) => std::future::pending().await,
            Err(error) => Outcome::Unknown(error.summary()),
        }
    }

    async fn change(&self, call: &Call, kind: OperationKind, change: fn(&mut TestPayment, i64) -> bool) -> Outcome {
        let reply = retrying(|| async { in_own_tx!(self.db, |tx| self.change_in_tx(&mut tx, call, kind, change)) });
        let reply = reply.await;
        self.answered(reply).await
    }
}

/// Decides what has become due.
async fn settle(tx: &mut PgSession, payment: &mut TestPayment, now: DateTime<Utc>) -> Result<(), DbError> {
    if payment.status == "PENDING" && now >= payment.created_at + SLOW_BY {
        "AUTHORIZED".clone_into(&mut payment.status);
        repository::save_test(tx, payment).await?;
        repository::settle_test_operation(tx, payment.operation_id, "SUCCEEDED", now).await?;
    }
    if payment.status == "LOST" && now >= payment.created_at + LOST_FOR {
        "FAILED".clone_into(&mut payment.status);
        repository::save_test(tx, payment).await?;
        let entry = TestOperation {
            operation_id: payment.operation_id.into(),
            reference: payment.reference.clone(),
            kind: OperationKind::Authorize.as_str().to_owned(),
            currency: payment.currency,
            amount: payment.amount,
            outcome: "DECLINED".to_owned(),
            acted_at: now,
        };
        repository::insert_test_operation(tx, &entry).await?;
    }
    Ok(())
}

fn entry(call: &Call, payment: &TestPayment, kind: OperationKind, outcome: &str, now: DateTime<Utc>) -> TestOperation {
    TestOperation {
        operation_id: call.operation,
        reference: payment.reference.clone(),
        kind: kind.as_str().to_owned(),
        currency: call.amount.currency(),
        amount: call.amount.minor(),
        outcome: outcome.to_owned(),
        acted_at: now,
    }
}

fn found(payment: &TestPayment) -> ProviderPayment {
    let state = match payment.status.as_str() {
        "AUTHORIZED" => FoundState::Authorized,
        "CAPTURED" => FoundState::Captured,
        "VOIDED" => FoundState::Voided,
        "REQUIRES_ACTION" => {
            let url = format!("/api/v1/test-payments/{}/confirm", payment.reference);
            FoundState::RequiresAction(Some(url))
        }
        "FAILED" => FoundState::Failed(Failure::declined("card_declined")),
        _ => FoundState::Pending,
    };
    ProviderPayment {
        reference: payment.reference.clone(),
        state,
        amount: Money::new(payment.amount, payment.currency),
        captured: payment.captured,
        refunded: Some(payment.refunded),
    }
}

impl Provider for Journal {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Test
    }

    fn authorize<'a>(&'a self, call: &'a Call, token: Option<&'a SecretString>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let behaviour = token.map(Behaviour::of);
            let reply = retrying(|| async { in_own_tx!(self.db, |tx| self.authorize_in_tx(&mut tx, call, behaviour)) });
            let reply = reply.await;
            self.answered(reply).await
        })
    }

    fn capture<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        Box::pin(self.change(call, OperationKind::Capture, |payment, amount| {
            let may = payment.status == "AUTHORIZED" && (1..=payment.amount).contains(&amount);
            if may {
                (payment.status, payment.captured) = ("CAPTURED".to_owned(), amount);
            }
            may
        }))
    }

    fn refund<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        Box::pin(self.change(call, OperationKind::Refund, |payment, amount| {
            let may = amount > 0 && payment.refunded + amount <= payment.captured;
            if may {
                payment.refunded += amount;
            }
            may
        }))
    }

    fn void<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        Box::pin(self.change(call, OperationKind::Void, |payment, _| {
            let may = matches!(payment.status.as_str(), "AUTHORIZED" | "REQUIRES_ACTION" | "PENDING");
            if may {
                (payment.status, payment.notify_at) = ("VOIDED".to_owned(), None);
            }
            may
        }))
    }

    fn search(&self, operation: PaymentOperationId) -> BoxFuture<'_, Result<Option<ProviderPayment>, Silence>> {
        Box::pin(async move {
            let looking = async { in_own_tx!(self.db, |tx| repository::lock_test_by_operation(&mut tx, operation)) };
            let payment = looking.await.map_err(|error| Silence(error.summary()))?;
            Ok(payment.filter(|payment| payment.status != "LOST").as_ref().map(found))
        })
    }

    fn find<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<Option<ProviderPayment>, Silence>> {
        Box::pin(async move {
            let looking = async {
                let mut tx = self.db.begin().await?;
                let mut payment = repository::lock_test(&mut tx, reference).await?;
                if let Some(payment) = &mut payment {
                    settle(&mut tx, payment, self.clock.now()).await?;
                }
                commit(tx).await?;
                Ok::<_, DbError>(payment)
            };
            let payment = looking.await.map_err(|error| Silence(error.summary()))?;
            Ok(payment.as_ref().map(found))
        })
    }
}
