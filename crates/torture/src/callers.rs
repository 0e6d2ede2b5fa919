//! The callers that requests are made with: two shippers of different organizations, four who pay, two who
//! consolidate, the carrier's staff, and guests.
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use loadmaster_platform::random::TokenSource;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::sync::Notify;

use super::wire::{Answer, Delivery, Outcome, Refusal, Request, Wire};

/// How long something that must work is retried.
pub(super) const GIVE_UP_AFTER: Duration = Duration::from_mins(2);
pub(super) const NO_CLIENT: u64 = u64::MAX;

pub(super) struct Login {
    pub email: String,
    pub password: SecretString,
}

pub(super) struct Caller {
    pub name: String,
    pub organization: String,
    /// `None` for a guest.
    login: Option<Login>,
    /// One token for each server, usually the same: servers whose clocks differ need different ones.
    tokens: RwLock<Vec<String>>,
}

impl Caller {
    pub fn token(&self, instance: usize) -> String {
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        tokens.get(instance).or(tokens.first()).cloned().unwrap_or_default()
    }

    /// A caller without a token yet: `auth/*` ignores the header.
    pub fn without_token(name: &str, login: Option<Login>) -> Self {
        Self { name: name.to_owned(), organization: String::new(), login, tokens: RwLock::default() }
    }

    fn keep(&self, token: &str, instance: Option<usize>, count: usize) {
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        let any = tokens.first().cloned().unwrap_or_default();
        tokens.resize(count, any);
        for (number, place) in tokens.iter_mut().enumerate() {
            if instance.is_none_or(|instance| instance == number) {
                token.clone_into(place);
            }
        }
    }
}

pub(super) struct Callers {
    pub staff: Arc<Caller>,
    pub shippers: [Arc<Caller>; 2],
    /// Shippers who pay; each has an organization of its own. The last two change and cancel what they have paid.
    pub payers: [Arc<Caller>; 4],
    /// Forwarders who fill consolidations, of two organizations.
    pub consolidators: [Arc<Caller>; 2],
    /// In the order in which they came.
    guests: RwLock<Vec<Arc<Caller>>>,
    /// The age at which tokens are renewed.
    renew: Duration,
    /// The servers that rejected a token as expired.
    expired: Mutex<BTreeSet<usize>>,
    has_expired: Notify,
}

impl Callers {
    /// Logs the staff in and registers the shippers.
    pub async fn log_in(wire: &Wire, run: &str, staff: Login) -> anyhow::Result<Self> {
        let (staff, good_for) = enter(wire, Caller::without_token("staff", Some(staff)), "login").await?;
        let shipper = async |number: u32| {
            let password = TokenSource::default().token()?.into();
            let login = Login { email: format!("torture-{run}-{number}@example.com"), password };
            enter(wire, Caller::without_token(&format!("shipper {number}"), Some(login)), "register").await
        };
        let shippers = [Arc::new(shipper(1).await?.0), Arc::new(shipper(2).await?.0)];
        let payers = [
            Arc::new(shipper(3).await?.0),
            Arc::new(shipper(4).await?.0),
            Arc::new(shipper(5).await?.0),
            Arc::new(shipper(6).await?.0),
        ];
        let consolidators = [Arc::new(shipper(7).await?.0), Arc::new(shipper(8).await?.0)];
        ensure!(shippers[0].organization != shippers[1].organization, "two shippers have the same organization");
        let (guests, expired) = (RwLock::default(), Mutex::default());
        let (staff, renew, has_expired) = (Arc::new(staff), good_for / 3, Notify::new());
        Ok(Self { staff, shippers, payers, consolidators, guests, renew, expired, has_expired })
    }

    /// Gets the token of a new guest from one server; returns the guest's number.
    pub async fn admit_guest(&self, wire: &Wire, instance: usize) -> Option<usize> {
        let guest = Caller::without_token("guest", None);
        let Outcome::Ok(answer) = attempt(wire, &guest, "guest", instance).await else { return None };
        let token = answer.body["access_token"].as_str()?.to_owned();
        let mut guests = self.guests.write().unwrap_or_else(PoisonError::into_inner);
        let number = guests.len();
        let (name, tokens) = (format!("guest {}", number + 1), RwLock::new(vec![token]));
        guests.push(Arc::new(Caller { name, tokens, ..guest }));
        Some(number)
    }

    pub fn guest(&self, number: usize) -> Option<Arc<Caller>> {
        self.guests.read().unwrap_or_else(PoisonError::into_inner).get(number).cloned()
    }

    /// Requests a new token for a server that rejected the present one.
    pub fn note_refusal(&self, refusal: &Refusal, instance: usize) {
        if refusal.wants_login() {
            self.expired.lock().unwrap_or_else(PoisonError::into_inner).insert(instance);
            self.has_expired.notify_one();
        }
    }

    /// Renews all tokens before they expire, for as long as it is polled.
    pub async fn renew_tokens(self: Arc<Self>, wire: Arc<Wire>) {
        let mut all = Instant::now();
        loop {
            let next = self.renew.saturating_sub(all.elapsed());
            _ = tokio::time::timeout(next, self.has_expired.notified()).await;
            if all.elapsed() >= self.renew {
                self.renew(&wire, None).await;
                all = Instant::now();
            }
            let expired = std::mem::take(&mut *self.expired.lock().unwrap_or_else(PoisonError::into_inner));
            for instance in expired {
                self.renew(&wire, Some(instance)).await;
            }
        }
    }

    async fn renew(&self, wire: &Wire, only: Option<usize>) {
        let all = [&self.staff].into_iter().chain(&self.shippers).chain(&self.payers).chain(&self.consolidators);
        for caller in all {
            let answer = match only {
                None => post(wire, caller, "login").await.ok(),
                Some(instance) => match attempt(wire, caller, "login", instance).await {
                    Outcome::Ok(answer) => Some(answer),
                    Outcome::Refused(_) | Outcome::Unknown(_) => None,
                },
            };
            if let Some(token) = answer.as_ref().and_then(|answer| answer.body["access_token"].as_str()) {
                caller.keep(token, only, wire.addresses.count());
            }
        }
    }
}

/// Logs in or registers; returns the lifetime of the token too.
async fn enter(wire: &Wire, caller: Caller, by: &str) -> anyhow::Result<(Caller, Duration)> {
    let session = post(wire, &caller, by).await.with_context(|| format!("{} cannot {by}", caller.name))?.body;
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let token = text(&session["access_token"]).context("a session has an access token")?;
    let organization = text(&session["user"]["organization_id"]).context("a user has an organization")?;
    let good_for = session["expires_in"].as_u64().map_or(Duration::from_mins(5), Duration::from_secs);
    Ok((Caller { organization, tokens: RwLock::new(vec![token]), ..caller }, good_for))
}

/// Retries until a server answers, because the servers may still be starting. No secret gets into the history.
async fn post(wire: &Wire, caller: &Caller, by: &str) -> anyhow::Result<Answer> {
    let began = Instant::now();
    for instance in 0.. {
        let failed = match attempt(wire, caller, by, instance).await {
            Outcome::Ok(answer) => return Ok(answer),
            // A registration whose answer was lost has created the account.
            Outcome::Refused(refusal) if refusal.status != 429 => anyhow::bail!("{refusal}"),
            Outcome::Refused(refusal) => refusal.to_string(),
            Outcome::Unknown(error) => error,
        };
        ensure!(began.elapsed() < GIVE_UP_AFTER, "{failed}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    anyhow::bail!("no response")
}

async fn attempt(wire: &Wire, caller: &Caller, by: &str, instance: usize) -> Outcome {
    let body =
        caller.login.as_ref().map(|login| json!({"email": login.email, "password": login.password.expose_secret()}));
    let request = Request { method: Method::POST, path: format!("/api/v1/auth/{by}"), body, ..Request::default() };
    wire.send_unrecorded(Delivery { client: NO_CLIENT, instance, hang_up: None }, caller, &request).await
}
