use std::str::FromStr;

use utoipa::ToSchema;

use super::{codes::AirlineCode, fault::Fault, text::text_value};

/// Airline designator, one to four digits and an optional operational suffix, such as `AI101` or `LH8400A`.
/// Leading zeros are dropped, and blanks after the designator: `AI 0101` is `AI101`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^[A-Z0-9]{2}[1-9][0-9]{0,3}[A-Z]?$", example = "AI101")]
pub struct FlightNumber(Packed);

/// ASCII text, filled up with zeros: there may be a million in memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Packed {
    text: [u8; LONGEST],
    length: u8,
}

/// Length of a number with all its parts, such as `LH8400A`.
const LONGEST: usize = 7;

impl FlightNumber {
    pub fn as_str(&self) -> &str {
        // The bytes are always ASCII, so the fallbacks are unreachable.
        let text = self.0.text.get(..usize::from(self.0.length)).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
    }

    pub const fn airline(&self) -> AirlineCode {
        AirlineCode::from_checked([self.0.text[0], self.0.text[1]])
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
        let rest = rest.trim_start_matches(|c: char| c.is_whitespace() && !c.is_control());
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, suffix) = rest.split_at(digits);
        let significant = number.trim_start_matches('0');
        let suffixed = suffix.is_empty() || (suffix.len() == 1 && suffix.as_bytes()[0].is_ascii_alphabetic());
        if significant.is_empty() || number.len() > 4 || !suffixed {
            return Err(fault());
        }
        let (mut text, mut length) = ([0; LONGEST], 0);
        let parts = airline.as_str().bytes().chain(significant.bytes()).chain(suffix.bytes());
        for (place, byte) in text.iter_mut().zip(parts) {
            *place = byte.to_ascii_uppercase();
            length += 1;
        }
        Ok(Self(Packed { text, length }))
    }
}

text_value!(FlightNumber);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flight_numbers_are_normalised() {
        for (text, number) in [
            ("AI101", "AI101"),
            (" ai0101 ", "AI101"),
            ("5X0007", "5X7"),
            ("lh8400a", "LH8400A"),
            ("2a1", "2A1"),
            ("AI 0914", "AI914"),
            ("AI 914", "AI914"),
            ("LH 0400", "LH400"),
            ("5x  7", "5X7"),
            ("LH\u{a0}8400A", "LH8400A"),
        ] {
            assert_eq!(text.parse::<FlightNumber>().unwrap().as_str(), number);
        }
        assert_eq!("5X7".parse::<FlightNumber>().unwrap().airline().as_str(), "5X");
        let in_order =
            ["5X7", "AI1", "AI10", "AI1000", "AI1000A", "AI2"].map(|text| text.parse::<FlightNumber>().unwrap());
        assert!(in_order.is_sorted(), "as texts are");
    }

    #[test]
    fn malformed_flight_numbers_are_refused() {
        for text in [
            "", "AI", "AI0", "AI00001", "AI12345", "AI101AB", "12345", "A", "AI 0", "A I101", "AI 1 01", "AI 101 A",
            "AI\t101", "ÄI101", "AI1\0",
        ] {
            assert!(text.parse::<FlightNumber>().is_err(), "{text:?}");
        }
    }
}
