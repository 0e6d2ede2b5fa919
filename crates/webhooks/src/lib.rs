//! Webhooks: messages to receivers that organizations name. Decides which webhook gets which message, when an attempt is made,
//! and when a receiver is given up. A sink of the outbox (`sink`) writes deliveries; each process makes attempts (`deliver`)
//! for the webhooks that it has leased. What was tried follows from the tables alone.
mod attempt;
mod change;
mod clean;
mod create;
mod deliver;
mod dto;
mod erase;
mod error;
mod lease;
mod metric;
mod model;
mod queue;
mod read;
mod repository;
mod resend;
mod room;
mod router;
mod save;
mod secret;
mod service;
mod sign;
mod sink;
mod subscribed;

pub use error::{ReplayError, WebhookError, code};
pub use model::{AboutWebhook, Outgoing, WEBHOOK, WebhookStatus};
pub use room::ROOM;
pub use service::WebhookService;
