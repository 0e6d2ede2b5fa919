//! What users do about their own accounts with messages: verify their e-mail address and phone, and set a new password when
//! they forgot it. Decides what proves an address.
mod dto;
mod password;
mod repository;
mod router;
mod service;

pub(super) use password::FORGOTTEN;
pub(super) use router::{HandlerState, routes};
pub(super) use service::VerificationService;
