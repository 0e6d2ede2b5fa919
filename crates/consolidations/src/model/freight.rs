use std::collections::BTreeSet;

use loadmaster_kernel::{Dimensions, Fault, FaultCode, HandlingCode, Pieces, Positions, Volume, Weight};
use loadmaster_shipment::{MOST_HANDLING_CODES, MemberFaults};

use super::PartContent;

/// The heaviest that a booking may be, in hectograms.
const HEAVIEST: i64 = 99_999_999;
/// The most volume of a booking, in litres.
const BULKIEST: i64 = 9_999_999_999;
/// The most positions of a booking.
const MOST_POSITIONS: i64 = 9_999;

/// The freight of a master: what is held or booked, or the sum of parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freight {
    /// `None` of a hold without a number.
    pub pieces: Option<Pieces>,
    pub weight: Weight,
    pub volume: Volume,
    pub positions: Positions,
    /// `None`: not given, or not of each part, or in more lines than a booking may have.
    pub dimensions: Option<Dimensions>,
    /// Sorted.
    pub special_handling_codes: Vec<HandlingCode>,
}

impl Freight {
    /// Returns the sum of parts; `None` of none, and of more than a booking may have.
    pub fn sum<'a>(parts: impl Iterator<Item = &'a PartContent>) -> Option<Self> {
        let (mut codes, mut lines) = (BTreeSet::<HandlingCode>::new(), Some(Vec::new()));
        let (mut pieces, mut weight, mut volume, mut positions) = (0_i32, Weight::ZERO, Volume::ZERO, Positions::ZERO);
        for part in parts {
            pieces = pieces.saturating_add(part.pieces.count());
            weight += part.load.space.weight;
            volume += part.load.space.volume;
            positions += part.load.space.positions;
            codes.extend(part.special_handling_codes.iter().copied());
            lines = lines.zip(part.dimensions.as_ref()).map(|(mut lines, dimensions)| {
                lines.extend_from_slice(dimensions.lines());
                lines
            });
        }
        let lines = lines.filter(|lines| lines.len() <= Dimensions::MOST_LINES);
        let dimensions = lines.and_then(|lines| Dimensions::of(lines).ok());
        let pieces = Pieces::from_count(&pieces.to_string()).ok()?;
        let codes = codes.into_iter().collect();
        Some(Self { pieces: Some(pieces), weight, volume, positions, dimensions, special_handling_codes: codes })
    }
}

/// Returns the members of a part with which the parts of its origin together are more than one booking may be, each with its
/// fault. `others`: those of its origin that are not withdrawn.
pub fn freight_faults<'a>(part: &'a PartContent, others: impl Iterator<Item = &'a PartContent>) -> MemberFaults {
    let mut faults = MemberFaults::new();
    let mut codes: BTreeSet<HandlingCode> = part.special_handling_codes.iter().copied().collect();
    let space = part.load.space;
    let mut pieces = i64::from(part.pieces.count());
    let (mut weight, mut volume, mut positions) = (space.weight, space.volume, space.positions);
    for other in others {
        pieces += i64::from(other.pieces.count());
        weight += other.load.space.weight;
        volume += other.load.space.volume;
        positions += other.load.space.positions;
        codes.extend(other.special_handling_codes.iter().copied());
    }
    let too_large = |what: &str| Fault::new(FaultCode::TooLarge, format!("makes {what} from its origin too large"));
    if pieces > 99_999 {
        faults.push(("/pieces", too_large("the number of pieces")));
    }
    if weight.hectograms() > HEAVIEST {
        faults.push(("/weight_kg", too_large("the weight")));
    }
    if volume.litres() > BULKIEST {
        faults.push(("/volume_m3", too_large("the volume")));
    }
    if positions.count() > MOST_POSITIONS {
        faults.push(("/positions", too_large("the number of positions")));
    }
    if codes.len() > MOST_HANDLING_CODES {
        let text = format!("makes more than {MOST_HANDLING_CODES} codes of the parts from its origin");
        faults.push(("/special_handling_codes", Fault::new(FaultCode::TooLong, text)));
    }
    faults
}
