use loadmaster_shipment::PositionName;
use serde::Serialize;
use utoipa::ToSchema;

/// A position of a flight.
#[derive(Debug, Serialize, ToSchema)]
pub struct Position {
    pub name: PositionName,
    pub status: PositionStatus,
}

/// Whether a position has been taken by its name.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PositionStatus {
    Free,
    Held,
    Booked,
}
