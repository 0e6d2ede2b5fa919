//! Timetables as CSV.
use serde_json::Value;

/// The documented header.
pub const HEADER: &str = "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,positions,cutoff_minutes";

/// A table of these rows under the documented header.
pub fn table(rows: &[&str]) -> String {
    let lines = std::iter::once(HEADER).chain(rows.iter().copied());
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// (created, updated, unchanged)
pub fn counts(done: &Value) -> (u64, u64, u64) {
    assert_eq!(done.as_object().unwrap().len(), 3, "{done}");
    let count = |member: &str| done[member].as_u64().unwrap();
    (count("created"), count("updated"), count("unchanged"))
}
