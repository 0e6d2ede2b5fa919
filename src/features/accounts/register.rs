use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde_json::json;

use super::{
    acts::{Actor, Subject},
    dto::{self, RegisterRequest},
    error::AccountError,
    model::{Email, NewUser, Role, User},
    passwords::Password,
    repository,
    service::{AccountService, Session},
};
use crate::{
    kernel::{Fault, FaultCode},
    platform::{
        postgres::{PgSession, commit, retrying},
        web::Raw,
    },
};

impl AccountService {
    /// Makes a customer's account with an organization of its own, and logs it in.
    pub(super) async fn register(&self, request: RegisterRequest) -> Result<Session, AccountError> {
        let RegisterRequest { email, password, name } = request;
        let hash = self.passwords.hash(password, self.random.bytes()?).await?;
        let ring = self.keys.recent(self.clock.now()).await?;
        let registered = retrying(|| async {
            let now = self.clock.now();
            let user = self.newborn(&email, name.as_deref(), Role::Customer, now);
            let (session, refresh_token) = self.session(&ring, user, self.new_line(now), now)?;
            let mut tx = self.db.begin().await?;
            insert_in_tx(&mut tx, &session.user, &email, &hash).await?;
            repository::insert_refresh_token(&mut tx, &refresh_token).await?;
            commit(tx).await?;
            Ok(session)
        })
        .await;
        // Who has no account yet has no attempts with it either.
        if let Err(AccountError::EmailTaken) = registered {
            self.admit_attempt(&email).await?;
        }
        registered
    }

    /// Makes an account of any role but guest with an organization of its own. A member that breaks a rule is
    /// [`AccountError::Input`], an address in use [`AccountError::EmailTaken`].
    pub async fn create_user(&self, new: NewUser) -> Result<User, AccountError> {
        let input = |member| move |fault| AccountError::Input { member, fault };
        if new.role == Role::Guest {
            let fault = Fault::new(FaultCode::UnknownValue, "must be one of customer, operator, admin");
            return Err(input("role")(fault));
        }
        let email = Email::read(Raw::Text(&new.email)).map_err(input("email"))?;
        let name = new.name.as_deref().map(|name| dto::name(Raw::Text(name))).transpose().map_err(input("name"))?;
        let password = Password::choose(Raw::Text(new.password.expose_secret()), Some(&email));
        let hash = self.passwords.hash(password.map_err(input("password"))?, self.random.bytes()?).await?;
        retrying(|| async {
            let user = self.newborn(&email, name.as_deref(), new.role, self.clock.now());
            let mut tx = self.db.begin().await?;
            insert_in_tx(&mut tx, &user, &email, &hash).await?;
            let made = Subject::user(user.id);
            self.acts
                .record_in_tx(&mut tx, Actor::CommandLine, "user.created", made, json!({"role": user.role}))
                .await?;
            commit(tx).await?;
            Ok(user)
        })
        .await
    }

    fn newborn(&self, email: &Email, name: Option<&str>, role: Role, now: DateTime<Utc>) -> User {
        User {
            id: self.ids.next(now),
            email: email.as_str().to_owned(),
            name: name.map(str::to_owned),
            role,
            organization_id: self.ids.next(now),
            created_at: now,
            updated_at: now,
        }
    }
}

/// The organization is named after its only member.
async fn insert_in_tx(tx: &mut PgSession, user: &User, email: &Email, hash: &str) -> Result<(), AccountError> {
    let name = user.name.as_deref().unwrap_or(&user.email);
    repository::insert_organization(tx, user.organization_id, name, user.id, user.created_at).await?;
    let is_new = repository::insert_user(tx, user, email, hash).await?;
    if is_new { Ok(()) } else { Err(AccountError::EmailTaken) }
}
