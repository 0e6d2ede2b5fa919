use std::sync::Arc;

use loadmaster_kernel::{Currency, Money, Rate};
use loadmaster_reference::Scope;

use super::*;

use crate::model::{Break, Copied, Per, Reach, Reduction, Sale, Surcharge, SurchargeBasis, Tariff};

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn kg(text: &str) -> Weight {
    Weight::from_kilograms(text).unwrap()
}

fn reach() -> Reach {
    Reach {
        airline_code: None,
        origin: Scope::everywhere(),
        destination: Scope::everywhere(),
        flight_numbers: Vec::new(),
        valid_from: DateTime::UNIX_EPOCH.date_naive(),
        valid_to: None,
    }
}

fn tariff(currency: &str, minimum: &str, normal: &str, breaks: &[(&str, &str)]) -> Tariff {
    let currency: Currency = currency.parse().unwrap();
    Tariff {
        code: "T".to_owned(),
        reach: reach(),
        organization_id: None,
        product: Product::GENERAL,
        handling_code: None,
        minimum: Money::parse(minimum, currency).unwrap(),
        normal: rate(normal),
        breaks: breaks.iter().map(|(from, of)| Break { from: kg(from), rate: rate(of) }).collect(),
    }
}

fn on<T>(leg: Option<u16>, terms: T) -> OnLeg<T> {
    OnLeg { leg, rule: Arc::new(Copied { id: Some(uuid::Uuid::from_u128(7)), version: 3, terms }) }
}

fn applied(tariff: Tariff) -> Applied {
    Applied { tariffs: vec![on(None, tariff)], surcharges: Vec::new(), sale: None }
}

fn inputs(weight: &str, litres: i64) -> Inputs {
    Inputs {
        legs: Vec::new(),
        load: Load { weight: kg(weight), volume: Volume::from_litres(litres) },
        special_handling_codes: Vec::new(),
        product: Product::GENERAL,
        discount_code: None,
        organization_id: None,
        quoted_at: DateTime::UNIX_EPOCH,
    }
}

fn priced(weight: &str, applied: &Applied) -> Priced {
    price(RATER, &inputs(weight, 1), applied).unwrap()
}

/// The class, the rated weight and the amount of a weight charge, and how it comes about.
fn charged(weight: &str, tariff: &Tariff) -> (RateClass, String, String, String) {
    let line = priced(weight, &applied(tariff.clone())).lines.remove(0);
    let rated = Weight::from_hectograms(line.rated_weight.unwrap()).to_string();
    (line.rate_class.unwrap(), rated, line.amount.amount(), line.text)
}

#[test]
fn the_vectors_of_the_trade_are_rated() {
    use RateClass::{M, N, Q};
    let tact = tariff("USD", "75", "16", &[("45", "10"), ("100", "9"), ("300", "8")]);
    for (weight, class, rated, amount, text) in [
        ("2", M, "2 kg", "75.00", "2 kg at the minimum of 75.00 USD"),
        ("10", N, "10 kg", "160.00", "10 kg at 16 USD"),
        ("30", Q, "45 kg", "450.00", "30 kg as 45 kg at 10 USD"),
        ("45", Q, "45 kg", "450.00", "45 kg at 10 USD"),
        ("89.5", Q, "89.5 kg", "895.00", "89.5 kg at 10 USD"),
        // Both breaks give 900: the lower one.
        ("90", Q, "90 kg", "900.00", "90 kg at 10 USD"),
        ("98", Q, "100 kg", "900.00", "98 kg as 100 kg at 9 USD"),
        ("260", Q, "260 kg", "2340.00", "260 kg at 9 USD"),
        ("267", Q, "300 kg", "2400.00", "267 kg as 300 kg at 8 USD"),
        ("5000", Q, "5000 kg", "40000.00", "5000 kg at 8 USD"),
    ] {
        let expected = (class, rated.to_owned(), amount.to_owned(), text.to_owned());
        assert_eq!(charged(weight, &tact), expected, "{weight} kg");
    }
}

#[test]
fn a_higher_break_may_be_cheaper_than_the_next_one() {
    let steep = tariff("USD", "0", "100", &[("10", "90"), ("20", "10")]);
    assert_eq!(charged("3", &steep).2, "200.00", "as 20 kg, neither as 3 kg nor as 10 kg");
}

#[test]
fn amounts_have_the_decimals_of_their_currency_rounded_half_up_once() {
    for (currency, normal, weight, amount) in [
        ("USD", "0.125", "1", "0.13"),
        ("USD", "0.1249", "1", "0.12"),
        ("USD", "1.0049", "1.5", "1.51"),
        ("JPY", "120.5", "1", "121"),
        ("JPY", "120.4999", "1", "120"),
        ("KWD", "0.0125", "1", "0.013"),
        ("KWD", "1.5", "1", "1.500"),
    ] {
        let tariff = tariff(currency, "0", normal, &[]);
        assert_eq!(charged(weight, &tariff).2, amount, "{normal} {currency}");
    }
    // 74.996 is below the minimum, although it is rounded to it.
    assert_eq!(charged("1", &tariff("USD", "75", "74.996", &[])).0, RateClass::M);
    assert_eq!(charged("1", &tariff("USD", "75", "75", &[])).0, RateClass::N);
}

#[test]
fn the_volume_counts_as_weight() {
    let price = price(RATER, &inputs("100", 1201), &applied(tariff("USD", "0", "2", &[]))).unwrap();
    assert_eq!((price.chargeable().to_string().as_str(), price.total.amount().as_str()), ("200.5 kg", "401.00"));
}

#[test]
fn the_largest_freight_at_the_largest_rate_is_priced_or_refused_never_wrong() {
    for currency in ["JPY", "USD", "KWD"] {
        let dear = applied(tariff(currency, "0", "999999.9999", &[]));
        assert_eq!(price(RATER, &inputs("9999999.9", 9_999_999_999), &dear), None, "{currency}");
        assert!(price(RATER, &inputs("99999", 1), &dear).is_some(), "{currency}");
    }
}

fn surcharge(code: &str, basis: SurchargeBasis, of: &str) -> Surcharge {
    Surcharge {
        code: code.to_owned(),
        basis,
        rate: rate(of),
        currency: (basis != SurchargeBasis::Percent).then(|| "USD".parse().unwrap()),
        minimum: None,
        maximum: None,
        per: Per::Shipment,
        handling_codes: Vec::new(),
        reach: reach(),
    }
}

fn sale(reduction: Reduction) -> Sale {
    let day = DateTime::UNIX_EPOCH.date_naive();
    Sale { code: Some("SPRING".to_owned()), reduction, sale_from: day, sale_to: day, reach: reach(), max_uses: None }
}

#[test]
fn surcharges_are_of_their_weight_or_of_the_undiscounted_charge() {
    use SurchargeBasis::{Flat, PerKgActual, PerKgChargeable, Percent};
    let within = |least: Option<&str>, most: Option<&str>, of: Surcharge| Surcharge {
        minimum: least.map(rate),
        maximum: most.map(rate),
        ..of
    };
    let mut all = applied(tariff("USD", "0", "2", &[]));
    all.sale = Some(on(None, sale(Reduction::Percent(rate("50")))));
    all.surcharges = vec![
        on(None, surcharge("AAC", PerKgActual, "0.5")),
        on(None, surcharge("BBC", PerKgChargeable, "0.5")),
        on(None, surcharge("CCC", Flat, "25.005")),
        on(None, surcharge("DDC", Percent, "12.5")),
        on(None, within(Some("60"), None, surcharge("EEC", PerKgActual, "0.5"))),
        on(None, within(None, Some("10.5"), surcharge("FFC", Percent, "12.5"))),
    ];
    let price = price(RATER, &inputs("100.2", 1200), &all).unwrap();
    let lines: Vec<_> = price.lines.iter().map(|line| (line.amount.amount(), line.text.as_str())).collect();
    let expected = [
        ("400.00", "200 kg at 2 USD"),
        ("-200.00", "50 % of 400.00 USD"),
        ("50.10", "100.2 kg at 0.5 USD"),
        ("100.00", "200 kg at 0.5 USD"),
        ("25.01", "25.005 USD"),
        ("50.00", "12.5 % of 400.00 USD"),
        ("60.00", "100.2 kg at 0.5 USD, at least 60.00 USD"),
        ("10.50", "12.5 % of 400.00 USD, at most 10.50 USD"),
    ];
    assert_eq!(lines, expected.map(|(amount, text)| (amount.to_owned(), text)));
    let sum: i64 = price.lines.iter().map(|line| line.amount.minor()).sum();
    assert_eq!(price.total.minor(), sum);
    let sums = [price.weight_charge, price.discount, price.surcharges].map(Money::amount);
    assert_eq!(sums, ["400.00", "-200.00", "295.61"]);
    assert_eq!(sums_of(&all), price.total);
}

fn sums_of(applied: &Applied) -> Money {
    sums(inputs("100.2", 1200).load, applied).unwrap().total()
}

#[test]
fn a_discount_lowers_the_weight_charge_to_nothing_at_most() {
    let mut all = applied(tariff("USD", "0", "2", &[]));
    for (reduction, discount) in [
        (Reduction::Percent(rate("10")), "-20.00"),
        (Reduction::Percent(rate("0.01")), "-0.02"),
        (Reduction::Percent(rate("100")), "-200.00"),
        (Reduction::Amount(Money::new(12_345, "USD".parse().unwrap())), "-123.45"),
        (Reduction::Amount(Money::new(99_999, "USD".parse().unwrap())), "-200.00"),
    ] {
        all.sale = Some(on(None, sale(reduction)));
        assert_eq!(priced("100", &all).discount.amount(), discount, "{reduction:?}");
    }
}

#[test]
fn legs_are_charged_alone_and_their_percentages_too() {
    let mut all = applied(tariff("USD", "75", "2", &[]));
    all.tariffs = vec![on(Some(1), tariff("USD", "75", "2", &[])), on(Some(2), tariff("USD", "75", "1", &[]))];
    all.surcharges = vec![on(Some(2), surcharge("DDC", SurchargeBasis::Percent, "10"))];
    let price = priced("50", &all);
    assert_eq!(price.basis, PriceBasis::ByLeg);
    let amounts: Vec<_> = price.lines.iter().map(|line| (line.leg, line.amount.amount())).collect();
    assert_eq!(amounts, [(Some(1), "100.00".into()), (Some(2), "75.00".into()), (Some(2), "7.50".into())]);
}

#[test]
fn an_unknown_version_of_the_rater_gives_no_price() {
    assert_eq!(price(RATER + 1, &inputs("1", 1), &applied(tariff("USD", "75", "2", &[]))), None);
}

/// A quote that version 1 of the rater has made. It never changes: a test that fails here means another version.
#[test]
fn a_quote_of_version_1_still_rates_to_its_lines() {
    let rated: crate::quote::Rated = serde_json::from_str(include_str!("quote_of_version_1.json")).unwrap();
    assert_eq!(rated.rater, 1);
    assert_eq!(price(1, &rated.inputs, &rated.rules).unwrap(), rated.priced);
    assert_eq!(serde_json::to_value(&rated).unwrap()["priced"]["total"]["amount"], "1026.13");
}
