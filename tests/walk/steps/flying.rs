//! Flights that leave, land, are cancelled, get another capacity, and new ones.
use loadmaster_accounts::Role;
use serde_json::{Map, Value, json};

use crate::{
    callers::{ADMIN, OPERATOR},
    model::Verdict,
    play::{Call, LATER, Step, Walk},
    wire,
};

impl Walk {
    pub async fn fly(&mut self) -> Step {
        let open =
            self.model.flights.iter().filter(|flight| flight.status == "SCHEDULED" && flight.cutoff > self.model.now);
        if open.count() < 6 {
            return self.new_flight().await;
        }
        match self.dice.below(10) {
            0..5 => self.change_capacity().await,
            5..9 => self.operate().await,
            _ => self.cancel_flight().await,
        }
    }

    async fn new_flight(&mut self) -> Step {
        let known: Vec<&str> = self.model.flights.iter().map(|flight| flight.number).collect();
        let Some(number) = LATER.iter().find(|number| !known.contains(number)) else { return Ok(()) };
        let ends = *self.dice.pick(&[("DEL", "LHR"), ("DEL", "BOM"), ("BOM", "LHR")]);
        let hours = 6 + i64::try_from(self.dice.below(70)).unwrap();
        let freighter = self.chance(2);
        self.schedule((number, ends.0, ends.1, hours, 5, freighter, (9_000, 6_000, 4))).await;
        self.settle().await
    }

    fn some_flight(&mut self) -> usize {
        usize::try_from(self.dice.below(self.model.flights.len() as u64)).unwrap()
    }

    /// The bookings with a leg on this flight that has not left.
    fn booked_on(&self, flight: usize) -> Vec<usize> {
        let is_on = |number: &usize| self.model.bookings[*number].undeparted().any(|leg| leg.flight == flight);
        (0..self.model.bookings.len()).filter(is_on).collect()
    }

    /// Departs or lands; mostly what is due next.
    async fn operate(&mut self) -> Step {
        let due = |number: &usize| {
            let flight = &self.model.flights[*number];
            flight.status == "DEPARTED" || flight.cutoff <= self.model.now
        };
        let due: Vec<usize> = (0..self.model.flights.len()).filter(due).collect();
        let flight = if due.is_empty() || self.chance(5) { self.some_flight() } else { *self.dice.pick(&due) };
        let by = if self.chance(4) { self.anyone() } else { OPERATOR };
        let (status, version) = (self.model.flights[flight].status, self.model.flights[flight].version);
        let verb = if status == "DEPARTED" || self.chance(8) { "arrive" } else { "depart" };
        let (tag, is_stale) = self.tag_of_flight(version);
        let mut body = json!({});
        let mut left: Vec<(usize, &str)> = Vec::new();
        let aboard = self.booked_on(flight);
        if verb == "depart" && !aboard.is_empty() && self.chance(2) {
            left.push((*self.dice.pick(&aboard), *self.dice.pick(&["NO_SHOW", "OFFLOADED"])));
            body["left_behind"] = left
                .iter()
                .map(|(number, reason)| json!({"ref_id": self.model.bookings[*number].reference, "reason": reason}))
                .collect();
        }
        let needs = if verb == "depart" { "SCHEDULED" } else { "DEPARTED" };
        let verdict = match self.access(by, Role::Operator, None) {
            Err(refusal) => refusal,
            Ok(_) => Verdict::default()
                .refuse("invalid_transition", status != needs)
                .refuse("version_mismatch", is_stale)
                .slack("flight_mismatch", status != needs && !left.is_empty()),
        };
        let path = format!("/api/v1/flights/{}/{verb}", self.model.flights[flight].id);
        let answer = self.send(by, Call::post(path).with(body).tagged(tag)).await;
        if self.judge(verb, &verdict, &answer)? {
            self.operated(flight, verb, &left, &answer.body).await?;
        }
        self.settle().await
    }

    /// Mostly no condition. A flight's tag goes on with the number of its ledger, which is not compared.
    fn tag_of_flight(&mut self, version: i64) -> (Option<String>, bool) {
        let (tag, is_stale) = self.tag(version);
        (tag.map(|tag| tag.trim_end_matches('"').to_owned() + "-1\""), is_stale)
    }

    async fn operated(&mut self, flight: usize, verb: &str, left: &[(usize, &'static str)], shown: &Value) -> Step {
        let now = self.model.now;
        let status = if verb == "depart" { "DEPARTED" } else { "ARRIVED" };
        self.model.flights[flight].status = status;
        self.take_times(flight, &shown["flight"]);
        let mut changed = Vec::new();
        for number in 0..self.model.bookings.len() {
            let booking = &mut self.model.bookings[number];
            let is_on = |leg: &crate::model::Leg, status: &str| leg.flight == flight && leg.status == status;
            if verb == "arrive" && booking.status == "DEPARTED" && booking.legs.iter().any(|leg| is_on(leg, "DEPARTED"))
            {
                booking.advance("arrive", None, now);
                changed.push(number);
            }
            if verb == "depart" && booking.legs.iter().any(|leg| is_on(leg, "BOOKED")) {
                let named = left.iter().find(|(named, _)| *named == number).map(|(_, reason)| *reason);
                let is_here = booking.next().is_some_and(|next| booking.legs[next].flight == flight);
                match named {
                    None if is_here => booking.advance("depart", None, now),
                    reason => {
                        let reason = reason.unwrap_or("MISSED_CONNECTION");
                        booking.lose_leg(flight, "OFFLOADED", Some(reason));
                    }
                }
                changed.push(number);
            }
        }
        if shown["bookings_changed"] != changed.len() {
            return Err(format!("{} bookings change by {verb}: {shown}", changed.len()));
        }
        if verb == "depart" {
            self.end_holds(flight).await?;
        }
        for number in changed {
            self.refresh_booking(number).await?;
        }
        Ok(())
    }

    fn take_times(&mut self, flight: usize, shown: &Value) {
        let flight = &mut self.model.flights[flight];
        flight.version += 1;
        let time = |member: &str, known| wire::time(&shown[member]).unwrap_or(known);
        (flight.departure, flight.arrival) =
            (time("departure_datetime", flight.departure), time("arrival_datetime", flight.arrival));
        flight.cutoff = time("cutoff_datetime", flight.cutoff);
    }

    /// All holds on a flight that is gone end on all their flights.
    async fn end_holds(&mut self, flight: usize) -> Step {
        for number in 0..self.model.holds.len() {
            let hold = &mut self.model.holds[number];
            if hold.is_open(self.model.now) && hold.way.contains(&flight) {
                (hold.status, hold.pending) = ("RELEASED", None);
                self.refresh_hold(number).await?;
            }
        }
        Ok(())
    }

    async fn cancel_flight(&mut self) -> Step {
        let flight = self.some_flight();
        let by = if self.chance(4) { self.anyone() } else { ADMIN };
        let (status, version) = (self.model.flights[flight].status, self.model.flights[flight].version);
        let (tag, is_stale) = self.tag_of_flight(version);
        let has_left =
            |booking: &crate::model::Booking| booking.legs.iter().any(|leg| leg.flight == flight && leg.has_departed());
        let has_left = self.model.bookings.iter().any(has_left);
        let verdict = match self.access(by, Role::Admin, None) {
            Err(refusal) => refusal,
            Ok(_) => Verdict::default()
                .refuse("invalid_transition", status != "SCHEDULED" || has_left)
                .refuse("version_mismatch", is_stale),
        };
        let call = Call::post(format!("/api/v1/flights/{}/cancel", self.model.flights[flight].id)).tagged(tag);
        let call = if self.chance(2) { call.with(json!({"reason": "Fog"})) } else { call };
        let answer = self.send(by, call).await;
        if !self.judge("cancel flight", &verdict, &answer)? {
            return Ok(());
        }
        self.model.flights[flight].status = "CANCELLED";
        self.model.flights[flight].version += 1;
        let changed = self.booked_on(flight);
        if answer.body["bookings_changed"] != changed.len() {
            return Err(format!("{} bookings lose a flight: {}", changed.len(), answer.text));
        }
        self.end_holds(flight).await?;
        for number in changed {
            self.model.bookings[number].lose_leg(flight, "CANCELLED", None);
            self.refresh_booking(number).await?;
        }
        self.settle().await
    }

    async fn change_capacity(&mut self) -> Step {
        let flight = self.some_flight();
        let by = if self.chance(6) { self.anyone() } else { ADMIN };
        let known = self.model.flights[flight].clone();
        let change = |dice: &mut loadmaster_testkit::Dice, now: i64| {
            if dice.below(3) == 0 { now } else { 1 + now * (50 + i64::try_from(dice.below(110)).unwrap()) / 100 }
        };
        let mut capacity = known.capacity;
        capacity.weight = change(&mut self.dice, capacity.weight);
        capacity.volume = change(&mut self.dice, capacity.volume);
        let releases = self.chance(2);
        let (tag, is_stale) = self.tag_of_flight(known.version);
        let mut room = Map::new();
        wire::put(&mut room, capacity);
        let booked = self.model.booked(flight);
        let taken = booked + self.model.held(flight) + known.kept;
        let is_short = !taken.fits(capacity);
        let verdict = match self.access(by, Role::Admin, None) {
            Err(refusal) => refusal,
            Ok(_) if known.status != "SCHEDULED" => {
                Verdict::of("invalid_transition").refuse("version_mismatch", is_stale)
            }
            // Slack: holds with a payment under way do not give way.
            Ok(_) => Verdict::default()
                .refuse("version_mismatch", is_stale)
                .refuse("capacity_below_booked", is_short && (!releases || !booked.fits(capacity)))
                .slack(
                    "capacity_below_booked",
                    is_short && releases && self.model.holds.iter().any(crate::model::Hold::is_pending),
                ),
        };
        let body = json!({"capacity": room, "release_holds": releases});
        let call = Call::patch(format!("/api/v1/flights/{}", known.id)).with(body).tagged(tag);
        let answer = self.send(by, call).await;
        if self.judge("change capacity", &verdict, &answer)? {
            let is_same = capacity == known.capacity;
            self.model.flights[flight].capacity = capacity;
            self.model.flights[flight].version += i64::from(!is_same);
            if answer.body["version"] != self.model.flights[flight].version {
                return Err(format!("the version should be {}: {}", self.model.flights[flight].version, answer.text));
            }
            if is_short {
                self.cut(flight).await?;
            }
        }
        self.settle().await
    }

    /// Holds gave way, the newest first: none is open that is newer than one that ended.
    async fn cut(&mut self, flight: usize) -> Step {
        let mut has_ended = false;
        for number in 0..self.model.holds.len() {
            let hold = &self.model.holds[number];
            if hold.status_at(self.model.now) != "ACTIVE" || !hold.way.contains(&flight) {
                continue;
            }
            let path = format!("/api/v1/holds/{}", hold.id);
            let shown = self.client(OPERATOR).get(&path).await.expect(200);
            if shown["status"] == "RELEASED" && shown["end_reason"] == "CAPACITY_CUT" {
                has_ended = true;
                self.model.holds[number].status = "RELEASED";
                self.refresh_hold(number).await?;
            } else if has_ended && self.allotment.is_none() {
                return Err(format!("an older hold ended before {shown}"));
            }
        }
        Ok(())
    }
}
