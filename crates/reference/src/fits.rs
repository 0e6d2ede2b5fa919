//! Which aircraft types take freight by its dimensions.
use std::fmt::{Display, Formatter, Result};

use loadmaster_kernel::{AircraftCode, DimensionLine, Dimensions, Opening};

use super::{model::Aircraft, service::Reference};

/// A piece that none of an aircraft's openings takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge {
    /// The number of its line of the dimensions, from 1.
    pub line: usize,
    pub piece: DimensionLine,
    /// That with the largest door.
    pub largest: Opening,
}

impl TooLarge {
    /// Returns what its text names: its line, its three lengths, and width and height of the largest door.
    pub const fn figures(&self) -> (usize, [i32; 5]) {
        let DimensionLine { length_cm, width_cm, height_cm, .. } = self.piece;
        let (wide, high) = (self.largest.door_width_cm.count(), self.largest.door_height_cm.count());
        (self.line, [length_cm.count(), width_cm.count(), height_cm.count(), wide, high])
    }

    fn of(dimensions: &Dimensions, aircraft: &Aircraft) -> Option<Self> {
        let at = dimensions.first_too_large(&aircraft.openings)?;
        let piece = *dimensions.lines().get(at)?;
        Some(Self { line: at + 1, piece, largest: *Opening::largest(&aircraft.openings)? })
    }
}

/// Without the flight, whose number comes first.
impl Display for TooLarge {
    fn fmt(&self, text: &mut Formatter<'_>) -> Result {
        let (line, [length, width, height, wide, high]) = self.figures();
        write!(
            text,
            "has no opening for the pieces of line {line} ({length} × {width} × {height} cm); its largest is {wide} × {high} cm."
        )
    }
}

impl Reference {
    /// Returns the aircraft types on which not every piece fits, by code, each with its first piece that does not. A type without
    /// openings is not judged.
    pub fn too_small_for(&self, dimensions: &Dimensions) -> Vec<(AircraftCode, TooLarge)> {
        let current = self.current();
        let types = current.catalogue.aircraft.values();
        types.filter_map(|aircraft| Some((aircraft.code, TooLarge::of(dimensions, aircraft)?))).collect()
    }

    /// Returns the first piece that does not fit on an aircraft of this type; `None` if all fit, or its openings are not known.
    pub fn too_large(&self, dimensions: &Dimensions, code: AircraftCode) -> Option<TooLarge> {
        TooLarge::of(dimensions, &*self.aircraft(code)?)
    }
}
