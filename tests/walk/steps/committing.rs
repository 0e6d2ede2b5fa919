//! Holds that become bookings, with and without payment.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use serde_json::{Map, Value, json};

use super::{
    super::{
        model::{
            ANOTHER_TRY, Bill, Booking, COMMITTING_FOR, Freight, Hold, MOST_ATTEMPTS, Payment, Pending, Priced, Verdict,
        },
        play::{Access, Call, Step, Walk},
        wire,
    },
    changing::Patched,
};

/// How a commit or booking is paid for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terms {
    pub token: Option<&'static str>,
    pub is_credit: bool,
    /// In cents.
    pub expected: Option<i64>,
}

/// Tokens of the provider `test`; the slow ones are rare, as their answers are waited for.
const TOKENS: [&str; 12] = [
    "tok_ok",
    "tok_ok",
    "tok_ok",
    "tok_ok",
    "tok_visa",
    "tok_visa",
    "tok_declined",
    "tok_declined",
    "tok_poor",
    "tok_confirm",
    "tok_confirm",
    "tok_slow",
];

/// Whether the provider declines by itself.
fn is_refused(token: Option<&str>) -> bool {
    matches!(token, Some("tok_declined" | "tok_poor"))
}

impl Walk {
    /// Draws how it is paid for; mostly the right total is expected, if one is.
    pub fn terms(&mut self, total: Option<i64>, body: &mut Map<String, Value>) -> Terms {
        let mut terms = Terms::default();
        match self.dice.below(10) {
            0..5 => terms.token = Some(*self.dice.pick(&TOKENS)),
            5 => terms.is_credit = true,
            _ => {}
        }
        if terms.token.is_some() && self.chance(60) {
            terms.is_credit = true;
        }
        if self.chance(4) {
            let wrong = i64::from(self.chance(5));
            terms.expected = Some(total.unwrap_or(10_000) + wrong);
        }
        if let Some(token) = terms.token {
            body.insert("payment_token".to_owned(), token.into());
        }
        if terms.is_credit {
            body.insert("payment_method".to_owned(), "ACCOUNT".into());
        }
        if let Some(expected) = terms.expected {
            body.insert("expected_total".to_owned(), wire::usd(expected));
        }
        terms
    }

    /// What stands against booking this freight at this price.
    pub fn judge_terms(
        &self,
        (terms, total): (Terms, Option<i64>),
        freight: &Freight,
        (owner, is_guest, attempts): (usize, bool, i64),
        access: Access,
    ) -> Verdict {
        let due = total.filter(|total| *total > 0);
        let lacks_token = access.is_guest && due.is_some() && terms.token.is_none();
        let lacks = freight.pieces.is_none() || (is_guest && freight.contact.is_none()) || lacks_token;
        let credit = self.model.credit.get(&owner).map(|credit| credit.limit - credit.used);
        let is_charged = terms.is_credit && terms.token.is_none();
        let is_used = self.model.is_waybill_used(freight.awb, None);
        Verdict::default()
            .refuse("validation_failed", terms.is_credit && terms.token.is_some())
            .refuse("price_changed", terms.expected.is_some() && terms.expected != total)
            .refuse("hold_incomplete", lacks)
            .refuse("payment_not_possible", is_charged && due.is_some() && credit.is_none())
            .refuse("credit_exceeded", is_charged && credit.is_some_and(|credit| due.is_some_and(|due| due > credit)))
            .refuse("hold_limit_exceeded", terms.token.is_some() && due.is_some() && attempts >= MOST_ATTEMPTS)
            .refuse("already_exists", is_used)
            .refuse("payment_declined", due.is_some() && is_refused(terms.token))
    }

    pub async fn commit_hold(&mut self) -> Step {
        if self.chance(4) {
            return self.decide_by_payer().await;
        }
        let Some(number) = self.pick(self.model.holds.len()) else { return Ok(()) };
        let entry = self.model.entries.iter().position(|entry| entry.offer == Some(number));
        let path = match entry {
            Some(entry) if self.chance(2) => format!("/api/v1/waitlist/{}/book", self.model.entries[entry].id),
            _ => format!("/api/v1/holds/{}/commit", self.model.holds[number].id),
        };
        self.commit(number, path).await
    }

    /// Commits a hold by this path.
    pub async fn commit(&mut self, number: usize, path: String) -> Step {
        let hold = self.model.holds[number].clone();
        let by = self.somebody(hold.owner);
        let mut patched = self.patched(number, 7);
        if patched.freight.pieces.is_none() && !self.chance(6) {
            patched.freight.pieces = Some(2);
            patched.body.insert("pieces".to_owned(), 2.into());
        }
        if hold.is_guest && patched.freight.contact.is_none() && !self.chance(6) {
            patched.freight.contact = Some("guest@example.com");
            patched.body.insert("contact".to_owned(), json!({"email": "guest@example.com"}));
        }
        let expected = self.price_after(by, number, &patched);
        let terms = self.terms(expected, &mut patched.body);
        // A commit by way of the waitlist compares the version of its entry.
        let is_of_entry = path.contains("/waitlist/");
        let (tag, is_stale) = if is_of_entry { (None, false) } else { self.tag(hold.version) };
        let (verdict, priced) = self.judge_commit((by, number), &patched, (terms, is_stale));
        let is_guest = self.callers.standing(by).is_ok_and(|(role, _)| role == Role::Guest);
        let verdict = if is_of_entry && is_guest { Verdict::of("forbidden") } else { verdict };
        let answer = self.send(by, Call::post(path).with(patched.body.clone()).tagged(tag)).await;
        let is_done = self.judge("commit", &verdict, &answer)?;
        let is_declined = answer.body["code"] == "payment_declined";
        if !is_done && !is_declined {
            return Ok(());
        }
        self.change_hold(number, &patched, &priced);
        self.committed(number, terms, &answer.body, answer.status.as_u16()).await?;
        self.settle().await
    }

    fn price_after(&self, by: usize, number: usize, patched: &Patched) -> Option<i64> {
        let (access, _) = self.judge_open(by, number, false).ok()?;
        self.judge_change(number, patched, access).1.total
    }

    fn judge_commit(
        &self,
        (by, number): (usize, usize),
        patched: &Patched,
        (terms, is_stale): (Terms, bool),
    ) -> (Verdict, Priced) {
        let hold = &self.model.holds[number];
        let (access, open) = match self.judge_open(by, number, is_stale) {
            Err(refusal) => return (refusal, Priced::default()),
            Ok(judged) => judged,
        };
        let (change, priced) = self.judge_change(number, patched, access);
        let is_both = terms.is_credit && terms.token.is_some();
        if !open.must.is_empty() {
            let faults = change.must.contains("validation_failed");
            let open = open.slack("validation_failed", faults).refuse("validation_failed", is_both);
            // Slack: an offer that has ended may be refused as that of its entry.
            let open =
                open.slack("invalid_transition", hold.kind == "OFFER").slack("hold_expired", hold.kind == "OFFER");
            return (open, priced);
        }
        let way = self.model.judge_way(&patched.way, self.model.ends(&patched.way), &patched.freight.codes);
        let terms = self.judge_terms(
            (terms, priced.total),
            &patched.freight,
            (hold.owner, hold.is_guest, hold.attempts),
            access,
        );
        (open.and(change).and(way).and(terms), priced)
    }

    /// Takes over a commit that was done, is under way, or declined.
    pub async fn committed(&mut self, number: usize, terms: Terms, shown: &Value, status: u16) -> Step {
        let hold = &mut self.model.holds[number];
        let due = hold.total.filter(|total| *total > 0);
        let is_paid = terms.token.is_some() && due.is_some();
        hold.attempts += i64::from(is_paid);
        let now = self.model.now;
        match status {
            202 if is_paid => {
                (hold.status, hold.active_until) = ("COMMITTING", Some(hold.expires));
                hold.expires = now + COMMITTING_FOR;
                hold.pending = match terms.token {
                    Some("tok_confirm") => Some(Pending::Action),
                    _ => Some(Pending::Until(now + TimeDelta::seconds(2))),
                };
                hold.reference = shown["payment"]["provider_reference"].as_str().map(str::to_owned);
                if !matches!(terms.token, Some("tok_confirm" | "tok_slow")) {
                    // On a slow machine also what needs nobody is decided after the answer.
                    return self.decided(number, !is_refused(terms.token)).await;
                }
                self.refresh_hold(number).await
            }
            201 if !matches!(terms.token, Some("tok_confirm" | "tok_slow")) || !is_paid => {
                let reference = shown["ref_id"].as_str().ok_or_else(|| format!("no booking: {shown}"))?.to_owned();
                self.posted(number, reference, terms.is_credit && terms.token.is_none()).await?;
                let claim = shown["claim"]["token"].as_str();
                if claim.is_some() && !self.model.holds[number].is_guest {
                    return Err(format!("only a guest's booking has a claim: {shown}"));
                }
                let booking = self.model.bookings.len() - 1;
                self.claims.extend(claim.map(|claim| (claim.to_owned(), booking, false)));
                Ok(())
            }
            402 => {
                let declined_by = hold.expires;
                hold.expires = hold.expires.max(now + ANOTHER_TRY).min(hold.latest);
                debug_assert!(hold.expires >= declined_by.min(hold.latest));
                self.refresh_hold(number).await
            }
            _ => Err(format!("a payment by {terms:?} is answered {status}: {shown}")),
        }
    }

    /// The hold is now this booking.
    pub async fn posted(&mut self, number: usize, reference: String, is_credit: bool) -> Step {
        let model = &mut self.model;
        let hold = model.holds[number].clone();
        let (origin, destination) = model.ends(&hold.way);
        let bill = hold.total.map(|total| Bill { total, ..Bill::default() });
        let legs = model.legs(&hold.way, hold.freight.space);
        let booking = Booking {
            reference,
            owner: hold.owner,
            origin,
            destination,
            freight: hold.freight.clone(),
            legs,
            status: "BOOKED",
            needs_rerouting: false,
            moved_at: None,
            version: 1,
            bill,
            product: hold.freight.product,
            sale: hold.sale,
        };
        model.bookings.push(booking);
        let booking = model.bookings.len() - 1;
        let hold = &mut model.holds[number];
        (hold.status, hold.booking, hold.pending) = ("COMMITTED", Some(booking), None);
        let (owner, total) = (hold.owner, hold.total.unwrap_or_default());
        if is_credit {
            model.charge(owner, total);
        }
        self.refresh_hold(number).await?;
        self.refresh_payments(booking).await?;
        self.refresh_booking(booking).await
    }

    /// Reads the payments of a booking that were begun with it, once they are decided.
    pub async fn refresh_payments(&mut self, booking: usize) -> Step {
        self.settle_payments().await?;
        let path = format!("/api/v1/bookings/{}/payments", self.model.bookings[booking].reference);
        let shown = self.client(crate::callers::OPERATOR).get(&path).await.expect(200);
        let Some(bill) = &mut self.model.bookings[booking].bill else {
            return if shown == json!([]) { Ok(()) } else { Err(format!("payments without a price: {shown}")) };
        };
        for payment in shown.as_array().ok_or("no list of payments")? {
            let id = payment["id"].as_str().unwrap_or_default();
            if bill.payments.iter().any(|known| known.id == id) {
                continue;
            }
            let amount = wire::cents(&payment["amount"]).unwrap_or_default();
            let is_failed = payment["status"] == "FAILED";
            if amount != bill.due() || !(is_failed || payment["status"] == "CAPTURED") {
                return Err(format!("{} is due, and paid by {payment}", bill.due()));
            }
            bill.payments.push(Payment {
                id: id.to_owned(),
                captured: if is_failed { 0 } else { amount },
                refunded: 0,
                status: if is_failed { "FAILED" } else { "CAPTURED" },
                is_credit: payment["method"] == "ACCOUNT",
            });
        }
        Ok(())
    }

    /// Reads a hold, takes over its version, and compares it.
    pub async fn refresh_hold(&mut self, number: usize) -> Step {
        let path = format!("/api/v1/holds/{}", self.model.holds[number].id);
        let shown = self.client(crate::callers::OPERATOR).get(&path).await.expect(200);
        let hold = &mut self.model.holds[number];
        let version = shown["version"].as_i64().unwrap_or_default();
        if version < hold.version {
            return Err(format!("the version of a hold fell from {} to {version}", hold.version));
        }
        hold.version = version;
        self.model.compare_hold(&shown, &self.model.holds[number])
    }

    /// The same for a booking.
    pub async fn refresh_booking(&mut self, number: usize) -> Step {
        self.settle_payments().await?;
        let path = format!("/api/v1/bookings/{}", self.model.bookings[number].reference);
        let shown = self.client(crate::callers::OPERATOR).get(&path).await.expect(200);
        let booking = &mut self.model.bookings[number];
        let version = shown["version"].as_i64().unwrap_or_default();
        if version < booking.version {
            return Err(format!("the version of a booking fell from {} to {version}", booking.version));
        }
        booking.version = version;
        self.model.compare_booking(&shown, &self.model.bookings[number])
    }

    /// The payer confirms or refuses a payment that waits for it.
    async fn decide_by_payer(&mut self) -> Step {
        let waits =
            |hold: &Hold| hold.pending == Some(Pending::Action) && hold.status_at(self.model.now) == "COMMITTING";
        let Some(number) = self.model.holds.iter().position(waits) else { return Ok(()) };
        let Some(reference) = self.model.holds[number].reference.clone() else { return Ok(()) };
        let by = self.somebody(self.model.holds[number].owner);
        let verb = *self.dice.pick(&["confirm", "confirm", "fail"]);
        let verdict = self.access(by, Role::Guest, Some(self.model.holds[number].owner));
        let call = Call::post(format!("/api/v1/test-payments/{reference}/{verb}"));
        let answer = self.send(by, call).await;
        if !self.judge("decide", &verdict.err().unwrap_or_default(), &answer)? {
            return Ok(());
        }
        self.decided(number, verb == "confirm").await?;
        self.settle().await
    }

    /// Waits until a payment under way is decided, and takes over what becomes of its hold.
    async fn decided(&mut self, number: usize, is_confirmed: bool) -> Step {
        let path = format!("/api/v1/holds/{}", self.model.holds[number].id);
        let began = std::time::Instant::now();
        let shown = loop {
            let shown = self.client(crate::callers::OPERATOR).get(&path).await.expect(200);
            if shown["status"] != "COMMITTING" {
                break shown;
            }
            if began.elapsed() > std::time::Duration::from_secs(30) {
                return Err(format!("a payment is never decided: {shown}"));
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        };
        let now = self.model.now;
        // The number of its air waybill may have gone to another meanwhile.
        let is_lost = self.model.is_waybill_used(self.model.holds[number].freight.awb, None);
        let hold = &mut self.model.holds[number];
        match (is_confirmed && !is_lost, shown["status"].as_str()) {
            (true, Some("COMMITTED")) => {
                let reference = shown["booking_ref"].as_str().unwrap_or_default().to_owned();
                self.posted(number, reference, false).await
            }
            (false, Some("ACTIVE")) => {
                let until = hold.active_until.take().unwrap_or(now).max(now + ANOTHER_TRY);
                (hold.status, hold.pending, hold.expires) = ("ACTIVE", None, until.min(hold.latest));
                self.refresh_hold(number).await
            }
            _ => Err(format!("a payment that was confirmed ({is_confirmed}) left {shown}")),
        }
    }

    /// Takes over what time has decided.
    pub async fn decide_later(&mut self) -> Step {
        for number in 0..self.model.holds.len() {
            let hold = &self.model.holds[number];
            let is_open = hold.status_at(self.model.now) == "COMMITTING";
            match hold.pending {
                Some(Pending::Until(at)) if is_open && at <= self.model.now => self.decided(number, true).await?,
                _ => {}
            }
        }
        self.settle_payments().await?;
        self.settle().await
    }
}
