use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;

use super::{
    decimal::{scaled, scaled_text},
    fault::{Fault, FaultCode},
    text::text_value,
};

/// Largest number of minor units of an amount that a client may send.
const MOST_SENT: i64 = 999_999_999_999;

/// A currency of ISO 4217 in which amounts are paid.
#[derive(Clone, Copy, PartialEq, Eq, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^[A-Z]{3}$", example = "USD")]
pub struct Currency(iso_currency::Currency);

impl Currency {
    pub fn as_str(&self) -> &'static str {
        self.0.code()
    }

    /// Returns the number of decimals of an amount: 2 for USD, 0 for JPY, 3 for KWD.
    pub fn decimals(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or_default())
    }
}

impl FromStr for Currency {
    type Err = Fault;

    /// Accepts codes in capitals of currencies that have minor units or whole ones, also former ones: what was priced in them
    /// can be read for ever. Not those of metals.
    fn from_str(text: &str) -> Result<Self, Fault> {
        let known = iso_currency::Currency::from_code(text.trim());
        let paid = known.filter(|currency| currency.exponent().is_some());
        paid.map(Self).ok_or_else(|| Fault::new(FaultCode::UnknownValue, "must be an ISO 4217 currency such as USD"))
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

text_value!(Currency);

/// An amount of money: a whole number of the currency's minor units. In JSON, the amount is a text with exactly the
/// currency's decimals.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    pub const fn minor(self) -> i64 {
        self.minor
    }

    pub const fn currency(self) -> Currency {
        self.currency
    }

    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Returns another amount of the same currency.
    #[must_use]
    pub const fn with_minor(self, minor: i64) -> Self {
        Self::new(minor, self.currency)
    }

    /// Parses an amount that is sent: not negative, and at most as many decimals as the currency has.
    pub fn parse(amount: &str, currency: Currency) -> Result<Self, Fault> {
        let places = i32::try_from(currency.decimals()).unwrap_or_default();
        let is_plain = amount.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
        if !is_plain {
            return Err(Fault::format("must be an amount such as 123.45"));
        }
        let minor = scaled_text(amount, places).map_err(|fault| match fault.code {
            FaultCode::WrongType => Fault::format("must be an amount such as 123.45"),
            FaultCode::TooPrecise => {
                Fault::new(FaultCode::TooPrecise, format!("must have at most {places} decimals in {currency}"))
            }
            _ => fault,
        })?;
        match minor {
            minor if minor < 0 => Err(Fault::new(FaultCode::TooSmall, "must not be negative")),
            minor if minor > MOST_SENT => Err(Fault::new(FaultCode::TooLarge, "is too large")),
            minor => Ok(Self::new(minor, currency)),
        }
    }

    /// Returns the amount as a text with the currency's decimals.
    pub fn amount(self) -> String {
        let (sign, minor) = (if self.minor < 0 { "-" } else { "" }, self.minor.unsigned_abs());
        match self.currency.decimals() {
            0 => format!("{sign}{minor}"),
            decimals => {
                let unit = 10_u64.pow(decimals);
                let width = usize::try_from(decimals).unwrap_or_default();
                format!("{sign}{}.{:0width$}", minor / unit, minor % unit)
            }
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An amount of money.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = Money)]
struct Written {
    /// With exactly as many decimals as the currency has.
    #[schema(pattern = "^-?[0-9]+(\\.[0-9]+)?$", example = "123.45")]
    amount: String,
    /// ISO 4217.
    currency: Currency,
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written { amount: self.amount(), currency: self.currency }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { amount, currency } = Written::deserialize(deserializer)?;
        let places = i32::try_from(currency.decimals()).map_err(de::Error::custom)?;
        scaled(&amount, places).map(|minor| Self::new(minor, currency)).map_err(de::Error::custom)
    }
}

impl utoipa::PartialSchema for Money {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        Written::schema()
    }
}

impl ToSchema for Money {
    fn name() -> std::borrow::Cow<'static, str> {
        Written::name()
    }

    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
        Written::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: &str, currency: &str) -> Result<Money, Fault> {
        Money::parse(amount, currency.parse()?)
    }

    #[test]
    fn an_amount_has_the_decimals_of_its_currency() {
        for (amount, currency, written) in [
            ("123.45", "USD", "123.45"),
            ("120", "USD", "120.00"),
            ("0.1", "EUR", "0.10"),
            ("1200", "JPY", "1200"),
            ("1.5", "KWD", "1.500"),
            ("0", "USD", "0.00"),
        ] {
            let money = money(amount, currency).unwrap();
            assert_eq!(
                serde_json::to_value(money).unwrap(),
                serde_json::json!({"amount": written, "currency": currency})
            );
            assert_eq!(serde_json::from_value::<Money>(serde_json::to_value(money).unwrap()).unwrap(), money);
        }
        let negative = money("0.05", "USD").unwrap().with_minor(-5);
        assert_eq!(negative.to_string(), "-0.05 USD");
    }

    #[test]
    fn other_amounts_are_refused_with_the_reason() {
        for (amount, currency, code) in [
            ("1.001", "USD", FaultCode::TooPrecise),
            ("1.5", "JPY", FaultCode::TooPrecise),
            // Zeros are decimals, too.
            ("1200.0", "JPY", FaultCode::TooPrecise),
            ("1.500", "USD", FaultCode::TooPrecise),
            ("1.0005", "KWD", FaultCode::TooPrecise),
            ("-1", "USD", FaultCode::TooSmall),
            ("99999999999999", "USD", FaultCode::TooLarge),
            ("1e2", "USD", FaultCode::InvalidFormat),
            ("", "USD", FaultCode::InvalidFormat),
            ("abc", "USD", FaultCode::InvalidFormat),
            ("1,5", "USD", FaultCode::InvalidFormat),
            ("1", "usd", FaultCode::UnknownValue),
            ("1", "XAU", FaultCode::UnknownValue),
            ("1", "QQQ", FaultCode::UnknownValue),
        ] {
            assert_eq!(money(amount, currency).unwrap_err().code, code, "{amount} {currency}");
        }
    }
}
