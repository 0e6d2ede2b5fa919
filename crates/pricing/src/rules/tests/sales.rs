use super::*;

fn sale(code: Option<&str>, percent: &str, reach: Reach) -> Sale {
    Sale {
        code: code.map(str::to_owned),
        reduction: Reduction::Percent(rate(percent)),
        sale_from: date("2026-11-20"),
        sale_to: date("2026-11-20"),
        reach,
        max_uses: None,
    }
}

fn way() -> [Flight; 1] {
    [flight("AI1", "DEL", "LHR")]
}

/// Of a weight charge of 100 USD.
fn discount(rules: &PriceRules, code: Option<&str>, at: DateTime<Utc>) -> Result<String, RatingError> {
    let rated = rules.rate(&way(), freight(&[], "GENERAL"), code, None, at)?;
    Ok(rated.priced.discount.amount())
}

fn with(sales: Vec<Sale>) -> PriceRules {
    rules(vec![tariff("T", "10", reach())], vec![], sales)
}

fn refused(reason: DiscountReason) -> Result<String, RatingError> {
    Err(RatingError::Discount(reason))
}

#[test]
fn without_a_code_the_best_sale_applies_alone() {
    let yen = Money::parse("5000", "JPY".parse().unwrap()).unwrap();
    let all = with(vec![
        sale(None, "10", between("DEL", "LHR")),
        sale(None, "25", reach()),
        sale(Some("HALF"), "50", reach()),
        sale(None, "90", between("BOM", "LHR")),
        Sale { reduction: Reduction::Amount(yen), ..sale(None, "0", reach()) },
    ]);
    assert_eq!(discount(&all, None, noon()), Ok("-25.00".to_owned()));
    assert_eq!(discount(&all, Some(" half "), noon()), Ok("-50.00".to_owned()), "in whatever case");
    let used_up = all.without_sales([Uuid::from_u128(2).into()]);
    assert_eq!(discount(&used_up, None, noon()), Ok("-10.00".to_owned()));
    assert_eq!(
        discount(&all.without_sales([1, 2].map(|id| Uuid::from_u128(id).into())), None, noon()),
        Ok("0.00".into())
    );
    assert_eq!(discount(&all, None, noon() + TimeDelta::days(1)), Ok("0.00".to_owned()));
}

#[test]
fn a_code_that_does_not_apply_is_refused_with_the_reason() {
    use DiscountReason::{Route, Unknown, UsedUp, Window};
    let of_day = |sale_from, sale_to, sale: Sale| Sale { sale_from: date(sale_from), sale_to: date(sale_to), ..sale };
    let coded = |code: &str, reach| sale(Some(code), "10", reach);
    let yen = Money::parse("5000", "JPY".parse().unwrap()).unwrap();
    let all = with(vec![
        coded("TODAY", reach()),
        of_day("2026-11-21", "2026-11-22", coded("LATER", reach())),
        of_day("2026-11-01", "2026-11-19", coded("OVER", reach())),
        coded("WINTER", Reach { valid_from: date("2026-12-01"), ..reach() }),
        coded("BOMBAY", between("BOM", "*")),
        coded("EMIRATES", Reach { airline_code: Some("EK".parse().unwrap()), ..reach() }),
        coded("NUMBER", Reach { flight_numbers: vec!["AI2".parse().unwrap()], ..reach() }),
        Sale { reduction: Reduction::Amount(yen), ..coded("YEN", reach()) },
    ]);
    for (code, outcome) in [
        ("TODAY", Ok("-10.00".to_owned())),
        ("NEVER", refused(Unknown)),
        ("LATER", refused(Window)),
        ("OVER", refused(Window)),
        ("WINTER", refused(Window)),
        ("BOMBAY", refused(Route)),
        ("EMIRATES", refused(Route)),
        ("NUMBER", refused(Route)),
        ("YEN", refused(Route)),
    ] {
        assert_eq!(discount(&all, Some(code), noon()), outcome, "{code}");
    }
    assert_eq!(discount(&all.without_sales([Uuid::from_u128(1).into()]), Some("TODAY"), noon()), refused(UsedUp));
    let used_up = Changes { used_up: HashSet::from([Uuid::from_u128(1)]), ..Changes::default() };
    assert_eq!(discount(&all.changed(used_up), Some("TODAY"), noon()), refused(UsedUp));
}

#[test]
fn a_sale_that_has_ended_gives_its_code_free() {
    let all = with(vec![sale(Some("HALF"), "50", reach())]);
    let end = Rule { ended_at: Some(noon()), ..rule(1, 2, sale(Some("HALF"), "50", reach())) };
    let ended = all.changed(Changes { sales: vec![end], ..Changes::default() });
    assert_eq!(discount(&ended, Some("HALF"), noon()), refused(DiscountReason::Unknown));
    let again = rule(2, 1, sale(Some("HALF"), "40", reach()));
    let again = ended.changed(Changes { sales: vec![again], ..Changes::default() });
    assert_eq!(discount(&again, Some("HALF"), noon()), Ok("-40.00".to_owned()));
    assert_eq!(discount(&all, Some("HALF"), noon()), Ok("-50.00".to_owned()));
}

#[test]
fn a_free_shipment_uses_no_sale_by_itself() {
    let all = rules(
        vec![tariff("T", "0", reach())],
        vec![],
        vec![sale(None, "10", reach()), sale(Some("TEN"), "10", reach())],
    );
    let quoted = |code| all.rate(&way(), freight(&[], "GENERAL"), code, None, noon()).unwrap();
    assert!(quoted(None).rules.sale.is_none());
    assert!(quoted(Some("TEN")).rules.sale.is_some());
}

#[test]
fn sales_of_the_settings_apply_beside_those_in_force() {
    let own = |sale: Sale| Arc::new(Copied { id: None, version: 1, terms: sale });
    let sales =
        [own(sale(None, "20", between("DEL", "city:London,GB"))), own(sale(Some("HALF"), "50", between("*", "DXB")))];
    let all = with(vec![sale(None, "10", reach()), sale(Some("TEN"), "10", reach())]).with_sales(&sales);
    assert_eq!(discount(&all, None, noon()), Ok("-20.00".to_owned()));
    assert_eq!(discount(&all, None, noon() + TimeDelta::days(1)), Ok("0.00".to_owned()));
    assert_eq!(discount(&all, Some("TEN"), noon()), Ok("-10.00".to_owned()));
    assert_eq!(discount(&all, Some("HALF"), noon()), refused(DiscountReason::Route));
    assert!(all.knows_code("HALF") && !all.knows_code("TWICE"));
    // They stay when the rules change, and with the default tariff.
    let changed = all.changed(Changes { sales: vec![rule(9, 1, sale(None, "30", reach()))], ..Changes::default() });
    assert_eq!(discount(&changed, None, noon()), Ok("-30.00".to_owned()));
    let used_up = changed.with_defaults(None).without_sales([Uuid::from_u128(9).into()]);
    assert_eq!(discount(&used_up, None, noon()), Ok("-20.00".to_owned()));
}
