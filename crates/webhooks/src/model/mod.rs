mod message;
mod state;
#[cfg(test)]
mod tests;
mod webhook;

pub use message::{Outgoing, WebhookMessage, WebhookTest, message, test_message};
pub use state::{After, GiveUp, Moment, Outlook, State, Tried, due};
pub use webhook::{
    AboutWebhook, Attempt, AttemptOutcome, Delivery, DeliveryAnchor, DeliveryStatus, DisabledReason, Maker, Terms,
    WEBHOOK, Webhook, WebhookAnchor, WebhookEventType, WebhookScope, WebhookStatus,
};
