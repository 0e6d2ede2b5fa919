use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::{
    decimal::scaled,
    fault::{Fault, FaultCode},
    quantity::{Weight, serialize_scaled},
};

/// What carrying a tonne over a kilometre emits: a whole number of ten-thousandths of a kilogram of CO₂ equivalents, never a
/// float. In JSON, a number of kilograms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type, ToSchema)]
#[sqlx(transparent)]
#[schema(value_type = f64, minimum = 0.0001, maximum = 99.9999, multiple_of = 0.0001, example = 0.75)]
pub struct EmissionFactor(i64);

impl EmissionFactor {
    /// The largest factor that a client may send: 99.9999.
    pub const MOST: i64 = 999_999;

    /// Parses the text of a JSON number of kilograms per tonne-kilometre: above 0, at most 99.9999, at most four decimals.
    pub fn from_kilograms(text: &str) -> Result<Self, Fault> {
        match scaled(text, 4)? {
            units if units <= 0 => Err(Fault::new(FaultCode::TooSmall, "must be greater than zero")),
            units if units > Self::MOST => Err(Fault::new(FaultCode::TooLarge, "must be at most 99.9999 kg")),
            units => Ok(Self(units)),
        }
    }

    pub const fn from_ten_thousandths(units: i64) -> Self {
        Self(units)
    }

    pub const fn ten_thousandths(self) -> i64 {
        self.0
    }
}

impl Serialize for EmissionFactor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_scaled(self.0, 10_000, serializer)
    }
}

/// Emissions in kilograms of CO₂ equivalents, with one decimal, never a float. In JSON, a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = f64, minimum = 0, multiple_of = 0.1, example = 5111.3)]
pub struct Co2e(i64);

impl Co2e {
    /// Units of an exact sum in a tenth of a kilogram: of hectograms × kilometres × ten-thousandths of a kilogram.
    const EXACT: i128 = 10_000_000;

    /// Returns what freight of this weight emits over these kilometres with these factors: the exact sum, rounded half up to
    /// 0.1 kg.
    pub fn of(weight: Weight, legs: impl IntoIterator<Item = (i64, EmissionFactor)>) -> Self {
        let factors = legs.into_iter().map(|(kilometres, factor)| i128::from(kilometres) * i128::from(factor.0));
        Self::rounded(i128::from(weight.hectograms()) * factors.sum::<i128>())
    }

    /// Rounds an exact sum of hectograms × kilometres × ten-thousandths of a kilogram.
    pub fn rounded(exact: i128) -> Self {
        let tenths = (exact + Self::EXACT / 2).div_euclid(Self::EXACT);
        Self(i64::try_from(tenths).unwrap_or(i64::MAX))
    }

    pub const fn hectograms(self) -> i64 {
        self.0
    }
}

impl Serialize for Co2e {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_scaled(self.0, 10, serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factor(text: &str) -> EmissionFactor {
        EmissionFactor::from_kilograms(text).unwrap()
    }

    fn co2e(kilograms: &str, legs: &[(i64, &str)]) -> String {
        let weight = Weight::from_kilograms(kilograms).unwrap();
        let emitted = Co2e::of(weight, legs.iter().map(|(kilometres, text)| (*kilometres, factor(text))));
        serde_json::to_string(&emitted).unwrap()
    }

    #[test]
    fn a_factor_is_written_as_short_as_it_is() {
        for (text, written) in [("0.5", "0.5"), ("0.8123", "0.8123"), ("1.0000", "1"), ("99.9999", "99.9999")] {
            assert_eq!(serde_json::to_string(&factor(text)).unwrap(), written);
        }
    }

    #[test]
    fn a_factor_outside_its_range_is_refused() {
        for (text, code) in [
            ("0", FaultCode::TooSmall),
            ("-0.5", FaultCode::TooSmall),
            ("100", FaultCode::TooLarge),
            ("1e400", FaultCode::TooLarge),
            ("0.00001", FaultCode::TooPrecise),
            ("half", FaultCode::WrongType),
        ] {
            assert_eq!(EmissionFactor::from_kilograms(text).unwrap_err().code, code, "{text}");
        }
    }

    #[test]
    fn emissions_are_the_exact_sum_rounded_half_up_once() {
        assert_eq!(co2e("1000", &[(6815, "0.75")]), "5111.3", "5111.25");
        assert_eq!(co2e("1", &[(500, "0.1")]), "0.1", "0.05");
        assert_eq!(co2e("1", &[(499, "0.1")]), "0", "0.0499");
        // Each alone would be rounded down to 0.
        assert_eq!(co2e("1", &[(300, "0.1"), (300, "0.1")]), "0.1", "0.06");
        assert_eq!(co2e("0.1", &[(100, "0.0001")]), "0");
        assert_eq!(co2e("9999999.9", &[(20_110, "99.9999"); 4]), "80439918755.6");
    }

    proptest::proptest! {
        #[test]
        fn emissions_never_differ_from_the_exact_sum_by_more_than_half_a_tenth(
            hectograms in 1i64..99_999_999,
            legs in proptest::collection::vec((95i64..20_200, 1i64..999_999), 1..5),
        ) {
            let factors = legs.iter().map(|(kilometres, units)| (*kilometres, EmissionFactor::from_ten_thousandths(*units)));
            let emitted = i128::from(Co2e::of(Weight::from_hectograms(hectograms), factors).hectograms());
            let sum: i128 = legs.iter().map(|(kilometres, units)| i128::from(*kilometres) * i128::from(*units)).sum();
            let error = emitted * Co2e::EXACT - sum * i128::from(hectograms);
            proptest::prop_assert!((-Co2e::EXACT / 2 < error) && (error <= Co2e::EXACT / 2));
        }
    }
}
