//! What a client does without wanting to change anything.
use reqwest::Method;
use serde_json::json;

use super::{Client, Intent, Promise, Reply, Request, Said, Shipment, Way, What, Who, path_of, step};
use crate::{check, deed::Kind};

impl Client {
    async fn look(&self, intent: &Intent, kind: &'static str, who: Who, path: String) -> Reply {
        let instance = usize::try_from(intent.instance % 1024).unwrap_or_default();
        let way = Way { client: self.number, instance, hang_up: None };
        let reply = self.load.wire.send(way, self.load.caller(who), &Request::get(path)).await;
        self.load.evidence.outcome(kind, &reply.said);
        self.load.heed(&reply).await;
        reply
    }

    pub(super) async fn read(&self, intent: &Intent, shipment: &Shipment) {
        let evidence = &self.load.evidence;
        let history = intent.what == What::History;
        let (kind, tail) = if history { ("history", "/history") } else { ("read", "") };
        let path = format!("{}{tail}", path_of(&shipment.reference));
        let reply = self.look(intent, kind, Who::Shipper(self.shipper), path).await;
        match &reply.said {
            Said::Ok(answer) => {
                let booking = if history { &answer.body["booking"] } else { &answer.body };
                evidence.saw(&reply, booking, false);
                shipment.heard(booking);
                if booking["organization_id"] != self.load.caller(Who::Shipper(self.shipper)).organization.as_str() {
                    evidence.breach(Promise::NoForeignData, format!("call {} shows another's booking", reply.call));
                }
            }
            Said::Refused(refusal) if !refusal.is_passing() => evidence.breach(
                Promise::NothingLost,
                format!("call {}: {} was acknowledged, and reading it got {refusal}", reply.call, shipment.reference),
            ),
            Said::Refused(_) | Said::Unknown(_) => {}
        }
    }

    pub(super) async fn availability(&self, intent: &Intent, shipment: &Shipment) {
        let way = shipment.season.way(intent.route, intent.flights);
        let Some(flight) = way.first() else { return };
        let path = format!("/api/v1/flights/{}/availability", flight.id);
        let reply = self.look(intent, "availability", Who::Shipper(self.shipper), path).await;
        if let Said::Ok(answer) = &reply.said
            && let Some(wrong) = check::oversold(&answer.body)
        {
            self.load.evidence.breach(Promise::NoOversale, format!("call {}: {wrong}", reply.call));
        }
    }

    /// Somebody else's booking is not there, whatever is tried.
    pub(super) async fn trespass(&self, intent: &Intent) {
        let Some(shipment) = self.load.board.pick(1 - self.shipper, intent.pick) else { return };
        let mut request = Request::get(path_of(&shipment.reference));
        match intent.route {
            0 => {
                request.method = Method::PATCH;
                request.body = Some(json!({"description": "By a stranger"}));
            }
            1 => request = step(Kind::Cancel, &shipment.reference),
            _ => {}
        }
        let way = Way { client: self.number, instance: usize::from(intent.own), hang_up: None };
        let reply = self.load.wire.send(way, self.load.caller(Who::Shipper(self.shipper)), &request).await;
        self.load.evidence.outcome("trespass", &reply.said);
        let said = match &reply.said {
            Said::Ok(_) => "was let in".to_owned(),
            Said::Refused(refusal) if refusal.code != "not_found" && !refusal.is_passing() => format!("got {refusal}"),
            _ => return self.load.heed(&reply).await,
        };
        let what = format!("call {}: a stranger to {} {said}", reply.call, shipment.reference);
        self.load.evidence.breach(Promise::NoForeignData, what);
    }
}
