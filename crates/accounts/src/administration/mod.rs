//! Administration of accounts by others than their owners: making, changing, exporting and erasing them. The last
//! administrator stays. Shows the record of administrative acts.
mod dto;
mod manage;
mod model;
mod organizations;
mod repository;
mod router;
mod service;

pub use manage::UserChange;
pub(super) use router::{HandlerState, routes};
pub use service::{AdministrationService, NewUser};
