//! Whether an answer shows what the model knows.
use serde_json::{Map, Value, json};

use super::{
    model::{Booking, Freight, Hold, Model, WAYBILLS},
    wire::{self, Differences},
};

fn named(freight: &Freight, model: &Model) -> Value {
    let flights = freight.names.iter().map(|(flight, names)| {
        let names: Vec<String> = names.iter().map(|name| format!("P{name}")).collect();
        (model.flights[*flight].id.clone(), json!(names))
    });
    Value::Object(flights.collect::<Map<_, _>>())
}

fn compare_freight(differences: &mut Differences, shown: &Value, freight: &Freight) {
    differences.same_space(shown, freight.space);
    differences.same("pieces", &shown["pieces"], freight.pieces);
    let codes: Vec<&str> =
        shown["special_handling_codes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let codes: std::collections::BTreeSet<&str> = codes.into_iter().collect();
    differences.same("special_handling_codes", &json!(codes), json!(freight.codes));
    let awb = shown["awb_number"].as_str().map(|number| number.replace('-', ""));
    differences.same("awb_number", &json!(awb), freight.awb.map(|number| WAYBILLS[number].replace('-', "")));
    differences.same("description", &shown["description"], freight.description);
    differences.same("customer_reference", &shown["customer_reference"], freight.reference);
    differences.same("shipper", &shown["shipper"]["name"], freight.shipper);
    differences.same("consignee", &shown["consignee"]["name"], freight.consignee);
}

impl Model {
    fn ids(&self, way: impl Iterator<Item = usize>) -> Value {
        way.map(|flight| self.flights[flight].id.clone()).collect()
    }

    pub fn compare_hold(&self, shown: &Value, hold: &Hold) -> Result<(), String> {
        let mut differences = Differences::default();
        let freight = &hold.freight;
        compare_freight(&mut differences, shown, freight);
        differences.same("id", &shown["id"], hold.id.as_str());
        differences.same("kind", &shown["kind"], hold.kind);
        differences.same("status", &shown["status"], hold.status_at(self.now));
        differences.same("flight_ids", &shown["flight_ids"], self.ids(hold.way.iter().copied()));
        differences.same("product", &shown["product"], freight.product.unwrap_or("GENERAL"));
        differences.same("contact", &shown["contact"]["email"], freight.contact);
        differences.same("total", &shown["quote"]["total"], hold.total.map_or(Value::Null, wire::usd));
        if hold.is_open(self.now) {
            // That an end was recorded moves it by itself.
            differences.same("version", &shown["version"], hold.version);
            differences.same("position_names", &shown["position_names"], named(freight, self));
            differences.same_time("expires_at", &shown["expires_at"], hold.expires);
            differences.same_time("latest_expires_at", &shown["latest_expires_at"], hold.latest);
            let pieces = freight.pieces.is_none().then_some("/pieces");
            let email = (hold.is_guest && freight.contact.is_none()).then_some("/contact/email");
            let missing: Vec<&str> = pieces.into_iter().chain(email).collect();
            differences.same("missing", &shown["missing"], json!(missing));
        }
        let reference = hold.booking.map(|booking| self.bookings[booking].reference.clone());
        differences.same("booking_ref", &shown["booking_ref"], reference);
        differences.judge(&format!("the hold {shown}"))
    }

    /// The version is looked at elsewhere.
    pub fn compare_booking(&self, shown: &Value, booking: &Booking) -> Result<(), String> {
        let mut differences = Differences::default();
        compare_freight(&mut differences, shown, &booking.freight);
        differences.same("status", &shown["status"], booking.status);
        differences.same("origin", &shown["origin"], booking.origin);
        differences.same("destination", &shown["destination"], booking.destination);
        differences.same("current_airport", &shown["current_airport"], booking.place());
        differences.same("at_destination", &shown["at_destination"], booking.at_destination());
        differences.same("needs_rerouting", &shown["needs_rerouting"], booking.needs_rerouting);
        differences.same("next_actions", &shown["next_actions"], json!(booking.next_actions()));
        let in_force = booking.legs.iter().filter(|leg| leg.is_in_force()).map(|leg| leg.flight);
        differences.same("flight_ids", &shown["flight_ids"], self.ids(in_force));
        let leg = |status: &Value, reason: &Value, flight: &Value| format!("{status} {reason} {flight}");
        let shown_legs = shown["legs"].as_array().into_iter().flatten();
        let mut shown_legs: Vec<String> =
            shown_legs.map(|one| leg(&one["status"], &one["offload_reason"], &one["flight_id"])).collect();
        let own = booking.legs.iter();
        let mut own: Vec<String> =
            own.map(|one| leg(&json!(one.status), &json!(one.reason), &json!(self.flights[one.flight].id))).collect();
        // Legs that were replaced have the numbers of those in their place.
        shown_legs.sort();
        own.sort();
        differences.same("legs", &json!(shown_legs), json!(own));
        compare_bill(&mut differences, shown, booking);
        differences.judge(&format!("the booking {shown}"))
    }
}

fn compare_bill(differences: &mut Differences, shown: &Value, booking: &Booking) {
    let Some(bill) = &booking.bill else {
        differences.same("price", &shown["price"], Value::Null);
        differences.same("payment_status", &shown["payment_status"], "NOT_REQUIRED");
        return differences.same("balance_due", &shown["balance_due"], Value::Null);
    };
    differences.same("total", &shown["price"]["total"], wire::usd(bill.total));
    differences.same("payment_status", &shown["payment_status"], bill.status());
    differences.same("paid", &shown["paid"], wire::usd(bill.paid()));
    differences.same("refunded", &shown["refunded"], wire::usd(bill.refunded()));
    differences.same("balance_due", &shown["balance_due"], wire::usd(bill.due()));
    differences.same("cancellation_fee", &shown["cancellation_fee"], bill.fee.map_or(Value::Null, wire::usd));
}
