use loadmaster_capacity::Space;
use loadmaster_kernel::{Positions, Volume, Weight};
use loadmaster_platform::web::Patch;

/// The space that freight takes on each of its flights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    pub space: Space,
    /// The volume was never given: it follows the weight.
    pub volume_defaulted: bool,
}

impl Load {
    /// A missing volume follows from the weight.
    pub fn of(weight: Weight, volume: Option<Volume>, positions: Option<Positions>) -> Self {
        let space = Space {
            weight,
            volume: volume.unwrap_or_else(|| weight.standard_volume()),
            positions: positions.unwrap_or_default(),
        };
        Self { space, volume_defaulted: volume.is_none() }
    }

    /// Returns the load after a merge patch.
    #[must_use]
    pub fn amended(self, weight: Option<Weight>, volume: Patch<Volume>, positions: Patch<Positions>) -> Self {
        let weight = weight.unwrap_or(self.space.weight);
        let given = Some(self.space.volume).filter(|_| !self.volume_defaulted);
        Self::of(weight, volume.or(given), positions.or(Some(self.space.positions)))
    }
}
