//! Who is calling and what they may do: users, organizations, roles, passwords, tokens, API keys. Decides whether a
//! credential is good; what belongs to whom is decided by the room that owns the thing. Keeps the record of administrative
//! acts.
//!
//! [`AccountService::caller`] turns a Bearer token or an API key into the [`Principal`] of a request; the
//! extractors [`Customer`], [`Operator`] and [`Admin`] ask for one of at least that role.
mod acts;
mod api_keys;
mod attempts;
mod authenticate;
mod cache;
mod caller;
mod changes;
mod dto;
mod erasure;
mod error;
mod keys;
mod known_keys;
mod login;
mod model;
mod oauth;
mod password_change;
mod passwords;
mod register;
mod repository;
mod room;
mod rotation;
mod router;
mod service;
mod sessions;
mod tokens;
mod users;

pub use acts::{Actor, Acts, Subject};
pub use attempts::Attempts;
pub use authenticate::{bearer_token, ignores_tokens};
pub use caller::{Admin, Customer, Operator};
pub use error::{AccountError, code};
pub use keys::KeyRing;
pub use model::{Credential, ManagedUser, NewUser, Principal, Role, User};
pub use room::ROOM;
pub use rotation::{Rotation, SigningKeyInfo};
pub use service::AccountService;
pub use tokens::{AccessTokens, Verified};
pub use users::UserChange;
