//! The waitlist, and the allotment of the forwarder.
use loadmaster_accounts::Role;
use reqwest::Method;
use serde_json::{Map, json};

use crate::{
    callers::{ADMIN, FORWARDER},
    members::{self, Takes},
    model::{Entry, Freight, Space, Verdict},
    play::{Call, Step, Walk},
    wire,
};

impl Walk {
    pub async fn wait_for_space(&mut self) -> Step {
        match self.dice.below(20) {
            0..9 => self.join().await,
            9..13 => self.decline_or_leave().await,
            13..16 => self.prefer().await,
            16..18 => self.move_entry().await,
            _ => self.allot().await,
        }
    }

    async fn join(&mut self) -> Step {
        let by = self.anyone();
        let before = self.plain_freight();
        let flights = self.model.flights.clone();
        let (given, freight) = members::change(&mut self.dice, &before, (&[], &flights), Takes::All, 4);
        let taken = ["volume_m3", "positions", "special_handling_codes"];
        let mut body: Map<_, _> = given.into_iter().filter(|(member, _)| taken.contains(&&**member)).collect();
        let Freight { space, defaulted, codes, .. } = freight;
        body.insert("weight_kg".to_owned(), wire::kilograms(space.weight));
        // Those who wait for a full flight are more interesting.
        let full = |way: &[usize]| way.iter().any(|flight| !space.fits(self.model.available(*flight, false)));
        let mut way =
            (0..self.model.flights.len()).map(|flight| vec![flight]).find(|way| full(way)).unwrap_or_default();
        if way.is_empty() || self.chance(2) {
            way = self.way();
        }
        body.insert("flight_ids".to_owned(), self.ids(&way));
        let ends = self.model.ends(&way);
        let verdict = match self.access(by, Role::Customer, None) {
            Err(refusal) => refusal,
            Ok(access) => {
                let is_larger = |flight: &usize| !space.fits(self.model.flights[*flight].capacity);
                let own = Self::owns_allotment(access.organization);
                let room = self.model.judge_space(&way, space, |_| Space::default(), own);
                let fits = room.must.is_empty();
                self.model
                    .judge_way(&way, ends, &codes)
                    .and(self.model.judge_number(access.organization, access.is_guest, access.is_staff))
                    .refuse("capacity_exceeded", way.iter().any(is_larger))
                    .refuse("not_full", fits && room.may.is_empty())
                    .slack("not_full", fits)
            }
        };
        let answer = self.send(by, Call::post("/api/v1/waitlist").with(body)).await;
        if !self.judge("join", &verdict, &answer)? {
            return Ok(());
        }
        let access = self.access(by, Role::Customer, None).map_err(|refusal| format!("{refusal:?}"))?;
        self.model.entries.push(Entry {
            id: answer.body["id"].as_str().unwrap_or_default().to_owned(),
            owner: access.organization,
            way,
            ends,
            space,
            defaulted,
            codes,
            status: "WAITING".to_owned(),
            priority: 5,
            place: answer.body["place"].as_i64(),
            passed_over: 0,
            offer: None,
            version: answer.body["version"].as_i64().unwrap_or_default(),
        });
        if answer.body["status"] != "WAITING" || wire::space(&answer.body) != space {
            return Err(format!("an entry of {space:?} begins as {}", answer.text));
        }
        self.settle().await
    }

    /// What stands against a step of an entry that needs this status.
    fn judge_entry(&self, by: usize, number: usize, (least, needs): (Role, &str), is_stale: bool) -> Verdict {
        let entry = &self.model.entries[number];
        if let Err(refusal) = self.access(by, least, Some(entry.owner)) {
            return refusal;
        }
        // Slack: an offer that ran out may be refused as its hold is.
        Verdict::default()
            .refuse("version_mismatch", is_stale)
            .refuse("invalid_transition", entry.status != needs)
            .slack("hold_expired", entry.status != needs && entry.offer.is_some())
            .slack("version_mismatch", entry.status != needs)
    }

    async fn decline_or_leave(&mut self) -> Step {
        let Some(number) = self.pick(self.model.entries.len()) else { return Ok(()) };
        let entry = self.model.entries[number].clone();
        let by = self.somebody(entry.owner);
        let declines = entry.status == "OFFERED" && !self.chance(6);
        let (verb, needs) = if declines { ("decline", "OFFERED") } else { ("cancel", "WAITING") };
        let (tag, is_stale) = self.tag(entry.version);
        let verdict = self.judge_entry(by, number, (Role::Customer, needs), is_stale);
        let is_pending = entry.offer.is_some_and(|offer| self.model.holds[offer].is_pending());
        let verdict = verdict.refuse("payment_in_progress", declines && is_pending);
        let path = format!("/api/v1/waitlist/{}", entry.id);
        let call = match verb {
            "cancel" if self.chance(2) => Call::new(Method::DELETE, path),
            _ => Call::post(format!("{path}/{verb}")),
        };
        let answer = self.send(by, call.tagged(tag)).await;
        if self.judge(verb, &verdict, &answer)? {
            let entry = &mut self.model.entries[number];
            if declines { "DECLINED" } else { "CANCELLED" }.clone_into(&mut entry.status);
            if let Some(offer) = entry.offer.filter(|_| declines) {
                self.model.holds[offer].status = "RELEASED";
                self.refresh_hold(offer).await?;
            }
        }
        self.settle().await
    }

    async fn prefer(&mut self) -> Step {
        let Some(number) = self.pick(self.model.entries.len()) else { return Ok(()) };
        let entry = self.model.entries[number].clone();
        let by = self.somebody(1);
        let priority = 1 + i64::try_from(self.dice.below(9)).unwrap();
        let (tag, is_stale) = self.tag(entry.version);
        let verdict = self.judge_entry(by, number, (Role::Operator, "WAITING"), is_stale);
        let call = Call::patch(format!("/api/v1/waitlist/{}", entry.id)).with(json!({ "priority": priority }));
        let answer = self.send(by, call.tagged(tag)).await;
        if self.judge("prefer", &verdict, &answer)? {
            self.model.entries[number].priority = priority;
            if answer.body["priority"] != priority {
                return Err(format!("it has another priority than {priority}: {}", answer.text));
            }
        }
        self.settle().await
    }

    async fn move_entry(&mut self) -> Step {
        let (one, other) = (self.pick(self.model.entries.len()), self.pick(self.model.entries.len()));
        let (Some(one), Some(other)) = (one, other) else { return Ok(()) };
        let by = self.somebody(1);
        let entry = self.model.entries[one].clone();
        let (tag, is_stale) = self.tag(entry.version);
        let mut verdict = self.judge_entry(by, one, (Role::Operator, "WAITING"), is_stale);
        if self.access(by, Role::Operator, None).is_ok() {
            // Slack: which entries may stand beside each other is tested with the waitlist.
            verdict = verdict.slack("invalid_transition", true).slack("validation_failed", true);
        }
        let before = json!({ "before": self.model.entries[other].id });
        let call = Call::post(format!("/api/v1/waitlist/{}/move", entry.id)).with(before).tagged(tag);
        let answer = self.send(by, call).await;
        self.judge("place", &verdict, &answer)?;
        self.settle().await
    }

    /// Gives the forwarder an allotment, changes it, or ends it.
    async fn allot(&mut self) -> Step {
        let by = if self.chance(5) { self.anyone() } else { ADMIN };
        let access = self.access(by, Role::Admin, None);
        let verdict = access.map_or_else(|refusal| refusal, |_| Verdict::default());
        let mut freight = Map::new();
        freight.insert("weight_kg".to_owned(), wire::kilograms(500 + i64::try_from(self.dice.below(2500)).unwrap()));
        if let Some(allotment) = self.allotment.clone() {
            let path = format!("/api/v1/allotments/{allotment}");
            let ends = self.chance(3);
            let call = if ends { Call::new(Method::DELETE, path) } else { Call::patch(path).with(freight) };
            let answer = self.send(by, call).await;
            if self.judge(if ends { "end allotment" } else { "change allotment" }, &verdict, &answer)? && ends {
                (self.allotment, self.model.allotted) = (None, None);
                self.model.flights.iter_mut().for_each(|flight| flight.kept = Space::default());
                self.until_nothing_is_kept().await?;
            }
            return self.settle().await;
        }
        let flight = self.way()[0];
        let flight = self.model.flights[flight].clone();
        let today = self.model.now.date_naive();
        let mut body = json!({
            "organization_id": self.callers.organizations[FORWARDER], "name": "Own", "origin": flight.origin,
            "destination": flight.destination, "flight_number": flight.number, "date_from": today,
            "date_to": today + chrono::TimeDelta::days(30), "release_hours": 24,
        });
        body.as_object_mut().expect("an object").extend(freight);
        let answer = self.send(by, Call::post("/api/v1/allotments").with(body)).await;
        if self.judge("allot", &verdict, &answer)? {
            self.allotment = answer.body["id"].as_str().map(str::to_owned);
            self.model.allotted = Some(flight.number);
        }
        self.settle().await
    }

    /// Waits until the keeper has given back what an ended allotment kept.
    async fn until_nothing_is_kept(&mut self) -> Step {
        let began = std::time::Instant::now();
        while let Err(error) = self.settle().await {
            if began.elapsed() > std::time::Duration::from_secs(30) {
                return Err(error);
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        Ok(())
    }
}
