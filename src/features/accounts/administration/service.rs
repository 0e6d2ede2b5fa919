use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::repository;
use crate::{
    features::accounts::credentials::{AccessChanges, Password, Passwords},
    features::accounts::error::AccountError,
    features::accounts::people::{
        Act, ActAnchor, ActFilter, Actor, Acts, Email, Role, Subject, User, insert_in_tx, read_name,
    },
    kernel::{Fault, FaultCode, UserId},
    platform::{
        clock::SharedClock,
        postgres::{Database, PgSession, commit, retrying},
        random::{IdSource, TokenSource},
        room::Opening,
        web::{PageRequest, Raw},
    },
};

const GENERATED_PASSWORD_LENGTH: usize = 20;

/// An account to be made at the command line, under the same rules as a registration. It gets an organization of its own.
#[derive(Debug)]
pub struct NewUser {
    pub email: String,
    pub name: Option<String>,
    /// Any role but guest: guests have no account.
    pub role: Role,
    pub password: SecretString,
}

/// Makes, changes, exports and erases the accounts of others. Cheap to clone.
#[derive(Clone)]
pub struct AdministrationService {
    pub(super) db: Database,
    pub(super) clock: SharedClock,
    ids: IdSource,
    random: TokenSource,
    passwords: Passwords,
    pub(super) acts: Acts,
    pub(super) changes: AccessChanges,
}

impl AdministrationService {
    pub(in crate::features::accounts) fn new(
        opening: &Opening,
        passwords: Passwords,
        acts: Acts,
        changes: AccessChanges,
    ) -> Self {
        let Opening { db, clock, ids, tokens: random, .. } = opening;
        let (db, clock, ids, random) = (db.clone(), clock.clone(), ids.clone(), random.clone());
        Self { db, clock, ids, random, passwords, acts, changes }
    }

    /// Makes an account. A member that breaks a rule is [`AccountError::Input`], an address in use
    /// [`AccountError::EmailTaken`].
    pub async fn create_user(&self, new: NewUser) -> Result<User, AccountError> {
        let input = |member| move |fault| AccountError::Input { member, fault };
        if new.role == Role::Guest {
            let fault = Fault::new(FaultCode::UnknownValue, "must be one of customer, operator, admin");
            return Err(input("role")(fault));
        }
        let email = Email::read(Raw::Text(&new.email)).map_err(input("email"))?;
        let name = new.name.as_deref().map(|name| read_name(Raw::Text(name))).transpose().map_err(input("name"))?;
        let password = Password::choose(Raw::Text(new.password.expose_secret()), Some(&email));
        let hash = self.passwords.hash(password.map_err(input("password"))?, self.random.bytes()?).await?;
        retrying(|| async {
            let user = User::new(&self.ids, &email, name.as_deref(), new.role, self.clock.now());
            let mut tx = self.db.begin().await?;
            insert_in_tx(&mut tx, &user, &email, &hash).await?;
            let (subject, data) = (Subject::user(user.id), json!({"role": user.role}));
            self.acts.record_in_tx(&mut tx, Actor::CommandLine, "user.created", subject, data).await?;
            commit(tx).await?;
            Ok(user)
        })
        .await
    }

    /// A password of 120 random bits that meets the rules.
    pub fn generate_password(&self) -> Result<SecretString, AccountError> {
        let mut password = self.random.token()?;
        password.truncate(GENERATED_PASSWORD_LENGTH);
        Ok(password.into())
    }

    /// The record of administrative acts, newest first.
    pub(super) async fn list_acts(
        &self,
        filter: &ActFilter,
        page: &PageRequest<ActAnchor>,
    ) -> Result<Vec<Act>, AccountError> {
        Ok(self.acts.list(&mut *self.db.read().await?, filter, page).await?)
    }

    /// Fails if nobody but this administrator could make administrators. The lock on administrators is held.
    pub(super) async fn ensure_another_administrator_in_tx(
        &self,
        tx: &mut PgSession,
        but: UserId,
        action: &'static str,
    ) -> Result<(), AccountError> {
        let has_another = repository::other_administrators(tx, but).await?;
        if has_another { Ok(()) } else { Err(AccountError::LastAdministrator(action)) }
    }
}
