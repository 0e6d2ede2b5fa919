//! The waitlist: clients join it on full flights, and take, decline or ignore what they are offered.
use std::sync::Arc;

use reqwest::Method;
use serde_json::json;

use super::{
    Actor, Client, Intent, Kind, Operation, Outcome, Promise, Request, Sending, holds::local_date, orders::freight,
};
use crate::{
    check::thousandths,
    held::Entry,
    operation::{flight::FLIGHTS, hold::WAITLIST},
    schedule::{Flight, Season},
};

impl Client {
    /// On one to three flights that are being sold, or that were sold before and are filled first; now and then on any way of
    /// that day.
    pub(super) async fn wait(&mut self, intent: &Intent) -> anyhow::Result<()> {
        let before = usize::from(intent.own);
        let season = self.season(before).await?;
        let is_long = (intent.pick / 512).is_multiple_of(3);
        let way =
            if is_long { season.long_way(intent.flights) } else { season.itinerary(intent.route, intent.flights) };
        let itinerary: Vec<Flight> = way.into_iter().cloned().collect();
        let [Some(first), Some(last)] = [itinerary.first(), itinerary.last()] else { return Ok(()) };
        // What is being sold is left to others.
        if before > 0 && self.has_season(before) {
            for (route, flight) in (0..).zip(&itinerary).take(2) {
                let route = if itinerary.len() == 1 { intent.route } else { route };
                self.fill(intent, flight, &season, route).await;
            }
        }
        let (mark, _) = self.next_key();
        let mut body = json!({"weight_kg": intent.weight_kg, "positions": intent.positions});
        if (intent.pick / 4096).is_multiple_of(6) {
            body["origin"] = first.origin.as_str().into();
            body["destination"] = last.destination.as_str().into();
            body["departure_date"] = json!(local_date(first));
        } else {
            body["flight_ids"] = itinerary.iter().map(|flight| flight.id.as_str()).collect();
        }
        let (path, actor) = (WAITLIST.to_owned(), Actor::Shipper(self.shipper));
        let key = intent.keyed.then(|| format!("{mark}-h"));
        let request = Request { method: Method::POST, path, key, body: Some(body), ..Request::default() };
        let operation = Operation::new(Kind::Join, actor, self.shipper, request);
        if let Some(joined) = self.perform(operation, intent.instance, intent.sending).await {
            let id = joined["id"].as_str().unwrap_or_default().to_owned();
            let entry = Arc::new(Entry::new(id, self.shipper, season, intent.route));
            entry.update(&joined);
            self.load.entries.add(&entry);
        }
        Ok(())
    }

    /// Books what a flight has left, so that there is something to wait for.
    async fn fill(&mut self, intent: &Intent, flight: &Flight, season: &Arc<Season>, route: u64) {
        let (owner, path) = (Actor::Shipper(self.shipper), format!("{FLIGHTS}/{}/availability", flight.id));
        let reply = self.look(intent, "availability", owner, path).await;
        let Outcome::Ok(answer) = &reply.outcome else { return };
        let left = u64::try_from(thousandths(&answer.body["available"]["weight_kg"]) / 1000).unwrap_or_default();
        let Some(mut wanted) = freight(&[flight], left).filter(|_| left > 0) else { return };
        wanted["pieces"] = 1.into();
        let order = self.order(wanted, intent.keyed);
        if let Some(booked) = self.perform(order, intent.instance, Sending::Once).await {
            self.follow(&booked, owner, season, route);
        }
    }

    /// Looks at an entry that any client has made, and does what its status allows, or nothing.
    pub(super) async fn attend(&mut self, intent: &Intent) -> anyhow::Result<()> {
        let Some(entry) = self.load.entries.pick(intent.flights[0] / 2, Entry::is_over) else {
            return self.wait(intent).await;
        };
        let (owner, path) = (Actor::Shipper(entry.shipper), format!("{WAITLIST}/{}", entry.id));
        let reply = self.look(intent, "waitlist read", owner, path.clone()).await;
        match &reply.outcome {
            Outcome::Ok(answer) => entry.update(&answer.body),
            Outcome::Refused(refusal) if !refusal.is_passing() => {
                let what = format!("call {}: {path} was acknowledged, but reading it got {refusal}", reply.call);
                self.load.evidence.breach(Promise::NothingLost, what);
            }
            Outcome::Refused(_) | Outcome::Unknown(_) => {}
        }
        let Some(kind) = step(&entry.state().status, intent) else { return Ok(()) };
        let (mark, _) = self.next_key();
        let is_order = matches!(kind, Kind::Prioritize | Kind::MoveEntry);
        let actor = if is_order || (intent.pick / 4096).is_multiple_of(7) { Actor::Staff } else { owner };
        let other = self.load.entries.pick(intent.flights[1] / 2, Entry::is_over);
        let (method, path, body) = match kind {
            Kind::BookOffer => (Method::POST, format!("{path}/book"), Some(self.commitment(&mark, intent))),
            Kind::Decline => (Method::POST, format!("{path}/decline"), None),
            Kind::Prioritize => (Method::PATCH, path, Some(json!({"priority": 1 + intent.pick / 128 % 9}))),
            Kind::MoveEntry => {
                let before = other.map_or_else(|| entry.id.clone(), |other| other.id.clone());
                (Method::POST, format!("{path}/move"), Some(json!({"before": before})))
            }
            _ if intent.own => (Method::POST, format!("{path}/cancel"), None),
            _ => (Method::DELETE, path, None),
        };
        let if_match = intent.matched.then(|| entry.state().version);
        let request = Request { method, path, key: intent.keyed.then(|| format!("{mark}-h")), if_match, body };
        let operation = Operation::new(kind, actor, entry.shipper, request);
        let Some(answer) = self.perform(operation, intent.instance, intent.sending).await else { return Ok(()) };
        match kind {
            Kind::BookOffer => self.follow(&answer, owner, &entry.season, entry.route),
            _ => entry.update(&answer),
        }
        Ok(())
    }
}

/// What becomes of an entry in this status. Offers are left alone now and then, and taken where there is none.
fn step(status: &str, intent: &Intent) -> Option<Kind> {
    let chance = intent.pick / 16 % 100;
    match (status, chance) {
        ("OFFERED", 0..55) => Some(Kind::BookOffer),
        ("OFFERED", 55..80) => Some(Kind::Decline),
        ("WAITING", 0..15) => Some(Kind::Leave),
        ("WAITING", 15..35) => Some(Kind::Prioritize),
        ("WAITING", 35..55) => Some(Kind::MoveEntry),
        _ if intent.wrong => Some(if intent.own { Kind::BookOffer } else { Kind::Decline }),
        _ => None,
    }
}
