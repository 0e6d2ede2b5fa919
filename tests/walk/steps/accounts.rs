//! Keys that are made and revoked; users who are disabled, demoted, moved, and come back.
use loadmaster_accounts::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    callers::{ADMIN, CHANGED_USERS, Caller, Credential},
    model::Verdict,
    play::{Call, Step, Walk},
};

const KEYS: &str = "/api/v1/api-keys";
const MOST_KEYS: usize = 8;
const ROLES: [Role; 4] = [Role::Guest, Role::Customer, Role::Operator, Role::Admin];

impl Walk {
    pub async fn accounts(&mut self) -> Step {
        match self.dice.below(8) {
            0..3 => self.make_key().await,
            3 | 4 => self.revoke_key().await,
            _ => self.change_user().await,
        }
    }

    async fn make_key(&mut self) -> Step {
        let by = self.anyone();
        let keys = self.callers.all.iter().filter(|caller| matches!(caller.credential, Credential::Key { .. })).count();
        let role = if self.chance(4) { None } else { Some(*self.dice.pick(&ROLES)) };
        let mut body = json!({"name": "scanner"});
        if let Some(role) = role {
            body["role"] = role.as_str().into();
        }
        if self.chance(3) {
            body["expires_at"] = (self.model.now + chrono::TimeDelta::days(60)).to_rfc3339().into();
        }
        let is_token = matches!(self.callers.all[by].credential, Credential::Token(_));
        let verdict = match self.access(by, Role::Customer, None) {
            Err(refusal) => refusal,
            Ok(access) => {
                let is_too_much = role.is_some_and(|role| role > access.role);
                // Slack: the model does not know the database's time, by which a log-in grows old.
                Verdict::default().refuse("forbidden", !is_token || is_too_much).slack("sign_in_required", is_token)
            }
        };
        if keys >= MOST_KEYS && verdict.must.is_empty() {
            return Ok(());
        }
        let answer = self.send(by, Call::post(KEYS).with(body)).await;
        if !self.judge("make key", &verdict, &answer)? {
            return Ok(());
        }
        let (Some(id), Some(secret)) = (answer.body["id"].as_str(), answer.body["key"].as_str()) else {
            return Err(format!("no key: {}", answer.text));
        };
        let owner = self.callers.all[by].clone();
        let role = role.unwrap_or(owner.issued.0);
        // A guest's key is an organization of its own.
        self.callers.organizations.push(id.parse().map_err(|_| "no id of a key")?);
        let own = self.callers.organizations.len() - 1;
        let home = owner.user.map_or(own, |user| self.callers.users[user].organization);
        let (secret, id) = (secret.to_owned(), id.to_owned());
        let credential = Credential::Key { secret, id, role, is_revoked: false, own, home };
        let name = format!("{}'s {} key {own}", owner.name, role.as_str());
        self.callers.all.push(Caller { name, credential, ..owner });
        Ok(())
    }

    async fn revoke_key(&mut self) -> Step {
        let is_key =
            |number: &usize| matches!(self.callers.all[*number].credential, Credential::Key { is_revoked: false, .. });
        let keys: Vec<usize> = (0..self.callers.all.len()).filter(is_key).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let key = *self.dice.pick(&keys);
        let Credential::Key { id, .. } = self.callers.all[key].credential.clone() else { return Ok(()) };
        let owner = self.callers.all[key].user;
        let own = self.callers.all.iter().position(|caller| caller.user == owner).unwrap_or(ADMIN);
        let by = match self.dice.below(4) {
            0 => self.anyone(),
            1 => ADMIN,
            _ => own,
        };
        let verdict = match self.access(by, Role::Customer, None) {
            Err(refusal) => refusal,
            Ok(access) => {
                let is_own = self.callers.all[by].user == owner || access.role == Role::Admin;
                // Slack: a key may be refused whatever it asks for, as keys are for people to manage.
                let is_key = matches!(self.callers.all[by].credential, Credential::Key { .. });
                Verdict::default().refuse("not_found", !is_own).slack("forbidden", is_key)
            }
        };
        let answer = self.send(by, Call::new(Method::DELETE, format!("{KEYS}/{id}"))).await;
        if self.judge("revoke key", &verdict, &answer)?
            && let Credential::Key { is_revoked, .. } = &mut self.callers.all[key].credential
        {
            *is_revoked = true;
            return self.is_refused(key).await;
        }
        Ok(())
    }

    /// A credential that has ended opens nothing.
    pub async fn is_refused(&mut self, by: usize) -> Step {
        let code = self.callers.standing(by).err().ok_or("it should be refused")?;
        let answer = self.send(by, Call::new(Method::GET, "/api/v1/auth/me")).await;
        self.judge("come in", &Verdict::of(code), &answer).map(drop)
    }

    async fn change_user(&mut self) -> Step {
        let mut users = CHANGED_USERS.to_vec();
        users.extend(self.accounts.iter().filter_map(|account| self.callers.all[account.caller].user));
        let user = *self.dice.pick(&users);
        let known = self.callers.users[user];
        let by = if self.chance(5) { self.anyone() } else { ADMIN };
        let (body, code): (Value, _) = match self.dice.below(4) {
            _ if known.is_disabled => (json!({"disabled": false}), None),
            0 | 1 => (json!({"disabled": true}), Some("unauthenticated")),
            2 => {
                let role = *self.dice.pick(&[Role::Customer, Role::Operator]);
                (json!({"role": role.as_str()}), (role != known.role).then_some("token_expired"))
            }
            _ => {
                let to = *self.dice.pick(&[2, 3]);
                let organization = self.callers.organizations[to];
                (json!({"organization_id": organization}), (to != known.organization).then_some("token_expired"))
            }
        };
        let verdict = self.access(by, Role::Admin, None).err().unwrap_or_default();
        let (tag, is_stale) = self.tag(known.version);
        let verdict = verdict.clone().refuse("version_mismatch", is_stale && verdict.must.is_empty());
        let call = Call::patch(format!("/api/v1/users/{}", known.id)).with(body.clone()).tagged(tag);
        let answer = self.send(by, call).await;
        if !self.judge("change user", &verdict, &answer)? {
            return Ok(());
        }
        let organizations = &self.callers.organizations;
        let organization = organizations.iter().position(|id| json!(id) == answer.body["organization_id"]);
        let after = &mut self.callers.users[user];
        after.role = answer.body["role"].as_str().and_then(Role::from_name).ok_or("no role")?;
        after.organization = organization.ok_or("an unknown organization")?;
        after.is_disabled = answer.body["disabled"] == true;
        after.version = answer.body["version"].as_i64().unwrap_or_default();
        // What was answered before is not answered to somebody with other rights.
        self.keyed.retain(|keyed| self.callers.all[keyed.by].user != Some(user));
        if let Some(code) = code {
            self.callers.changed(user, code);
        }
        for caller in 0..self.callers.all.len() {
            if self.callers.all[caller].user == Some(user) && self.callers.standing(caller).is_err() {
                // The tokens that the tests make themselves have no session that ends with a disabled account.
                let has_session = self.accounts.iter().any(|account| account.caller == caller);
                if has_session || !known.is_disabled {
                    self.is_refused(caller).await?;
                }
                self.come_back(caller).await;
            }
        }
        Ok(())
    }

    /// Those who registered log in themselves.
    async fn come_back(&mut self, caller: usize) {
        match self.accounts.iter_mut().find(|account| account.caller == caller) {
            Some(account) => account.has_ended |= self.callers.all[caller].ended == Some("unauthenticated"),
            None => self.callers.log_in_again(&self.world, caller).await,
        }
    }
}
