//! Booking at once, and moving and cancelling what is booked.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    super::{
        model::{Bill, Booking, Freight, Hold, Priced, Verdict},
        play::{Access, Call, Step, Walk},
        wire,
    },
    committing::Terms,
    holding::Wanted,
};

/// Further ahead than this nothing can have happened.
const FURTHEST_AHEAD: TimeDelta = TimeDelta::minutes(5);

impl Walk {
    pub async fn book(&mut self) -> Step {
        let by = self.anyone();
        let own = self.callers.standing(by).is_ok_and(|(_, owner)| Self::owns_allotment(owner));
        let mut wanted = self.wanted(own, 4);
        let pieces = wanted.freight.pieces.unwrap_or(3);
        wanted.freight.pieces = Some(pieces);
        wanted.body.insert("pieces".to_owned(), pieces.into());
        let ends = wanted.search.as_ref().map(|search| search.ends);
        let ends = ends.or_else(|| wanted.way.as_ref().map(|way| self.model.ends(way)));
        if let Some((origin, destination)) = ends {
            wanted.body.insert("origin".to_owned(), origin.into());
            wanted.body.insert("destination".to_owned(), destination.into());
        }
        let total = wanted.quote.map(|quote| self.model.quotes[quote].total);
        let terms = self.terms(total, &mut wanted.body);
        let access = self.access(by, Role::Customer, None);
        let (verdict, priced) = match (&access, &wanted.way) {
            (Err(refusal), _) => (refusal.clone(), Priced::default()),
            (Ok(access), way) => self.judge_booking(&wanted, (*access, terms), way.as_deref()),
        };
        let answer = self.send(by, Call::post("/api/v1/bookings").with(wanted.body.clone())).await;
        let is_done = self.judge("book", &verdict, &answer)?;
        let is_declined = answer.body["code"] == "payment_declined";
        if !is_done && !is_declined {
            return Ok(());
        }
        let access = access.map_err(|refusal| format!("{refusal:?}"))?;
        self.booked(&wanted, (access, own), (terms, priced), (&answer.body, answer.status.as_u16())).await?;
        self.settle().await
    }

    /// Without a quote there is no price, and nothing is held first unless more is said than of a plain booking.
    fn judge_booking(
        &self,
        wanted: &Wanted,
        (access, terms): (Access, Terms),
        way: Option<&[usize]>,
    ) -> (Verdict, Priced) {
        let priced = match (wanted.quote, way) {
            (Some(_), Some(way)) => self.price_new(wanted, access, way),
            _ => Priced::default(),
        };
        let lacks_quote = wanted.code.is_some() && wanted.quote.is_none();
        let paying = (terms, priced.total);
        let terms = self.judge_terms(paying, &wanted.freight, (access.organization, false, 0), access);
        let verdict = terms.refuse("validation_failed", lacks_quote).and(priced.verdict.clone());
        let Some(way) = way else { return (verdict.refuse("no_bookable_itinerary", true), priced) };
        let mut new = self.judge_new(wanted, access, way);
        if is_plain(wanted) && !terms_are_given(paying.0) {
            // It is no hold: their number does not bound it.
            new.must.remove("hold_limit_exceeded");
            new.may.remove("hold_limit_exceeded");
        }
        (verdict.and(new), priced)
    }

    /// Takes over a booking that was made, is under way, or whose payment was declined.
    async fn booked(
        &mut self,
        wanted: &Wanted,
        (access, own): (Access, bool),
        (terms, priced): (Terms, Priced),
        (shown, status): (&Value, u16),
    ) -> Step {
        if status == 402 || status == 202 {
            return self.held_for_payment(wanted, access, (terms, priced), (shown, status)).await;
        }
        let way = self.chosen(wanted, own, shown)?;
        let ends = wanted.search.as_ref().map_or_else(|| self.model.ends(&way), |search| search.ends);
        // What only holds have is not kept; without a hold neither is it looked at.
        let freight = Freight { contact: None, product: None, ..wanted.freight.clone() };
        let is_credit = terms.is_credit && terms.token.is_none();
        let bill = priced.total.map(|total| Bill { total, ..Bill::default() });
        if is_credit {
            self.model.charge(access.organization, priced.total.unwrap_or_default());
        }
        let legs = self.model.legs(&way, freight.space);
        self.model.bookings.push(Booking {
            reference: shown["ref_id"].as_str().ok_or("no booking")?.to_owned(),
            owner: access.organization,
            origin: ends.0,
            destination: ends.1,
            product: wanted.freight.product,
            freight,
            legs,
            status: "BOOKED",
            needs_rerouting: false,
            moved_at: None,
            version: 1,
            bill,
            sale: priced.sale,
        });
        let booking = self.model.bookings.len() - 1;
        if priced.sale.is_some() {
            // The hold in between uses the sale.
            let hold = self.new_hold(&json!({"id": shown["hold_id"]}), access, (way, wanted.freight.clone()), None);
            self.model.holds.push(Hold {
                total: priced.total,
                sale: priced.sale,
                status: "COMMITTED",
                booking: Some(booking),
                ..hold
            });
            let number = self.model.holds.len() - 1;
            self.refresh_hold(number).await?;
        }
        self.refresh_payments(booking).await?;
        self.refresh_booking(booking).await
    }

    /// The hold that a booking is to be made of.
    async fn held_for_payment(
        &mut self,
        wanted: &Wanted,
        access: Access,
        (terms, priced): (Terms, Priced),
        (shown, status): (&Value, u16),
    ) -> Step {
        let id = if status == 402 { &shown["hold_id"] } else { &shown["id"] };
        let path = format!("/api/v1/holds/{}", id.as_str().ok_or_else(|| format!("no hold: {shown}"))?);
        let found = self.client(crate::callers::OPERATOR).get(&path).await.expect(200);
        let way = self.model.way_of(&found["flight_ids"]).ok_or("unknown flights")?;
        let hold = self.new_hold(&found, access, (way, wanted.freight.clone()), None);
        self.model.holds.push(Hold { total: priced.total, sale: priced.sale, ..hold });
        let number = self.model.holds.len() - 1;
        if status == 402 {
            // Slack: a declined order keeps its room for two minutes, or for as long as a hold.
            let now = self.model.now;
            let hold = &mut self.model.holds[number];
            let shortest = (now + crate::model::ANOTHER_TRY).min(hold.latest);
            let shown = wire::time(&found["expires_at"]).ok_or("a hold without an end")?;
            if shown < shortest || shown > hold.expires {
                return Err(format!("the hold of a declined order ends at {shown}: {found}"));
            }
            (hold.expires, hold.attempts) = (shown, 1);
            return self.refresh_hold(number).await;
        }
        self.committed(number, terms, &found, status).await
    }

    pub async fn move_booking(&mut self) -> Step {
        if self.chance(4) {
            return self.cancel_booking().await;
        }
        let Some(number) = self.pick(self.model.bookings.len()) else { return Ok(()) };
        let booking = self.model.bookings[number].clone();
        let by = self.somebody(booking.owner);
        let next = booking.next_actions().into_iter().find(|action| *action != "cancel");
        let action = match next {
            Some(next) if !self.chance(6) => next,
            _ => *self.dice.pick(&["depart", "arrive", "deliver"]),
        };
        let (body, at, faults) = self.movement(&booking, action);
        let (tag, is_stale) = self.tag(booking.version);
        let verdict = if let Err(refusal) = self.access(by, Role::Operator, Some(booking.owner)) {
            refusal
        } else {
            let is_allowed = booking.allows(action, true);
            let verdict = if is_allowed { faults } else { Verdict { may: faults.must, ..Verdict::default() } };
            verdict.refuse("invalid_transition", !is_allowed).refuse("version_mismatch", is_stale)
        };
        let call = Call::post(format!("/api/v1/bookings/{}/{action}", booking.reference)).tagged(tag);
        let answer = self.send(by, if body == json!({}) { call } else { call.with(body) }).await;
        if self.judge("move", &verdict, &answer)? {
            let now = self.model.now;
            self.model.bookings[number].advance(action, at, now);
            self.refresh_booking(number).await?;
            if self.model.bookings[number].version != booking.version + 1 {
                return Err(format!("{action} moved the version from {} by another step than one", booking.version));
            }
        }
        self.settle().await
    }

    /// What is said of a movement: mostly nothing or what is right.
    fn movement(&mut self, booking: &Booking, action: &str) -> (Value, Option<crate::model::Time>, Verdict) {
        let (mut body, mut verdict) = (json!({}), Verdict::default());
        let leg = match action {
            "depart" => booking.next().map(|next| &booking.legs[next]),
            "arrive" => booking.legs.iter().find(|leg| leg.status == "DEPARTED"),
            _ => booking.legs.iter().rfind(|leg| leg.status == "ARRIVED"),
        };
        let place = match action {
            "depart" => leg.map(|leg| leg.origin),
            "arrive" => leg.map(|leg| leg.destination),
            _ => Some(booking.destination),
        };
        if self.chance(3) {
            let location = if self.chance(4) { "DXB" } else { place.unwrap_or("DEL") };
            body["location"] = location.into();
            verdict = verdict.refuse("location_mismatch", Some(location) != place);
        }
        if self.chance(4) {
            let flight = if self.chance(4) { 0 } else { leg.map_or(0, |leg| leg.flight) };
            let member = *self.dice.pick(&["flight_id", "flight_number"]);
            let known = &self.model.flights[flight];
            body[member] = if member == "flight_id" { known.id.as_str().into() } else { known.number.into() };
            verdict = verdict.refuse("flight_mismatch", leg.is_none_or(|leg| leg.flight != flight));
        }
        if self.chance(4) {
            body["notes"] = "Seal 4711\nintact".into();
        }
        let mut at = None;
        if self.chance(4) {
            let minutes = *self.dice.pick(&[0, 3, 5, 6]);
            let when = self.model.now + TimeDelta::minutes(minutes);
            at = Some(when);
            body["occurred_at"] = when.to_rfc3339().into();
            let is_late = when > self.model.now + FURTHEST_AHEAD;
            let is_early = booking.moved_at.is_some_and(|moved| when < moved);
            // Slack: with its flight, a booking moves no earlier than others aboard.
            verdict = verdict.refuse("validation_failed", is_late || is_early).slack("validation_failed", true);
        }
        (body, at, verdict)
    }

    async fn cancel_booking(&mut self) -> Step {
        let Some(number) = self.pick(self.model.bookings.len()) else { return Ok(()) };
        let booking = self.model.bookings[number].clone();
        let by = self.somebody(booking.owner);
        let (tag, is_stale) = self.tag(booking.version);
        let path = format!("/api/v1/bookings/{}", booking.reference);
        let mut waives = false;
        let call = if self.chance(3) {
            Call::new(Method::DELETE, path)
        } else {
            let mut body = json!({});
            if self.chance(3) {
                body["reason"] = "No longer needed".into();
            }
            if self.chance(4) {
                waives = !self.chance(4);
                body["waive_fee"] = waives.into();
            }
            Call::post(format!("{path}/cancel")).with(body)
        };
        let verdict = match self.access(by, Role::Guest, Some(booking.owner)) {
            Err(refusal) => refusal,
            Ok(access) => Verdict::default()
                .refuse("forbidden", waives && !access.is_staff)
                .refuse("version_mismatch", is_stale)
                .refuse("invalid_transition", !booking.allows("cancel", access.is_staff)),
        };
        // A foreign booking is not found, whatever is sent; but what a role may not send is refused first.
        let verdict =
            if waives && verdict.must.contains("not_found") { verdict.slack("forbidden", true) } else { verdict };
        let answer = self.send(by, call.tagged(tag)).await;
        if self.judge("cancel", &verdict, &answer)? {
            self.cancelled(number, waives, &answer.body)?;
            self.refresh_booking(number).await?;
        }
        self.settle().await
    }

    /// Takes over a cancellation with the fee that it shows.
    pub fn cancelled(&mut self, number: usize, waives: bool, shown: &Value) -> Step {
        let now = self.model.now;
        let booking = &mut self.model.bookings[number];
        let fee = booking.fee(now, waives);
        booking.cancel();
        let owner = booking.owner;
        let Some(bill) = &mut booking.bill else { return Ok(()) };
        let kept = bill.kept();
        let fee = fee.min(kept);
        if wire::cents(&shown["cancellation_fee"]) != Some(fee) {
            return Err(format!("the fee should be {fee}: {shown}"));
        }
        bill.fee = Some(fee);
        let credited = bill.settle();
        self.model.charge(owner, -credited);
        Ok(())
    }
}

/// Whether it says nothing that only a hold takes.
fn is_plain(wanted: &Wanted) -> bool {
    let says = |member: &str| wanted.body.get(member).is_some_and(|value| !value.is_null());
    !["quote_id", "position_names", "product", "contact", "discount_code"].into_iter().any(says)
}

fn terms_are_given(terms: Terms) -> bool {
    terms.token.is_some() || terms.is_credit || terms.expected.is_some()
}

impl Hold {
    /// Whether its payment waits for somebody.
    pub fn is_pending(&self) -> bool {
        self.pending.is_some() && self.status == "COMMITTING"
    }
}
