use super::*;
use crate::model::{AttemptOutcome, State};

const PATIENT: &[i64] = &[5, 300];

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn policy() -> GiveUp {
    GiveUp { pauses: PATIENT.iter().copied().map(TimeDelta::seconds).collect(), after: TimeDelta::hours(72) }
}

/// A webhook for which these deliveries wait.
fn ledger(waiting: &[u128]) -> (Ledger, WebhookId) {
    let id: WebhookId = Uuid::from_u128(1).into();
    let state =
        State { last_success_at: Some(at(0)), last_attempt_at: Some(at(0)), is_doubtful: false, ..State::fresh() };
    let count = i32::try_from(waiting.len()).unwrap();
    let webhook = Locked { id, state, waiting: count, event_sequence: 0, is_deleted: false };
    let pending = |number: &u128| {
        let id: DeliveryId = Uuid::from_u128(*number).into();
        let next_attempt_at = Some(at(10));
        (id, Pending { id, status: DeliveryStatus::Waiting, attempt_count: 0, step: 0, next_attempt_at })
    };
    let deliveries = waiting.iter().map(pending).collect();
    (Ledger { webhooks: BTreeMap::from([(id, webhook)]), deliveries, ..Ledger::default() }, id)
}

fn learn(ledger: &mut Ledger, webhook: WebhookId, number: u128, status: u16, wish: Option<i64>) {
    let outcome = if status < 300 { AttemptOutcome::Delivered } else { AttemptOutcome::Rejected };
    let tried = Tried {
        delivery: Uuid::from_u128(number).into(),
        started_at: at(10),
        ended_at: at(11),
        outcome,
        http_status: Some(status),
        wish: wish.map(TimeDelta::seconds),
        is_slow: false,
    };
    let attempt = |number| Attempt {
        number,
        started_at: at(10),
        duration_ms: 1,
        outcome,
        http_status: Some(i32::from(status)),
        response: None,
    };
    ledger.learn_from(webhook, &tried, attempt, (&policy(), 1.0), at(11));
}

#[test]
fn of_attempts_that_end_together_the_first_may_disable_the_webhook() {
    for (first, second) in [(410, 200), (200, 410), (410, 410), (410, 500)] {
        let (mut ledger, id) = ledger(&[2, 3, 4]);
        learn(&mut ledger, id, 2, first, None);
        learn(&mut ledger, id, 3, second, None);
        let webhook = &ledger.webhooks[&id];
        assert_eq!((webhook.state.status, webhook.waiting), (WebhookStatus::Disabled, 0), "{first} {second}");
        assert_eq!(ledger.events, [(id, WebhookEventType::Disabled)], "{first} {second}");
        assert_eq!(ledger.attempts.len(), 2);
    }
}

#[test]
fn a_receiver_that_requests_a_pause_gets_it_though_others_arrive() {
    let (mut ledger, id) = ledger(&[2, 3]);
    learn(&mut ledger, id, 2, 429, Some(600));
    learn(&mut ledger, id, 3, 200, None);
    let webhook = &ledger.webhooks[&id];
    assert_eq!((webhook.state.status, webhook.waiting), (WebhookStatus::Active, 1));
    assert_eq!(webhook.state.not_before, Some(at(611)));
    assert_eq!(ledger.deliveries[&Uuid::from_u128(2).into()].next_attempt_at, Some(at(611)));
}
