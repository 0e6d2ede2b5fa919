use std::{
    hash::{Hash, Hasher},
    str::FromStr,
};

use utoipa::ToSchema;

use super::{
    fault::{Fault, FaultCode},
    text::text_value,
};

/// A short code of `N` ASCII capitals and digits; input is trimmed and upper-cased.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ascii<const N: usize>([u8; N]);

/// In one step: maps in memory are looked up thousands of times in a search.
impl<const N: usize> Hash for Ascii<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u32(self.0.iter().fold(0, |code, byte| code << 8 | u32::from(*byte)));
    }
}

impl<const N: usize> Ascii<N> {
    fn parse(text: &str, allowed: fn(u8) -> bool) -> Option<Self> {
        let code: [u8; N] = text.trim().as_bytes().try_into().ok()?;
        let code = code.map(|byte| byte.to_ascii_uppercase());
        code.iter().copied().all(allowed).then_some(Self(code))
    }

    fn as_str(&self) -> &str {
        // The bytes are always ASCII, so the fallback is unreachable.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_uppercase()
}

const fn is_letter_or_digit(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

/// IATA location identifier of an airport: three letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^[A-Z]{3}$", example = "DEL")]
pub struct AirportCode(Ascii<3>);

impl AirportCode {
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for AirportCode {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        Ascii::parse(text, is_letter)
            .map(Self)
            .ok_or_else(|| Fault::format("must be a three-letter IATA airport code, such as DEL"))
    }
}

/// IATA location identifier of a city: three letters, as airports have them. Some cities have that of one of their airports.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^[A-Z]{3}$", example = "LON")]
pub struct CityCode(Ascii<3>);

impl CityCode {
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// The city with these letters, if there is one.
impl From<AirportCode> for CityCode {
    fn from(AirportCode(letters): AirportCode) -> Self {
        Self(letters)
    }
}

impl FromStr for CityCode {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        Ascii::parse(text, is_letter)
            .map(Self)
            .ok_or_else(|| Fault::format("must be a three-letter IATA city code, such as LON"))
    }
}

/// IATA airline designator: two letters or digits, not both digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^([A-Z][A-Z0-9]|[0-9][A-Z])$", example = "AI")]
pub struct AirlineCode(Ascii<2>);

impl AirlineCode {
    /// Takes the front of a flight number, which was already parsed as a designator.
    pub(super) const fn from_checked(code: [u8; 2]) -> Self {
        Self(Ascii(code))
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for AirlineCode {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        Ascii::parse(text, is_letter_or_digit)
            .filter(|code: &Ascii<2>| code.0.iter().any(u8::is_ascii_uppercase))
            .map(Self)
            .ok_or_else(|| Fault::format("must be a two-character airline designator, such as AI"))
    }
}

/// IATA aircraft type code: three letters or digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^[A-Z0-9]{3}$", example = "77X")]
pub struct AircraftCode(Ascii<3>);

impl AircraftCode {
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for AircraftCode {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        Ascii::parse(text, is_letter_or_digit)
            .map(Self)
            .ok_or_else(|| Fault::format("must be a three-character aircraft type code, such as 77X"))
    }
}

/// IATA special handling code: three letters, such as `PER` (perishables) or `CAO` (cargo aircraft only).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^[A-Z]{3}$", example = "PER")]
pub struct HandlingCode(Ascii<3>);

impl HandlingCode {
    /// Cargo that may not fly below a passenger cabin.
    pub const CARGO_AIRCRAFT_ONLY: Self = Self(Ascii(*b"CAO"));

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for HandlingCode {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        Ascii::parse(text, is_letter)
            .map(Self)
            .ok_or_else(|| Fault::new(FaultCode::InvalidFormat, "must be a three-letter special handling code"))
    }
}

text_value!(AirportCode, CityCode, AirlineCode, AircraftCode, HandlingCode);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_trimmed_and_upper_cased() {
        assert_eq!("  del ".parse::<AirportCode>().unwrap().as_str(), "DEL");
        assert_eq!("5x".parse::<AirlineCode>().unwrap().as_str(), "5X");
        assert_eq!("77x".parse::<AircraftCode>().unwrap().as_str(), "77X");
        assert_eq!("lon".parse::<CityCode>().unwrap(), CityCode::from("LON".parse::<AirportCode>().unwrap()));
        assert_eq!("cao".parse::<HandlingCode>().unwrap(), HandlingCode::CARGO_AIRCRAFT_ONLY);
    }

    #[test]
    fn malformed_codes_are_refused() {
        for text in ["", "DE", "DELH", "D3L", "DÉL", "D\0L", "D L"] {
            assert_eq!(text.parse::<AirportCode>().unwrap_err().code, FaultCode::InvalidFormat, "{text:?}");
        }
        for text in ["", "A", "AIR", "12", "A-"] {
            assert!(text.parse::<AirlineCode>().is_err(), "{text:?}");
        }
    }
}
