//! Holding room, extending and releasing it.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{
    super::{
        members::{self, Takes},
        model::{Freight, Hold, Priced, Space, Verdict},
        play::{Access, Call, Step, Walk},
        wire,
    },
    ways::{self, Search},
};

/// What is wanted: freight, and flights by name, by a search, or those of a quote.
pub struct Wanted {
    pub body: Map<String, Value>,
    pub freight: Freight,
    /// Where flights are not named.
    pub search: Option<Search>,
    /// The first one that would do, if flights are not named.
    pub way: Option<Vec<usize>>,
    /// A number of the quotes.
    pub quote: Option<usize>,
    pub code: Option<&'static str>,
}

const CODES: [&str; 5] = ["SPRING", "SPRING", "FEW", "FEW", "NOPE"];

impl Walk {
    /// Draws freight and flights; `own`: with what the allotment keeps.
    pub fn wanted(&mut self, own: bool, rare: u64) -> Wanted {
        let quote = if self.chance(4) { self.pick(self.model.quotes.len()) } else { None };
        let known = quote.map(|quote| self.model.quotes[quote].clone());
        let (mut way, base) = match &known {
            Some(quote) => (Some(quote.way.clone()), quote.freight.clone()),
            None => (Some(self.way()), self.plain_freight()),
        };
        let mut search = None;
        let is_searched = known.is_none() && self.chance(5);
        if is_searched {
            search = Some(self.search());
            way = None;
        }
        let named = way.clone().unwrap_or_default();
        // Mostly freight remains as it was quoted.
        let rare = if known.is_some() { rare * 3 } else { rare };
        let (mut body, mut freight) =
            members::change(&mut self.dice, &base, (&named, &self.model.flights), Takes::All, rare);
        if let Some(quote) = &known {
            freight.defaulted = false;
            wire::put(&mut body, freight.space);
            body.insert("special_handling_codes".to_owned(), json!(freight.codes));
            body.insert("product".to_owned(), json!(freight.product));
            body.insert("quote_id".to_owned(), quote.id.as_str().into());
        }
        body.insert("weight_kg".to_owned(), wire::kilograms(freight.space.weight));
        let code = self.chance(6).then(|| *self.dice.pick(&CODES));
        if let Some(code) = code {
            body.insert("discount_code".to_owned(), code.into());
        }
        match &search {
            Some(search) => {
                ways::put(&mut body, search);
                way = self.model.options(search, &freight, own).into_iter().next();
            }
            None if known.is_none() || self.chance(2) => {
                body.insert("flight_ids".to_owned(), self.ids(&named));
            }
            None => {}
        }
        Wanted { body, freight, search, way, quote, code }
    }

    /// The price of something new, by its quote or by the rules in force.
    pub fn price_new(&self, wanted: &Wanted, access: Access, way: &[usize]) -> Priced {
        let Some(quote) = wanted.quote else { return self.model.price(way, &wanted.freight, wanted.code, None) };
        let quote = &self.model.quotes[quote];
        let (own, freight) = (&quote.freight, &wanted.freight);
        let is_own = access.is_staff || quote.owner == access.organization;
        let is_same = quote.way == way
            && (own.space.weight, own.space.volume) == (freight.space.weight, freight.space.volume)
            && (own.product, &own.codes) == (freight.product, &freight.codes)
            && (wanted.code.is_none() || wanted.code == quote.sale);
        let used = self.model.price(&quote.way, own, quote.sale.filter(|sale| *sale == "FEW"), None).verdict;
        let verdict = Verdict::default()
            .refuse("validation_failed", !is_own)
            .refuse("quote_expired", is_own && quote.expires <= self.model.now)
            .refuse("price_changed", is_own && !is_same)
            .and(if is_own { used } else { Verdict::default() });
        Priced { total: Some(quote.total), sale: quote.sale, verdict }
    }

    /// What stands against holding this freight on this way.
    pub fn judge_new(&self, wanted: &Wanted, access: Access, way: &[usize]) -> Verdict {
        let (model, freight) = (&self.model, &wanted.freight);
        let ends = wanted.search.as_ref().map_or_else(|| model.ends(way), |search| search.ends);
        let own = Self::owns_allotment(access.organization);
        let room = model.judge_space(way, freight.space, |_| Space::default(), own);
        let room = if wanted.search.is_some() && !room.may.is_empty() {
            room.slack("no_bookable_itinerary", true)
        } else {
            room
        };
        let share = if access.is_guest { model.judge_share(way, freight.space, None) } else { Verdict::default() };
        model
            .judge_way(way, ends, &freight.codes)
            .and(model.judge_number(access.organization, access.is_guest, access.is_staff))
            .and(share)
            .and(room)
            .and(model.judge_names(way, freight, None))
    }

    /// The way that an answer shows is among the best.
    pub fn chosen(&self, wanted: &Wanted, own: bool, shown: &Value) -> Result<Vec<usize>, String> {
        let way = self.model.way_of(&shown["flight_ids"]).ok_or_else(|| format!("unknown flights in {shown}"))?;
        let is_right = match &wanted.search {
            Some(search) => {
                let options = self.model.options(search, &wanted.freight, own);
                // Whether another's allotment leaves room is not sure.
                let room = |way: &[usize]| self.model.judge_space(way, wanted.freight.space, |_| Space::default(), own);
                let best = options.iter().find(|way| room(way).may.is_empty()).map(|way| self.model.rank(way));
                options.contains(&way) && best.is_none_or(|best| self.model.rank(&way) <= best)
            }
            None => Some(&way) == wanted.way.as_ref(),
        };
        if is_right { Ok(way) } else { Err(format!("not the flights that are wanted, {:?}: {shown}", wanted.way)) }
    }

    pub async fn hold(&mut self) -> Step {
        if self.chance(10) {
            return Box::pin(self.reserve()).await;
        }
        let by = self.anyone();
        let own = self.callers.standing(by).is_ok_and(|(_, owner)| Self::owns_allotment(owner));
        let mut wanted = self.wanted(own, 4);
        let ttl = self.chance(2).then(|| 10 + i64::try_from(self.dice.below(891)).unwrap());
        if let Some(ttl) = ttl {
            wanted.body.insert("ttl_seconds".to_owned(), ttl.into());
        }
        let access = self.access(by, Role::Guest, None);
        let (verdict, priced) = match (&access, &wanted.way) {
            (Err(refusal), _) => (refusal.clone(), Priced::default()),
            (Ok(_), None) => (Verdict::of("no_bookable_itinerary"), Priced::default()),
            (Ok(access), Some(way)) => {
                let priced = self.price_new(&wanted, *access, way);
                (self.judge_new(&wanted, *access, way).and(priced.verdict.clone()), priced)
            }
        };
        let answer = self.send(by, Call::post("/api/v1/holds").with(wanted.body.clone())).await;
        if !self.judge("hold", &verdict, &answer)? {
            return Ok(());
        }
        let access = access.map_err(|refusal| format!("{refusal:?}"))?;
        let way = self.chosen(&wanted, own, &answer.body)?;
        let total = if wanted.search.is_some() { self.price_new(&wanted, access, &way).total } else { priced.total };
        let hold = self.new_hold(&answer.body, access, (way, wanted.freight.clone()), ttl);
        self.model.holds.push(Hold { total, sale: priced.sale, ..hold });
        self.model.compare_hold(&answer.body, self.model.holds.last().expect("the hold"))?;
        self.settle().await
    }

    /// As it is just after it was made, without a price.
    pub fn new_hold(
        &self,
        shown: &Value,
        access: Access,
        (way, freight): (Vec<usize>, Freight),
        ttl: Option<i64>,
    ) -> Hold {
        let now = self.model.now;
        let latest = self.model.latest(now, &way);
        Hold {
            id: shown["id"].as_str().unwrap_or_default().to_owned(),
            kind: "ITINERARY",
            owner: access.organization,
            is_guest: access.is_guest,
            is_counted: !access.is_staff,
            way,
            freight,
            total: None,
            sale: None,
            status: "ACTIVE",
            expires: (now + TimeDelta::seconds(ttl.unwrap_or(900))).min(latest),
            latest,
            created: now,
            attempts: 0,
            active_until: None,
            pending: None,
            reference: None,
            version: 1,
            booking: None,
        }
    }

    /// Holds room on one flight.
    async fn reserve(&mut self) -> Step {
        let by = self.anyone();
        let way = vec![self.way()[0]];
        let mut freight = self.plain_freight();
        let mut body = json!({"weight_kg": wire::kilograms(freight.space.weight)});
        if self.chance(2) {
            freight.space.positions = i64::try_from(self.dice.below(3)).unwrap();
            body["positions"] = freight.space.positions.into();
        }
        if self.chance(3) {
            (freight.defaulted, freight.space.volume) = (false, 500);
            body["volume_m3"] = json!(0.5);
        }
        let path = format!("/api/v1/flights/{}/reservations", self.model.flights[way[0]].id);
        let empty = Wanted {
            body: Map::new(),
            freight: freight.clone(),
            search: None,
            way: Some(way.clone()),
            quote: None,
            code: None,
        };
        let access = self.access(by, Role::Customer, None);
        let verdict = access.as_ref().map_or_else(Clone::clone, |access| self.judge_new(&empty, *access, &way));
        let answer = self.send(by, Call::post(path).with(body)).await;
        if !self.judge("reserve", &verdict, &answer)? {
            return Ok(());
        }
        let access = access.map_err(|refusal| format!("{refusal:?}"))?;
        let total = self.model.price(&way, &freight, None, None).total;
        let hold = self.new_hold(&answer.body, access, (way, freight), None);
        self.model.holds.push(Hold { kind: "RESERVATION", total, ..hold });
        self.model.compare_hold(&answer.body, self.model.holds.last().expect("the hold"))?;
        self.settle().await
    }

    /// What stands against a step of a hold, whatever the step.
    pub fn judge_open(&self, by: usize, number: usize, is_stale: bool) -> Result<(Access, Verdict), Verdict> {
        let hold = &self.model.holds[number];
        let access = self.access(by, Role::Guest, Some(hold.owner))?;
        let verdict = Verdict::default().refuse("version_mismatch", is_stale);
        Ok((
            access,
            // Slack: the end of a hold, once it is recorded, has another version than the one that was seen.
            match hold.status_at(self.model.now) {
                "ACTIVE" => verdict,
                "EXPIRED" => verdict.refuse("hold_expired", true).slack("version_mismatch", true),
                "COMMITTING" => verdict.refuse("payment_in_progress", true).slack("version_mismatch", true),
                _ => verdict.refuse("invalid_transition", true).slack("version_mismatch", true),
            },
        ))
    }

    pub async fn extend_hold(&mut self) -> Step {
        let Some(number) = self.pick(self.model.holds.len()) else { return Ok(()) };
        let hold = self.model.holds[number].clone();
        let by = self.somebody(hold.owner);
        let ttl = self.chance(2).then(|| 10 + i64::try_from(self.dice.below(891)).unwrap());
        let (tag, is_stale) = self.tag(hold.version);
        let expires = (self.model.now + TimeDelta::seconds(ttl.unwrap_or(900))).min(hold.latest);
        let verdict = match self.judge_open(by, number, is_stale) {
            Err(refusal) => refusal,
            Ok((_, verdict)) if !verdict.must.is_empty() => verdict,
            Ok((_, verdict)) => verdict.refuse("hold_limit_exceeded", expires <= hold.expires),
        };
        let mut call = Call::post(format!("/api/v1/holds/{}/extend", hold.id)).tagged(tag);
        if let Some(ttl) = ttl {
            call = call.with(json!({ "ttl_seconds": ttl }));
        }
        let answer = self.send(by, call).await;
        if self.judge("extend", &verdict, &answer)? {
            let hold = &mut self.model.holds[number];
            (hold.expires, hold.version) = (expires, hold.version + 1);
            self.model.compare_hold(&answer.body, &self.model.holds[number])?;
        }
        Ok(())
    }

    pub async fn release_hold(&mut self) -> Step {
        let Some(number) = self.pick(self.model.holds.len()) else { return Ok(()) };
        let hold = self.model.holds[number].clone();
        let by = self.somebody(hold.owner);
        let (tag, is_stale) = self.tag(hold.version);
        let verdict = self.judge_open(by, number, is_stale).map_or_else(|refusal| refusal, |(_, verdict)| verdict);
        let path = format!("/api/v1/holds/{}", hold.id);
        let call = match self.dice.below(2) {
            0 => Call::new(Method::DELETE, path),
            _ => Call::post(format!("{path}/release")),
        };
        let answer = self.send(by, call.tagged(tag)).await;
        if self.judge("release", &verdict, &answer)? {
            let hold = &mut self.model.holds[number];
            (hold.status, hold.version) = ("RELEASED", hold.version + 1);
            self.model.compare_hold(&answer.body, &self.model.holds[number])?;
        }
        self.settle().await
    }
}
