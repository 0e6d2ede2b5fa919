use loadmaster_kernel::{Fault, FaultCode, UserId};
use loadmaster_platform::{
    clock::SharedClock,
    personal::Person,
    postgres::{Database, PgSession, commit, retrying},
    random::{IdSource, TokenSource},
    room::Opening,
    web::{PageRequest, Raw},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::repository;

use crate::{
    api_keys::delete_keys_of,
    credentials::{AccessChanges, Ending, Password, Passwords, delete_tokens_of, revoke_families_of},
    error::AccountError,
    one_time::OneTime,
    people::{
        Act, ActAnchor, ActFilter, Actor, Acts, Email, ManagedUser, Role, Subject, User, account_by_id, count_acts,
        insert_in_tx, list_acts, lock_account_to_change, read_name,
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
    pub(super) ids: IdSource,
    random: TokenSource,
    passwords: Passwords,
    pub(super) acts: Acts,
    pub(super) changes: AccessChanges,
    one_time: OneTime,
}

impl AdministrationService {
    pub(crate) fn new(
        opening: &Opening,
        passwords: Passwords,
        acts: Acts,
        changes: AccessChanges,
        one_time: OneTime,
    ) -> Self {
        let Opening { db, clock, ids, tokens: random, .. } = opening;
        let (db, clock, ids, random) = (db.clone(), clock.clone(), ids.clone(), random.clone());
        Self { db, clock, ids, random, passwords, acts, changes, one_time }
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
            // Whoever runs commands vouches for the address.
            let user = User { email_verified: true, ..user };
            let mut tx = self.db.begin().await?;
            insert_in_tx(&mut tx, &user, &email, &hash).await?;
            let (subject, data) = (Subject::new("user", user.id), json!({"role": user.role}));
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

    /// Exports the data about an account as JSON, with the person it belongs to. The export is recorded as an act.
    pub async fn export_in_tx(&self, tx: &mut PgSession, user: UserId) -> Result<(Person, Value), AccountError> {
        account_by_id(&mut *tx, user).await?.ok_or(AccountError::Unknown("user"))?;
        let person = person(&mut *tx, user).await?;
        let export = repository::export_account(&mut *tx, user).await?;
        self.acts.record_in_tx(tx, Actor::CommandLine, "user.exported", Subject::new("user", user), json!({})).await?;
        Ok((person, export))
    }

    /// The first step of an erasure: ends all access to the account, here at once and elsewhere within a minute. Refuses the
    /// last administrator.
    pub async fn close_in_tx(&self, tx: &mut PgSession, user: UserId) -> Result<Person, AccountError> {
        repository::lock_administrators(&mut *tx).await?;
        let account = lock_account_to_change(&mut *tx, user).await?.ok_or(AccountError::Unknown("user"))?;
        let before = ManagedUser::from(account);
        if before.user.role == Role::Admin && !before.disabled {
            self.ensure_another_administrator_in_tx(&mut *tx, user, "erase").await?;
        }
        revoke_families_of(&mut *tx, user, None, Ending::Erased).await?;
        delete_tokens_of(&mut *tx, user).await?;
        self.one_time.delete_of_in_tx(&mut *tx, user).await?;
        delete_keys_of(&mut *tx, user).await?;
        repository::disable(&mut *tx, user, self.clock.now()).await?;
        person(tx, user).await
    }

    /// The last step of an erasure: removes the personal data from the account, for good.
    pub async fn erase_in_tx(&self, tx: &mut PgSession, user: UserId) -> Result<(), AccountError> {
        // The account may have been enabled again since the first step.
        let person = self.close_in_tx(&mut *tx, user).await?;
        repository::erase_account(&mut *tx, user, &person.organizations, self.clock.now()).await?;
        Ok(self.acts.record_in_tx(tx, Actor::CommandLine, "user.erased", Subject::new("user", user), json!({})).await?)
    }

    /// The person behind an account, erased or not, with the organizations that nobody else belongs to now.
    pub async fn person(&self, user: UserId) -> Result<Person, AccountError> {
        person(&mut *self.db.read().await?, user).await
    }

    /// The record of administrative acts, newest first.
    pub(super) async fn list_acts(
        &self,
        filter: &ActFilter,
        page: &PageRequest<ActAnchor>,
    ) -> Result<Vec<Act>, AccountError> {
        Ok(list_acts(&mut *self.db.listing().await?, filter, page.after, page.offset, page.fetch()).await?)
    }

    pub(super) async fn count_acts(&self, filter: &ActFilter) -> Result<i64, AccountError> {
        Ok(count_acts(&mut *self.db.read().await?, filter).await?)
    }

    /// Records an export by an administrator, before it begins.
    pub(super) async fn record_export(
        &self,
        actor: UserId,
        table: &'static str,
        rows: i64,
    ) -> Result<(), AccountError> {
        self.acts.record_export(&self.db, actor, table, rows).await
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

async fn person(tx: &mut PgSession, user_id: UserId) -> Result<Person, AccountError> {
    Ok(Person { user_id, organizations: repository::own_organizations(tx, user_id).await? })
}
