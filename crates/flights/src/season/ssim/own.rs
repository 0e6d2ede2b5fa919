use std::fmt;

use loadmaster_capacity::Space;
use loadmaster_kernel::{Fault, Positions, Volume, Weight};
use loadmaster_platform::web::{Raw, read};

use crate::model::LONGEST_CUTOFF_MINUTES;

/// The identifier of the data element: 900 and up are for a system's own use.
pub(super) const IDENTIFIER: &str = "900";
/// What our own data begin with: other systems have others under the same identifier.
const MARK: &str = "LOADMASTER";

/// What a flight carries and when it closes, which the record of its leg does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Own {
    pub capacity: Space,
    pub cutoff_minutes: u32,
}

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [hectograms, litres, positions] = self.capacity.figures();
        write!(f, "{MARK} {}.{} KG", hectograms / 10, hectograms % 10)?;
        write!(f, " {}.{:03} M3 {positions} POS {} MIN", litres / 1000, litres % 1000, self.cutoff_minutes)
    }
}

/// Reads the data of an element; `None` if they are another system's.
pub(super) fn read(data: &str) -> Result<Option<Own>, Fault> {
    let words: Vec<&str> = data.split_ascii_whitespace().collect();
    match *words.as_slice() {
        [MARK, weight, "KG", volume, "M3", positions, "POS", cutoff, "MIN"] => {
            let (weight, volume) = (Weight::from_kilograms(weight)?, Volume::from_cubic_metres(volume)?);
            let capacity = Space { weight, volume, positions: Positions::from_count(positions)? };
            let cutoff_minutes = read::integer(0, LONGEST_CUTOFF_MINUTES)(Raw::Text(cutoff))?;
            Ok(Some(Own { capacity, cutoff_minutes }))
        }
        [MARK, ..] => Err(Fault::format("must be as in LOADMASTER 1000.0 KG 6.000 M3 4 POS 60 MIN")),
        _ => Ok(None),
    }
}
