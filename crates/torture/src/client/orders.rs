//! New bookings, some on positions by name; now and then two at the same moment that want the same names.
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Actor, BOOKINGS, Client, FOLLOWED, Intent, Kind, Operation, Promise, Request, Shipment, holds::names};
use crate::schedule::{Flight, Season};

impl Client {
    pub(super) async fn book(&mut self, intent: &Intent) -> anyhow::Result<()> {
        let season = self.season(0).await?;
        let itinerary = season.itinerary(intent.route, intent.flights);
        let Some(mut wanted) = freight(&itinerary, intent.weight_kg) else { return Ok(()) };
        wanted["pieces"] = json!(1 + intent.pick % 9);
        let is_by_name = (intent.pick / 512).is_multiple_of(5);
        if is_by_name {
            wanted["position_names"] = names(itinerary.iter().map(|flight| flight.id.as_str()), intent);
        } else {
            wanted["positions"] = intent.positions.into();
        }
        let has_rival = is_by_name && (intent.pick / 4096).is_multiple_of(3);
        if !has_rival {
            let order = self.order(wanted, intent.keyed);
            if let Some(booked) = self.perform(order, intent.instance, intent.sending).await {
                self.keep(&booked, &season, intent.route);
            }
            return Ok(());
        }
        let rivals = [self.order(wanted.clone(), intent.keyed), self.order(wanted.clone(), intent.keyed)];
        let booked = self.perform_both(rivals, intent.instance).await;
        let references: Vec<&str> = booked.iter().flatten().filter_map(|booked| booked["ref_id"].as_str()).collect();
        if let Some(what) = two_holders(&references, &wanted["position_names"]) {
            self.load.evidence.breach(Promise::OneHolder, what);
        }
        for booked in booked.iter().flatten() {
            self.keep(booked, &season, intent.route);
        }
        Ok(())
    }

    /// The order of a booking, with a mark of its own. The hold that it is made of, if any, has the same mark.
    pub(super) fn order(&mut self, mut wanted: Value, keyed: bool) -> Operation {
        let (mark, key) = self.next_key();
        wanted["customer_reference"] = mark.as_str().into();
        let made_of_hold = ["position_names", "quote_id"].iter().any(|member| !wanted[member].is_null());
        if made_of_hold {
            wanted["description"] = mark.into();
        }
        let (path, key) = (BOOKINGS.to_owned(), keyed.then_some(key));
        let request = Request { method: Method::POST, path, key, body: Some(wanted), ..Request::default() };
        Operation::new(Kind::Book, Actor::Shipper(self.shipper), self.shipper, request)
    }

    /// Keeps track of a new booking, and shares it.
    pub(super) fn keep(&mut self, booked: &Value, season: &Arc<Season>, route: u64) {
        let reference = booked["ref_id"].as_str().unwrap_or_default().to_owned();
        let shipment = Arc::new(Shipment::new(reference, self.shipper, Arc::clone(season), route));
        shipment.update(booked);
        self.load.shared.add(&shipment);
        self.own.push_back(shipment);
        if self.own.len() > FOLLOWED {
            self.own.pop_front();
        }
    }
}

/// What every order for this weight on these flights has; `None` without flights.
pub(super) fn freight(itinerary: &[&Flight], weight_kg: u64) -> Option<Value> {
    let (first, last) = (itinerary.first()?, itinerary.last()?);
    Some(json!({
        "origin": first.origin, "destination": last.destination, "weight_kg": weight_kg,
        "flight_ids": itinerary.iter().map(|flight| &flight.id).collect::<Vec<_>>(),
    }))
}

/// Describes several bookings that were made at the same moment with the same positions.
pub(crate) fn two_holders(references: &[&str], names: &Value) -> Option<String> {
    let is_wrong = references.len() > 1 && names.is_object();
    is_wrong.then(|| {
        format!("{} were ordered at the same moment, and all have the positions {names}", references.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_orders_at_the_same_moment_one_gets_a_position() {
        let names = json!({"f": ["P1"]});
        let told = r#"A, B were ordered at the same moment, and all have the positions {"f":["P1"]}"#;
        assert_eq!(two_holders(&["A", "B"], &names).as_deref(), Some(told));
        assert_eq!((two_holders(&["A"], &names), two_holders(&["A", "B"], &Value::Null)), (None, None));
    }
}
