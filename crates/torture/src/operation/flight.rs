//! Operations that change flights: steps, changes, and imports of timetables.
use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{Answer, Evidence, Kind, Operation, Promise, Reply, Subject, id_in};

pub(crate) const FLIGHTS: &str = "/api/v1/flights";
const COLUMNS: &str = "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,\
                       volume_m3,positions,cutoff_minutes";

/// A row of a timetable to import.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub number: String,
    pub origin: String,
    pub destination: String,
    pub leaves: DateTime<Utc>,
    pub lands: DateTime<Utc>,
    /// The capacity of a new flight, unique among the flights of that number.
    pub weight_kg: u64,
    /// The flight that the row changes, as far as the client knows; `None` for a new flight.
    pub flight: Option<String>,
}

impl Row {
    /// The timetable of these rows, with its header.
    pub fn table(rows: &[Self]) -> String {
        let mut table = format!("{COLUMNS}\n");
        for Self { number, origin, destination, leaves, lands, weight_kg, .. } in rows {
            let (leaves, lands) = (leaves.to_rfc3339(), lands.to_rfc3339());
            let positions = (weight_kg / 150).min(9999);
            _ = writeln!(table, "{number},{origin},{destination},{leaves},{lands},,{weight_kg},,{positions},");
        }
        table
    }
}

impl Operation {
    pub(super) fn show(&self, reply: &Reply, answer: &Answer, evidence: &Evidence) {
        match self.kind {
            Kind::Import | Kind::DryRun => {}
            kind => match kind.subject() {
                Subject::Flight => evidence.saw_flight(reply, self.shown(&answer.body), answer.replayed),
                Subject::Booking => evidence.saw(reply, &answer.body, answer.replayed),
                Subject::Hold => evidence.saw_hold(reply, &answer.body, answer.replayed),
                // Its place and its offer change without a new version.
                Subject::Entry => {}
            },
        }
    }

    pub(super) fn shown<'a>(&self, body: &'a Value) -> &'a Value {
        match self.kind {
            Kind::FlightDepart | Kind::FlightArrive | Kind::FlightCancel => &body["flight"],
            _ => body,
        }
    }

    /// The differences between an acknowledged flight and the request.
    pub(super) fn flight_differences(&self, body: &Value) -> Vec<(Promise, String)> {
        let (asked, flight) = (self.request.body.as_ref().unwrap_or(&Value::Null), self.shown(body));
        let mut found = Vec::new();
        let mut differs = |what: String| found.push((Promise::NothingLost, what));
        let status = match self.kind {
            Kind::FlightDepart => Some("DEPARTED"),
            Kind::FlightArrive => Some("ARRIVED"),
            Kind::FlightCancel => Some("CANCELLED"),
            _ => None,
        };
        if status.is_some_and(|status| flight["status"] != status) {
            differs(format!("the status of the flight is {}", flight["status"]));
        }
        for member in ["departure_datetime", "arrival_datetime"] {
            if asked[member].is_string() && instant(&asked[member]) != instant(&flight[member]) {
                differs(format!("{member} is {}, not {}", flight[member], asked[member]));
            }
        }
        let weight = &asked["capacity"]["weight_kg"];
        if weight.is_u64() && weight.as_f64() != flight["capacity"]["weight_kg"].as_f64() {
            differs(format!("its capacity is {}, not {weight} kg", flight["capacity"]));
        }
        // Whole minutes before its departure.
        if let Some(minutes) = asked["cutoff_minutes"].as_i64()
            && let (Some(leaves), Some(closes)) =
                (instant(&flight["departure_datetime"]), instant(&flight["cutoff_datetime"]))
            && closes + TimeDelta::minutes(minutes) != leaves
        {
            differs(format!("it closes at {closes}, not {minutes} min before {leaves}"));
        }
        if matches!(self.kind, Kind::Import | Kind::DryRun) {
            let counted = ["created", "updated", "unchanged"].iter().filter_map(|member| body[member].as_u64());
            if counted.sum::<u64>() != self.rows.len() as u64 {
                differs(format!("the response counts {body}, but the table has {} rows", self.rows.len()));
            }
        } else if self.flight.is_some() && flight["id"].as_str() != self.flight.as_deref() {
            differs(format!("it shows the flight {}", flight["id"]));
        }
        found
    }
}

pub(crate) fn instant(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str()?.parse().ok()
}

pub(super) fn flight_in(path: &str) -> Option<String> {
    id_in(path, FLIGHTS).filter(|id| id != "import")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{operation::Actor, wire::Request};

    fn operation(kind: Kind, path: &str, body: Value) -> Operation {
        let request = Request { body: Some(body), ..Request::get(path.to_owned()) };
        Operation::new(kind, Actor::Staff, 0, request)
    }

    #[test]
    fn a_flight_that_differs_from_the_request_is_reported() {
        let step = operation(Kind::FlightDepart, "/api/v1/flights/f/depart", json!({}));
        assert_eq!(step.flight.as_deref(), Some("f"));
        assert!(step.flight_differences(&json!({"flight": {"id": "f", "status": "DEPARTED"}})).is_empty());
        assert_eq!(step.flight_differences(&json!({"flight": {"id": "g", "status": "SCHEDULED"}})).len(), 2);
        let asked = json!({"departure_datetime": "2026-01-01T10:00:00Z", "capacity": {"weight_kg": 900}});
        let change = operation(Kind::Retime, "/api/v1/flights/f", asked);
        let now = |leaves, weight| json!({"id": "f", "departure_datetime": leaves, "capacity": {"weight_kg": weight}});
        assert!(change.flight_differences(&now("2026-01-01T10:00:00.000Z", 900)).is_empty());
        assert_eq!(change.flight_differences(&now("2026-01-01T10:00:01Z", 901)).len(), 2);
        let close = operation(Kind::Close, "/api/v1/flights/f", json!({"cutoff_minutes": 90}));
        let closing = |at| json!({"id": "f", "departure_datetime": "2026-01-01T10:00:00Z", "cutoff_datetime": at});
        assert!(close.flight_differences(&closing("2026-01-01T08:30:00Z")).is_empty());
        assert_eq!(close.flight_differences(&closing("2026-01-01T09:00:00Z")).len(), 1);
    }

    #[test]
    fn the_answer_to_an_import_counts_all_its_rows() {
        let leaves = "2026-01-01T10:00:00Z".parse().unwrap();
        let (number, origin, destination) = ("AI1".to_owned(), "LHR".to_owned(), "DEL".to_owned());
        let rows = vec![Row { number, origin, destination, leaves, lands: leaves, weight_kg: 300, flight: None }];
        let table = Row::table(&rows);
        assert!(
            table.ends_with("AI1,LHR,DEL,2026-01-01T10:00:00+00:00,2026-01-01T10:00:00+00:00,,300,,2,\n"),
            "{table}"
        );
        let import = Operation { rows, ..operation(Kind::Import, "/api/v1/flights/import?dry_run=true", table.into()) };
        assert_eq!(import.flight, None);
        assert!(import.flight_differences(&json!({"created": 1, "updated": 0, "unchanged": 0})).is_empty());
        assert_eq!(import.flight_differences(&json!({"created": 1, "updated": 1, "unchanged": 0})).len(), 1);
    }
}
