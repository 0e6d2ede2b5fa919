//! Who calls: two shippers of different organizations, and the carrier's staff.
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::sync::Notify;

use super::wire::{Answer, Refusal, Request, Said, Way, Wire};
use loadmaster::platform::random::TokenSource;

/// How long something that must work may take to do so.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);
/// The caller of what belongs to no client.
pub(super) const NOBODY: u64 = u64::MAX;

pub(super) struct Login {
    pub email: String,
    pub password: SecretString,
}

pub(super) struct Caller {
    pub name: String,
    pub organization: String,
    login: Login,
    /// One for each server, usually the same: servers whose clocks differ take different ones.
    tokens: RwLock<Vec<String>>,
}

impl Caller {
    pub fn token(&self, instance: usize) -> String {
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        tokens.get(instance).or(tokens.first()).cloned().unwrap_or_default()
    }

    /// Before there is a token: `auth/*` ignores it.
    fn stranger(name: &str, login: Login) -> Self {
        Self { name: name.to_owned(), organization: String::new(), login, tokens: RwLock::default() }
    }

    /// For one server, or for all of them.
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

pub(super) struct Crew {
    pub staff: Caller,
    pub shippers: [Caller; 2],
    /// After which tokens are to be renewed.
    renew: Duration,
    /// The servers that called a token expired.
    expired: Mutex<BTreeSet<usize>>,
    has_expired: Notify,
}

impl Crew {
    /// Logs the staff in, and registers the shippers.
    pub async fn assemble(wire: &Wire, run: &str, staff: Login) -> anyhow::Result<Self> {
        let (staff, good_for) = enter(wire, Caller::stranger("staff", staff), "login").await?;
        let shipper = async |number: u32| {
            let password = TokenSource::default().token()?.into();
            let login = Login { email: format!("torture-{run}-{number}@example.com"), password };
            enter(wire, Caller::stranger(&format!("shipper {number}"), login), "register").await
        };
        let shippers = [shipper(1).await?.0, shipper(2).await?.0];
        ensure!(shippers[0].organization != shippers[1].organization, "two shippers got one organization");
        Ok(Self { staff, shippers, renew: good_for / 3, expired: Mutex::default(), has_expired: Notify::new() })
    }

    /// A server that does not take a token is given one of its own soon.
    pub fn heed(&self, refusal: &Refusal, instance: usize) {
        if refusal.wants_login() {
            self.expired.lock().unwrap_or_else(PoisonError::into_inner).insert(instance);
            self.has_expired.notify_one();
        }
    }

    /// Keeps everybody's token fresh for as long as it is polled.
    pub async fn stay(self: Arc<Self>, wire: Arc<Wire>) {
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
        for caller in [&self.staff, &self.shippers[0], &self.shippers[1]] {
            let answer = match only {
                None => post(wire, caller, "login").await.ok(),
                Some(instance) => match attempt(wire, caller, "login", instance).await {
                    Said::Ok(answer) => Some(answer),
                    Said::Refused(_) | Said::Unknown(_) => None,
                },
            };
            if let Some(token) = answer.as_ref().and_then(|answer| answer.body["access_token"].as_str()) {
                caller.keep(token, only, wire.addresses.count());
            }
        }
    }
}

/// Logs in or registers; also answers how long the token is good for.
async fn enter(wire: &Wire, caller: Caller, by: &str) -> anyhow::Result<(Caller, Duration)> {
    let session = post(wire, &caller, by).await.with_context(|| format!("{} cannot {by}", caller.name))?.body;
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let token = text(&session["access_token"]).context("a session has an access token")?;
    let organization = text(&session["user"]["organization_id"]).context("a user has an organization")?;
    let good_for = session["expires_in"].as_u64().map_or(Duration::from_mins(5), Duration::from_secs);
    Ok((Caller { organization, tokens: RwLock::new(vec![token]), ..caller }, good_for))
}

/// Until it is answered, for the servers may just be starting. No secret gets into the history.
async fn post(wire: &Wire, caller: &Caller, by: &str) -> anyhow::Result<Answer> {
    let began = Instant::now();
    for instance in 0.. {
        let failed = match attempt(wire, caller, by, instance).await {
            Said::Ok(answer) => return Ok(answer),
            // A register whose answer was lost has made the account.
            Said::Refused(refusal) if refusal.status != 429 => anyhow::bail!("{refusal}"),
            Said::Refused(refusal) => refusal.to_string(),
            Said::Unknown(error) => error,
        };
        ensure!(began.elapsed() < PATIENCE, "{failed}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    anyhow::bail!("not answered")
}

async fn attempt(wire: &Wire, caller: &Caller, by: &str, instance: usize) -> Said {
    let body = json!({"email": caller.login.email, "password": caller.login.password.expose_secret()});
    let request =
        Request { method: Method::POST, path: format!("/api/v1/auth/{by}"), body: Some(body), ..Request::default() };
    wire.send_quietly(Way { client: NOBODY, instance, hang_up: None }, caller, &request).await
}
