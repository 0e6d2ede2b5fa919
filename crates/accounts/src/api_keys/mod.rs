//! API keys: credentials of programs, which people make and which never may do more than their owners.
mod dto;
mod model;
mod repository;
mod router;
mod service;

pub(super) use repository::delete_keys_of;
pub(super) use router::{HandlerState, routes};
pub(super) use service::{ApiKeyService, is_api_key};
