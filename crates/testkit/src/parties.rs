//! Parties and templates of bookings.
pub const PARTIES: &str = "/api/v1/parties";
pub const TEMPLATES: &str = "/api/v1/booking-templates";
