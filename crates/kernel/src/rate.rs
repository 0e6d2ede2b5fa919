use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;

use super::{
    decimal::scaled_text,
    fault::{Fault, FaultCode},
    money::Money,
    quantity::Weight,
};

/// Largest rate that a client may send: 999 999.9999.
const MOST_SENT: i64 = 9_999_999_999;

/// A price of a kilogram, a flat price or a percentage: a whole number of ten-thousandths. In JSON, a text with at most
/// four decimals.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^[0-9]{1,6}(\\.[0-9]{1,4})?$", example = "9.25")]
pub struct Rate(i64);

impl Rate {
    /// Ten-thousandths in one.
    pub const ONE: i64 = 10_000;

    pub const fn from_ten_thousandths(units: i64) -> Self {
        Self(units)
    }

    pub const fn ten_thousandths(self) -> i64 {
        self.0
    }

    /// Returns what an amount is for a kilogram of this weight, in the currency's unit, rounded half up; `None` without weight.
    pub fn per_kilogram(amount: Money, weight: Weight) -> Option<Self> {
        let (minor, hectograms) = (i128::from(amount.minor()), i128::from(weight.hectograms()));
        if hectograms <= 0 {
            return None;
        }
        let divisor = hectograms * 10_i128.pow(amount.currency().decimals());
        let ten_thousandths = (minor * i128::from(Self::ONE) * 20 + divisor).div_euclid(2 * divisor);
        i64::try_from(ten_thousandths).ok().map(Self)
    }

    /// Returns the number of decimals that it needs.
    pub const fn decimals(self) -> u32 {
        let (mut rest, mut decimals) = (self.0 % Self::ONE, 4);
        while decimals > 0 && rest % 10 == 0 {
            rest /= 10;
            decimals -= 1;
        }
        decimals
    }
}

impl FromStr for Rate {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let malformed = || Fault::format("must be a decimal number such as 9.25");
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
        if !is_plain {
            return Err(malformed());
        }
        match scaled_text(text, 4) {
            Err(fault) if fault.code == FaultCode::WrongType => Err(malformed()),
            Err(fault) => Err(fault),
            Ok(units) if units < 0 => Err(Fault::new(FaultCode::TooSmall, "must not be negative")),
            Ok(units) if units > MOST_SENT => Err(Fault::new(FaultCode::TooLarge, "must be at most 999999.9999")),
            Ok(units) => Ok(Self(units)),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / Self::ONE, self.0 % Self::ONE);
        match format!("{rest:04}").trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            decimals => write!(f, "{whole}.{decimals}"),
        }
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_written_as_short_as_it_is() {
        for (text, written, units, decimals) in [
            ("9", "9", 90_000, 0),
            ("9.2500", "9.25", 92_500, 2),
            ("0.0001", "0.0001", 1, 4),
            ("0", "0", 0, 0),
            ("999999.9999", "999999.9999", 9_999_999_999, 4),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!((rate.to_string().as_str(), rate.ten_thousandths()), (written, units));
            assert_eq!(rate.decimals(), decimals, "{text}");
            assert_eq!(serde_json::from_value::<Rate>(serde_json::to_value(rate).unwrap()).unwrap(), rate);
        }
    }

    #[test]
    fn an_amount_for_a_kilogram_has_four_decimals_at_most() {
        let per_kilogram = |minor, currency: &str, hectograms| {
            let amount = Money::new(minor, currency.parse().unwrap());
            Rate::per_kilogram(amount, Weight::from_hectograms(hectograms)).map(|rate| rate.to_string())
        };
        assert_eq!(per_kilogram(90_000, "USD", 3_000).as_deref(), Some("3"));
        assert_eq!(per_kilogram(200, "USD", 30).as_deref(), Some("0.6667"));
        assert_eq!(per_kilogram(1_000, "JPY", 45).as_deref(), Some("222.2222"));
        assert_eq!(per_kilogram(1_500, "KWD", 10).as_deref(), Some("1.5"));
        assert_eq!(per_kilogram(5, "USD", 0), None);
    }

    #[test]
    fn other_rates_are_refused_with_the_reason() {
        for (text, code) in [
            ("1.00001", FaultCode::TooPrecise),
            ("-1", FaultCode::TooSmall),
            ("1000000", FaultCode::TooLarge),
            ("99999999999999999999", FaultCode::TooLarge),
            ("1e2", FaultCode::InvalidFormat),
            ("", FaultCode::InvalidFormat),
            ("1,5", FaultCode::InvalidFormat),
            ("nine", FaultCode::InvalidFormat),
        ] {
            assert_eq!(text.parse::<Rate>().unwrap_err().code, code, "{text}");
        }
    }
}
