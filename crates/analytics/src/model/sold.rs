use loadmaster_kernel::{Currency, Money, Rate, Weight};

/// What was agreed in one currency for freight, and how much that was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sold {
    /// In minor units.
    pub minor: i64,
    pub chargeable: Weight,
}

impl Sold {
    pub fn add(&mut self, other: Self) {
        self.minor += other.minor;
        self.chargeable += other.chargeable;
    }

    /// Returns the amount for a kilogram, rounded to ten-thousandths; `None` without freight.
    pub fn per_kg(self, currency: Currency) -> Option<Rate> {
        Rate::per_kilogram(Money::new(self.minor, currency), self.chargeable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn per_kg(minor: i64, hectograms: i64, currency: &str) -> Option<String> {
        let sold = Sold { minor, chargeable: Weight::from_hectograms(hectograms) };
        sold.per_kg(currency.parse().unwrap()).map(|rate| rate.to_string())
    }

    #[test]
    fn a_yield_is_an_amount_for_a_kilogram() {
        assert_eq!(per_kg(90_000, 3_000, "USD").as_deref(), Some("3"));
        assert_eq!(per_kg(100, 30, "USD").as_deref(), Some("0.3333"));
        assert_eq!(per_kg(200, 30, "USD").as_deref(), Some("0.6667"));
        assert_eq!(per_kg(1_000, 45, "JPY").as_deref(), Some("222.2222"));
        assert_eq!(per_kg(1_500, 10, "KWD").as_deref(), Some("1.5"));
        assert_eq!(per_kg(5, 0, "USD"), None);
    }
}
