//! Amounts as an API of the shape of `PaymentIntents` counts them: a whole number of units, of which a currency has as many
//! decimals as ISO 4217 says, but for the special cases of that API.
//!
//! Source: <https://docs.stripe.com/currencies>, its zero-decimal, three-decimal and special currencies, of 2026. HUF and TWD
//! are special there for payouts only: they are charged with two decimals, as ISO 4217 has it.
use loadmaster_kernel::{Currency, Money};

/// Currencies that the API counts with other decimals than ISO 4217: UGX and ISK with two that are always 00, MGA whole.
const SPECIAL: [(&str, u32); 3] = [("ISK", 2), ("MGA", 0), ("UGX", 2)];

fn decimals(currency: Currency) -> u32 {
    let special = SPECIAL.iter().find(|(code, _)| *code == currency.as_str());
    special.map_or_else(|| currency.decimals(), |(_, decimals)| *decimals)
}

/// Returns the number of minor units that amounts must be a multiple of: what the API cannot express, and tens of
/// currencies with three decimals, since card networks take only two.
fn step(currency: Currency) -> i64 {
    let tens = if decimals(currency) >= 3 { 10 } else { 1 };
    10_i64.pow(currency.decimals().saturating_sub(decimals(currency))) * tens
}

/// Returns the nearest amount that can be charged; a half is rounded up.
pub(super) fn chargeable(amount: Money) -> Money {
    let step = step(amount.currency());
    amount.with_minor(amount.minor().saturating_add(step / 2).div_euclid(step) * step)
}

/// Returns an amount in the API's units, rounded to what can be charged.
pub(super) fn to_units(amount: Money) -> i64 {
    let (ours, theirs) = (amount.currency().decimals(), decimals(amount.currency()));
    let minor = chargeable(amount).minor() / 10_i64.pow(ours.saturating_sub(theirs));
    minor.saturating_mul(10_i64.pow(theirs.saturating_sub(ours)))
}

/// Returns an amount of the API's units. `None`: the currency has no such amount.
pub(super) fn of_units(units: i64, currency: Currency) -> Option<Money> {
    let (ours, theirs) = (currency.decimals(), decimals(currency));
    let rest = 10_i64.pow(theirs.saturating_sub(ours));
    let whole = (units % rest == 0).then_some(units / rest)?;
    whole.checked_mul(10_i64.pow(ours.saturating_sub(theirs))).map(|minor| Money::new(minor, currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: &str, currency: &str) -> Money {
        Money::parse(amount, currency.parse().unwrap()).unwrap()
    }

    fn currencies() -> impl Iterator<Item = Currency> {
        let letters = || b'A'..=b'Z';
        let codes = letters().flat_map(move |a| letters().flat_map(move |b| letters().map(move |c| [a, b, c])));
        codes.filter_map(|code| std::str::from_utf8(&code).unwrap().parse().ok())
    }

    #[test]
    fn amounts_are_counted_as_the_api_counts_them() {
        for (amount, currency, units) in [
            ("5000", "UGX", 500_000),
            ("50000", "UGX", 5_000_000),
            ("5", "ISK", 500),
            ("5.00", "MGA", 5),
            ("5.50", "MGA", 6),
            ("5.49", "MGA", 5),
            ("10.45", "HUF", 1_045),
            ("800.45", "TWD", 80_045),
            ("10.00", "USD", 1_000),
            ("500", "JPY", 500),
            ("500", "CLP", 500),
            ("1.500", "KWD", 1_500),
            ("5.124", "KWD", 5_120),
            ("5.125", "KWD", 5_130),
            ("5.125", "BHD", 5_130),
            ("0", "UGX", 0),
        ] {
            assert_eq!(to_units(money(amount, currency)), units, "{amount} {currency}");
        }
    }

    #[test]
    fn zero_decimal_currencies_are_those_of_the_api() {
        const WHOLE: [&str; 15] =
            ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];
        for code in WHOLE {
            assert_eq!(decimals(code.parse().unwrap()), 0, "{code}");
        }
        for code in ["BHD", "JOD", "KWD", "OMR", "TND"] {
            assert_eq!((decimals(code.parse().unwrap()), step(code.parse().unwrap())), (3, 10), "{code}");
        }
    }

    #[test]
    fn what_is_charged_in_any_currency_comes_back_as_it_was() {
        let mut known = 0;
        for currency in currencies() {
            known += 1;
            for minor in [0, 1, 5, 49, 50, 51, 100, 12_345, 999_999_999_999] {
                let amount = Money::new(minor, currency);
                let charged = chargeable(amount);
                assert_eq!(of_units(to_units(amount), currency), Some(charged), "{amount}");
                assert!((charged.minor() - minor).abs() * 2 <= step(currency), "{amount} became {charged}");
                assert_eq!(chargeable(charged), charged, "{amount}");
                let is_exact = currency.as_str() != "MGA" && currency.decimals() < 3;
                assert!(!is_exact || charged == amount, "{amount} became {charged}");
            }
        }
        assert!(known > 150, "{known}");
    }

    #[test]
    fn an_amount_that_a_currency_cannot_have_is_not_read() {
        assert_eq!(of_units(50, "UGX".parse().unwrap()), None);
        assert_eq!(of_units(500_000, "UGX".parse().unwrap()), Some(money("5000", "UGX")));
        assert_eq!(of_units(6, "MGA".parse().unwrap()), Some(money("6.00", "MGA")));
        assert_eq!(of_units(i64::MAX, "MGA".parse().unwrap()), None);
    }
}
