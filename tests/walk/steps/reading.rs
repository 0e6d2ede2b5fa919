//! Reading what there is, by those who may and those who may not; and repeating requests under their keys.
use loadmaster_accounts::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    callers::OPERATOR,
    play::{Call, Step, Walk},
    wire,
};

impl Walk {
    /// Sends a request again under its key: as it was, or another one.
    pub async fn repeat(&mut self) -> Step {
        self.forget();
        let Some(number) = self.pick(self.keyed.len()) else { return Ok(()) };
        let keyed = self.keyed[number].clone();
        // Only those who may still do it are answered as before.
        if self.callers.standing(keyed.by).is_err() {
            return Ok(());
        }
        let is_other = takes_description(&keyed.call) && self.chance(3);
        let mut call = keyed.call.clone();
        if is_other {
            call.body = call.body.map(|body| other(&body));
        }
        let answer = self.send_as(keyed.by, &call, Some(&keyed.key)).await;
        let what = format!("repeat {}", answer.body["code"].as_str().unwrap_or("done"));
        *self.tally.entry(what).or_default() += 1;
        if is_other {
            let is_refused = answer.status == 422 && answer.body["code"] == "idempotency_key_reused";
            return if is_refused { Ok(()) } else { Err(format!("a key was used for two requests: {}", answer.text)) };
        }
        let is_same = answer.status.as_u16() == keyed.status && answer.body == keyed.body;
        let is_marked = answer.header("idempotency-replayed") == Some("true");
        if is_same && is_marked {
            return Ok(());
        }
        Err(format!("answered {} {} instead of {}, marked {is_marked}", answer.status, answer.text, keyed.body))
    }

    pub async fn read(&mut self) -> Step {
        match self.dice.below(5) {
            0 => self.read_hold().await,
            1 => self.read_booking().await,
            2 => self.read_quote().await,
            3 => self.read_list().await,
            _ => self.read_fee().await,
        }
    }

    async fn read_hold(&mut self) -> Step {
        let Some(number) = self.pick(self.model.holds.len()) else { return Ok(()) };
        let hold = self.model.holds[number].clone();
        let by = self.somebody(hold.owner);
        let verdict = self.access(by, Role::Guest, Some(hold.owner)).err().unwrap_or_default();
        let answer = self.send(by, Call::new(Method::GET, format!("/api/v1/holds/{}", hold.id))).await;
        if self.judge("read hold", &verdict, &answer)? { self.model.compare_hold(&answer.body, &hold) } else { Ok(()) }
    }

    async fn read_booking(&mut self) -> Step {
        let Some(number) = self.pick(self.model.bookings.len()) else { return Ok(()) };
        let booking = self.model.bookings[number].clone();
        let by = self.somebody(booking.owner);
        let verdict = self.access(by, Role::Guest, Some(booking.owner)).err().unwrap_or_default();
        let answer = self.send(by, Call::new(Method::GET, format!("/api/v1/bookings/{}", booking.reference))).await;
        if !self.judge("read booking", &verdict, &answer)? {
            return Ok(());
        }
        if answer.body["version"] != booking.version {
            return Err(format!("its version was {}, and nothing has happened: {}", booking.version, answer.text));
        }
        self.model.compare_booking(&answer.body, &booking)
    }

    async fn read_quote(&mut self) -> Step {
        let Some(number) = self.pick(self.model.quotes.len()) else { return Ok(()) };
        let quote = self.model.quotes[number].clone();
        let by = self.somebody(quote.owner);
        let verdict = self.access(by, Role::Guest, Some(quote.owner)).err().unwrap_or_default();
        let answer = self.send(by, Call::new(Method::GET, format!("/api/v1/quotes/{}", quote.id))).await;
        let is_read = self.judge("read quote", &verdict, &answer)?;
        if is_read && wire::cents(&answer.body["total"]) != Some(quote.total) {
            return Err(format!("its total was {}: {}", quote.total, answer.text));
        }
        Ok(())
    }

    /// A list has what the caller owns, and nothing else.
    async fn read_list(&mut self) -> Step {
        let by = self.anyone();
        let is_of_holds = self.chance(2);
        let path = if is_of_holds { "/api/v1/holds?limit=100" } else { "/api/v1/bookings?limit=100" };
        let answer = self.send(by, Call::new(Method::GET, path)).await;
        let access = self.access(by, Role::Guest, None);
        let verdict = access.as_ref().err().cloned().unwrap_or_default();
        if !self.judge("list", &verdict, &answer)? {
            return Ok(());
        }
        let access = access.map_err(|refusal| format!("{refusal:?}"))?;
        let is_own = |owner: usize| access.is_staff || owner == access.organization;
        // Holds of bookings made at once are not all known here.
        let known: Vec<&str> = if is_of_holds {
            self.model.holds.iter().filter(|hold| is_own(hold.owner)).map(|hold| &*hold.id).collect()
        } else {
            self.model
                .bookings
                .iter()
                .filter(|booking| is_own(booking.owner))
                .map(|booking| &*booking.reference)
                .collect()
        };
        let member = if is_of_holds { "id" } else { "ref_id" };
        let shown: Vec<&str> =
            answer.body.as_array().into_iter().flatten().filter_map(|one| one[member].as_str()).collect();
        let is_known = |one: &&&str| is_of_holds || known.contains(one);
        let strange: Vec<&&str> = shown.iter().filter(|one| !is_known(one)).collect();
        let is_foreign = |one: &Value| {
            !access.is_staff && one["organization_id"] != json!(self.callers.organizations[access.organization])
        };
        let foreign = answer.body.as_array().into_iter().flatten().filter(|one| is_foreign(one)).count();
        let is_whole = shown.len() == 100 || known.iter().all(|one| shown.contains(one));
        if foreign == 0 && strange.is_empty() && is_whole {
            return Ok(());
        }
        Err(format!("a list of {} has {foreign} of others, {strange:?}, and all of it: {is_whole}", shown.len()))
    }

    /// In the end all is as the model has it.
    pub async fn compare_all(&mut self) -> Step {
        self.decide_later().await?;
        for number in 0..self.model.holds.len() {
            self.refresh_hold(number).await?;
        }
        for number in 0..self.model.bookings.len() {
            let version = self.model.bookings[number].version;
            self.refresh_booking(number).await?;
            if self.model.bookings[number].version != version {
                return Err(format!("booking {number} has another version than {version}, and nothing has happened"));
            }
        }
        self.compare_money().await
    }

    /// What a cancellation would cost.
    async fn read_fee(&mut self) -> Step {
        let Some(number) = self.pick(self.model.bookings.len()) else { return Ok(()) };
        let booking = self.model.bookings[number].clone();
        let Some(bill) = booking.bill.as_ref().filter(|_| !booking.is_over()) else { return Ok(()) };
        let path = format!("/api/v1/bookings/{}/cancellation", booking.reference);
        let answer = self.send(OPERATOR, Call::new(Method::GET, path)).await;
        let fee = booking.fee(self.model.now, false).min(bill.kept());
        let shown = (wire::cents(&answer.body["fee"]), wire::cents(&answer.body["refund"]));
        let floor = wire::cents(&answer.body["floor"]).unwrap_or_default();
        if shown != (Some(fee), Some(bill.kept() - fee)) || floor != bill.floor {
            return Err(format!("the fee should be {fee}, at least {}: {}", bill.floor, answer.text));
        }
        Ok(())
    }
}

/// Whether the request has a body that may have a description.
fn takes_description(call: &Call) -> bool {
    let of_a_change = call.method == Method::PATCH && ["/holds/", "/bookings/"].iter().any(|of| call.path.contains(of));
    let ends = ["/holds", "/bookings", "/commit", "/book"];
    call.body.is_some() && (of_a_change || ends.iter().any(|end| call.path.ends_with(end)))
}

/// Another body of the same shape.
fn other(body: &Value) -> Value {
    let mut other = body.clone();
    other["description"] = "another request".into();
    other
}
