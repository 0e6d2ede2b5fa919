//! A walk: a server, its callers, the model, and what has happened so far.
use std::collections::{BTreeMap, VecDeque};

use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{Answer, Client, Dice, World, WorldOptions, keep_no_record};
use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    callers::{ADMIN, Callers, FORWARDER, OPERATOR},
    members::one_in,
    model::{Credit, Flight, Model, Space, Verdict, rules},
    steps::Account,
    wire,
};

pub type Step = Result<(), String>;

/// Requests that a report shows: the last ones.
const SHOWN: usize = 30;
const LONGEST: usize = 900;

/// A request to be sent.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    pub path: String,
    pub body: Option<Value>,
    pub tag: Option<String>,
}

impl Call {
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), body: None, tag: None }
    }

    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    pub fn patch(path: impl Into<String>) -> Self {
        Self::new(Method::PATCH, path)
    }

    #[must_use]
    pub fn with(self, body: impl Into<Value>) -> Self {
        Self { body: Some(body.into()), ..self }
    }

    #[must_use]
    pub fn tagged(self, tag: Option<String>) -> Self {
        Self { tag, ..self }
    }
}

/// A request that was done under a key.
#[derive(Debug, Clone)]
pub struct Keyed {
    pub by: usize,
    pub call: Call,
    pub key: String,
    pub status: u16,
    pub body: Value,
    pub at: chrono::DateTime<chrono::Utc>,
}

pub struct Walk {
    pub world: World,
    pub dice: Dice,
    pub model: Model,
    pub callers: Callers,
    pub keyed: Vec<Keyed>,
    /// The allotment of the forwarder, once there is one.
    pub allotment: Option<String>,
    /// Those who registered.
    pub accounts: Vec<Account>,
    /// What lets an account have a guest's booking, by its number, and whether it was used.
    pub claims: Vec<(String, usize, bool)>,
    anonymous: Client,
    story: VecDeque<String>,
    sent: usize,
    pub tally: BTreeMap<String, usize>,
}

/// Number, origin, destination, hours to the departure and of the flight, whether it is a freighter, and its capacity.
type Plan = (&'static str, &'static str, &'static str, i64, i64, bool, (i64, i64, i64));

const PLANS: [Plan; 7] = [
    ("AI101", "DEL", "BOM", 60, 2, false, (12_000, 8_000, 4)),
    ("AI103", "DEL", "BOM", 62, 2, true, (9_000, 9_000, 3)),
    ("AI201", "BOM", "LHR", 70, 9, false, (10_000, 8_000, 4)),
    ("AI203", "BOM", "LHR", 74, 9, true, (12_000, 7_000, 3)),
    ("AI111", "DEL", "LHR", 50, 9, false, (9_000, 6_000, 4)),
    ("AI113", "DEL", "LHR", 90, 9, true, (14_000, 9_000, 5)),
    ("AI115", "DEL", "LHR", 30, 9, true, (8_000, 5_000, 3)),
];

/// Numbers of flights that are made later, so long as there are some.
pub const LATER: [&str; 6] = ["AI121", "AI123", "AI125", "AI127", "AI129", "AI131"];

fn options() -> WorldOptions {
    WorldOptions::patient()
        .with_workers()
        .set("payments.provider", "test")
        .set("payments.wait_ms", "300")
        .set("auth.access_token_minutes", "100000")
        .set("auth.guest_token_minutes", "100000")
        .set("holds.organization_active", &super::model::MOST_HOLDS.to_string())
        .set("holds.guest_per_hour", "1000000")
}

impl Walk {
    pub async fn begin(seed: u64) -> Self {
        // How far it comes in its time, and what it tries, differs from run to run.
        keep_no_record();
        let world = options().start().await;
        let callers = Callers::come(&world).await;
        let now = world.now();
        let model = Model {
            now,
            flights: Vec::new(),
            holds: Vec::new(),
            bookings: Vec::new(),
            entries: Vec::new(),
            quotes: Vec::new(),
            credit: BTreeMap::from([(FORWARDER, Credit { limit: 300_000, used: 0 })]),
            allotted: None,
        };
        let anonymous = world.anonymous();
        let mut walk = Self {
            world,
            dice: Dice::new(seed),
            model,
            callers,
            keyed: Vec::new(),
            allotment: None,
            accounts: Vec::new(),
            claims: Vec::new(),
            anonymous,
            story: VecDeque::new(),
            sent: 0,
            tally: BTreeMap::new(),
        };
        for (path, body) in rules() {
            walk.client(ADMIN).post(path, body).await.expect(201);
        }
        for plan in PLANS {
            walk.schedule(plan).await;
        }
        let credit = format!("/api/v1/organizations/{}/credit", walk.callers.organizations[FORWARDER]);
        walk.client(ADMIN).patch(&credit, json!({"limit": wire::usd(300_000)})).await.expect(200);
        walk
    }

    /// Puts a flight on the schedule, so many hours from now.
    pub async fn schedule(&mut self, (number, origin, destination, hours, takes, freighter, capacity): Plan) {
        let departure = self.model.now + TimeDelta::hours(hours);
        let arrival = departure + TimeDelta::hours(takes);
        let capacity = Space { weight: capacity.0, volume: capacity.1, positions: capacity.2 };
        let mut room = Map::new();
        wire::put(&mut room, capacity);
        let body = json!({
            "flight_number": number, "origin": origin, "destination": destination, "departure_datetime": departure,
            "arrival_datetime": arrival, "aircraft_code": if freighter { "77X" } else { "77W" }, "capacity": room,
        });
        let made = self.client(ADMIN).post("/api/v1/flights", body).await.expect(201);
        self.model.flights.push(Flight {
            id: made["id"].as_str().expect("an id").to_owned(),
            number,
            origin,
            destination,
            departure,
            arrival,
            cutoff: departure - TimeDelta::hours(1),
            freighter,
            status: "SCHEDULED",
            capacity,
            version: 1,
            aside: Space::default(),
            kept: Space::default(),
        });
    }

    pub fn client(&self, by: usize) -> Client {
        let token = self.callers.bearer(by).map(str::to_owned);
        Client { token, ..self.anonymous.clone() }
    }

    /// Sends a request, now and then under a key.
    pub async fn send(&mut self, by: usize, call: Call) -> Answer {
        let has_key = !call.path.contains("/auth/") && !call.path.contains("/api-keys") && call.method != Method::GET;
        let key = (has_key && one_in(&mut self.dice, 4)).then(|| format!("key-{}", Uuid::new_v4()));
        let answer = self.send_as(by, &call, key.as_deref()).await;
        // What is under way is not kept.
        if let Some(key) = key.filter(|_| answer.status.is_success() && answer.status != 202) {
            let (status, body) = (answer.status.as_u16(), answer.body.clone());
            self.keyed.push(Keyed { by, call, key, status, body, at: self.model.now });
        }
        answer
    }

    pub async fn send_as(&mut self, by: usize, call: &Call, key: Option<&str>) -> Answer {
        let mut request = self.client(by).request(call.method.clone(), &call.path);
        if let Some(body) = &call.body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        if let Some(tag) = &call.tag {
            request = request.header("if-match", tag);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let answer = Answer::of(request).await;
        self.sent += 1;
        let body = call.body.as_ref().map(Value::to_string).unwrap_or_default();
        let (name, now) = (&self.callers.all[by].name, self.model.now);
        let tag = call.tag.as_deref().unwrap_or_default();
        let sent = format!("{} {now} {name}: {} {} {tag} {body}", self.sent, call.method, call.path);
        self.note(format!("{sent}\n      -> {} {}", answer.status.as_u16(), answer.text));
        answer
    }

    /// Adds to the story.
    pub fn note(&mut self, mut line: String) {
        if line.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|end| line.is_char_boundary(*end)).unwrap_or_default();
            line.truncate(end);
            line.push('…');
        }
        self.story.push_back(line);
        if self.story.len() > SHOWN {
            self.story.pop_front();
        }
    }

    pub fn recent_calls(&self) -> String {
        self.story.iter().map(|line| format!("  {line}\n")).collect()
    }

    /// Judges an answer, and counts it.
    pub fn judge(&mut self, what: &str, verdict: &Verdict, answer: &Answer) -> Result<bool, String> {
        let code = answer.body["code"].as_str().unwrap_or("done");
        *self.tally.entry(format!("{what} {code}")).or_default() += 1;
        verdict.judge(answer).map_err(|error| format!("{what}: {error}: {} {}", answer.status, answer.text))
    }

    /// What a caller may do with what belongs to this organization, or the refusal.
    pub fn access(&self, by: usize, least: Role, owner: Option<usize>) -> Result<Access, Verdict> {
        let (role, organization) = self.callers.standing(by).map_err(Verdict::of)?;
        if role < least {
            return Err(Verdict::of("forbidden"));
        }
        let is_staff = role >= Role::Operator;
        if owner.is_some_and(|owner| owner != organization) && !is_staff {
            return Err(Verdict::of("not_found"));
        }
        Ok(Access { role, organization, is_staff, is_guest: role == Role::Guest })
    }

    pub fn anyone(&mut self) -> usize {
        let number = self.dice.below(self.callers.all.len() as u64);
        usize::try_from(number).unwrap()
    }

    /// Mostly somebody who may change what belongs to this organization.
    pub fn somebody(&mut self, owner: usize) -> usize {
        if one_in(&mut self.dice, 6) {
            return self.anyone();
        }
        let all = 0..self.callers.all.len();
        let own: Vec<usize> =
            all.filter(|by| self.callers.standing(*by).is_ok_and(|(_, organization)| organization == owner)).collect();
        if own.is_empty() || one_in(&mut self.dice, 4) { OPERATOR } else { *self.dice.pick(&own) }
    }

    /// The number of one of so many things, mostly of the newest.
    pub fn pick(&mut self, of: usize) -> Option<usize> {
        if of == 0 {
            return None;
        }
        let newest = if one_in(&mut self.dice, 3) { of } else { of.min(6) };
        Some(of - 1 - usize::try_from(self.dice.below(newest as u64)).unwrap())
    }

    /// Mostly no condition; else the version, or now and then another one. Returns whether it is stale.
    pub fn tag(&mut self, version: i64) -> (Option<String>, bool) {
        match self.dice.below(12) {
            0 => (Some(format!("\"{}\"", version + 7)), true),
            1 | 2 => (Some(format!("\"{version}\"")), false),
            _ => (None, false),
        }
    }

    pub fn chance(&mut self, one_in_so_many: u64) -> bool {
        one_in(&mut self.dice, one_in_so_many)
    }
}

/// The caller of a request that is let in.
#[derive(Debug, Clone, Copy)]
pub struct Access {
    pub role: Role,
    pub organization: usize,
    pub is_staff: bool,
    pub is_guest: bool,
}
