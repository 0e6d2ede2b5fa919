//! The post office: a table of what is to be sent, and the sender. Decides when a notification is sent, how often that is
//! tried, which notifications go together as one letter, and to which addresses nothing is sent. What a letter says is
//! decided by its composer, at the moment of sending.
mod account_mail;
mod account_notice;
mod claim;
mod compose;
mod dto;
mod enqueue;
mod error;
mod forms;
mod message;
mod metric;
mod model;
mod open;
mod pace;
mod plan;
mod record;
mod repository;
mod router;
mod sender;
mod service;
mod shares;
mod shipped;
mod suppress;
mod templates;
mod transport;

pub use metric::METRICS;
pub use model::{Address, Channel, Composed, Composer, Letter, NewNotification, NotificationRow, Receiver, Templates};
pub use open::open;
pub use router::describe;
pub use service::{Composers, PostService};
pub(crate) use shipped::template_files;

#[cfg(test)]
pub(crate) use self::{
    account_mail::TEMPLATES as ACCOUNT_MAIL,
    account_notice::TEMPLATES as ACCOUNT_NOTICES,
    templates::{Engine, SHARED},
};
