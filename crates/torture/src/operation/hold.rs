//! Operations on holds and on entries of the waitlist.
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{Actor, Kind, Operation, Promise, Refusal, Subject, flight::instant};
use crate::callers::Caller;

pub(crate) const HOLDS: &str = "/api/v1/holds";
pub(crate) const WAITLIST: &str = "/api/v1/waitlist";

/// The longest life of a hold, unless it is an offer.
const LONGEST_LIFE: TimeDelta = TimeDelta::minutes(60);

/// The refusals that an operation on a hold or an entry may get at any time.
const LEGAL: [&str; 13] = [
    "capacity_exceeded",
    "flight_cancelled",
    "flight_closed",
    "hold_expired",
    "hold_incomplete",
    "hold_limit_exceeded",
    "invalid_transition",
    "itinerary_invalid",
    "no_bookable_itinerary",
    "not_full",
    "position_taken",
    "rate_limited",
    "version_mismatch",
];

/// The id in a path, after this prefix.
pub(super) fn id_in(path: &str, prefix: &str) -> Option<String> {
    let rest = path.strip_prefix(prefix)?.strip_prefix('/')?;
    rest.split(['/', '?']).next().map(str::to_owned)
}

/// A hold that keeps room for longer than it may.
pub(crate) fn lives_too_long(hold: &Value) -> Option<String> {
    if !matches!(hold["kind"].as_str(), Some("ITINERARY" | "RESERVATION")) {
        return None;
    }
    let time = |member: &str| instant(&hold[member]);
    let (created, expires, latest) = (time("created_at")?, time("expires_at")?, time("latest_expires_at")?);
    let is_bounded = |end: DateTime<Utc>| end <= created + LONGEST_LIFE;
    let wrong = expires > latest || !is_bounded(expires) || !is_bounded(latest);
    wrong.then(|| format!("the hold {} made at {created} ends at {expires}, {latest} at the latest", hold["id"]))
}

impl Operation {
    /// Describes a refusal that an operation on a hold or an entry must not get.
    pub(super) fn unexpected(&self, refusal: &Refusal) -> Option<String> {
        if !self.kind.is_of_holds() || LEGAL.contains(&refusal.code.as_str()) {
            return None;
        }
        // A flight with a new capacity may lack the positions that are named.
        let names = self.request.body.as_ref().is_some_and(|body| body["position_names"].is_object());
        let is_known = names && refusal.code == "validation_failed";
        (!is_known).then(|| format!("{} of {} got {refusal}", self.kind.name(), self.request.path))
    }

    /// The differences between an acknowledged hold or entry and the request.
    pub(super) fn hold_differences(&self, body: &Value, caller: &Caller) -> Vec<(Promise, String)> {
        let asked = self.request.body.as_ref().unwrap_or(&Value::Null);
        let mut found = Vec::new();
        let mut differs = |what: String| found.push((Promise::NothingLost, what));
        for member in ["weight_kg", "positions", "pieces", "priority"] {
            if asked[member].is_u64() && asked[member].as_f64() != body[member].as_f64() {
                differs(format!("{member} is {}, not {}", body[member], asked[member]));
            }
        }
        for member in ["description", "flight_ids", "position_names"] {
            if !asked[member].is_null() && asked[member] != body[member] {
                differs(format!("{member} is {}, not {}", body[member], asked[member]));
            }
        }
        let status = match self.kind {
            Kind::Hold | Kind::Reserve | Kind::HoldAmend | Kind::Extend => "ACTIVE",
            Kind::Release | Kind::Decline => "RELEASED",
            Kind::Leave => "CANCELLED",
            _ => "WAITING",
        };
        if body["status"] != status {
            differs(format!("its status is {}", body["status"]));
        }
        if let Some(what) = lives_too_long(body) {
            differs(what);
        }
        let subject = if self.kind.subject() == Subject::Hold { &self.hold } else { &self.entry };
        if subject.as_ref().is_some_and(|id| body["id"] != id.as_str()) {
            found.push((Promise::NoForeignData, format!("it shows {}", body["id"])));
        }
        if matches!(self.actor, Actor::Shipper(_)) && body["organization_id"] != caller.organization.as_str() {
            found.push((Promise::NoForeignData, "it belongs to another organization".to_owned()));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Method;
    use serde_json::json;

    use super::*;
    use crate::wire::Request;

    fn operation(kind: Kind, path: &str, body: Value) -> Operation {
        let request = Request { method: Method::POST, body: Some(body), ..Request::get(path.to_owned()) };
        Operation::new(kind, Actor::Staff, None, request)
    }

    fn staff() -> Caller {
        Caller::without_token("staff", None)
    }

    #[test]
    fn a_hold_that_differs_from_the_request_is_reported() {
        let asked = json!({"weight_kg": 40, "flight_ids": ["f"], "description": "t-1", "ttl_seconds": 10});
        let hold = operation(Kind::Hold, HOLDS, asked);
        let made = json!({"id": "h", "status": "ACTIVE", "weight_kg": 40.0, "flight_ids": ["f"], "description": "t-1"});
        assert!(hold.hold_differences(&made, &staff()).is_empty());
        let other = json!({"id": "h", "status": "EXPIRED", "weight_kg": 41, "flight_ids": ["g"], "description": "t-1"});
        assert_eq!(hold.hold_differences(&other, &staff()).len(), 3);
        let release = operation(Kind::Release, "/api/v1/holds/h/release", json!({}));
        assert_eq!(release.hold.as_deref(), Some("h"));
        assert!(release.hold_differences(&json!({"id": "h", "status": "RELEASED"}), &staff()).is_empty());
        assert_eq!(release.hold_differences(&json!({"id": "i", "status": "RELEASED"}), &staff()).len(), 1);
        let moved = operation(Kind::Prioritize, "/api/v1/waitlist/e", json!({"priority": 2}));
        assert_eq!(moved.entry.as_deref(), Some("e"));
        assert!(moved.hold_differences(&json!({"id": "e", "status": "WAITING", "priority": 2}), &staff()).is_empty());
    }

    #[test]
    fn a_hold_lives_for_an_hour_at_most_and_an_offer_longer() {
        let hold = |kind: &str, expires: &str| {
            json!({"id": "h", "kind": kind, "created_at": "2026-01-01T10:00:00Z", "expires_at": expires,
                "latest_expires_at": "2026-01-01T11:00:00Z"})
        };
        assert_eq!(lives_too_long(&hold("ITINERARY", "2026-01-01T11:00:00Z")), None);
        assert!(lives_too_long(&hold("RESERVATION", "2026-01-01T11:00:01Z")).is_some());
        assert_eq!(lives_too_long(&hold("OFFER", "2026-01-02T10:00:00Z")), None);
    }

    #[test]
    fn a_refusal_without_a_cause_is_unexpected() {
        let refusal = |status, code: &str| Refusal { status, code: code.to_owned(), detail: String::new(), wait: None };
        let hold = operation(Kind::Hold, HOLDS, json!({"weight_kg": 40}));
        assert_eq!(hold.unexpected(&refusal(409, "position_taken")), None);
        assert!(hold.unexpected(&refusal(403, "forbidden")).is_some());
        assert!(hold.unexpected(&refusal(400, "validation_failed")).is_some());
        let named = operation(Kind::Hold, HOLDS, json!({"position_names": {"f": ["P9"]}}));
        assert_eq!(named.unexpected(&refusal(400, "validation_failed")), None);
        let book = operation(Kind::Book, "/api/v1/bookings", json!({}));
        assert_eq!(book.unexpected(&refusal(403, "forbidden")), None);
    }
}
