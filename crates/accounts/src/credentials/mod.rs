//! Credentials of people: passwords, sessions with their refresh tokens, access tokens and the keys that sign them. Knows
//! which credentials were revoked, API keys included.
mod access_token;
mod attempts;
mod cache;
mod changes;
mod claims;
mod dto;
mod key_ring;
mod keys;
mod model;
mod oauth;
mod passwords;
mod proof;
mod refresh_token;
mod repository;
mod rotation;
mod router;
mod service;
mod tokens;

pub use access_token::{AccessTokens, Verified};
pub(super) use attempts::Attempts;
pub(super) use cache::{VerifiedCache, hashed};
pub(super) use changes::AccessChanges;
pub use claims::ClaimDesk;
pub(super) use dto::{RefreshRequest, secret};
pub use key_ring::KeyRing;
pub(super) use model::Ending;
pub(super) use passwords::{Password, Passwords};
pub(super) use proof::Proofs;
pub(super) use repository::{delete_tokens_of, revoke_families_of, save_password};
pub use rotation::{Rotation, SigningKeyInfo};
pub(super) use router::{HandlerState, routes};
pub use service::SessionService;
pub use tokens::TokenService;
