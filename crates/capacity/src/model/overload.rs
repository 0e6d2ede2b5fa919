use super::{Dimension, FlightCapacity, Space};

/// The reason why a capacity is too small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapacityShortfall {
    pub dimensions: Vec<Dimension>,
    pub requested: Space,
    pub booked: Space,
    pub held: Space,
}

impl CapacityShortfall {
    /// Returns the shortfall of a flight for the requested capacity.
    pub fn of(space: &FlightCapacity, requested: Space) -> Option<Self> {
        Self::between(requested, space.booked, space.kept())
    }

    /// Returns the shortfall of what the flight carries for what is on board. What is held does not fly.
    pub fn on_board(space: &FlightCapacity, on_board: Space) -> Option<Self> {
        Self::between(space.physical, on_board, Space::default())
    }

    fn between(requested: Space, booked: Space, held: Space) -> Option<Self> {
        let dimensions: Vec<Dimension> = (booked + held).exceeds(requested).collect();
        (!dimensions.is_empty()).then_some(Self { dimensions, requested, booked, held })
    }
}
