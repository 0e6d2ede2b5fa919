//! Accounts that people register: sessions begin, go on, and end; guests' bookings are claimed.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    callers::{Caller, Credential, User},
    model::{Freight, Time, Verdict},
    play::{Call, Step, Walk},
};

const MOST_ACCOUNTS: usize = 3;
const PASSWORDS: [&str; 3] = ["correct horse battery", "staple of the walk 4711", "Ünïcode pässwörd 12"];
/// For so long a lost answer to a refresh may be asked for again.
const GRACE: TimeDelta = TimeDelta::seconds(30);

/// Somebody who registered.
#[derive(Debug, Clone)]
pub struct Account {
    pub email: String,
    password: &'static str,
    pub caller: usize,
    refresh: String,
    /// A refresh token that was used, and when.
    spent: Option<(String, Time)>,
    /// Its session has ended: the user logs in again.
    pub has_ended: bool,
}

impl Walk {
    pub async fn sign(&mut self) -> Step {
        if self.chance(4) {
            return self.claim().await;
        }
        let Some(number) = self.pick(self.accounts.len()) else { return self.register().await };
        match self.dice.below(7) {
            0 => self.register().await,
            1 | 2 => self.log_in(number).await,
            3 | 4 => self.refresh(number).await,
            5 => self.log_out(number).await,
            _ => self.change_password(number).await,
        }
    }

    async fn register(&mut self) -> Step {
        let known = if self.chance(3) { self.accounts.last().cloned() } else { None };
        if known.is_none() && self.accounts.len() >= MOST_ACCOUNTS {
            return Ok(());
        }
        let email = known
            .as_ref()
            .map_or_else(|| format!("{}@forwarder.example", Uuid::new_v4()), |one| one.email.to_uppercase());
        let is_weak = self.chance(5);
        let password = *self.dice.pick(&PASSWORDS);
        let mut body = json!({"email": email, "password": if is_weak { "password" } else { password }});
        if self.chance(2) {
            body["name"] = "Zoë".into();
        }
        let verdict = Verdict::default()
            .refuse("validation_failed", is_weak)
            .refuse("already_exists", known.is_some() && !is_weak);
        let answer = self.send(2, Call::post("/api/v1/auth/register").with(body)).await;
        if !self.judge("register", &verdict, &answer)? {
            return Ok(());
        }
        let id = |member: &str| answer.body["user"][member].as_str().and_then(|id| id.parse::<Uuid>().ok());
        let (Some(user), Some(organization)) = (id("id"), id("organization_id")) else {
            return Err(format!("no user: {}", answer.text));
        };
        self.callers.organizations.push(organization);
        let organization = self.callers.organizations.len() - 1;
        self.callers.users.push(User { id: user, role: Role::Customer, organization, is_disabled: false, version: 1 });
        let user = self.callers.users.len() - 1;
        self.callers.all.push(Caller {
            name: format!("zoe {organization}"),
            user: Some(user),
            credential: Credential::Token(String::new()),
            issued: (Role::Customer, organization),
            ended: None,
        });
        let caller = self.callers.all.len() - 1;
        self.accounts.push(Account { email, password, caller, refresh: String::new(), spent: None, has_ended: false });
        self.let_in(self.accounts.len() - 1, &answer.body)
    }

    /// Takes over the tokens of an answer.
    fn let_in(&mut self, number: usize, shown: &Value) -> Step {
        let (Some(access), Some(refresh)) = (shown["access_token"].as_str(), shown["refresh_token"].as_str()) else {
            return Err(format!("no tokens: {shown}"));
        };
        let account = &mut self.accounts[number];
        refresh.clone_into(&mut account.refresh);
        account.has_ended = false;
        let caller = &mut self.callers.all[account.caller];
        let user = self.callers.users[caller.user.ok_or("no user")?];
        caller.credential = Credential::Token(access.to_owned());
        (caller.issued, caller.ended) = ((user.role, user.organization), None);
        if shown["user"]["role"] != user.role.as_str() {
            return Err(format!("{user:?} is shown as {shown}"));
        }
        Ok(())
    }

    fn user_of(&self, number: usize) -> User {
        let user = self.callers.all[self.accounts[number].caller].user;
        self.callers.users[user.expect("an account is a user's")]
    }

    async fn log_in(&mut self, number: usize) -> Step {
        let account = self.accounts[number].clone();
        let is_wrong = self.chance(3);
        let password = if is_wrong { "never the right one" } else { account.password };
        let is_disabled = self.user_of(number).is_disabled;
        let verdict = Verdict::default()
            .refuse("invalid_credentials", is_wrong)
            .refuse("account_disabled", is_disabled && !is_wrong);
        let body = json!({"email": account.email, "password": password});
        let answer = self.send(2, Call::post("/api/v1/auth/login").with(body)).await;
        if self.judge("log in", &verdict, &answer)? {
            // The session before goes on, and is not used any more.
            self.accounts[number].spent = None;
            return self.let_in(number, &answer.body);
        }
        Ok(())
    }

    async fn refresh(&mut self, number: usize) -> Step {
        let account = self.accounts[number].clone();
        let now = self.model.now;
        let spent = account.spent.clone().filter(|_| self.chance(3));
        let is_reused = spent.as_ref().is_some_and(|(_, at)| now - *at > GRACE);
        let verdict = Verdict::default().refuse("unauthenticated", account.has_ended || is_reused);
        let token = spent.as_ref().map_or(&account.refresh, |(token, _)| token);
        let answer = self.send(2, Call::post("/api/v1/auth/refresh").with(json!({ "refresh_token": token }))).await;
        let is_done = self.judge("refresh", &verdict, &answer)?;
        if is_reused {
            return self.session_ends(number).await;
        }
        if is_done {
            if spent.is_none() {
                self.accounts[number].spent = Some((account.refresh, now));
            }
            return self.let_in(number, &answer.body);
        }
        Ok(())
    }

    async fn log_out(&mut self, number: usize) -> Step {
        let token = self.accounts[number].refresh.clone();
        let answer = self.send(2, Call::post("/api/v1/auth/logout").with(json!({ "refresh_token": token }))).await;
        self.judge("log out", &Verdict::default(), &answer)?;
        self.session_ends(number).await
    }

    /// Its access token opens nothing any more.
    async fn session_ends(&mut self, number: usize) -> Step {
        let account = &mut self.accounts[number];
        account.has_ended = true;
        let caller = account.caller;
        self.callers.all[caller].ended = Some("unauthenticated");
        self.is_refused(caller).await
    }

    async fn change_password(&mut self, number: usize) -> Step {
        let account = self.accounts[number].clone();
        let is_wrong = self.chance(3);
        let new = *self.dice.pick(&PASSWORDS);
        let current = if is_wrong { "never the right one" } else { account.password };
        let verdict = match self.access(account.caller, Role::Customer, None) {
            Err(refusal) => refusal,
            Ok(_) => Verdict::default().refuse("invalid_credentials", is_wrong),
        };
        let body = json!({"current": current, "new": new});
        let answer = self.send(account.caller, Call::post("/api/v1/auth/password").with(body)).await;
        if self.judge("change password", &verdict, &answer)? {
            self.accounts[number].password = new;
        }
        Ok(())
    }

    /// Somebody shows the claim of a guest's booking.
    async fn claim(&mut self) -> Step {
        let Some(number) = self.pick(self.claims.len()) else { return Ok(()) };
        let by = self.anyone();
        let (token, booking, is_used) = self.claims[number].clone();
        let verdict = match self.access(by, Role::Customer, None) {
            Err(refusal) => refusal,
            Ok(_) => Verdict::default().refuse("invalid_token", is_used),
        };
        let answer = self.send(by, Call::post("/api/v1/bookings/claim").with(json!({ "claim_token": token }))).await;
        if !self.judge("claim", &verdict, &answer)? {
            return Ok(());
        }
        let access = self.access(by, Role::Customer, None).map_err(|refusal| format!("{refusal:?}"))?;
        self.claims[number].2 = true;
        let before = std::mem::replace(&mut self.model.bookings[booking].owner, access.organization);
        // The hold that it was made of stays the guest's, without its texts.
        for hold in self.model.holds.iter_mut().filter(|hold| hold.booking == Some(booking)) {
            let Freight { description, reference, shipper, consignee, contact, .. } = &mut hold.freight;
            (*description, *reference, *shipper, *consignee, *contact) = (None, None, None, None, None);
        }
        // What the guest was answered is its own no more.
        let callers = &self.callers;
        self.keyed.retain(|keyed| callers.standing(keyed.by).is_ok_and(|(_, organization)| organization != before));
        self.refresh_booking(booking).await
    }
}
