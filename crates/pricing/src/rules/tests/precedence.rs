use super::*;

/// DEL to LHR by AI101 on a Saturday.
fn way() -> [Flight; 1] {
    [flight("AI101", "DEL", "LHR")]
}

fn owner() -> OrganizationId {
    Uuid::from_u128(99).into()
}

fn first_of(tariffs: Vec<Tariff>) -> String {
    let pear: HandlingCode = "PER".parse().unwrap();
    let rated = rules(tariffs, vec![], vec![]).rate(&way(), freight(&[pear], "ROSES"), None, owner(), noon()).unwrap();
    codes(&rated).remove(0)
}

/// A criterion, and how it narrows a tariff.
type Narrowing = (&'static str, fn(&mut Tariff));

/// What precedes, the strongest first. Each narrows a tariff that is otherwise for everything.
fn narrowings() -> Vec<Narrowing> {
    vec![
        ("organization", |tariff| tariff.organization_id = Some(owner())),
        ("product", |tariff| tariff.product = "ROSES".parse().unwrap()),
        ("handling code", |tariff| tariff.handling_code = Some("PER".parse().unwrap())),
        ("airline", |tariff| tariff.reach.airline_code = Some("AI".parse().unwrap())),
        ("flight number", |tariff| tariff.reach.flight_numbers = vec!["AI101".parse().unwrap()]),
        ("origin airport", |tariff| tariff.reach.origin = scope("DEL")),
        ("origin city", |tariff| tariff.reach.origin = scope("city:New Delhi,IN")),
        ("origin country", |tariff| tariff.reach.origin = scope("country:IN")),
        ("origin region", |tariff| tariff.reach.origin = scope("region:ASIA")),
        ("destination airport", |tariff| tariff.reach.destination = scope("LHR")),
        ("destination city", |tariff| tariff.reach.destination = scope("city:London,GB")),
        ("destination country", |tariff| tariff.reach.destination = scope("country:GB")),
        ("destination region", |tariff| tariff.reach.destination = scope("region:EUROPE")),
        ("later first date", |tariff| tariff.reach.valid_from = date("2026-06-01")),
    ]
}

#[test]
fn each_criterion_precedes_all_that_follow_together() {
    let all = narrowings();
    for (at, (name, narrow)) in all.iter().enumerate() {
        let mut strong = tariff("STRONG", "9", reach());
        narrow(&mut strong);
        let mut weak = tariff("WEAK", "1", reach());
        // Another scope of the same end would replace it.
        let kind = name.split(' ').next();
        let others = all.iter().skip(at + 1).rev().filter(|(other, _)| other.split(' ').next() != kind);
        others.for_each(|(_, narrow)| narrow(&mut weak));
        assert_eq!(first_of(vec![strong.clone(), weak.clone()]), "STRONG", "{name}");
        assert_eq!(first_of(vec![weak, strong]), "STRONG", "{name}, in the other order");
    }
}

#[test]
fn narrower_scopes_of_one_end_precede() {
    for end in ["origin", "destination"] {
        let all: Vec<_> = narrowings().into_iter().filter(|(name, _)| name.starts_with(end)).collect();
        for pair in all.windows(2) {
            let [(narrow, first), (wide, second)] = pair else { panic!("a pair") };
            let (mut strong, mut weak) = (tariff("STRONG", "9", reach()), tariff("WEAK", "1", reach()));
            first(&mut strong);
            second(&mut weak);
            assert_eq!(first_of(vec![strong, weak]), "STRONG", "{narrow} before {wide}");
        }
    }
}

#[test]
fn of_equal_tariffs_the_newer_one_applies() {
    assert_eq!(first_of(vec![tariff("OLD", "1", reach()), tariff("NEW", "9", reach())]), "NEW");
}

#[test]
fn a_tariff_for_something_else_does_not_apply() {
    let others: [fn(&mut Tariff); 10] = [
        |tariff| tariff.organization_id = Some(Uuid::from_u128(98).into()),
        |tariff| tariff.product = "TULIPS".parse().unwrap(),
        |tariff| tariff.handling_code = Some("AVI".parse().unwrap()),
        |tariff| tariff.reach.airline_code = Some("BA".parse().unwrap()),
        |tariff| tariff.reach.flight_numbers = vec!["AI102".parse().unwrap()],
        |tariff| tariff.reach.origin = scope("BOM"),
        |tariff| tariff.reach.destination = scope("country:FR"),
        |tariff| tariff.reach.destination = scope("region:ASIA"),
        |tariff| tariff.reach.valid_from = date("2026-11-22"),
        |tariff| tariff.reach.valid_to = Some(date("2026-11-20")),
    ];
    for (number, narrow) in others.into_iter().enumerate() {
        let mut other = tariff("OTHER", "1", reach());
        narrow(&mut other);
        assert_eq!(first_of(vec![other, tariff("ALL", "1", reach())]), "ALL", "{number}");
    }
    // On its last day, and for a product that has no tariff of its own.
    let last = Reach { valid_to: Some(date("2026-11-21")), ..reach() };
    assert_eq!(first_of(vec![tariff("LAST", "1", last)]), "LAST");
}

#[test]
fn the_date_is_that_of_the_departure_in_local_time() {
    // 20:00 UTC is the next day in Delhi.
    let mut late = flight("AI101", "DEL", "LHR");
    late.departure = "2026-11-21T20:00:00Z".parse().unwrap();
    let next_day = Reach { valid_from: date("2026-11-22"), ..reach() };
    assert!(rated(&rules(vec![tariff("A", "1", next_day)], vec![], vec![]), &[late]).is_ok());
}
