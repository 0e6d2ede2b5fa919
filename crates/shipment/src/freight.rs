use loadmaster_kernel::{Dimensions, Fault, Pieces, Positions, Volume, Weight};
use loadmaster_platform::web::{Patch, freight::NewDimensions};

use super::{Load, MemberFaults};

/// Pieces, load and dimensions of freight, which agree with each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freight {
    pub pieces: Option<Pieces>,
    pub load: Load,
    /// `None`: not given.
    pub dimensions: Option<Dimensions>,
}

/// The members of a merge patch that change freight.
#[derive(Debug, Clone, Copy)]
pub struct FreightPatch<'a> {
    pub pieces: Patch<Pieces>,
    pub weight: Option<Weight>,
    pub volume: Patch<Volume>,
    pub positions: Patch<Positions>,
    pub dimensions: &'a Patch<NewDimensions>,
}

impl FreightPatch<'_> {
    /// Returns the freight after the patch. New dimensions bring pieces, volume and, if each line has one, weight along; kept ones
    /// contradict others than theirs.
    pub fn apply(self, before: &Freight) -> Result<Freight, MemberFaults> {
        let after = match self.dimensions {
            Patch::Keep => before.dimensions.clone(),
            Patch::Clear => None,
            Patch::Set(new) => Some(new.clone().into_inner()),
        };
        match after {
            Some(dimensions) => self.measured(before, dimensions),
            None => Ok(Freight {
                pieces: self.pieces.or(before.pieces),
                load: before.load.amended(self.weight, self.volume, self.positions),
                dimensions: None,
            }),
        }
    }

    fn measured(self, before: &Freight, dimensions: Dimensions) -> Result<Freight, MemberFaults> {
        let is_new = matches!(self.dimensions, Patch::Set(_));
        let space = before.load.space;
        let pieces = self.pieces.set().unwrap_or_else(|| dimensions.pieces());
        let weight = self.weight.or_else(|| dimensions.weight().filter(|_| is_new)).unwrap_or(space.weight);
        let volume = match self.volume {
            Patch::Set(volume) => volume,
            Patch::Keep if !is_new => space.volume,
            Patch::Keep | Patch::Clear => dimensions.volume(),
        };
        let of_volume = if is_new { "/volume_m3" } else { "/dimensions" };
        let faults: [(&'static str, Option<Fault>); 3] = [
            ("/dimensions", dimensions.fault_of_pieces(pieces)),
            ("/dimensions", dimensions.fault_of_weight(weight)),
            (of_volume, dimensions.fault_of_volume(volume)),
        ];
        let faults: MemberFaults = faults.into_iter().filter_map(|(member, fault)| Some((member, fault?))).collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        let load = Load::of(weight, Some(volume), self.positions.or(Some(space.positions)));
        Ok(Freight { pieces: Some(pieces), load, dimensions: Some(dimensions) })
    }
}

#[cfg(test)]
mod tests {
    use loadmaster_kernel::FaultCode;
    use loadmaster_platform::web::{Fields, freight};
    use serde_json::{Value, json};

    use super::*;

    fn weight(text: &str) -> Weight {
        Weight::from_kilograms(text).unwrap()
    }

    fn pieces(count: &str) -> Pieces {
        Pieces::from_count(count).unwrap()
    }

    fn lines(lines: &Value) -> NewDimensions {
        let body = json!({ "dimensions": lines });
        freight::dimensions(&mut Fields::of_body(body.as_object().unwrap())).unwrap()
    }

    fn pallets(count: i32) -> NewDimensions {
        lines(&json!([{"pieces": count, "length_cm": 100, "width_cm": 100, "height_cm": 100}]))
    }

    const NOTHING: FreightPatch<'_> = FreightPatch {
        pieces: Patch::Keep,
        weight: None,
        volume: Patch::Keep,
        positions: Patch::Keep,
        dimensions: &Patch::Keep,
    };

    /// Four pieces of a cubic metre, in packing.
    fn measured() -> Freight {
        Freight {
            pieces: Some(pieces("4")),
            load: Load::of(weight("200"), Some(Volume::from_litres(4500)), None),
            dimensions: Some(pallets(4).into_inner()),
        }
    }

    fn faults(patch: FreightPatch<'_>) -> Vec<(&'static str, FaultCode)> {
        let faults = patch.apply(&measured()).unwrap_err();
        faults.into_iter().map(|(member, fault)| (member, fault.code)).collect()
    }

    #[test]
    fn a_patch_without_freight_changes_nothing() {
        assert_eq!(NOTHING.apply(&measured()), Ok(measured()));
    }

    #[test]
    fn new_dimensions_bring_pieces_and_volume_along() {
        let new = Patch::Set(pallets(3));
        let after = FreightPatch { dimensions: &new, ..NOTHING }.apply(&measured()).unwrap();
        assert_eq!(after.pieces, Some(pieces("3")));
        assert_eq!(after.load.space.volume, Volume::from_litres(3000));
        assert_eq!(after.load.space.weight, weight("200"));
        let heavy = json!([{"pieces": 2, "length_cm": 100, "width_cm": 100, "height_cm": 100, "weight_kg": 50}]);
        let new = Patch::Set(lines(&heavy));
        let after = FreightPatch { dimensions: &new, ..NOTHING }.apply(&measured()).unwrap();
        assert_eq!(after.load.space.weight, weight("100"));
    }

    #[test]
    fn kept_dimensions_contradict_other_pieces_and_less_volume() {
        let inconsistent = |member| vec![(member, FaultCode::Inconsistent)];
        let other = FreightPatch { pieces: Patch::Set(pieces("3")), ..NOTHING };
        assert_eq!(faults(other), inconsistent("/dimensions"));
        let less = FreightPatch { volume: Patch::Set(Volume::from_litres(3999)), ..NOTHING };
        assert_eq!(faults(less), inconsistent("/dimensions"));
        let new = Patch::Set(pallets(4));
        assert_eq!(faults(FreightPatch { dimensions: &new, ..less }), inconsistent("/volume_m3"));
        let new = Patch::Set(pallets(3));
        let both = FreightPatch { dimensions: &new, ..other }.apply(&measured()).unwrap();
        assert_eq!(both.pieces, Some(pieces("3")));
    }

    #[test]
    fn cleared_dimensions_leave_pieces_and_volume() {
        let after = FreightPatch { dimensions: &Patch::Clear, ..NOTHING }.apply(&measured()).unwrap();
        assert_eq!(after, Freight { dimensions: None, ..measured() });
        let cleared = FreightPatch { volume: Patch::Clear, ..NOTHING }.apply(&measured()).unwrap();
        assert_eq!(cleared.load.space.volume, Volume::from_litres(4000), "that of the dimensions");
    }
}
