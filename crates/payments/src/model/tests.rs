use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::{Money, PaymentOperationId};
use proptest::prelude::*;
use uuid::Uuid;

use super::{
    CreditAccount, CreditKind, CreditRefusal, Failure, NewPayment, Operation, OperationKind, OperationStatus, Outcome,
    Payment, PaymentEventType, PaymentStatus,
};

const AMOUNT: i64 = 10_000;

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn id(number: u128) -> PaymentOperationId {
    Uuid::from_u128(number).into()
}

fn usd(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap())
}

fn new() -> NewPayment {
    NewPayment {
        id: Uuid::from_u128(1).into(),
        organization_id: Uuid::from_u128(2).into(),
        created_by: Uuid::from_u128(3).into(),
        hold_id: Some(Uuid::from_u128(4).into()),
        booking: None,
        amount: usd(AMOUNT),
        request_hash: Some([7; 32]),
        attempt: 1,
    }
}

fn opened() -> (Payment, Operation) {
    let (payment, authorize) = Payment::opened(new(), "test", id(10), start());
    (payment, authorize.attempted(start()))
}

fn succeeded() -> Outcome {
    Outcome::Succeeded { reference: Some("ref".to_owned()) }
}

fn authorized() -> (Payment, Vec<Operation>) {
    let (payment, authorize) = opened();
    let (payment, authorize) = payment.record(&authorize, &succeeded(), start());
    assert_eq!((payment.status, authorize.status), (PaymentStatus::Authorized, OperationStatus::Succeeded));
    (payment, vec![authorize])
}

fn then(payment: &mut Payment, kind: OperationKind, amount: i64, outcome: &Outcome) -> Operation {
    let next = u128::try_from(payment.operations).unwrap() + 10;
    let promised = payment.promise(kind, amount, id(next), start()).attempted(start());
    let (after, operation) = payment.record(&promised, outcome, start());
    *payment = after;
    operation
}

#[test]
fn a_payment_is_authorized_captured_and_refunded_in_parts() {
    let (mut payment, mut operations) = authorized();
    assert!(payment.is_capturable(&operations) && payment.is_voidable(&operations) && payment.is_open());
    operations.push(then(&mut payment, OperationKind::Capture, 8_000, &succeeded()));
    assert_eq!((payment.status, payment.captured), (PaymentStatus::Captured, 8_000));
    assert!(!payment.is_capturable(&operations) && !payment.is_voidable(&operations) && !payment.is_open());
    assert_eq!(payment.refundable(&operations), 8_000);
    operations.push(payment.promise(OperationKind::Refund, 3_000, id(20), start()));
    assert_eq!(payment.refundable(&operations), 5_000, "what is promised is not promised again");
    let (payment, refund) = payment.record(operations.last().unwrap(), &succeeded(), start());
    *operations.last_mut().unwrap() = refund;
    assert_eq!((payment.refunded, payment.refundable(&operations)), (3_000, 5_000));
    assert_eq!(operations.iter().map(|one| one.sequence).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_declined_authorization_fails_with_the_providers_word() {
    let (payment, authorize) = opened();
    let (payment, authorize) = payment.record(&authorize, &Outcome::declined("insufficient_funds"), start());
    assert_eq!((payment.status, authorize.status), (PaymentStatus::Failed, OperationStatus::Declined));
    assert_eq!(payment.failure.unwrap().code, "insufficient_funds");
    assert_eq!(Failure::declined("Jane Doe: no funds").code, "declined", "only a word is kept");
}

#[test]
fn only_a_first_request_that_was_not_sent_is_sure_not_to_have_happened() {
    let (payment, authorize) = opened();
    let (failed, _) = payment.record(&authorize, &Outcome::NotSent, start());
    assert!(failed.failure.unwrap().was_not_sent());
    let again = authorize.attempted(start());
    let (payment, operation) = payment.record(&again, &Outcome::NotSent, start());
    assert_eq!((payment.status, operation.status), (PaymentStatus::Processing, OperationStatus::Open));
}

#[test]
fn a_payer_confirms_and_the_authorization_follows() {
    let (payment, authorize) = opened();
    let waits = Outcome::RequiresAction { reference: "ref".to_owned(), url: Some("https://bank.example".to_owned()) };
    let (payment, authorize) = payment.record(&authorize, &waits, start());
    assert_eq!((payment.status, authorize.status), (PaymentStatus::RequiresAction, OperationStatus::Open));
    assert!(payment.action_url.is_some() && payment.is_open());
    let (silent, _) = payment.record(&authorize, &Outcome::Unknown("late".to_owned()), start());
    assert_eq!(silent.status, PaymentStatus::RequiresAction, "a silence takes nothing back");
    let (pending, _) = payment.record(&authorize, &Outcome::Pending { reference: "ref".to_owned() }, start());
    assert_eq!((pending.status, pending.action_url), (PaymentStatus::Processing, None));
    let (done, _) = payment.record(&authorize, &succeeded(), start());
    assert_eq!((done.status, done.action_url), (PaymentStatus::Authorized, None));
}

#[test]
fn a_void_ends_an_authorization_and_is_itself_never_taken_for_granted() {
    let (mut payment, _) = authorized();
    then(&mut payment, OperationKind::Void, AMOUNT, &succeeded());
    assert_eq!(payment.status, PaymentStatus::Voided);
    let (mut payment, _) = authorized();
    let void = then(&mut payment, OperationKind::Void, AMOUNT, &Outcome::declined("already_captured"));
    assert_eq!((payment.status, void.status), (PaymentStatus::Authorized, OperationStatus::Unresolved));
    let (resolved, void) = payment.resolved(&void, true, "voided by hand", start()).unwrap();
    assert_eq!((resolved.status, void.status), (PaymentStatus::Voided, OperationStatus::Succeeded));
}

#[test]
fn a_payment_that_was_voided_during_the_payers_challenge_stays_voided() {
    let (payment, authorize) = opened();
    let waits = Outcome::RequiresAction { reference: "ref".to_owned(), url: None };
    let (mut payment, authorize) = payment.record(&authorize, &waits, start());
    assert!(payment.is_voidable(std::slice::from_ref(&authorize)));
    then(&mut payment, OperationKind::Void, AMOUNT, &succeeded());
    let (payment, authorize) = payment.record(&authorize, &Outcome::declined("canceled"), start());
    assert_eq!((payment.status, authorize.status), (PaymentStatus::Voided, OperationStatus::Declined));
}

#[test]
fn an_unknown_outcome_is_queried_at_growing_intervals_and_left_to_a_person_after_23_hours() {
    let (mut payment, mut operation) = opened();
    let (mut now, mut pauses) = (start(), Vec::new());
    while operation.status == OperationStatus::Open {
        (payment, operation) = payment.record(&operation, &Outcome::Unknown("silence".to_owned()), now);
        let Some(next) = operation.next_attempt_at else { break };
        pauses.push((next - now).num_seconds());
        now = next;
        operation = operation.attempted(now);
    }
    assert_eq!(pauses[..6], [5, 15, 60, 300, 900, 900]);
    let (last, others) = pauses[4..].split_last().unwrap();
    assert!(others.iter().all(|pause| *pause == 900) && *last <= 900, "{pauses:?}");
    let asked_for = now - start();
    assert_eq!(asked_for, TimeDelta::hours(23));
    assert_eq!((payment.status, operation.status), (PaymentStatus::Processing, OperationStatus::Unresolved));
    assert!(payment.is_open(), "it may have been charged");
    let (done, _) = payment.resolved(&operation, true, "found in the provider's books", now).unwrap();
    assert_eq!(done.status, PaymentStatus::Authorized);
    let (undone, _) = payment.resolved(&operation, false, "not found", now).unwrap();
    assert_eq!(undone.status, PaymentStatus::Failed);
    let (_, open) = opened();
    assert!(payment.resolved(&open, true, "too early", now).is_err());
}

#[test]
fn an_attempt_is_not_repeated_while_it_may_be_under_way() {
    let (_, promised) = Payment::opened(new(), "test", id(10), start());
    assert_eq!(promised.next_attempt_at, Some(start() + TimeDelta::seconds(30)), "left to who has the token");
    assert!(promised.is_to_be_tried(true, start()) && !promised.is_to_be_tried(false, start()));
    let attempted = promised.attempted(start());
    assert_eq!((attempted.attempts, attempted.first_attempt_at), (1, Some(start())));
    assert!(!attempted.is_to_be_tried(true, start() + TimeDelta::seconds(10)));
    assert!(attempted.is_to_be_tried(false, start() + TimeDelta::seconds(11)));
}

#[test]
fn a_hint_that_arrives_during_a_query_of_the_provider_is_not_lost() {
    let (payment, authorize) = opened();
    let hurried = Operation { next_attempt_at: Some(start()), ..authorize };
    let waits = Outcome::RequiresAction { reference: "ref".to_owned(), url: None };
    let (_, operation) = payment.record(&hurried, &waits, start() + TimeDelta::seconds(1));
    assert_eq!(
        (operation.status, operation.next_attempt_at),
        (OperationStatus::Open, Some(start() + TimeDelta::seconds(1)))
    );
}

#[test]
fn a_payment_from_credit_is_captured_at_once() {
    let (payment, capture) = Payment::charged(new(), id(10), start());
    assert_eq!((payment.status, payment.captured), (PaymentStatus::Captured, AMOUNT));
    assert_eq!((capture.kind, capture.status), (OperationKind::Capture, OperationStatus::Succeeded));
    assert_eq!(PaymentEventType::between(None, &payment), [PaymentEventType::Captured]);
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(succeeded()),
        Just(Outcome::declined("no")),
        Just(Outcome::RequiresAction { reference: "ref".to_owned(), url: None }),
        Just(Outcome::Pending { reference: "ref".to_owned() }),
        Just(Outcome::Unknown("silence".to_owned())),
        Just(Outcome::NotSent),
    ]
}

/// What happens next: a promise, or an answer to one of the operations, early or late, once or again.
#[derive(Debug, Clone)]
enum Step {
    Promise(OperationKind, i64),
    Answer(usize, Outcome),
    Wait(i64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![Just(OperationKind::Capture), Just(OperationKind::Refund), Just(OperationKind::Void)];
    prop_oneof![
        (kind, 1..=AMOUNT).prop_map(|(kind, amount)| Step::Promise(kind, amount)),
        (any::<usize>(), any_outcome()).prop_map(|(which, outcome)| Step::Answer(which, outcome)),
        (1_i64..100_000).prop_map(Step::Wait),
    ]
}

proptest! {
    /// Whatever is answered in whichever order, and however often, the books say what the decided operations say.
    #[test]
    fn figures_follow_from_the_operations_alone(steps in prop::collection::vec(any_step(), 1..60)) {
        let (mut payment, authorize) = opened();
        let (mut operations, mut now) = (vec![authorize], start());
        for step in steps {
            match step {
                Step::Wait(seconds) => now += TimeDelta::seconds(seconds),
                Step::Promise(kind, amount) => {
                    let may = match kind {
                        OperationKind::Capture => payment.is_capturable(&operations),
                        OperationKind::Void => payment.is_voidable(&operations),
                        _ => amount <= payment.refundable(&operations),
                    };
                    if may {
                        let next = u128::try_from(operations.len()).unwrap() + 100;
                        operations.push(payment.promise(kind, amount, id(next), now));
                    }
                }
                Step::Answer(which, outcome) => {
                    let place = which % operations.len();
                    let operation = if operations[place].is_to_be_tried(true, now) {
                        operations[place].attempted(now)
                    } else {
                        operations[place].clone()
                    };
                    let (after, answered) = payment.record(&operation, &outcome, now);
                    let again = after.record(&answered, &outcome, now);
                    if answered.status != OperationStatus::Open {
                        prop_assert_eq!(&again, &(after.clone(), answered.clone()), "recorded again");
                    }
                    let happened = PaymentEventType::between(Some(&payment), &after);
                    prop_assert!(happened.len() <= 1, "{:?}", happened);
                    (payment, operations[place]) = (after, answered);
                }
            }
            let sum = |kind, of: &[OperationStatus]| -> i64 {
                let found = operations.iter().filter(|one| one.kind == kind && of.contains(&one.status));
                found.map(|one| one.amount.minor()).sum()
            };
            let done = &[OperationStatus::Succeeded][..];
            prop_assert_eq!(payment.captured, sum(OperationKind::Capture, done));
            prop_assert_eq!(payment.refunded, sum(OperationKind::Refund, done));
            prop_assert!(0 <= payment.refunded && payment.refunded <= payment.captured && payment.captured <= AMOUNT);
            let undecided = &[OperationStatus::Succeeded, OperationStatus::Open, OperationStatus::Unresolved][..];
            prop_assert!(sum(OperationKind::Refund, undecided) <= payment.captured);
            prop_assert_eq!(payment.captured > 0, payment.status == PaymentStatus::Captured);
            prop_assert_eq!(payment.operations, i32::try_from(operations.len()).unwrap());
            prop_assert_eq!(payment.failure.is_some(), payment.status == PaymentStatus::Failed);
        }
    }

    /// However charges, refunds, payments and limits follow each other, no charge goes over the limit of its moment.
    #[test]
    fn credit_is_charged_within_its_limit(steps in prop::collection::vec((0..4_usize, 0..2_000_i64), 1..50)) {
        let mut account = CreditAccount::opened(Uuid::from_u128(1).into(), usd(0).currency(), start());
        account.enter(CreditKind::Limit, 5_000, start());
        for (number, (kind, amount)) in (2..).zip(steps) {
            let kind = [CreditKind::Limit, CreditKind::Charge, CreditKind::Refund, CreditKind::Payment][kind];
            if kind == CreditKind::Charge && account.judge(usd(amount)).is_err() {
                let available = account.money(account.available());
                prop_assert_eq!(account.judge(usd(amount)), Err(CreditRefusal::Exceeded { available }));
                prop_assert!(account.used + amount > account.limit);
                account.enter(CreditKind::Limit, account.limit, start());
                continue;
            }
            let entry = account.enter(kind, amount, start());
            prop_assert_eq!((entry.seq, entry.used, entry.limit), (number, account.used, account.limit));
            // A charge of nothing takes nothing, also after the limit was set below what is used.
            prop_assert!(kind != CreditKind::Charge || amount == 0 || account.used <= account.limit);
        }
    }
}
