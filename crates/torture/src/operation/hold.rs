//! Operations on holds and on entries of the waitlist.
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{Actor, Kind, Operation, Promise, Refusal, Subject, flight::instant};
use crate::callers::Caller;

pub(crate) const HOLDS: &str = "/api/v1/holds";
pub(crate) const WAITLIST: &str = "/api/v1/waitlist";

/// The longest life of a hold, unless it is an offer.
const LONGEST_LIFE: TimeDelta = TimeDelta::minutes(60);

/// The number of positions that orders name; no flight of the load has fewer.
pub(crate) const NAMED: u64 = 5;

/// The refusals that an order, or an operation on a hold or an entry, may get at any time.
const LEGAL: [&str; 7] = [
    "capacity_exceeded",
    "flight_cancelled",
    "flight_closed",
    "itinerary_invalid",
    "no_bookable_itinerary",
    "position_taken",
    "rate_limited",
];

/// The id in a path, after this prefix.
pub(super) fn id_in(path: &str, prefix: &str) -> Option<String> {
    let rest = path.strip_prefix(prefix)?.strip_prefix('/')?;
    rest.split(['/', '?']).next().map(str::to_owned)
}

/// A hold that keeps space for longer than it may.
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
    /// Describes a refusal that an operation on a hold or an entry, or an order with a price or names, must not get; on a
    /// flight that always has space no order may be refused.
    pub(super) fn unexpected(&self, refusal: &Refusal) -> Option<String> {
        let (code, of_holds) = (refusal.code.as_str(), self.kind.is_of_holds());
        if !of_holds && !self.through_hold && !self.has_space {
            return None;
        }
        let has = |member: &str| self.request.body.as_ref().is_some_and(|body| !body[member].is_null());
        let is_legal = match code {
            "not_full" => self.kind == Kind::Join,
            // The clock of a server may be an hour ahead.
            "quote_expired" => has("quote_id"),
            "hold_limit_exceeded" => of_holds || self.through_hold,
            _ if self.has_space => false,
            "position_taken" if !of_holds => has("position_names"),
            // A flight with a new capacity may lack the positions that are named.
            "validation_failed" => has("position_names"),
            "hold_expired" | "hold_incomplete" | "invalid_transition" | "version_mismatch" => of_holds,
            code => LEGAL.contains(&code),
        };
        (!is_legal).then(|| format!("{} of {} got {refusal}", self.kind.name(), self.request.path))
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
        if asked["quote_id"].is_string() && asked["quote_id"] != body["quote"]["id"] {
            differs(format!("its quote is {}, not {}", body["quote"]["id"], asked["quote_id"]));
        }
        let status = match self.kind {
            Kind::Hold | Kind::Reserve | Kind::HoldAmend | Kind::Extend => "ACTIVE",
            Kind::Release => "RELEASED",
            Kind::Leave => "CANCELLED",
            Kind::Decline => "DECLINED",
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

    #[test]
    fn an_order_with_a_price_or_names_is_refused_for_its_own_reasons_and_one_with_space_for_none() {
        let refusal = |code: &str| Refusal { status: 409, code: code.to_owned(), detail: String::new(), wait: None };
        let book = |body| operation(Kind::Book, "/api/v1/bookings", body);
        let named = book(json!({"position_names": {"f": ["P1"]}}));
        assert_eq!(named.unexpected(&refusal("position_taken")), None);
        assert!(named.unexpected(&refusal("quote_expired")).is_some());
        let priced = || book(json!({"quote_id": "q"}));
        assert_eq!(priced().unexpected(&refusal("quote_expired")), None);
        assert_eq!(priced().unexpected(&refusal("capacity_exceeded")), None);
        assert!(priced().unexpected(&refusal("position_taken")).is_some());
        assert!(priced().unexpected(&refusal("price_changed")).is_some());
        let with_space = |operation| Operation { has_space: true, ..operation };
        assert!(with_space(priced()).unexpected(&refusal("capacity_exceeded")).is_some());
        assert!(with_space(book(json!({}))).unexpected(&refusal("flight_closed")).is_some());
        let join = operation(Kind::Join, WAITLIST, json!({}));
        assert_eq!(join.unexpected(&refusal("not_full")), None);
        assert!(operation(Kind::Hold, HOLDS, json!({})).unexpected(&refusal("not_full")).is_some());
    }

    #[test]
    fn an_order_by_a_quote_has_its_price() {
        let total = json!({"amount": "40.00", "currency": "EUR"});
        let book = operation(Kind::Book, "/api/v1/bookings", json!({"quote_id": "q", "expected_total": total}));
        assert!(book.through_hold);
        let priced = |id: &str| json!({"status": "BOOKED", "price": {"quote_id": id, "total": total}});
        let found = |made: &Value| {
            book.differences(made, &staff()).iter().filter(|(_, what)| what.contains("its price")).count()
        };
        assert_eq!((found(&priced("q")), found(&priced("r")), found(&json!({"price": null}))), (0, 1, 2));
        let hold = operation(Kind::Hold, HOLDS, json!({"quote_id": "q"}));
        let active = |id: &str| json!({"status": "ACTIVE", "quote": {"id": id}});
        assert!(hold.hold_differences(&active("q"), &staff()).is_empty());
        assert_eq!(hold.hold_differences(&active("r"), &staff()).len(), 1);
    }
}
