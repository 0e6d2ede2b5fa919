//! Asking for prices.
use std::collections::BTreeSet;

use loadmaster_accounts::Role;
use serde_json::{Map, json};

use super::{
    super::{
        members::{self, Takes},
        model::{Freight, Quote, Verdict},
        play::{Call, Step, Walk},
        wire,
    },
    ways::Search,
};

/// The members that a quote takes.
const MEMBERS: [&str; 4] = ["volume_m3", "positions", "special_handling_codes", "product"];

impl Walk {
    pub async fn quote(&mut self) -> Step {
        let by = self.anyone();
        let own = self.callers.standing(by).is_ok_and(|(_, owner)| Self::owns_allotment(owner));
        let before = self.plain_freight();
        let flights = self.model.flights.clone();
        let (given, freight) = members::change(&mut self.dice, &before, (&[], &flights), Takes::All, 3);
        let mut body: Map<_, _> = given.into_iter().filter(|(member, _)| MEMBERS.contains(&&**member)).collect();
        let Freight { space, defaulted, product, codes, .. } = freight;
        let freight = Freight { space, defaulted, product, codes, ..Freight::default() };
        body.insert("weight_kg".to_owned(), wire::kilograms(space.weight));
        let code = self.chance(4).then(|| *self.dice.pick(&["SPRING", "FEW", "FEW", "NOPE"]));
        if let Some(code) = code {
            body.insert("discount_code".to_owned(), code.into());
        }
        let search = self.search();
        let search = Search { date: search.date.filter(|_| self.chance(3)), ..search };
        let way = if search.date.is_none() { Some(self.way()) } else { None };
        let ends = way.as_ref().map_or(search.ends, |way| self.model.ends(way));
        body.insert("origin".to_owned(), ends.0.into());
        body.insert("destination".to_owned(), ends.1.into());
        match (&way, search.date) {
            (Some(way), _) => drop(body.insert("flight_ids".to_owned(), self.ids(way))),
            (None, date) => drop(body.insert("departure_date".to_owned(), json!(date))),
        }
        let options = self.model.options(&search, &freight, own);
        let verdict = match self.access(by, Role::Guest, None) {
            Err(refusal) => refusal,
            Ok(_) => self.judge_quote(way.as_deref(), &options, &freight, code),
        };
        let answer = self.send(by, Call::post("/api/v1/quotes").with(body)).await;
        if !self.judge("quote", &verdict, &answer)? {
            return Ok(());
        }
        let shown = &answer.body;
        let chosen = self.model.way_of(&shown["flight_ids"]).ok_or_else(|| format!("unknown flights in {shown}"))?;
        if way.as_ref().map_or(!options.contains(&chosen), |way| *way != chosen) {
            return Err(format!("not one of the ways {options:?} or {way:?}: {shown}"));
        }
        let total = self.model.price(&chosen, &freight, code, None).total;
        if wire::cents(&shown["total"]) != total {
            return Err(format!("the total should be {total:?}: {shown}"));
        }
        let access = self.access(by, Role::Guest, None).map_err(|refusal| format!("{refusal:?}"))?;
        self.model.quotes.push(Quote {
            id: shown["id"].as_str().unwrap_or_default().to_owned(),
            owner: access.organization,
            way: chosen,
            freight,
            sale: code.filter(|code| *code != "NOPE"),
            total: total.unwrap_or_default(),
            expires: wire::time(&shown["expires_at"]).ok_or("a quote without an end")?,
        });
        Ok(())
    }

    fn judge_quote(
        &self,
        way: Option<&[usize]>,
        options: &[Vec<usize>],
        freight: &Freight,
        code: Option<&str>,
    ) -> Verdict {
        let Some(rated) = way.or_else(|| options.first().map(Vec::as_slice)) else {
            return Verdict::of("no_bookable_itinerary");
        };
        let priced = self.model.price(rated, freight, code, None);
        let stands = way.map(|way| self.model.judge_way(way, self.model.ends(way), &BTreeSet::new()));
        priced.verdict.refuse("no_rate", priced.total.is_none() && code.is_none()).and(stands.unwrap_or_default())
    }
}
