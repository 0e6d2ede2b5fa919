use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::DeliveryId;
use uuid::Uuid;

use super::*;

fn policy() -> GiveUp {
    let pauses = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400].map(TimeDelta::seconds).to_vec();
    GiveUp { pauses, after: TimeDelta::hours(72) }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn delivery(number: u128) -> DeliveryId {
    Uuid::from_u128(number).into()
}

fn tried(number: u128, now: DateTime<Utc>, outcome: AttemptOutcome) -> Tried {
    let (delivery, http_status) = (delivery(number), Some(500));
    Tried { delivery, started_at: now, ended_at: now, outcome, http_status, wish: None, is_slow: false }
}

/// Fails with this delivery, which is due; returns what becomes of it.
fn fail(state: &mut State, number: u128, seconds: i64) -> After {
    let due = Moment { step: 0, next_attempt_at: at(seconds) };
    state.learn(&tried(number, at(seconds), AttemptOutcome::Rejected), due, &policy(), 1.0)
}

#[test]
fn a_message_is_tried_ten_times_over_three_days() {
    let (mut state, policy) = (State::fresh(), policy());
    let (mut moment, mut pauses) = (Moment { step: 0, next_attempt_at: at(0) }, Vec::new());
    loop {
        let now = moment.next_attempt_at;
        match state.learn(&tried(1, now, AttemptOutcome::Timeout), moment, &policy, 1.0) {
            After::Again(next) => {
                pauses.push((next.next_attempt_at - now).num_seconds());
                moment = next;
            }
            After::Failed => break,
            After::Delivered => panic!("it was not"),
        }
    }
    assert_eq!(pauses, [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]);
    assert_eq!(pauses.iter().sum::<i64>(), 75 * 3600 + 35 * 60 + 5);
}

#[test]
fn an_attempt_before_its_time_uses_no_pause_up() {
    let mut state = State::fresh();
    let waiting = Moment { step: 3, next_attempt_at: at(1000) };
    let after = state.learn(&tried(1, at(10), AttemptOutcome::Rejected), waiting, &policy(), 1.1);
    assert_eq!(after, After::Again(waiting));
    let due = Moment { step: 1, next_attempt_at: at(10) };
    let after = state.learn(&tried(1, at(10), AttemptOutcome::Rejected), due, &policy(), 1.1);
    assert_eq!(after, After::Again(Moment { step: 2, next_attempt_at: at(340) }));
}

#[test]
fn five_failures_in_a_row_leave_a_receiver_in_peace_until_a_success() {
    let mut state = State::fresh();
    for number in 1..5 {
        fail(&mut state, number, 0);
        assert_eq!(state.status, WebhookStatus::Active);
    }
    fail(&mut state, 5, 10);
    assert_eq!(
        (state.status, state.failing_since, state.failing_delivery),
        (WebhookStatus::Failing, Some(at(0)), None)
    );
    let outlook = |next| Outlook { first: Some(at(0)), next };
    assert_eq!(due(&state, outlook(None), &policy(), at(10)), Some(at(15)), "five seconds at least");
    assert_eq!(due(&state, outlook(None), &policy(), at(400)), Some(at(500)), "a quarter of the time");
    assert_eq!(due(&state, outlook(Some(at(410))), &policy(), at(400)), Some(at(410)), "or by the message's own pause");
    let days = at(200_000);
    assert_eq!(due(&state, outlook(None), &policy(), days), Some(days + TimeDelta::hours(1)), "hourly at the latest");
    let now = at(20);
    state.learn(&tried(9, now, AttemptOutcome::Delivered), Moment { step: 0, next_attempt_at: now }, &policy(), 1.0);
    assert_eq!((state.status, state.failures, state.failing_since), (WebhookStatus::Active, 0, None));
    assert_eq!(due(&state, outlook(None), &policy(), now), Some(now));
    assert_eq!(due(&state, Outlook::default(), &policy(), now), None, "nothing waits");
}

#[test]
fn it_is_reported_after_a_day_and_disabled_after_three() {
    let (mut state, hour) = (State::fresh(), 3600);
    fail(&mut state, 1, 0);
    fail(&mut state, 2, 0);
    assert_eq!(state.judge(&policy(), 9, at(24 * hour - 1)), None);
    assert_eq!(state.judge(&policy(), 9, at(24 * hour)), Some(WebhookEventType::Failing));
    assert_eq!(state.judge(&policy(), 9, at(25 * hour)), None, "once");
    assert_eq!(state.judge(&policy(), 9, at(72 * hour)), None);
    assert_eq!((state.status, state.disabled_reason), (WebhookStatus::Disabled, Some(DisabledReason::Failing)));
    assert_eq!(due(&state, Outlook { first: Some(at(0)), next: None }, &policy(), at(0)), None);
}

#[test]
fn one_message_alone_disables_only_if_nothing_else_waits() {
    let mut state = State::fresh();
    fail(&mut state, 1, 0);
    fail(&mut state, 1, 10);
    assert_eq!(state.failing_delivery, Some(delivery(1)));
    state.judge(&policy(), 2, at(72 * 3600));
    assert_ne!(state.status, WebhookStatus::Disabled);
    state.judge(&policy(), 1, at(72 * 3600));
    assert_eq!(state.disabled_reason, Some(DisabledReason::Failing));
}

#[test]
fn the_moments_of_decision_are_moments_of_attempts() {
    let policy = GiveUp { after: TimeDelta::minutes(3), ..policy() };
    let mut state = State::fresh();
    fail(&mut state, 1, 0);
    let later = Outlook { first: Some(at(3000)), next: Some(at(3000)) };
    assert_eq!(due(&state, later, &policy, at(1)), Some(at(60)));
    assert!(!state.is_to_be_probed(&policy, at(59)) && state.is_to_be_probed(&policy, at(60)));
    assert_eq!(state.judge(&policy, 1, at(60)), Some(WebhookEventType::Failing));
    assert!(state.is_to_be_probed(&policy, at(61)), "it is left in peace, and tried with one message at a time");
}

#[test]
fn a_receiver_that_is_gone_is_disabled_and_one_that_is_busy_gets_its_pause() {
    let mut state = State::fresh();
    let busy = Tried { wish: Some(TimeDelta::hours(5)), ..tried(1, at(0), AttemptOutcome::Rejected) };
    let moment = Moment { step: 0, next_attempt_at: at(0) };
    state.learn(&busy, moment, &policy(), 1.0);
    assert_eq!(
        due(&state, Outlook { first: Some(at(5)), next: None }, &policy(), at(1)),
        Some(at(3600)),
        "an hour at most"
    );
    let gone = Tried { http_status: Some(410), ..tried(1, at(0), AttemptOutcome::Rejected) };
    state.learn(&gone, moment, &policy(), 1.0);
    assert_eq!((state.status, state.disabled_reason), (WebhookStatus::Disabled, Some(DisabledReason::Gone)));
    // What was under way meanwhile changes nothing of that.
    state.learn(&tried(2, at(9), AttemptOutcome::Delivered), moment, &policy(), 1.0);
    assert_eq!((state.status, state.last_success_at), (WebhookStatus::Disabled, Some(at(9))));
}

#[test]
fn a_receiver_that_failed_or_was_slow_is_doubtful() {
    let mut state = State::fresh();
    let moment = Moment { step: 0, next_attempt_at: at(0) };
    state.learn(&tried(1, at(0), AttemptOutcome::Delivered), moment, &policy(), 1.0);
    assert!(!state.is_doubtful);
    let slow = Tried { is_slow: true, ..tried(1, at(0), AttemptOutcome::Delivered) };
    state.learn(&slow, moment, &policy(), 1.0);
    assert!(state.is_doubtful);
    state.learn(&tried(1, at(0), AttemptOutcome::Delivered), moment, &policy(), 1.0);
    fail(&mut state, 1, 0);
    assert!(state.is_doubtful);
}
