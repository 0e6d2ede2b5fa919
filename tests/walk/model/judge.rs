//! What a request may be refused with in the present state.
use std::collections::BTreeSet;

use chrono::TimeDelta;
use loadmaster_testkit::Answer;

use super::{FEW, FEW_USES, Freight, MOST_ADDRESS_HOLDS, MOST_GUEST_HOLDS, MOST_HOLDS, Model, Space, rate};

const MINIMUM_CONNECTION: TimeDelta = TimeDelta::minutes(120);

/// The codes of problems that an answer may have. With one that it must have, it must be refused.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    pub must: BTreeSet<&'static str>,
    /// Where the model is less exact than the server; each use says why.
    pub may: BTreeSet<&'static str>,
}

impl Verdict {
    pub fn of(code: &'static str) -> Self {
        Self::default().refuse(code, true)
    }

    #[must_use]
    pub fn refuse(mut self, code: &'static str, is_so: bool) -> Self {
        if is_so {
            self.must.insert(code);
        }
        self
    }

    #[must_use]
    pub fn slack(mut self, code: &'static str, is_so: bool) -> Self {
        if is_so {
            self.may.insert(code);
        }
        self
    }

    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.must.extend(other.must);
        self.may.extend(other.may);
        self
    }

    /// Whether the request was done; an error if the answer contradicts.
    pub fn judge(&self, answer: &Answer) -> Result<bool, String> {
        let code = answer.body["code"].as_str().unwrap_or_default();
        if answer.status.is_success() {
            let is_under_way = answer.status == 202 && self.must.iter().all(|code| *code == "payment_declined");
            let is_right = self.must.is_empty() || is_under_way;
            return if is_right { Ok(true) } else { Err(format!("it was done, but must be refused: {self:?}")) };
        }
        let is_known = self.must.contains(code) || self.may.contains(code);
        match answer.status.as_u16() {
            500.. => Err("an error of the server".to_owned()),
            status if is_known && status == status_of(code) => Ok(false),
            _ => Err(format!("it was refused otherwise than as {self:?}")),
        }
    }
}

fn status_of(code: &str) -> u16 {
    match code {
        "validation_failed" | "invalid_token" => 400,
        "unauthenticated" | "token_expired" | "invalid_credentials" => 401,
        "payment_declined" => 402,
        "forbidden" | "account_disabled" | "sign_in_required" => 403,
        "not_found" => 404,
        "version_mismatch" => 412,
        "idempotency_key_reused" => 422,
        _ => 409,
    }
}

impl Model {
    /// What stands against these flights, in this order, but room.
    pub fn judge_way(&self, way: &[usize], ends: (&str, &str), codes: &BTreeSet<&'static str>) -> Verdict {
        self.judge_onward(way, ends, None, codes, true)
    }

    /// The same for freight that lands by another flight.
    pub fn judge_onward(
        &self,
        way: &[usize],
        ends: (&str, &str),
        inbound: Option<usize>,
        codes: &BTreeSet<&'static str>,
        until_cutoff: bool,
    ) -> Verdict {
        let (mut place, mut inbound, mut holds) = (ends.0, inbound, true);
        let mut verdict = Verdict::default();
        for number in way {
            let flight = &self.flights[*number];
            let connects = inbound.is_none_or(|before: usize| {
                let before = &self.flights[before];
                before.number == flight.number || flight.departure - before.arrival >= MINIMUM_CONNECTION
            });
            holds &= flight.origin == place && connects && (flight.freighter || !codes.contains("CAO"));
            let is_closed = match flight.status {
                "SCHEDULED" => until_cutoff && self.now >= flight.cutoff,
                status => status != "CANCELLED",
            };
            verdict = verdict.refuse("flight_closed", is_closed);
            verdict = verdict.refuse("flight_cancelled", flight.status == "CANCELLED");
            (place, inbound) = (flight.destination, Some(*number));
        }
        let distinct: BTreeSet<&usize> = way.iter().collect();
        verdict.refuse("itinerary_invalid", !holds || place != ends.1 || distinct.len() < way.len())
    }

    /// Room for this freight on each flight, beside what it has there.
    pub fn judge_space(&self, way: &[usize], space: Space, has: impl Fn(usize) -> Space, own: bool) -> Verdict {
        let room = |flight: usize, own: bool| self.available(flight, own) + has(flight);
        let fits = |flight: &usize| space.fits(room(*flight, own));
        // Slack: the keeper of an allotment takes and gives back at any moment.
        let is_allotted = |flight: &usize| Some(self.flights[*flight].number) == self.allotted;
        let may_fit = |flight: &usize| fits(flight) || (is_allotted(flight) && space.fits(room(*flight, true)));
        Verdict::default()
            .refuse("capacity_exceeded", !way.iter().all(may_fit))
            .slack("capacity_exceeded", way.iter().any(is_allotted))
    }

    /// Positions by name: `hold` has some already.
    pub fn judge_names(&self, way: &[usize], freight: &Freight, hold: Option<usize>) -> Verdict {
        let mut verdict = Verdict::default();
        for (flight, names) in &freight.names {
            let is_unknown = |name: &i64| *name > self.flights[*flight].capacity.positions;
            verdict = verdict.refuse("validation_failed", !way.contains(flight) || names.iter().any(is_unknown));
            let is_taken = |name: &i64| self.is_named(*flight, *name, hold);
            verdict = verdict.refuse("position_taken", names.iter().any(is_taken));
        }
        verdict
    }

    /// How many holds one may have.
    pub fn judge_number(&self, owner: usize, is_guest: bool, is_staff: bool) -> Verdict {
        let most = if is_guest { MOST_GUEST_HOLDS } else { MOST_HOLDS };
        let guests = self.holds.iter().filter(|hold| hold.is_guest && hold.is_open(self.now)).count();
        let waits = |entry: &&super::Entry| entry.owner == owner && ["WAITING", "OFFERED"].contains(&&*entry.status);
        let (holds, waiting) = (self.active_of(owner), self.entries.iter().filter(waits).count());
        let crowd = is_guest && guests >= MOST_ADDRESS_HOLDS;
        Verdict::default().refuse("hold_limit_exceeded", !is_staff && (holds + waiting >= most || crowd))
    }

    /// A guest's part of each flight, and that of all guests.
    pub fn judge_share(&self, way: &[usize], space: Space, hold: Option<usize>) -> Verdict {
        let is_too_much = |flight: &usize| {
            let capacity = self.flights[*flight].capacity;
            !space.is_within(capacity, 20) || !(self.of_guests(*flight, hold) + space).is_within(capacity, 30)
        };
        Verdict::default().refuse("hold_limit_exceeded", way.iter().any(is_too_much))
    }

    /// The price by the rules in force, or why there is none.
    pub fn price(&self, way: &[usize], freight: &Freight, code: Option<&str>, hold: Option<usize>) -> Priced {
        let total = rate(self.ends(way), freight, code.filter(|code| is_known(code)));
        let (sure, possible) = self.uses(hold.filter(|hold| self.holds[*hold].sale == Some(FEW)));
        let verdict = match (total, code) {
            (_, Some(code)) if !is_known(code) => {
                Verdict::of("discount_not_applicable").refuse("no_rate", total.is_none())
            }
            (None, Some(_)) => Verdict::of("no_rate"),
            (_, Some(FEW)) => Verdict::default()
                .refuse("discount_not_applicable", sure >= FEW_USES)
                .slack("discount_not_applicable", possible >= FEW_USES),
            _ => Verdict::default(),
        };
        Priced { total, sale: code.filter(|code| is_known(code)).map(named), verdict }
    }
}

/// A price in cents, with its sale.
#[derive(Debug, Default)]
pub struct Priced {
    pub total: Option<i64>,
    pub sale: Option<&'static str>,
    pub verdict: Verdict,
}

fn is_known(code: &str) -> bool {
    ["SPRING", FEW].contains(&code)
}

fn named(code: &str) -> &'static str {
    if code == FEW { FEW } else { "SPRING" }
}
