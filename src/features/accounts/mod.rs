//! Who is calling and what they may do: users, organizations, roles, passwords, tokens. Decides whether a credential is
//! good; what belongs to whom is decided by the room that owns the thing.
//!
//! [`authenticate()`] is the layer that turns a Bearer token into the [`Principal`] of a request; the extractors
//! [`Customer`], [`Operator`] and [`Admin`] ask for one of at least that role.
mod authenticate;
mod caller;
mod dto;
mod error;
mod keys;
mod login;
mod model;
mod oauth;
mod passwords;
mod register;
mod repository;
mod router;
mod service;
mod tokens;

pub use authenticate::authenticate;
pub use caller::{Admin, Customer, Operator};
pub use error::AccountError;
pub use model::{NewUser, Principal, Role, User};
pub use router::router;
pub use service::AccountService;
