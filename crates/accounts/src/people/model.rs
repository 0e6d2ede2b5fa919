use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{
    ActId, AirportCode, ApiKeyId, Fault, FaultCode, OrganizationId, TokenFamilyId, UserId, email_key, email_keys, words,
};
use loadmaster_platform::{
    listing::{By, Direction, Order},
    random::IdSource,
    web::{Fields, Raw, read},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::error::AccountError;

/// The longest text that a member of a body about an account may hold, in characters.
pub const MAX_TEXT: usize = 500;

/// The role of a caller. Each role includes the rights of the lower roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks around, holds space, and reads and cancels the bookings made of its holds.
    Guest,
    /// A shipper or forwarder: books and follows the shipments of its organization.
    Customer,
    /// The carrier's staff: sees and moves all shipments.
    Operator,
    /// Runs the schedule and the users.
    Admin,
}

impl Role {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Customer => "customer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The roles of accounts. Guests have none that they could log in to.
    pub const OF_ACCOUNTS: &[(&'static str, Self)] =
        &[("customer", Self::Customer), ("operator", Self::Operator), ("admin", Self::Admin)];

    /// The roles of API keys.
    pub const OF_KEYS: &[(&'static str, Self)] =
        &[("guest", Self::Guest), ("customer", Self::Customer), ("operator", Self::Operator), ("admin", Self::Admin)];

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Guest, Self::Customer, Self::Operator, Self::Admin].into_iter().find(|role| role.as_str() == name)
    }
}

/// The kind of credential that a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    /// A guest's token: anybody can get one, and it belongs to no account.
    Guest,
    /// An access token of a log-in, with the family of refresh tokens that it belongs to.
    Session(TokenFamilyId),
    /// `rate_limit_per_minute` is set if an administrator has given the key a limit of its own.
    ApiKey { id: ApiKeyId, rate_limit_per_minute: Option<u32> },
}

words! {
    /// Where a request comes from, as far as its credential says.
    pub enum Channel {
        /// A session of the console: its refresh token is in a cookie of the browser.
        Console = "CONSOLE",
        ApiKey = "API_KEY",
        Guest = "GUEST",
        /// No credential at all.
        Anonymous = "ANONYMOUS",
        /// A session whose client keeps its refresh token itself.
        Api = "API",
    }
}

impl Channel {
    /// Returns the channel of this name. Later versions may store others.
    pub fn named(name: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(word, _)| *word == name).map(|(_, channel)| *channel)
    }

    /// Returns the channel of a request by this caller.
    pub const fn of(caller: Option<&Principal>) -> Self {
        match caller {
            Some(caller) => caller.channel(),
            None => Self::Anonymous,
        }
    }
}

/// The caller of a request, as its credential proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Principal {
    /// A guest's id is made for its token; it becomes a user when the guest's first hold is committed.
    pub user_id: UserId,
    /// Of a guest, and of an API key with the role guest: made for the token or key alone, so that it owns what was
    /// made with it and nothing else.
    pub organization_id: OrganizationId,
    pub role: Role,
    pub credential: Credential,
    /// Whether its session is one of the console.
    pub is_console: bool,
}

impl Principal {
    /// The caller that an access token identifies; `session` is its family of refresh tokens.
    pub const fn of_session(
        user_id: UserId,
        organization_id: OrganizationId,
        role: Role,
        session: TokenFamilyId,
    ) -> Self {
        let credential = match role {
            Role::Guest => Credential::Guest,
            _ => Credential::Session(session),
        };
        Self { user_id, organization_id, role, credential, is_console: false }
    }

    /// Returns the same caller in a session of the console, or in another.
    #[must_use]
    pub const fn in_console(self, is_console: bool) -> Self {
        Self { is_console, ..self }
    }

    /// Returns the channel of its requests.
    pub const fn channel(&self) -> Channel {
        match self.credential {
            Credential::Guest => Channel::Guest,
            Credential::ApiKey { .. } => Channel::ApiKey,
            Credential::Session(_) if self.is_console => Channel::Console,
            Credential::Session(_) => Channel::Api,
        }
    }

    /// The session that the caller is logged in with. An API key has none and is refused: some operations are for people
    /// only.
    pub fn session(&self) -> Result<TokenFamilyId, AccountError> {
        match self.credential {
            Credential::Session(family) => Ok(family),
            Credential::Guest | Credential::ApiKey { .. } => Err(AccountError::NeedsSession),
        }
    }

    /// The organization whose things the caller sees; `None` for the carrier's staff, who see all.
    pub fn sees_only(&self) -> Option<OrganizationId> {
        (self.role < Role::Operator).then_some(self.organization_id)
    }

    /// Returns the reader of a list, to whom its cursors are bound: the caller's organization and role.
    pub fn reader(&self) -> String {
        format!("{} {}", self.organization_id, self.role.as_str())
    }

    /// Reads the filter `organization_id` of a list: the carrier's staff name any organization or none, others see their
    /// own and may name it.
    pub fn read_organization(&self, fields: &mut Fields<'_>) -> Option<OrganizationId> {
        let named = fields.optional("organization_id", |raw| self.read_own(raw, Role::Operator, &self.organization_id));
        named.or(self.sees_only())
    }

    /// Reads an id of which callers below `role` know only their own.
    pub fn read_own<T>(&self, raw: Raw<'_>, role: Role, own: &T) -> Result<T, Fault>
    where
        T: FromStr<Err = Fault> + PartialEq,
    {
        let id = read::code(raw)?;
        if self.role < role && id != *own {
            return Err(Fault::new(FaultCode::UnknownValue, "must be your own"));
        }
        Ok(id)
    }
}

words! {
    /// A language of the console and of letters, as a language tag.
    pub enum AccountLanguage {
        English = "en",
        German = "de",
    }
}

impl AccountLanguage {
    /// Returns the language of a tag, whatever its region, and English for every other tag.
    pub fn of_tag(tag: &str) -> Self {
        let general = tag.split('-').next().unwrap_or_default();
        let known = Self::WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(general));
        known.map_or(Self::English, |(_, language)| *language)
    }
}

words! {
    /// The unit in which a person enters and reads weights. The API takes and returns kilograms.
    pub enum WeightUnit {
        Kilogram = "kg",
        Pound = "lb",
    }
}

/// An account, as shown to its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    /// Permanent identifier.
    pub id: UserId,
    /// As entered at registration. Neither its case matters nor the spelling of its domain, in letters or in ASCII (`xn--…`).
    #[schema(format = Email)]
    pub email: String,
    /// Name of the person.
    #[schema(required = true)]
    pub name: Option<String>,
    /// Whether the user has confirmed that the e-mail address is theirs. Messages about shipments go to verified addresses
    /// only.
    pub email_verified: bool,
    /// `+`, country and number.
    #[schema(required = true, example = "+442079460123")]
    pub phone: Option<String>,
    /// Whether the user has verified the phone number.
    pub phone_verified: bool,
    /// The language of the console and of letters; null: that of the browser, and for letters that of the installation.
    #[schema(required = true)]
    pub language: Option<AccountLanguage>,
    /// The unit in which the console enters and shows weights.
    pub weight_unit: WeightUnit,
    /// The airport with which the console begins a search; null: none.
    #[schema(required = true)]
    pub home_airport: Option<AirportCode>,
    pub role: Role,
    /// The organization whose bookings the user can see.
    pub organization_id: OrganizationId,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl User {
    /// A user in an organization of its own.
    pub fn new(ids: &IdSource, email: &Email, name: Option<&str>, role: Role, now: DateTime<Utc>) -> Self {
        Self {
            id: ids.next(now),
            email: email.as_str().to_owned(),
            name: name.map(str::to_owned),
            email_verified: false,
            phone: None,
            phone_verified: false,
            language: None,
            weight_unit: WeightUnit::Kilogram,
            home_airport: None,
            role,
            organization_id: ids.next(now),
            created_at: now,
            updated_at: now,
        }
    }
}

/// An account as an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedUser {
    pub user: User,
    pub disabled: bool,
    /// UTC date of the last log-in with a password, or of the registration.
    pub last_login_on: Option<NaiveDate>,
    pub version: i32,
}

/// An account with its password hash and state.
#[derive(Clone)]
pub struct Account {
    pub user: User,
    pub password_hash: String,
    pub disabled: bool,
    pub last_login_on: Option<NaiveDate>,
    pub version: i32,
}

impl Account {
    /// The account, unless it is disabled. Only for callers whose credential is known to be the account's.
    pub fn enabled(self) -> Result<Self, AccountError> {
        if self.disabled { Err(AccountError::Disabled) } else { Ok(self) }
    }
}

impl From<Account> for ManagedUser {
    fn from(account: Account) -> Self {
        let Account { user, disabled, last_login_on, version, .. } = account;
        Self { user, disabled, last_login_on, version }
    }
}

/// Filters of a list of users; they combine with AND.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// Part of the e-mail address or the name, in any case.
    pub text: Option<String>,
    pub role: Option<Role>,
    pub organization_id: Option<OrganizationId>,
    pub disabled: Option<bool>,
}

impl UserFilter {
    /// The text as a pattern of `ilike` that matches it literally.
    pub fn pattern(&self) -> Option<String> {
        let text = self.text.as_ref()?;
        Some(format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")))
    }
}

words! {
    /// The orders of the list of users; a leading `-` is descending.
    pub enum UserSort {
        Oldest = "created_at",
        Newest = "-created_at",
        Email = "email",
        EmailDescending = "-email",
    }
}

impl UserSort {
    pub fn order(self) -> Order {
        let by = match self {
            Self::Email | Self::EmailDescending => By::Text { table: "users u", column: "u.email" },
            Self::Oldest | Self::Newest => By::Id,
        };
        Order { by, id: "u.id", direction: Direction::of(self.as_str()) }
    }
}

/// An entry of the record of administrative acts.
#[derive(Debug, Clone)]
pub struct Act {
    pub id: ActId,
    pub name: String,
    pub actor_id: Option<UserId>,
    pub subject_kind: String,
    pub subject_id: String,
    pub data: Value,
    pub request_id: Option<String>,
    pub acted_at: DateTime<Utc>,
}

/// Filters of a list of acts; they combine with AND.
#[derive(Debug, Clone, Default)]
pub struct ActFilter {
    pub actor_id: Option<UserId>,
    pub subject_id: Option<String>,
    pub act: Option<String>,
}

/// The end of a page of acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActAnchor(pub ActId);

/// Reads the name of a user or an API key, without surrounding blanks.
pub fn read_name(raw: Raw<'_>) -> Result<String, Fault> {
    Ok(read::line(MAX_TEXT)(raw)?.trim().to_owned())
}

/// The e-mail address that identifies an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    pub fn read(raw: Raw<'_>) -> Result<Self, Fault> {
        read::email(raw).map(Self)
    }

    /// The address of an account.
    pub fn of(user: &User) -> Result<Self, AccountError> {
        Self::read(Raw::Text(&user.email)).map_err(|_| AccountError::NoAccount)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which addresses are compared.
    pub fn key(&self) -> String {
        email_key(&self.0)
    }

    /// The keys under which an account with this address may stand. That of the spelling comes first: two accounts may have
    /// been made with the two spellings of a domain.
    pub fn keys(&self) -> Vec<String> {
        let (mut keys, typed) = (email_keys(&self.0), self.0.to_lowercase());
        keys.sort_by_key(|key| *key != typed);
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_text_is_matched_literally() {
        let pattern =
            |text: &str| UserFilter { text: Some(text.to_owned()), ..UserFilter::default() }.pattern().unwrap();
        assert_eq!(pattern("ann"), "%ann%");
        assert_eq!(pattern("50%_\\"), "%50\\%\\_\\\\%");
    }
}
