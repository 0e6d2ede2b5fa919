//! Quotes that are used more than once: with two orders at the same moment, as by a double click, and with orders of other
//! clients of the same shipper. A quote is a price, which any number of orders may have.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Actor, Client, Delivery, Intent, Kind, Load, Operation, Outcome, Promise, Request, holds::ttl, orders::freight,
};
use crate::{
    check::answer,
    held::{Hold, Shared},
    operation::hold::HOLDS,
    schedule::Season,
};

const QUOTES: &str = "/api/v1/quotes";
/// How long a quote is used again.
const USED_FOR: Duration = Duration::from_mins(2);
/// The refusals that a quote may get: a new tariff takes a second, and flights leave.
const LEGAL: [&str; 4] = ["flight_cancelled", "flight_closed", "itinerary_invalid", "no_rate"];

/// A quote, with what an order needs to use it.
pub(crate) struct Quoted {
    /// Freight, flights and product.
    wanted: Value,
    id: Value,
    total: Value,
    /// Whether it is for the flight that always has space.
    has_space: bool,
    season: Arc<Season>,
    route: u64,
    made: Instant,
}

/// The latest quotes of each shipper.
#[derive(Default)]
pub(crate) struct Quotes([Shared<Quoted>; 2]);

impl Quotes {
    /// Makes the tariff by which orders with quotes are rated. Its product is the run's own: all else remains without a price.
    pub async fn make_tariff(load: &Load) -> anyhow::Result<()> {
        let tariff = json!({
            "code": load.run, "origin": "*", "destination": "*", "product": load.run, "currency": "EUR",
            "minimum": "5.00", "normal": "1", "valid_from": "2020-01-01",
        });
        let path = "/api/v1/tariffs".to_owned();
        let request = Request { method: Method::POST, path, body: Some(tariff), ..Request::default() };
        answer(load, Actor::Staff, &request, 0).await?.context("there are no tariffs")?;
        Ok(())
    }

    fn pick(&self, shipper: usize, number: u64) -> Option<Arc<Quoted>> {
        self.0.get(shipper)?.pick(number, |quoted| quoted.made.elapsed() > USED_FOR)
    }
}

impl Client {
    pub(super) async fn quote(&mut self, intent: &Intent) -> anyhow::Result<()> {
        let known = self.load.quotes.pick(self.shipper, intent.flights[0] / 2).filter(|_| intent.own);
        let quoted = match known {
            Some(quoted) => quoted,
            None => match self.new_quote(intent).await? {
                Some(quoted) => quoted,
                None => return Ok(()),
            },
        };
        let (first, second) =
            [(true, true), (false, false), (true, false)][usize::try_from(intent.route).unwrap_or(0) % 3];
        let orders = [self.order_by(&quoted, intent, first), self.order_by(&quoted, intent, second)];
        let made = self.perform_both(orders, intent.instance).await;
        for made in made.iter().flatten().filter(|_| !quoted.has_space) {
            if made["ref_id"].is_string() {
                self.keep(made, &quoted.season, quoted.route);
                continue;
            }
            let id = made["id"].as_str().unwrap_or_default().to_owned();
            let owner = Actor::Shipper(self.shipper);
            let hold = Arc::new(Hold::new(id, owner, Arc::clone(&quoted.season), quoted.route));
            hold.update(made);
            self.load.holds.add(&hold);
        }
        Ok(())
    }

    /// Half of the quotes are for flights that clients compete for, the others for the flight that always has space.
    async fn new_quote(&self, intent: &Intent) -> anyhow::Result<Option<Arc<Quoted>>> {
        let (season, has_space) = (self.season(0).await?, intent.positions == 0);
        let itinerary = if has_space { vec![&self.load.roomy] } else { season.itinerary(intent.route, intent.flights) };
        let Some(mut wanted) = freight(&itinerary, if has_space { 1 } else { intent.weight_kg }) else {
            return Ok(None);
        };
        wanted["product"] = self.load.run.as_str().into();
        let body = Some(wanted.clone());
        let request = Request { method: Method::POST, path: QUOTES.to_owned(), body, ..Request::default() };
        let instance = usize::try_from(intent.instance % 1024).unwrap_or_default();
        let delivery = Delivery { client: self.number, instance, hang_up: None };
        let reply = self.load.wire.send(delivery, &self.load.caller(Actor::Shipper(self.shipper)), &request).await;
        self.load.evidence.count_outcome("quote", &reply.outcome);
        self.load.back_off(&reply).await;
        let quote = match &reply.outcome {
            Outcome::Ok(answer) => &answer.body,
            Outcome::Refused(refusal) if !refusal.is_passing() && !LEGAL.contains(&refusal.code.as_str()) => {
                let what = format!("call {}: a quote for {wanted} got {refusal}", reply.call);
                self.load.evidence.breach(Promise::Legal, what);
                return Ok(None);
            }
            Outcome::Refused(_) | Outcome::Unknown(_) => return Ok(None),
        };
        let (id, total, route) = (quote["id"].clone(), quote["total"].clone(), intent.route);
        let quoted = Arc::new(Quoted { wanted, id, total, has_space, season, route, made: Instant::now() });
        if let Some(quotes) = self.load.quotes.0.get(self.shipper) {
            quotes.add(&quoted);
        }
        Ok(Some(quoted))
    }

    /// A booking or a hold at the price of the quote.
    fn order_by(&mut self, quoted: &Quoted, intent: &Intent, books: bool) -> Operation {
        let mut wanted = quoted.wanted.clone();
        wanted["quote_id"] = quoted.id.clone();
        let order = if books {
            wanted["pieces"] = json!(1 + intent.pick % 9);
            wanted["expected_total"] = quoted.total.clone();
            self.order(wanted, intent.keyed)
        } else {
            let (mark, _) = self.next_key();
            wanted["ttl_seconds"] = ttl(intent).into();
            wanted["description"] = mark.as_str().into();
            let (path, key) = (HOLDS.to_owned(), intent.keyed.then(|| format!("{mark}-h")));
            let request = Request { method: Method::POST, path, key, body: Some(wanted), ..Request::default() };
            Operation::new(Kind::Hold, Actor::Shipper(self.shipper), self.shipper, request)
        };
        Operation { has_space: quoted.has_space, ..order }
    }
}
