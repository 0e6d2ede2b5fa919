//! Reads, and attempts that must have no effect.
use reqwest::Method;
use serde_json::json;

use super::{Action, Actor, Client, Delivery, Intent, Outcome, Promise, Reply, Request, Shipment, path_of, step};
use crate::{check, operation::Kind};

impl Client {
    pub(super) async fn look(&self, intent: &Intent, kind: &'static str, actor: Actor, path: String) -> Reply {
        let instance = usize::try_from(intent.instance % 1024).unwrap_or_default();
        let delivery = Delivery { client: self.number, instance, hang_up: None };
        let reply = self.load.wire.send(delivery, &self.load.caller(actor), &Request::get(path)).await;
        self.load.evidence.count_outcome(kind, &reply.outcome);
        self.load.back_off(&reply).await;
        reply
    }

    pub(super) async fn read(&self, intent: &Intent, shipment: &Shipment) {
        let evidence = &self.load.evidence;
        let history = intent.action == Action::History;
        let (kind, tail) = if history { ("history", "/history") } else { ("read", "") };
        let path = format!("{}{tail}", path_of(&shipment.reference));
        let reply = self.look(intent, kind, Actor::Shipper(self.shipper), path).await;
        match &reply.outcome {
            Outcome::Ok(answer) => {
                let booking = if history { &answer.body["booking"] } else { &answer.body };
                evidence.saw(&reply, booking, false);
                shipment.update(booking);
                if booking["organization_id"] != self.load.caller(Actor::Shipper(self.shipper)).organization.as_str() {
                    evidence.breach(
                        Promise::NoForeignData,
                        format!("call {} shows a booking of another organization", reply.call),
                    );
                }
            }
            Outcome::Refused(refusal) if !refusal.is_passing() => evidence.breach(
                Promise::NothingLost,
                format!("call {}: {} was acknowledged, but reading it got {refusal}", reply.call, shipment.reference),
            ),
            Outcome::Refused(_) | Outcome::Unknown(_) => {}
        }
    }

    pub(super) async fn availability(&self, intent: &Intent, shipment: &Shipment) {
        let itinerary = shipment.season.itinerary(intent.route, intent.flights);
        let Some(flight) = itinerary.first() else { return };
        let path = format!("/api/v1/flights/{}/availability", flight.id);
        let reply = self.look(intent, "availability", Actor::Shipper(self.shipper), path).await;
        if let Outcome::Ok(answer) = &reply.outcome
            && let Some(wrong) = check::oversold(&answer.body)
        {
            self.load.evidence.breach(Promise::NoOversale, format!("call {}: {wrong}", reply.call));
        }
    }

    /// Requests a booking of another organization, which must look as if it did not exist.
    pub(super) async fn trespass(&self, intent: &Intent) {
        let Some(shipment) = self.load.shared.pick(1 - self.shipper, intent.pick) else { return };
        let mut request = Request::get(path_of(&shipment.reference));
        match intent.route {
            0 => {
                request.method = Method::PATCH;
                request.body = Some(json!({"description": "By a stranger"}));
            }
            1 => request = step(Kind::Cancel, &shipment.reference),
            _ => {}
        }
        let delivery = Delivery { client: self.number, instance: usize::from(intent.own), hang_up: None };
        let reply = self.load.wire.send(delivery, &self.load.caller(Actor::Shipper(self.shipper)), &request).await;
        self.load.evidence.count_outcome("trespass", &reply.outcome);
        let outcome = match &reply.outcome {
            Outcome::Ok(_) => "got access".to_owned(),
            Outcome::Refused(refusal) if refusal.code != "not_found" && !refusal.is_passing() => {
                format!("got {refusal}")
            }
            _ => return self.load.back_off(&reply).await,
        };
        let what = format!("call {}: a stranger to {} {outcome}", reply.call, shipment.reference);
        self.load.evidence.breach(Promise::NoForeignData, what);
    }
}
