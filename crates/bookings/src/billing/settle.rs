//! What follows from the state of a booking and its payments, whatever has led to it: authorized amounts are captured, or
//! voided once the booking is cancelled, and what was paid too much goes back.
use chrono::{DateTime, Utc};
use loadmaster_kernel::{BookingId, OrganizationId, PaymentOperationId, UserId};
use loadmaster_payments::{
    self as payments, CaptureMode, CreditRefund, OperationKind, Outcome, Payment, PaymentChange, PaymentMethod,
    PaymentStatus, PaymentWithOperations,
};
use loadmaster_platform::{
    postgres::{DbError, PgSession},
    random::IdSource,
};
use uuid::Uuid;

use super::super::{
    BookingError, BookingService,
    draft::{Draft, EventDetails, save_in_tx},
    model::{Booking, BookingStatus, EventType, Paid},
    repository,
};

/// Bookings in memory at the same time.
const AT_ONCE: usize = 2_000;

/// The payments of a booking under their locks, as they were and as they are now.
#[derive(Debug, Clone, Default)]
pub struct Books {
    found: Vec<Payment>,
    pub payments: Vec<PaymentWithOperations>,
    /// Operations that are new or changed, by the place of their payment.
    changed: Vec<(usize, payments::Operation)>,
    returned: Vec<CreditRefund>,
}

/// What a fee can be kept of, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FeeSources {
    /// Captured, and neither refunded nor promised back.
    pub captured: i64,
    /// Promised to be captured.
    pub promised: i64,
    /// Authorized, and not promised to be captured yet.
    pub authorized: i64,
}

impl FeeSources {
    pub const fn all(self) -> i64 {
        self.captured + self.promised + self.authorized
    }
}

impl Books {
    pub fn new(payments: Vec<PaymentWithOperations>) -> Self {
        let found = payments.iter().map(|(payment, _)| payment.clone()).collect();
        Self { found, payments, changed: Vec::new(), returned: Vec::new() }
    }

    /// Locks the payments of a booking, which is locked.
    pub async fn of_booking_in_tx(tx: &mut PgSession, booking: BookingId) -> Result<Self, DbError> {
        Ok(Self::new(payments::lock_of_bookings_in_tx(tx, &[booking]).await?))
    }

    /// Adds a payment that was just begun.
    pub fn add(&mut self, payment: Payment, operation: payments::Operation) {
        self.changed.push((self.payments.len(), operation.clone()));
        self.payments.push((payment, vec![operation]));
    }

    /// Changes the payment at this place and its operation.
    pub fn replace(&mut self, place: usize, payment: Payment, operation: payments::Operation) {
        let (known, operations) = &mut self.payments[place];
        *known = payment;
        match operations.iter_mut().find(|own| own.id == operation.id) {
            Some(own) => *own = operation.clone(),
            None => operations.push(operation.clone()),
        }
        self.changed.push((place, operation));
    }

    pub fn paid(&self) -> Paid {
        let all = || self.payments.iter().map(|(payment, _)| payment);
        Paid {
            captured: all().map(|payment| payment.captured).sum(),
            promised: self.promised(),
            refunded: all().map(|payment| payment.refunded).sum(),
            is_open: all().any(Payment::is_open),
            has_failed: all().max_by_key(|payment| payment.id).is_some_and(|last| last.status == PaymentStatus::Failed),
        }
    }

    /// Promises an operation on the payment at this place.
    pub fn promise(&mut self, place: usize, kind: OperationKind, amount: i64, ids: &IdSource, now: DateTime<Utc>) {
        let mut payment = self.payments[place].0.clone();
        let operation = payment.promise(kind, amount, ids.next(now), now);
        self.replace(place, payment, operation);
    }

    /// Returns this amount of the payment at this place: through the provider, or at once to a credit account.
    pub fn refund(&mut self, place: usize, amount: i64, ids: &IdSource, by: Option<UserId>, now: DateTime<Utc>) {
        let mut payment = self.payments[place].0.clone();
        let operation = payment.promise(OperationKind::Refund, amount, ids.next(now), now);
        if payment.method == PaymentMethod::Token {
            return self.replace(place, payment, operation);
        }
        let (payment, operation) = payment.record(&operation, &Outcome::Succeeded { reference: None }, now);
        self.returned.push(CreditRefund {
            organization: payment.organization_id,
            payment: payment.id,
            booking: payment.booking.clone(),
            amount: payment.amount.with_minor(amount),
            actor: by,
        });
        self.replace(place, payment, operation);
    }

    /// Returns this amount of what was paid, the newest payments first. What exceeds the payments is left.
    pub fn give_back(&mut self, mut amount: i64, ids: &IdSource, by: Option<UserId>, now: DateTime<Utc>) {
        for place in (0..self.payments.len()).rev() {
            let (payment, operations) = &self.payments[place];
            let part = payment.refundable(operations).min(amount);
            if part > 0 {
                self.refund(place, part, ids, by, now);
                amount -= part;
            }
        }
    }

    /// Returns what can still be refunded.
    pub fn refundable(&self) -> i64 {
        self.payments.iter().map(|(payment, operations)| payment.refundable(operations)).sum()
    }

    /// Returns what is promised to be captured.
    fn promised(&self) -> i64 {
        let operations = self.payments.iter().flat_map(|(_, operations)| operations);
        let captures = operations.filter(|one| one.kind == OperationKind::Capture && one.is_undecided());
        captures.map(|one| one.amount.minor()).sum()
    }

    /// Returns what a fee can be kept of.
    pub fn kept(&self) -> FeeSources {
        let is_capturable = |(payment, operations): &&PaymentWithOperations| payment.is_capturable(operations);
        let authorized = self.payments.iter().filter(is_capturable).map(|(payment, _)| payment.amount.minor());
        FeeSources { captured: self.refundable(), promised: self.promised(), authorized: authorized.sum() }
    }

    /// Promises to capture what is lacking of a fee from what is authorized. The provider voids the rest with it.
    pub fn capture_fee(&mut self, fee: i64, ids: &IdSource, now: DateTime<Utc>) {
        let mut lacking = fee - self.refundable() - self.promised();
        for place in 0..self.payments.len() {
            let (payment, operations) = &self.payments[place];
            let part = payment.amount.minor().min(lacking);
            if part > 0 && payment.is_capturable(operations) {
                self.promise(place, OperationKind::Capture, part, ids, now);
                lacking -= part;
            }
        }
    }

    /// Enters in the booking's bill what was paid, and promises what follows from it.
    pub fn settle(
        &mut self,
        booking: &mut Booking,
        mode: CaptureMode,
        ids: &IdSource,
        by: Option<UserId>,
        now: DateTime<Utc>,
    ) {
        // A fee rises with what was captured after the cancellation.
        self.note(booking);
        let is_cancelled = booking.status == BookingStatus::Cancelled;
        // What is left of a cancelled booking's fee may be paid.
        let due = booking.bill.as_ref().map_or(0, |bill| bill.owed() - self.refundable() - self.promised());
        for place in 0..self.payments.len() {
            let (payment, operations) = &self.payments[place];
            let amount = payment.amount.minor();
            let is_wanted = !is_cancelled || amount <= due;
            if payment.is_left_over(operations) || (!is_wanted && payment.is_voidable(operations)) {
                self.promise(place, OperationKind::Void, amount, ids, now);
            } else if is_wanted && mode == CaptureMode::Automatic && payment.is_capturable(operations) {
                self.promise(place, OperationKind::Capture, amount, ids, now);
            }
        }
        // Refunds that are promised have gone back already.
        let too_much = booking.bill.as_ref().map_or(0, |bill| self.refundable() - bill.owed());
        if too_much > 0 {
            self.give_back(too_much, ids, by, now);
        }
        self.note(booking);
    }

    /// Enters what was paid in the booking's bill.
    pub fn note(&self, booking: &mut Booking) {
        if let Some(bill) = &mut booking.bill {
            bill.note(self.paid());
        }
    }

    /// Writes what has changed. Returns what is to be tried at once.
    pub async fn write_in_tx(self, tx: &mut PgSession, now: DateTime<Utc>) -> Result<Vec<PaymentOperationId>, DbError> {
        let Self { found, payments, changed, returned } = self;
        if !returned.is_empty() {
            payments::refund_credit_in_tx(tx, &returned, now).await?;
        }
        let mut promised = Vec::new();
        let mut changes: Vec<PaymentChange> = Vec::new();
        for (place, (payment, _)) in payments.into_iter().enumerate() {
            let own = changed.iter().filter(|(of, _)| *of == place);
            let mut operations: Vec<payments::Operation> = Vec::new();
            for (_, operation) in own {
                operations.retain(|earlier| earlier.id != operation.id);
                operations.push(operation.clone());
            }
            let before = found.get(place).cloned();
            if operations.is_empty() && before.as_ref() == Some(&payment) {
                continue;
            }
            let is_new = |operation: &&payments::Operation| operation.attempts == 0 && operation.is_undecided();
            promised.extend(operations.iter().filter(is_new).map(|operation| operation.id));
            changes.push(PaymentChange { before, after: payment, operations });
        }
        payments::save_in_tx(tx, &mut changes).await?;
        Ok(promised)
    }
}

/// A booking whose least fee a fault of the carrier has lifted, and its organization.
pub type Lifted = (OrganizationId, BookingId);

/// Returns those of these bookings whose least fee a fault of the carrier has lifted.
pub fn lifted(drafts: &[Draft]) -> impl Iterator<Item = Lifted> {
    let floor = |booking: &Booking| booking.bill.as_ref().and_then(|bill| bill.floor);
    let is_lifted = move |draft: &&Draft| floor(draft.found()).is_some() && floor(&draft.now).is_none();
    drafts.iter().filter(is_lifted).map(|draft| (draft.now.organization_id, draft.now.id))
}

impl BookingService {
    /// Promises back what was kept for the fees of these bookings. It comes last in a transaction that holds their locks: credit
    /// accounts are locked after holds and sales, all at once.
    pub async fn return_surplus_in_tx(
        &self,
        tx: &mut PgSession,
        lifted: &[Lifted],
        actor: Option<UserId>,
    ) -> Result<(), BookingError> {
        if lifted.is_empty() {
            return Ok(());
        }
        let author = self.author(actor);
        let organizations: Vec<OrganizationId> = lifted.iter().map(|(organization, _)| *organization).collect();
        payments::lock_credit_in_tx(tx, &organizations).await?;
        for some in lifted.chunks(AT_ONCE) {
            let ids: Vec<Uuid> = some.iter().map(|(_, booking)| booking.uuid()).collect();
            let found = repository::lock_bookings(tx, &ids).await?;
            let mut drafts: Vec<Draft> = found.into_iter().map(Draft::of).collect();
            for draft in &mut drafts {
                let mut books = Books::of_booking_in_tx(tx, draft.now.id).await?;
                books.settle(&mut draft.now, self.payments.capture_mode(), &self.ids, author.actor, author.now);
                if draft.has_news() {
                    draft.record(author, EventType::PaymentChanged, EventDetails::default());
                }
                books.write_in_tx(tx, author.now).await?;
            }
            save_in_tx(tx, &drafts).await?;
        }
        Ok(())
    }
}
