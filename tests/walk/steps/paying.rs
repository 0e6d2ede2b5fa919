//! Paying what is due, giving back, and changing what is booked, which may cost more or less.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use serde_json::json;

use crate::{
    members::{self, Takes},
    model::{Freight, Payment, Space, Verdict, rate},
    play::{Access, Call, Step, Walk},
    wire,
};

impl Walk {
    pub async fn pay(&mut self) -> Step {
        let Some(number) = self.pick(self.model.bookings.len()) else { return Ok(()) };
        let booking = self.model.bookings[number].clone();
        let by = self.somebody(booking.owner);
        let token = *self.dice.pick(&[Some("tok_ok"), Some("tok_visa"), Some("tok_declined"), None]);
        let is_credit = token.is_none() && !self.chance(6);
        let due = booking.bill.as_ref().map_or(0, crate::model::Bill::due);
        let credit = self.model.credit.get(&booking.owner).map(|credit| credit.limit - credit.used);
        let verdict = match self.access(by, Role::Guest, Some(booking.owner)) {
            Err(refusal) => refusal,
            Ok(_) if token.is_none() && !is_credit => Verdict::of("validation_failed"),
            Ok(_) if due <= 0 => Verdict::of("payment_not_possible"),
            Ok(_) => Verdict::default()
                .refuse("payment_not_possible", is_credit && credit.is_none())
                .refuse("credit_exceeded", is_credit && credit.is_some_and(|credit| due > credit))
                .refuse("payment_declined", token == Some("tok_declined")),
        };
        let body = match token {
            Some(token) => json!({ "payment_token": token }),
            None if is_credit => json!({ "payment_method": "ACCOUNT" }),
            None => json!({}),
        };
        let call = Call::post(format!("/api/v1/bookings/{}/payments", booking.reference)).with(body);
        let answer = self.send(by, call).await;
        let is_done = self.judge("pay", &verdict, &answer)?;
        let is_declined = answer.body["code"] == "payment_declined";
        if is_done && wire::cents(&answer.body["amount"]) != Some(due) {
            return Err(format!("{due} is due, and paid by {}", answer.text));
        }
        if is_done || is_declined {
            if is_credit {
                self.model.charge(booking.owner, due);
            }
            self.refresh_payments(number).await?;
            self.refresh_booking(number).await?;
        }
        self.settle().await
    }

    pub async fn refund(&mut self) -> Step {
        let is_paid = |booking: &crate::model::Booking| booking.bill.as_ref().is_some_and(|bill| bill.kept() > 0);
        let paid: Vec<usize> =
            (0..self.model.bookings.len()).filter(|number| is_paid(&self.model.bookings[*number])).collect();
        let number = if paid.is_empty() || self.chance(8) {
            self.pick(self.model.bookings.len())
        } else {
            Some(*self.dice.pick(&paid))
        };
        let Some(number) = number else { return Ok(()) };
        let booking = self.model.bookings[number].clone();
        let by = if self.chance(4) { self.anyone() } else { crate::callers::ADMIN };
        let left = booking.bill.as_ref().map_or(0, crate::model::Bill::kept);
        let part = 1 + i64::try_from(self.dice.below(u64::try_from(left).unwrap_or_default() + 200)).unwrap();
        let amount = self.chance(2).then_some(part);
        let (tag, is_stale) = self.tag(booking.version);
        let verdict = match self.access(by, Role::Admin, None) {
            Err(refusal) => refusal,
            Ok(_) if booking.bill.is_none() => Verdict::of("payment_not_possible").refuse("version_mismatch", is_stale),
            Ok(_) => Verdict::default()
                .refuse("version_mismatch", is_stale)
                .refuse("refund_exceeds_paid", left == 0 || amount.is_some_and(|amount| amount > left)),
        };
        let mut body = json!({});
        if let Some(amount) = amount {
            body["amount"] = wire::usd(amount);
        }
        if self.chance(2) {
            body["reason"] = "Damaged".into();
        }
        let call = Call::post(format!("/api/v1/bookings/{}/refunds", booking.reference)).with(body).tagged(tag);
        let answer = self.send(by, call).await;
        if self.judge("refund", &verdict, &answer)? {
            if let Some(bill) = &mut self.model.bookings[number].bill {
                let credited = bill.give_back(amount.unwrap_or(left));
                self.model.charge(booking.owner, -credited);
            }
            self.refresh_booking(number).await?;
        }
        Ok(())
    }

    pub async fn amend_booking(&mut self) -> Step {
        let Some(number) = self.pick(self.model.bookings.len()) else { return Ok(()) };
        let booking = self.model.bookings[number].clone();
        let by = self.somebody(booking.owner);
        let mut before = booking.freight.clone();
        let gets_weight = self.chance(4);
        if gets_weight {
            before.space.weight = self.plain_freight().space.weight;
        }
        // Names of positions are not its to change: they stay as long as their number and their flights do.
        let named = std::mem::take(&mut before.names);
        let flights = self.model.flights.clone();
        let (mut body, mut freight) = members::change(&mut self.dice, &before, (&[], &flights), Takes::Booking, 4);
        freight.names = named;
        if gets_weight {
            body.insert("weight_kg".to_owned(), wire::kilograms(freight.space.weight));
        }
        let reroute = (booking.status == "BOOKED" && self.chance(5)).then(|| self.way());
        if let Some(way) = &reroute {
            body.insert("flight_ids".to_owned(), self.ids(way));
        }
        let kept: Vec<usize> = booking.undeparted().map(|leg| leg.flight).collect();
        let reroute = reroute.filter(|way| *way != kept);
        let (tag, is_stale) = self.tag(booking.version);
        let verdict = match self.access(by, Role::Customer, Some(booking.owner)) {
            Err(refusal) => refusal,
            Ok(access) => {
                let has_freight = ["pieces", "weight_kg", "volume_m3", "positions", "awb_number"].iter();
                let has_freight = has_freight.clone().any(|member| body.contains_key(*member));
                let is_closed = booking.is_over() || (has_freight && booking.status != "BOOKED");
                let verdict =
                    Verdict::default().refuse("version_mismatch", is_stale).refuse("invalid_transition", is_closed);
                if verdict.must.is_empty() {
                    self.judge_amendment(number, &freight, reroute.as_deref(), access)
                } else {
                    verdict
                }
            }
        };
        let call = Call::patch(format!("/api/v1/bookings/{}", booking.reference)).with(body).tagged(tag);
        let answer = self.send(by, call).await;
        if self.judge("amend", &verdict, &answer)? {
            self.amended(number, freight, reroute, &answer.body)?;
            self.refresh_booking(number).await?;
        }
        self.settle().await
    }

    fn judge_amendment(&self, number: usize, freight: &Freight, reroute: Option<&[usize]>, access: Access) -> Verdict {
        let (model, booking) = (&self.model, &self.model.bookings[number]);
        let is_new = freight.space != booking.freight.space || freight.pieces != booking.freight.pieces;
        let mut verdict = Verdict::default();
        if reroute.is_some() || is_new || freight.awb != booking.freight.awb {
            let is_closed = |flight: usize| {
                let flight = &model.flights[flight];
                flight.status != "SCHEDULED" || (!access.is_staff && model.now >= flight.cutoff)
            };
            verdict = verdict.refuse("flight_closed", booking.undeparted().any(|leg| is_closed(leg.flight)));
        }
        let is_newly_bound = freight.codes.contains("CAO") && !booking.freight.codes.contains("CAO");
        let stays =
            booking.legs.iter().filter(|leg| leg.is_in_force() && (reroute.is_none() || leg.status != "BOOKED"));
        let lacks_freighter = stays.into_iter().any(|leg| !model.flights[leg.flight].freighter);
        verdict = verdict.refuse("itinerary_invalid", is_newly_bound && lacks_freighter);
        let is_used = model.is_waybill_used(freight.awb, Some(number));
        verdict = verdict.refuse("already_exists", freight.awb != booking.freight.awb && is_used);
        let has = |flight: usize| {
            booking.undeparted().filter(|leg| leg.flight == flight).fold(Space::default(), |sum, leg| sum + leg.space)
        };
        let own = Self::owns_allotment(booking.owner);
        match reroute {
            Some(way) => {
                let ends = (booking.origin, booking.destination);
                let onward = model.judge_onward(way, ends, None, &freight.codes, !access.is_staff);
                verdict.and(onward).and(model.judge_space(way, freight.space, has, own))
            }
            None if is_new => {
                let way: Vec<usize> = booking.undeparted().map(|leg| leg.flight).collect();
                verdict.and(model.judge_space(&way, freight.space, has, own))
            }
            None => verdict,
        }
    }

    /// Takes over an amendment, with the price that it shows.
    fn amended(
        &mut self,
        number: usize,
        freight: Freight,
        reroute: Option<Vec<usize>>,
        shown: &serde_json::Value,
    ) -> Step {
        let now = self.model.now;
        let legs = reroute.as_ref().map(|way| self.model.legs(way, freight.space));
        let booking = &mut self.model.bookings[number];
        let stood = booking.fee(now, false);
        let before = std::mem::replace(&mut booking.freight, freight);
        for leg in booking.legs.iter_mut().filter(|leg| leg.status == "BOOKED") {
            (leg.space, leg.status) = (booking.freight.space, if legs.is_some() { "REPLACED" } else { "BOOKED" });
        }
        if legs.is_some() || before.space.positions != booking.freight.space.positions {
            booking.freight.names.clear();
        }
        if let Some(legs) = legs {
            booking.legs.iter_mut().for_each(|leg| leg.is_replaced = true);
            booking.legs.extend(legs);
            booking.needs_rerouting = false;
        }
        let (after, owner) = (&booking.freight, booking.owner);
        let load = |freight: &Freight| (freight.space.weight, freight.space.volume, freight.codes.clone());
        let is_same = load(&before) == load(after);
        let anew = Freight { product: booking.product, ..after.clone() };
        let ends = (booking.origin, booking.destination);
        let Some(bill) = &mut booking.bill else { return Ok(()) };
        let total = wire::cents(&shown["price"]["total"]).unwrap_or(-1);
        let expected = if is_same { Some(bill.total) } else { rate(ends, &anew, booking.sale) };
        if Some(total) != expected {
            return Err(format!("the total is {total} instead of {expected:?}: {shown}"));
        }
        bill.total = total;
        booking.keep_fee(stood, now);
        let Some(bill) = &mut booking.bill else { return Ok(()) };
        let credited = bill.settle();
        self.model.charge(owner, -credited);
        Ok(())
    }

    /// The payments of a booking, and credit, are as the model has them.
    pub async fn compare_money(&mut self) -> Step {
        for number in 0..self.model.bookings.len() {
            let booking = &self.model.bookings[number];
            let path = format!("/api/v1/bookings/{}/payments", booking.reference);
            let shown = self.client(crate::callers::OPERATOR).get(&path).await.expect(200);
            let own: &[Payment] = self.model.bookings[number].bill.as_ref().map_or(&[], |bill| &bill.payments);
            for payment in own {
                let shown = shown.as_array().into_iter().flatten().find(|shown| shown["id"] == payment.id.as_str());
                let figures = shown.map(|shown| (wire::cents(&shown["captured"]), wire::cents(&shown["refunded"])));
                if figures != Some((Some(payment.captured), Some(payment.refunded))) {
                    return Err(format!("{payment:?} is shown as {shown:?}"));
                }
            }
        }
        for (organization, credit) in self.model.credit.clone() {
            let path = format!("/api/v1/organizations/{}/credit", self.callers.organizations[organization]);
            let shown = self.client(crate::callers::ADMIN).get(&path).await.expect(200);
            if wire::cents(&shown["used"]) != Some(credit.used) {
                return Err(format!("{credit:?} is shown as {shown}"));
            }
        }
        Ok(())
    }

    /// Forgets quotes that have been gone for long, and keys that are kept no more.
    pub fn forget(&mut self) {
        let now = self.model.now;
        self.keyed.retain(|keyed| keyed.at + TimeDelta::hours(23) > now);
        self.model.quotes.retain(|quote| quote.expires + TimeDelta::hours(2) > now);
    }
}
