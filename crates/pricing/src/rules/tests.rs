mod differential;
mod many;
mod precedence;
mod sales;
mod surcharges;

use chrono::TimeDelta;
use loadmaster_capacity::Space;
use loadmaster_flights::NewFlight;
use loadmaster_kernel::{Currency, FlightId, Money, Rate};
use loadmaster_platform::settings;
use loadmaster_reference::Scope;

use super::*;

use crate::model::{Break, Per, Product, Reach, Reduction, SurchargeBasis};

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn reach() -> Reach {
    Reach {
        airline_code: None,
        origin: Scope::everywhere(),
        destination: Scope::everywhere(),
        flight_numbers: Vec::new(),
        valid_from: date("2026-01-01"),
        valid_to: None,
    }
}

fn between(origin: &str, destination: &str) -> Reach {
    Reach { origin: scope(origin), destination: scope(destination), ..reach() }
}

/// Costs this for a kilogram.
fn tariff(code: &str, normal: &str, reach: Reach) -> Tariff {
    Tariff {
        code: code.to_owned(),
        reach,
        organization_id: None,
        product: Product::GENERAL,
        handling_code: None,
        minimum: Money::zero("USD".parse().unwrap()),
        normal: rate(normal),
        breaks: Vec::new(),
    }
}

fn rule<T>(number: u128, version: i32, terms: T) -> Rule<T> {
    let at = DateTime::UNIX_EPOCH;
    Rule { id: Uuid::from_u128(number), version, terms, created_at: at, updated_at: at, ended_at: None }
}

fn numbered<T>(terms: Vec<T>) -> Vec<Rule<T>> {
    (1..).zip(terms).map(|(number, terms)| rule(number, 1, terms)).collect()
}

fn rules(tariffs: Vec<Tariff>, surcharges: Vec<Surcharge>, sales: Vec<Sale>) -> PriceRules {
    let changes = Changes {
        tariffs: numbered(tariffs),
        surcharges: numbered(surcharges),
        sales: numbered(sales),
        ..Changes::default()
    };
    PriceRules::new(&Reference::bundled().unwrap(), None).changed(changes)
}

fn flight(number: &str, origin: &str, destination: &str) -> Flight {
    let departure: DateTime<Utc> = "2026-11-21T08:30:00Z".parse().unwrap();
    let new = NewFlight {
        number: number.parse().unwrap(),
        origin: origin.parse().unwrap(),
        destination: destination.parse().unwrap(),
        departure,
        arrival: departure + TimeDelta::hours(9),
        aircraft: None,
        is_freighter: false,
        capacity: Space::default(),
        cutoff_minutes: 60,
        also_sold_as: None,
    };
    new.as_flight(FlightId::from(Uuid::from_u128(1)), date("2026-11-21"), noon())
}

fn freight<'a>(codes: &'a [HandlingCode], product: &'a str) -> Freight<'a> {
    let weight = Weight::from_kilograms("10").unwrap();
    Freight { weight, volume: weight.standard_volume(), special_handling_codes: codes, product }
}

/// DEL to DXB by AI, and from there to LHR by EK.
fn two_legs() -> [Flight; 2] {
    [flight("AI1", "DEL", "DXB"), flight("EK1", "DXB", "LHR")]
}

fn rated(rules: &PriceRules, flights: &[Flight]) -> Result<Rated, RatingError> {
    rules.rate(flights, freight(&[], "GENERAL"), None, None, noon())
}

fn total(rules: &PriceRules, flights: &[Flight]) -> String {
    rated(rules, flights).unwrap().priced.total.to_string()
}

/// The codes of the lines.
fn codes(rated: &Rated) -> Vec<String> {
    rated.priced.lines.iter().filter_map(|line| line.code.clone()).collect()
}

#[test]
fn a_through_rate_beats_even_a_lower_sum_of_legs() {
    let legs = vec![tariff("A", "1", between("DEL", "DXB")), tariff("B", "1", between("DXB", "LHR"))];
    let by_leg = rated(&rules(legs.clone(), vec![], vec![]), &two_legs()).unwrap();
    assert_eq!((by_leg.priced.basis, by_leg.priced.total.to_string()), (PriceBasis::ByLeg, "20.00 USD".into()));
    let through = tariff("C", "9", between("country:IN", "region:EUROPE"));
    let all = rules([legs, vec![through.clone()]].concat(), vec![], vec![]);
    let priced = rated(&all, &two_legs()).unwrap().priced;
    assert_eq!((priced.basis, priced.total.to_string()), (PriceBasis::Through, "90.00 USD".into()));
    // Its airline would have to fly every leg.
    let of_ai =
        Tariff { reach: Reach { airline_code: Some("AI".parse().unwrap()), ..through.reach.clone() }, ..through };
    assert_eq!(
        rated(&rules(vec![of_ai.clone()], vec![], vec![]), &two_legs()).unwrap_err(),
        no_rate_from("DEL", "DXB")
    );
    assert!(rated(&rules(vec![of_ai], vec![], vec![]), &[flight("AI1", "DEL", "LHR")]).is_ok());
}

fn no_rate_from(origin: &str, destination: &str) -> RatingError {
    RatingError::NoRate(format!("No tariff applies to AI1 from {origin} to {destination}."))
}

#[test]
fn a_leg_without_tariff_and_two_currencies_have_no_rate() {
    let first = tariff("A", "1", between("DEL", "DXB"));
    let refused = rated(&rules(vec![first.clone()], vec![], vec![]), &two_legs()).unwrap_err();
    assert_eq!(refused, RatingError::NoRate("No tariff applies to EK1 from DXB to LHR.".to_owned()));
    let yen = Tariff { minimum: Money::zero("JPY".parse().unwrap()), ..tariff("B", "1", between("DXB", "LHR")) };
    let refused = rated(&rules(vec![first, yen], vec![], vec![]), &two_legs()).unwrap_err();
    assert_eq!(refused, RatingError::NoRate("The flights are rated in USD and in JPY.".to_owned()));
    assert!(matches!(rated(&PriceRules::default(), &two_legs()), Err(RatingError::NoRate(_))));
    assert!(matches!(rated(&PriceRules::default(), &[]), Err(RatingError::NoRate(_))));
}

#[test]
fn the_tariff_of_the_settings_rates_what_no_other_does() {
    let settings = settings::Settings::load(settings::Sources::default()).unwrap();
    let defaults = Some(Arc::new(Defaults::of(&settings.pricing, &Reference::bundled().unwrap()).unwrap()));
    let none = rules(vec![], vec![], vec![]).with_defaults(defaults.clone());
    let priced = rated(&none, &two_legs()).unwrap();
    assert_eq!(priced.priced.basis, PriceBasis::Through);
    assert_eq!(codes(&priced), ["DEFAULT", "MYC", "SCC"]);
    assert!(priced.priced.lines.iter().all(|line| line.rule.is_none()));
    // One leg has a tariff, the other does not: the whole way is rated by default. A surcharge of that code precedes.
    let fuel = surcharges::surcharge("MYC", SurchargeBasis::Flat, "1", reach());
    let some = rules(vec![tariff("A", "1", between("DEL", "DXB"))], vec![fuel], vec![]).with_defaults(defaults.clone());
    let priced = rated(&some, &two_legs()).unwrap();
    assert_eq!(
        (codes(&priced), priced.priced.basis),
        (codes(&rated(&none, &two_legs()).unwrap()), PriceBasis::Through)
    );
    let fuel = priced.priced.lines.iter().find(|line| line.code.as_deref() == Some("MYC")).unwrap();
    assert_eq!(fuel.amount.to_string(), "1.00 USD");
    // Where a tariff rates, neither the default nor its surcharges do.
    let all = rules(vec![tariff("A", "1", reach())], vec![], vec![]).with_defaults(defaults);
    assert_eq!(codes(&rated(&all, &two_legs()).unwrap()), ["A"]);
}

#[test]
fn a_later_version_replaces_the_earlier_one_and_an_end_removes_it() {
    let first = rules(vec![tariff("A", "1", between("DEL", "LHR")), tariff("B", "5", reach())], vec![], vec![]);
    let way = [flight("AI1", "DEL", "LHR")];
    assert_eq!(total(&first, &way), "10.00 USD");
    let change = |of: Rule<Tariff>| Changes { tariffs: vec![of], ..Changes::default() };
    let dearer = first.changed(change(rule(1, 2, tariff("A", "2", between("DEL", "LHR")))));
    assert_eq!((total(&dearer, &way), dearer.tariffs()), ("20.00 USD".to_owned(), 2));
    let elsewhere = dearer.changed(change(rule(1, 3, tariff("A", "2", between("city:London,GB", "country:IN")))));
    assert_eq!(total(&elsewhere, &way), "50.00 USD");
    let ended = Rule { ended_at: Some(noon()), ..rule(1, 4, tariff("A", "2", between("DEL", "LHR"))) };
    let ended = dearer.changed(change(ended));
    assert_eq!((total(&ended, &way), ended.tariffs()), ("50.00 USD".to_owned(), 1));
    // The former snapshots are as they were.
    assert_eq!((total(&first, &way), total(&dearer, &way)), ("10.00 USD".to_owned(), "20.00 USD".to_owned()));
    assert_ne!(first.key(None, noon()), dearer.key(None, noon()));
    assert_eq!(first.key(None, noon()), first.changed(Changes::default()).key(None, noon()), "nothing has changed");
}

#[test]
fn only_organizations_with_tariffs_of_their_own_have_prices_of_their_own() {
    let (one, two) = (OrganizationId::from(Uuid::from_u128(11)), OrganizationId::from(Uuid::from_u128(12)));
    let own = Tariff { organization_id: Some(one), ..tariff("A", "1", reach()) };
    let all = rules(vec![own, tariff("B", "2", reach())], vec![], vec![]);
    assert_ne!(all.key(Some(one), noon()), all.key(None, noon()));
    assert_eq!(all.key(Some(two), noon()), all.key(None, noon()));
    assert_ne!(all.key(None, noon()), all.key(None, noon() + TimeDelta::days(1)), "sales have days");
    let way = [flight("AI1", "DEL", "LHR")];
    let quoted = |organization| all.rate(&way, freight(&[], "GENERAL"), None, organization, noon()).unwrap();
    assert_eq!(codes(&quoted(Some(one))), ["A"]);
    assert_eq!(codes(&quoted(Some(two))), ["B"]);
    let estimate = all.estimate(&way, freight(&[], "GENERAL"), Some(one), noon()).unwrap();
    assert_eq!((estimate.sums.total(), estimate.basis), (quoted(Some(one)).priced.total, PriceBasis::Through));
    // The tariff ends, or becomes that of the other.
    let moved = Tariff { organization_id: Some(two), ..tariff("A", "1", reach()) };
    let moved = all.changed(Changes { tariffs: vec![rule(1, 2, moved)], ..Changes::default() });
    assert_eq!(moved.key(Some(one), noon()), moved.key(None, noon()));
    assert_ne!(moved.key(Some(two), noon()), moved.key(None, noon()));
}

#[test]
fn surcharges_of_the_settings_name_handling_codes_that_exist() {
    let surcharges = r#"[{code="MYC",basis="FLAT",rate="1",handling_codes=["ZZZ"]}]"#;
    let set = ("pricing.default_surcharges".to_owned(), surcharges.to_owned());
    let sources = settings::Sources { overrides: vec![set], ..settings::Sources::default() };
    let settings = settings::Settings::load(sources).unwrap();
    let fault = Defaults::of(&settings.pricing, &Reference::bundled().unwrap()).unwrap_err();
    assert!(fault.message.contains("pricing.default_surcharges: ZZZ"), "{}", fault.message);
}
