use std::{fmt, str::FromStr};

use loadmaster_kernel::{Fault, FaultCode, Positions};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The name of a position on a flight: `P1` to `Pn`, where n is the number of the flight's positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(value_type = String, example = "P3")]
pub struct PositionName(u32);

impl PositionName {
    /// Returns the names of all positions of a flight.
    pub fn all(positions: Positions) -> impl Iterator<Item = Self> {
        (1..=u32::try_from(positions.count()).unwrap_or_default()).map(Self)
    }

    /// Returns whether a flight with so many positions has it.
    pub fn is_one_of(self, positions: Positions) -> bool {
        i64::from(self.0) <= positions.count()
    }
}

impl fmt::Display for PositionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P{}", self.0)
    }
}

impl From<PositionName> for String {
    fn from(name: PositionName) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for PositionName {
    type Error = Fault;

    fn try_from(text: String) -> Result<Self, Fault> {
        text.parse()
    }
}

impl FromStr for PositionName {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let number = text.trim().strip_prefix(['P', 'p']).filter(|digits| !digits.starts_with(['0', '+']));
        let number = number.and_then(|digits| digits.parse().ok());
        number.map(Self).ok_or_else(|| Fault::new(FaultCode::UnknownValue, "must name positions, such as P1"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_has_one_name() {
        assert_eq!("P3".parse::<PositionName>().unwrap().to_string(), "P3");
        assert_eq!(" p12".parse::<PositionName>().unwrap().to_string(), "P12");
        for wrong in ["", "P", "P0", "P03", "3", "PX", "P-1", "P+1", "P99999999999"] {
            assert!(wrong.parse::<PositionName>().is_err(), "{wrong}");
        }
        let all: Vec<String> = PositionName::all(Positions::new(3)).map(String::from).collect();
        assert_eq!(all, ["P1", "P2", "P3"]);
        assert!(!"P4".parse::<PositionName>().unwrap().is_one_of(Positions::new(3)));
    }
}
