//! Holds: space that is kept for some seconds, and given back, left to expire or booked.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::NaiveDate;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Actor, Client, Intent, Kind, Operation, Request, Shipment, choose};
use crate::{
    held::{Hold, TTL_SECONDS},
    operation::{
        flight::FLIGHTS,
        hold::{HOLDS, NAMED},
    },
    schedule::{Flight, LOCAL, Season},
};

/// Holds after which a guest is replaced by another one, and the time after which it is in any case: its token expires.
const HOLDS_OF_A_GUEST: u32 = 12;
const STAY: Duration = Duration::from_mins(20);

/// The guest as whom a client makes holds.
pub(super) struct Visit {
    number: usize,
    began: Instant,
    holds: u32,
}

impl Client {
    /// Six holds in ten are a customer's, three a guest's, and one is the carrier's.
    async fn holder(&mut self, intent: &Intent) -> Actor {
        match intent.pick / 16 % 10 {
            0..6 => Actor::Shipper(self.shipper),
            6..9 => self.guest(intent).await.map_or(Actor::Shipper(self.shipper), Actor::Guest),
            _ => Actor::Staff,
        }
    }

    async fn guest(&mut self, intent: &Intent) -> Option<usize> {
        if let Some(visit) = &mut self.visit
            && visit.holds < HOLDS_OF_A_GUEST
            && visit.began.elapsed() < STAY
        {
            visit.holds += 1;
            return Some(visit.number);
        }
        let instance = usize::try_from(intent.instance % 1024).unwrap_or_default();
        let number = self.load.callers.admit_guest(&self.load.wire, instance).await?;
        self.visit = Some(Visit { number, began: Instant::now(), holds: 1 });
        Some(number)
    }

    pub(super) async fn hold(&mut self, intent: &Intent) -> anyhow::Result<()> {
        let owner = self.holder(intent).await;
        let (mark, _) = self.next_key();
        let season = self.season(0).await?;
        let itinerary: Vec<Flight> = season.itinerary(intent.route, intent.flights).into_iter().cloned().collect();
        let [Some(first), Some(last)] = [itinerary.first(), itinerary.last()] else { return Ok(()) };
        let reserves = intent.route < 2 && !matches!(owner, Actor::Guest(_)) && (intent.pick / 512).is_multiple_of(4);
        let (kind, path) = if reserves {
            (Kind::Reserve, format!("{FLIGHTS}/{}/reservations", first.id))
        } else {
            (Kind::Hold, HOLDS.to_owned())
        };
        let mut body =
            json!({"weight_kg": intent.weight_kg, "positions": intent.positions, "ttl_seconds": ttl(intent)});
        if !reserves {
            body["description"] = mark.clone().into();
            body["flight_ids"] = itinerary.iter().map(|flight| flight.id.as_str()).collect();
            match intent.pick / 4096 % 8 {
                // The server chooses the flights.
                0 => {
                    body["flight_ids"] = Value::Null;
                    body["origin"] = first.origin.as_str().into();
                    body["destination"] = last.destination.as_str().into();
                    body["departure_date"] = json!(local_date(first));
                }
                1 | 2 => {
                    body["positions"] = Value::Null;
                    body["position_names"] = names(itinerary.iter().map(|flight| flight.id.as_str()), intent);
                }
                _ => {}
            }
        }
        drop_nulls(&mut body);
        let key = intent.keyed.then(|| format!("{mark}-h"));
        let request = Request { method: Method::POST, path, key, body: Some(body), ..Request::default() };
        let operation = Operation::new(kind, owner, shipper_of(owner), request);
        if let Some(made) = self.perform(operation, intent.instance, intent.sending).await {
            let id = made["id"].as_str().unwrap_or_default().to_owned();
            let hold = Arc::new(Hold::new(id, owner, season, intent.route));
            hold.update(&made);
            self.load.holds.add(&hold);
        }
        Ok(())
    }

    /// Amends, extends, releases or commits a hold that any client has made, or leaves it to expire.
    pub(super) async fn step_hold(&mut self, intent: &Intent) -> anyhow::Result<()> {
        let Some(hold) = self.load.holds.pick(intent.flights[0] / 2, Hold::is_over) else {
            return self.hold(intent).await;
        };
        let kind = match intent.pick / 16 % 100 {
            0..26 => Kind::HoldAmend,
            26..36 => Kind::Extend,
            36..50 => Kind::Release,
            50..90 => Kind::Commit,
            _ => return Ok(()),
        };
        let (mark, _) = self.next_key();
        let actor = if (intent.pick / 4096).is_multiple_of(5) { Actor::Staff } else { hold.owner };
        let path = format!("{HOLDS}/{}", hold.id);
        let (method, path, body) = match kind {
            Kind::HoldAmend => (Method::PATCH, path, Some(amendment(&hold, intent))),
            Kind::Extend => (Method::POST, format!("{path}/extend"), Some(json!({"ttl_seconds": ttl(intent)}))),
            Kind::Commit => (Method::POST, format!("{path}/commit"), Some(self.commitment(&mark, intent))),
            _ if intent.own => (Method::POST, format!("{path}/release"), None),
            _ => (Method::DELETE, path, None),
        };
        let if_match = intent.matched.then(|| hold.state().version);
        let request = Request { method, path, key: intent.keyed.then(|| format!("{mark}-h")), if_match, body };
        let operation = Operation::new(kind, actor, shipper_of(hold.owner), request);
        let Some(answer) = self.perform(operation, intent.instance, intent.sending).await else { return Ok(()) };
        if kind == Kind::Commit {
            hold.end();
            self.follow(&answer, hold.owner, &hold.season, hold.route);
        } else {
            hold.update(&answer);
        }
        Ok(())
    }

    /// What a booking needs beyond the hold, with a mark of its own; now and then nothing of it.
    pub(super) fn commitment(&self, mark: &str, intent: &Intent) -> Value {
        if intent.wrong {
            return json!({"customer_reference": mark});
        }
        let email = format!("client-{}@example.com", self.number);
        json!({"customer_reference": mark, "pieces": 1 + intent.pick % 9, "contact": {"email": email}})
    }

    /// Shares the booking that a shipper's hold has become with its clients.
    pub(super) fn follow(&self, booking: &Value, owner: Actor, season: &Arc<Season>, route: u64) {
        let Actor::Shipper(shipper) = owner else { return };
        let reference = booking["ref_id"].as_str().unwrap_or_default().to_owned();
        let shipment = Arc::new(Shipment::new(reference, shipper, Arc::clone(season), route));
        shipment.update(booking);
        self.load.shared.add(&shipment);
    }
}

/// The shipper that an owner of holds is.
pub(super) const fn shipper_of(owner: Actor) -> Option<usize> {
    match owner {
        Actor::Shipper(number) => Some(number),
        Actor::Payer(_) | Actor::Consolidator(_) | Actor::Guest(_) | Actor::Staff => None,
    }
}

pub(super) const fn ttl(intent: &Intent) -> u64 {
    let (shortest, longest) = TTL_SECONDS;
    shortest + intent.pick / 64 % (longest - shortest + 1)
}

/// One of the first positions of each flight, by its name: each flight always has these.
pub(super) fn names<'a>(flights: impl Iterator<Item = &'a str>, intent: &Intent) -> Value {
    let name = format!("P{}", 1 + intent.pick / 128 % NAMED);
    flights.map(|flight| (flight.to_owned(), json!([name]))).collect::<serde_json::Map<_, _>>().into()
}

fn drop_nulls(body: &mut Value) {
    if let Some(members) = body.as_object_mut() {
        members.retain(|_, member| !member.is_null());
    }
}

/// Other freight, other flights, a position by its name, or what a booking needs.
fn amendment(hold: &Hold, intent: &Intent) -> Value {
    let choice = choose(&["weight", "flights", "names", "pieces"], intent.pick / 1024).copied().unwrap_or_default();
    match choice {
        "weight" => json!({"weight_kg": intent.weight_kg}),
        "flights" => {
            let itinerary = hold.season.itinerary(hold.route, intent.flights);
            json!({"flight_ids": itinerary.iter().map(|flight| &flight.id).collect::<Vec<_>>()})
        }
        "names" => json!({"position_names": names(hold.state().flights.iter().map(String::as_str), intent)}),
        _ => json!({"pieces": 1 + intent.pick % 9}),
    }
}

/// The date of a flight at its origin.
pub(super) fn local_date(flight: &Flight) -> NaiveDate {
    (flight.leaves + LOCAL).date_naive()
}
