use super::*;

pub fn surcharge(code: &str, basis: SurchargeBasis, of: &str, reach: Reach) -> Surcharge {
    Surcharge {
        code: code.to_owned(),
        basis,
        rate: rate(of),
        currency: (basis != SurchargeBasis::Percent).then(|| "USD".parse().unwrap()),
        minimum: None,
        maximum: None,
        per: Per::Shipment,
        handling_codes: Vec::new(),
        reach,
    }
}

fn flat(code: &str, of: &str, reach: Reach) -> Surcharge {
    surcharge(code, SurchargeBasis::Flat, of, reach)
}

fn per_leg(of: Surcharge) -> Surcharge {
    Surcharge { per: Per::Leg, ..of }
}

/// The surcharges of freight over two legs, through or leg by leg at 10 USD and 20 USD: code, leg and amount.
fn charged(is_through: bool, surcharges: Vec<Surcharge>) -> Vec<(String, Option<u16>, String)> {
    let tariffs = if is_through {
        vec![tariff("T", "3", between("DEL", "LHR"))]
    } else {
        vec![tariff("A", "1", between("DEL", "DXB")), tariff("B", "2", between("DXB", "LHR"))]
    };
    let rated = rated(&rules(tariffs, surcharges, vec![]), &two_legs()).unwrap();
    let lines = rated.priced.lines.into_iter().filter(|line| line.kind == crate::rating::LineKind::Surcharge);
    lines.map(|line| (line.code.unwrap(), line.leg, line.amount.amount())).collect()
}

fn expected_lines(all: &[(&str, Option<u16>, &str)]) -> Vec<(String, Option<u16>, String)> {
    all.iter().map(|(code, leg, amount)| ((*code).to_owned(), *leg, (*amount).to_owned())).collect()
}

#[test]
fn all_that_match_apply_and_of_one_code_the_first() {
    let all = vec![
        flat("MYC", "1", reach()),
        flat("MYC", "2", between("country:IN", "*")),
        flat("MYC", "3", between("*", "LHR")),
        flat("MYC", "4", between("BOM", "LHR")),
        flat("SCC", "5", reach()),
    ];
    assert_eq!(charged(true, all), expected_lines(&[("MYC", None, "2.00"), ("SCC", None, "5.00")]));
}

#[test]
fn a_surcharge_for_legs_is_charged_on_each_that_it_matches() {
    let on_first = per_leg(flat("MYC", "7", between("DEL", "DXB")));
    let on_all = per_leg(flat("SCC", "5", reach()));
    let expected = [("MYC", Some(1), "7.00"), ("SCC", Some(1), "5.00"), ("SCC", Some(2), "5.00")];
    assert_eq!(charged(true, vec![on_first.clone(), on_all.clone()]), expected_lines(&expected));
    assert_eq!(charged(false, vec![on_first, on_all]), expected_lines(&expected));
    // One for the shipment is not for a leg, and the other way round.
    assert_eq!(charged(true, vec![flat("MYC", "7", between("DEL", "DXB"))]), []);
    assert_eq!(charged(true, vec![per_leg(flat("MYC", "7", between("DEL", "LHR")))]), []);
}

#[test]
fn of_one_code_either_the_shipments_or_the_legs_apply() {
    let of_legs = vec![per_leg(flat("MYC", "7", between("DEL", "*"))), per_leg(flat("MYC", "8", reach()))];
    let narrow = flat("MYC", "9", between("DEL", "LHR"));
    assert_eq!(charged(true, [of_legs.clone(), vec![narrow]].concat()), expected_lines(&[("MYC", None, "9.00")]));
    let wide = flat("MYC", "9", between("country:IN", "*"));
    let expected = [("MYC", Some(1), "7.00"), ("MYC", Some(2), "8.00")];
    assert_eq!(charged(true, [of_legs, vec![wide]].concat()), expected_lines(&expected));
}

#[test]
fn a_percentage_is_of_its_leg_and_of_a_through_rate_taken_once() {
    let percent = per_leg(surcharge("MYC", SurchargeBasis::Percent, "10", reach()));
    assert_eq!(charged(true, vec![percent.clone()]), expected_lines(&[("MYC", None, "3.00")]));
    assert_eq!(charged(false, vec![percent]), expected_lines(&[("MYC", Some(1), "1.00"), ("MYC", Some(2), "2.00")]));
    let of_all = surcharge("MYC", SurchargeBasis::Percent, "10", reach());
    assert_eq!(charged(false, vec![of_all]), expected_lines(&[("MYC", None, "3.00")]));
}

#[test]
fn handling_codes_narrow_a_surcharge_and_rank_as_those_of_a_tariff() {
    let (per, avi): (HandlingCode, HandlingCode) = ("PER".parse().unwrap(), "AVI".parse().unwrap());
    let of_animals = Surcharge { handling_codes: vec![avi], ..flat("AVC", "80", reach()) };
    let cooled = Surcharge { handling_codes: vec![avi, per], ..flat("MYC", "2", reach()) };
    let all = rules(
        vec![tariff("T", "1", reach())],
        vec![of_animals, cooled, flat("MYC", "1", between("DEL", "LHR"))],
        vec![],
    );
    let quoted = all.rate(&[flight("AI1", "DEL", "LHR")], freight(&[per], "GENERAL"), None, None, noon()).unwrap();
    assert_eq!(codes(&quoted), ["T", "MYC"]);
    assert_eq!(quoted.priced.surcharges.to_string(), "2.00 USD");
}

#[test]
fn a_surcharge_in_another_currency_only_gives_no_rate() {
    let yen: Currency = "JPY".parse().unwrap();
    let in_yen = Surcharge { currency: Some(yen), ..flat("MYC", "100", between("DEL", "LHR")) };
    let all = |surcharges| rules(vec![tariff("T", "1", reach())], surcharges, vec![]);
    let way = [flight("AI1", "DEL", "LHR")];
    let refused = rated(&all(vec![in_yen.clone()]), &way).unwrap_err();
    assert_eq!(refused, RatingError::NoRate("The surcharge MYC is in JPY, and the tariff in USD.".to_owned()));
    // One of the code in the tariff's currency applies, even if it is wider.
    assert_eq!(
        rated(&all(vec![in_yen.clone(), flat("MYC", "1", reach())]), &way).unwrap().priced.surcharges.minor(),
        100
    );

    // Each leg needs one of its own, unless the shipment's comes first.
    let over_dubai = [flight("AI1", "DEL", "DXB"), flight("EK1", "DXB", "LHR")];
    let onwards = per_leg(Surcharge { currency: Some(yen), ..flat("MYC", "100", between("DXB", "LHR")) });
    let at_first = per_leg(flat("MYC", "7", between("DEL", "DXB")));
    let refused = rated(&all(vec![at_first.clone(), onwards.clone()]), &over_dubai).unwrap_err();
    assert_eq!(refused, RatingError::NoRate("The surcharge MYC is in JPY, and the tariff in USD.".to_owned()));
    let both = vec![at_first.clone(), onwards.clone(), per_leg(flat("MYC", "1", reach()))];
    assert_eq!(rated(&all(both), &over_dubai).unwrap().priced.surcharges.minor(), 800);
    let of_all = flat("MYC", "9", between("DEL", "LHR"));
    let wider = Surcharge { reach: between("DEL", "*"), ..at_first };
    assert_eq!(rated(&all(vec![wider, onwards, of_all]), &over_dubai).unwrap().priced.surcharges.minor(), 900);
}

#[test]
fn limits_of_a_percentage_are_in_the_tariffs_currency() {
    let least = Surcharge { minimum: Some(rate("12")), ..surcharge("MYC", SurchargeBasis::Percent, "1", reach()) };
    for (currency, amount) in [("USD", "12.00 USD"), ("JPY", "12 JPY"), ("KWD", "12.000 KWD")] {
        let of = Tariff { minimum: Money::zero(currency.parse().unwrap()), ..tariff("T", "1", reach()) };
        let priced =
            rated(&rules(vec![of], vec![least.clone()], vec![]), &[flight("AI1", "DEL", "LHR")]).unwrap().priced;
        assert_eq!(priced.surcharges.to_string(), amount);
    }
}
