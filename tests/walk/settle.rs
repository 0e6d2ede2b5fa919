//! Waits for what follows from a step, and compares all flights with the model.
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde_json::Value;

use super::{
    callers::{ADMIN, OPERATOR},
    model::{Entry, Hold, Space},
    play::{Step, Walk},
    wire,
};

/// How long something that follows may take on a busy machine.
const SOON: Duration = Duration::from_secs(30);
/// Before the cut-off by this time no offers are made.
const LAST_OFFERS: TimeDelta = TimeDelta::minutes(30);
const MOST_PASSED_OVER: i64 = 3;

impl Walk {
    /// Waits until nothing is due and all that is shown of flights and of those who wait agrees.
    pub async fn settle(&mut self) -> Step {
        let began = Instant::now();
        loop {
            let outcome = match self.adopt_entries().await {
                Ok(()) if self.ends_are_recorded().await => self.compare_flights().await,
                Ok(()) => Err("the ends of holds are never recorded".to_owned()),
                Err(error) => Err(error),
            };
            let Err(error) = outcome else { return Ok(()) };
            if self.is_at_once() || began.elapsed() > SOON {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }

    /// Nothing is under way beside the requests.
    fn is_at_once(&self) -> bool {
        let waits = |entry: &Entry| ["WAITING", "OFFERED"].contains(&&*entry.status);
        self.allotment.is_none() && !self.model.entries.iter().any(waits)
    }

    /// What an expired hold kept goes on to those who wait, and to an allotment, once its end is recorded.
    async fn ends_are_recorded(&self) -> bool {
        let open = "select id::text from holds where status in ('ACTIVE', 'COMMITTING') and expires_at <= ";
        let open = format!("{open}'{}' limit 1", self.model.now.to_rfc3339());
        self.is_at_once() || self.world.texts(&open).await.is_empty()
    }

    /// Waits until the provider has been asked for all that is due. What is being asked is due again later: only an authorization
    /// also waits for the payer.
    pub async fn settle_payments(&mut self) -> Step {
        let due = format!(
            "select kind || ' ' || status from payment_operations where status = 'OPEN' and (kind <> 'AUTHORIZE' or \
             next_attempt_at <= '{}')",
            self.model.now.to_rfc3339()
        );
        let began = Instant::now();
        loop {
            let open = self.world.texts(&due).await;
            if open.is_empty() {
                return Ok(());
            }
            if began.elapsed() > SOON {
                return Err(format!("payments are never decided: {open:?}"));
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }

    async fn compare_flights(&mut self) -> Step {
        self.adopt_kept().await;
        for flight in 0..self.model.flights.len() {
            let path = format!("/api/v1/flights/{}/availability", self.model.flights[flight].id);
            let shown = self.client(OPERATOR).get(&path).await.expect(200);
            let of = |member: &str| wire::space(&shown[member]);
            let (booked, held) = (self.model.booked(flight), self.model.held(flight) + self.model.flights[flight].kept);
            let capacity = self.model.flights[flight].capacity;
            let number = self.model.flights[flight].number;
            let aside = of("held") - held;
            if of("capacity") != capacity || of("booked") != booked || !Space::default().fits(aside) {
                let model = format!("capacity {capacity:?}, booked {booked:?}, held {held:?}");
                return Err(format!("{number} shows {shown} instead of {model}"));
            }
            if aside != Space::default() && !self.may_keep(flight) {
                return Err(format!("{number} keeps {aside:?} for nobody: {shown}, held {held:?}"));
            }
            let left = capacity - booked - of("held");
            if of("available") != left {
                return Err(format!("{number} shows {shown}: {left:?} should be available"));
            }
            self.model.flights[flight].aside = aside;
        }
        self.check_waiting_entries()
    }

    /// Whether room may be set aside: for one that was passed over often.
    fn may_keep(&self, flight: usize) -> bool {
        let entries = self.model.entries.iter();
        entries
            .filter(|entry| entry.status == "WAITING")
            .any(|entry| entry.passed_over >= MOST_PASSED_OVER && entry.way.contains(&flight))
    }

    /// What the keeper of allotments keeps is adopted: `keeping` has a model of it.
    async fn adopt_kept(&mut self) {
        let Some(allotment) = &self.allotment else { return };
        let path = format!("/api/v1/allotments/{allotment}/flights");
        let shown = self.client(ADMIN).get(&path).await.expect(200);
        for flight in &mut self.model.flights {
            let own = shown.as_array().expect("a list").iter().find(|own| own["flight_id"] == flight.id.as_str());
            let is_kept = |own: &&Value| own["status"] == "KEPT";
            flight.kept = own.filter(is_kept).map(|own| wire::space(&own["kept"])).unwrap_or_default();
        }
    }

    /// Who fits is offered room, and nobody waits for a flight that was cancelled.
    fn check_waiting_entries(&self) -> Step {
        for entry in self.model.entries.iter().filter(|entry| entry.status == "WAITING" && !entry.way.is_empty()) {
            let model = &self.model;
            if entry.way.iter().any(|flight| model.flights[*flight].status == "CANCELLED") {
                return Err(format!("{entry:?} waits for a flight that was cancelled"));
            }
            let is_open = model.judge_way(&entry.way, entry.ends, &entry.codes).must.is_empty();
            let is_kept = entry.way.iter().any(|flight| self.may_keep(*flight));
            let in_time = |flight: &usize| model.now + LAST_OFFERS < model.flights[*flight].cutoff;
            let fits = |flight: &usize| entry.space.fits(model.available(*flight, false));
            if is_open && !is_kept && entry.way.iter().all(|flight| in_time(flight) && fits(flight)) {
                return Err(format!("{entry:?} waits though there is room"));
            }
        }
        Ok(())
    }

    /// Reads those who wait, and takes over what may have become of them.
    pub async fn adopt_entries(&mut self) -> Step {
        for number in 0..self.model.entries.len() {
            if !["WAITING", "OFFERED"].contains(&&*self.model.entries[number].status) {
                continue;
            }
            let path = format!("/api/v1/waitlist/{}", self.model.entries[number].id);
            let shown = self.client(OPERATOR).get(&path).await.expect(200);
            let (before, after) =
                (self.model.entries[number].status.clone(), shown["status"].as_str().unwrap_or_default());
            if before != after {
                self.note(format!("      entry {number} becomes {after}"));
                self.becomes(number, &before, after, &shown)?;
            }
            let entry = &mut self.model.entries[number];
            after.clone_into(&mut entry.status);
            entry.place = shown["place"].as_i64();
            entry.passed_over = shown["passed_over"].as_i64().unwrap_or_default();
            entry.version = shown["version"].as_i64().unwrap_or_default();
        }
        Ok(())
    }

    /// Whether an entry may become this by itself.
    fn becomes(&mut self, number: usize, before: &str, after: &str, shown: &Value) -> Step {
        let entry = self.model.entries[number].clone();
        let has = |status: &str| entry.way.iter().any(|flight| self.model.flights[*flight].status == status);
        let last = |flight: &usize| self.model.now + LAST_OFFERS >= self.model.flights[*flight].cutoff;
        let is_late = entry.way.is_empty() || has("DEPARTED") || has("ARRIVED") || entry.way.iter().any(last);
        let offer = entry.offer.map(|offer| self.model.holds[offer].status_at(self.model.now));
        let is_right = match (before, after) {
            ("WAITING", "OFFERED") => return self.offered(number, &shown["offer"]),
            ("WAITING", "CANCELLED") => entry.way.is_empty() || has("CANCELLED"),
            ("WAITING", "EXPIRED") => is_late,
            ("OFFERED", "BOOKED") => offer == Some("COMMITTED"),
            ("OFFERED", "DECLINED") => offer == Some("RELEASED"),
            ("OFFERED", "EXPIRED" | "CANCELLED") => matches!(offer, Some("RELEASED" | "EXPIRED")),
            _ => false,
        };
        if is_right { Ok(()) } else { Err(format!("{entry:?} with an offer {offer:?} became {shown}")) }
    }

    /// An offer takes room as a hold does.
    fn offered(&mut self, number: usize, offer: &Value) -> Step {
        let entry = self.model.entries[number].clone();
        let ids = offer["flight_ids"].as_array().ok_or_else(|| format!("an offer without flights: {offer}"))?;
        let flights = &self.model.flights;
        let way: Option<Vec<usize>> =
            ids.iter().map(|id| flights.iter().position(|flight| flight.id.as_str() == id)).collect();
        let way = way.ok_or_else(|| format!("an offer of unknown flights: {offer}"))?;
        let own = if entry.way.is_empty() { &way } else { &entry.way };
        let in_time = way.iter().all(|flight| self.model.now + LAST_OFFERS < flights[*flight].cutoff);
        let stands = self.model.judge_way(&way, entry.ends, &entry.codes);
        if *own != way || !in_time || !stands.must.is_empty() || wire::space(offer) != entry.space {
            return Err(format!("{entry:?} was offered {offer}: {stands:?}"));
        }
        if let Some(other) = self.model.entries.iter().position(|other| self.is_before(other, &entry)) {
            return Err(format!("{entry:?} has an offer before {:?}", self.model.entries[other]));
        }
        let freight = super::model::Freight {
            space: entry.space,
            defaulted: entry.defaulted,
            codes: entry.codes.clone(),
            ..Default::default()
        };
        let expires = wire::time(&offer["expires_at"]).ok_or("an offer without an end")?;
        let total = super::model::rate(self.model.ends(&way), &freight, None);
        self.model.holds.push(Hold {
            id: offer["id"].as_str().unwrap_or_default().to_owned(),
            kind: "OFFER",
            owner: entry.owner,
            is_guest: false,
            is_counted: false,
            way,
            freight,
            total,
            sale: None,
            status: "ACTIVE",
            expires,
            latest: expires,
            created: self.model.now,
            attempts: 0,
            active_until: None,
            pending: None,
            reference: None,
            version: offer["version"].as_i64().unwrap_or_default(),
            booking: None,
        });
        self.model.entries[number].offer = Some(self.model.holds.len() - 1);
        let hold = self.model.holds.last().expect("the offer");
        self.model.compare_hold(offer, hold)
    }

    /// Whether this entry waits before another for the same flights with no more freight, and could have had its offer. One
    /// that was passed over or whose organization let offers lapse may be behind: then the order is not judged.
    fn is_before(&self, other: &Entry, than: &Entry) -> bool {
        let lapsed = |entry: &Entry| entry.owner == other.owner && ["EXPIRED", "DECLINED"].contains(&&*entry.status);
        let (Some(place), Some(behind)) = (other.place, than.place) else { return false };
        other.status == "WAITING"
            && other.way.len() == 1
            && other.way == than.way
            && other.codes == than.codes
            && other.space.fits(than.space)
            && place < behind
            && !self.model.entries.iter().any(lapsed)
    }
}
