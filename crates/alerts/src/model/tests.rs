use uuid::Uuid;

use super::*;

fn at(minutes: i64) -> DateTime<Utc> {
    "2026-11-20T08:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minutes)
}

fn dollars(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap())
}

fn terms(kind: AlertKind) -> Terms {
    Terms {
        kind,
        origin: "DEL".parse().unwrap(),
        destination: "LHR".parse().unwrap(),
        date_from: None,
        date_to: None,
        weight: Weight::from_hectograms(1000),
        volume: None,
        positions: None,
        dimensions: None,
        special_handling_codes: Vec::new(),
        below: (kind == AlertKind::Price).then_some(dollars(10_000)),
        drop_percent: None,
        expires_at: None,
    }
}

fn alert(terms: Terms) -> Alert {
    Alert {
        id: Uuid::from_u128(1).into(),
        organization_id: Uuid::from_u128(2).into(),
        created_by: Uuid::from_u128(3).into(),
        terms,
        status: AlertStatus::Active,
        base: None,
        ends_at: None,
        is_met: false,
        is_armed: false,
        is_pending: false,
        is_fresh: true,
        times_met: 0,
        current: None,
        last_checked_at: None,
        last_notified_at: None,
        next_check_at: at(0),
        event_sequence: 0,
        version: 1,
        created_at: at(0),
        updated_at: at(0),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as a check finds it")]
fn costs(minor: i64) -> Option<Found> {
    let departure_date = at(0).date_naive();
    Some(Found { departure_date, price: Some(dollars(minor)), flight_ids: vec![Uuid::from_u128(9).into()] })
}

#[test]
fn what_is_true_at_first_is_no_crossing() {
    let mut alert = alert(terms(AlertKind::Price));
    assert!(!alert.take_in(costs(10_000), at(0)));
    assert!(alert.is_met && !alert.is_armed, "`below` includes its own amount");
    assert!(!alert.take_in(costs(9_000), at(1)));
    assert_eq!(alert.times_met, 0);
}

#[test]
fn a_price_arms_again_two_percent_above_the_threshold() {
    let mut alert = alert(terms(AlertKind::Price));
    alert.take_in(costs(10_000), at(0));
    alert.take_in(costs(10_199), at(1));
    assert!(!alert.is_met && !alert.is_armed);
    assert!(!alert.take_in(costs(10_000), at(2)));
    alert.take_in(costs(10_200), at(3));
    assert!(alert.is_armed);
    assert!(alert.take_in(costs(10_000), at(4)));
    assert_eq!((alert.times_met, alert.event_sequence, alert.last_notified_at), (1, 1, Some(at(4))));
}

#[test]
fn ten_crossings_in_an_hour_are_one_letter_and_one_more_after_six_hours_if_it_still_holds() {
    for holds in [true, false] {
        let mut alert = alert(terms(AlertKind::Space));
        alert.take_in(None, at(0));
        let letters = (1..=10).filter(|n| {
            alert.take_in(None, at(n * 6 - 3));
            alert.take_in(costs(1), at(n * 6))
        });
        assert_eq!(letters.count(), 1);
        assert_eq!((alert.times_met, alert.is_pending), (10, true));
        let end = at(6) + QUIET;
        assert!(!alert.take_in(costs(1), end - TimeDelta::seconds(1)));
        assert_eq!(alert.take_in(if holds { costs(1) } else { None }, end), holds);
        assert!(!alert.is_pending);
    }
}

#[test]
fn a_drop_counts_from_the_first_price() {
    let mut alert = alert(Terms { below: None, drop_percent: Some(10), ..terms(AlertKind::Price) });
    alert.take_in(None, at(0));
    assert_eq!(alert.threshold(), None);
    alert.take_in(costs(10_000), at(1));
    assert_eq!(alert.threshold(), Some(dollars(9_000)));
    assert!(!alert.take_in(costs(9_001), at(2)));
    assert!(alert.take_in(costs(9_000), at(3)));
}

fn faults_of(terms: &Terms) -> Vec<(&'static str, FaultCode)> {
    terms.faults(at(0).date_naive(), at(0)).into_iter().map(|(pointer, fault)| (pointer, fault.code)).collect()
}

#[test]
fn faults_name_the_member() {
    let price = terms(AlertKind::Price);
    assert_eq!(faults_of(&price), []);
    assert_eq!(faults_of(&Terms { below: None, ..price.clone() }), [("/below", FaultCode::Required)]);
    let both = Terms { drop_percent: Some(5), ..price.clone() };
    assert_eq!(faults_of(&both), [("/drop_percent", FaultCode::NotAllowed)]);
    let space = Terms { below: Some(dollars(1)), ..terms(AlertKind::Space) };
    assert_eq!(faults_of(&space), [("/below", FaultCode::NotAllowed)]);
    let today = at(0).date_naive();
    let on = |first: i64, last: i64| Terms {
        date_from: Some(today + TimeDelta::days(first)),
        date_to: Some(today + TimeDelta::days(last)),
        ..price.clone()
    };
    assert_eq!(faults_of(&on(-1, 29)), []);
    assert_eq!(faults_of(&on(0, 31)), [("/date_to", FaultCode::TooLarge)]);
    assert_eq!(faults_of(&on(-3, -1)), [("/date_to", FaultCode::TooSmall)]);
    assert_eq!(faults_of(&on(2, 1)), [("/date_to", FaultCode::OutOfOrder)]);
    let half = Terms { date_from: Some(today), ..price.clone() };
    assert_eq!(faults_of(&half), [("/date_to", FaultCode::Required)]);
    let past = Terms { expires_at: Some(at(0)), ..price };
    assert_eq!(faults_of(&past), [("/expires_at", FaultCode::TooSmall)]);
}
