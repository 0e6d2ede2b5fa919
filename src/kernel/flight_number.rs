use std::str::FromStr;

use utoipa::ToSchema;

use super::{codes::AirlineCode, fault::Fault, text::text_value};

/// Airline designator, one to four digits and an optional operational suffix, such as `AI101` or `LH8400A`.
/// Leading zeros are dropped: `AI0101` is `AI101`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^[A-Z0-9]{2}[1-9][0-9]{0,3}[A-Z]?$", example = "AI101")]
pub struct FlightNumber(Box<str>);

impl FlightNumber {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn airline(&self) -> AirlineCode {
        let bytes = self.0.as_bytes();
        AirlineCode::from_checked([bytes[0], bytes[1]])
    }
}

impl FromStr for FlightNumber {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let fault =
            || Fault::format("must be an airline designator, one to four digits and an optional letter, such as AI101");
        let text = text.trim();
        let (designator, rest) = text.split_at_checked(2).ok_or_else(fault)?;
        let airline: AirlineCode = designator.parse().map_err(|_| fault())?;
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, suffix) = rest.split_at(digits);
        let significant = number.trim_start_matches('0');
        let suffixed = suffix.is_empty() || (suffix.len() == 1 && suffix.as_bytes()[0].is_ascii_alphabetic());
        if significant.is_empty() || number.len() > 4 || !suffixed {
            return Err(fault());
        }
        Ok(Self(format!("{airline}{significant}{}", suffix.to_ascii_uppercase()).into()))
    }
}

text_value!(FlightNumber);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flight_numbers_are_normalised() {
        for (text, number) in
            [("AI101", "AI101"), (" ai0101 ", "AI101"), ("5X0007", "5X7"), ("lh8400a", "LH8400A"), ("2a1", "2A1")]
        {
            assert_eq!(text.parse::<FlightNumber>().unwrap().as_str(), number);
        }
        assert_eq!("5X7".parse::<FlightNumber>().unwrap().airline().as_str(), "5X");
    }

    #[test]
    fn malformed_flight_numbers_are_refused() {
        for text in ["", "AI", "AI0", "AI00001", "AI12345", "AI101AB", "12345", "A", "AI 101", "ÄI101", "AI1\0"] {
            assert!(text.parse::<FlightNumber>().is_err(), "{text:?}");
        }
    }
}
