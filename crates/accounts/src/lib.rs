//! Callers and their accounts, in rooms of its own. Each uses only those before it: one-time tokens, people, lasting access,
//! credentials, verification, API keys, administration.
//!
//! This room decides whether a credential is valid; the room that owns a thing decides which callers may see it. The
//! [`Authenticator`] turns a Bearer token or an API key into the [`Principal`] of a request; the extractors [`Guest`],
//! [`Customer`], [`Operator`] and [`Admin`] ask for one of at least that role.
mod administration;
mod api_keys;
mod authenticate;
mod credentials;
mod error;
mod lasting;
mod one_time;
mod people;
mod room;
mod verification;

pub use administration::{AdministrationService, NewUser, UserChange};
pub use authenticate::{Authenticator, bearer_token, ignores_tokens};
pub use credentials::{
    AccessTokens, ClaimDesk, KeyRing, Rotation, SessionService, SigningKeyInfo, TokenService, Verified,
};
pub use error::{AccountError, code, invalid_token};
pub use lasting::{LastingAccess, Obstacle, SleepReason};
pub use one_time::{
    AccountMail, AccountMailKind, AccountMails, AccountNotice, NewToken, OneTime, OneTimeToken, Purpose,
};
pub use people::{
    Actor, Acts, Admin, CallerQuotas, Channel, Credential, Customer, Guest, KnownAirports, ManagedUser, Operator,
    Principal, Role, Subject, User, UserService, admit_guests_in_tx, required,
};
pub use room::ROOM;
