//! The payments that begin with a booking.
use chrono::{DateTime, Utc};
use loadmaster_holds::{CommitTerms, Hold, Pay};
use loadmaster_kernel::{Money, UserId};
use loadmaster_payments::{CaptureMode, Charge, NewPayment, OperationKind, Payment, PaymentChange};

use super::super::{
    BookingService,
    model::{Booking, Paid},
};

/// A payment of a new booking, and its charge to a credit account.
pub struct PaidAtOnce {
    pub change: PaymentChange,
    pub charge: Option<Charge>,
}

/// Begins the payment of a hold that is to become a booking.
pub fn of_hold(service: &BookingService, hold: &Hold, amount: Money, terms: &CommitTerms, by: UserId) -> PaymentChange {
    let now = hold.updated_at;
    let new = NewPayment {
        id: service.ids.next(now),
        organization_id: hold.organization_id,
        created_by: by,
        hold_id: Some(hold.id),
        booking: None,
        amount,
        request_hash: terms.request,
        attempt: hold.attempts.cast_signed() + 1,
    };
    let provider = service.payments.provider().map_or_else(String::new, |provider| provider.as_str().to_owned());
    let (after, operation) = Payment::opened(new, &provider, service.ids.next(now), now);
    PaymentChange { before: None, after, operations: vec![operation] }
}

/// Returns what pays for a new booking, and enters it in its bill: a charge to a credit account, or the payment of its hold,
/// which is captured now.
pub fn of_booking(
    service: &BookingService,
    booking: &mut Booking,
    pay: Pay,
    authorized: Option<&Payment>,
    now: DateTime<Utc>,
) -> Option<PaidAtOnce> {
    let named = (booking.id, booking.ref_id.clone());
    let by = booking.created_by;
    match (pay, authorized) {
        (Pay::Account(amount), _) => {
            let new = NewPayment {
                id: service.ids.next(now),
                organization_id: booking.organization_id,
                created_by: by,
                hold_id: booking.hold_id,
                booking: Some(named.clone()),
                amount,
                request_hash: None,
                attempt: 1,
            };
            let (after, operation) = Payment::charged(new, service.ids.next(now), now);
            let taken = Charge {
                organization: booking.organization_id,
                payment: after.id,
                booking: Some(named),
                amount,
                actor: Some(by),
            };
            if let Some(bill) = &mut booking.bill {
                bill.note(Paid { captured: after.captured, ..Paid::default() });
            }
            let change = PaymentChange { before: None, after, operations: vec![operation] };
            Some(PaidAtOnce { change, charge: Some(taken) })
        }
        (_, Some(payment)) => {
            let mut after = payment.clone();
            after.booking = Some(named);
            (after.organization_id, after.updated_at) = (booking.organization_id, now);
            let operations = match service.payments.capture_mode() {
                CaptureMode::Automatic => {
                    let amount = after.amount.minor();
                    vec![after.promise(OperationKind::Capture, amount, service.ids.next(now), now)]
                }
                CaptureMode::Manual => Vec::new(),
            };
            if let Some(bill) = &mut booking.bill {
                bill.note(Paid { is_open: true, ..Paid::default() });
            }
            let change = PaymentChange { before: Some(payment.clone()), after, operations };
            Some(PaidAtOnce { change, charge: None })
        }
        _ => None,
    }
}
