use chrono::{DateTime, Utc};
use loadmaster_kernel::{FeedId, FeedRunId, words};
use loadmaster_platform::outbox::Message;
use serde::Serialize;
use utoipa::ToSchema;

use super::{FEED, Feed, FeedKind};

words! {
    /// What happens to a feed.
    pub enum FeedEventType {
        Failing = "FAILING",
        Review = "REVIEW",
    }
}

/// The meaning of each of [`FeedEventType::NAMES`].
pub const ABOUT: [&str; FeedEventType::NAMES.len()] = [
    "Five runs of a feed in a row have failed. They are repeated, and no further such message follows before one succeeds.",
    "A run of a feed waits for a person, who applies or rejects it.",
];

/// A feed that needs a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeedMessage {
    feed_id: FeedId,
    kind: FeedKind,
    /// The run that failed, or waits.
    run_id: FeedRunId,
    /// Runs in a row that have failed.
    failures: i32,
}

/// Returns the message about a feed, whose number is that of the feed's last event.
pub fn message<'a>(
    feed: &Feed,
    run_id: FeedRunId,
    event_type: FeedEventType,
    subject: &'a str,
    now: DateTime<Utc>,
) -> Message<'a, FeedMessage> {
    Message {
        aggregate: FEED,
        aggregate_id: feed.id.uuid(),
        organization: None,
        subject,
        sequence: feed.event_sequence,
        event_type: event_type.as_str(),
        data: FeedMessage { feed_id: feed.id, kind: feed.terms.kind, run_id, failures: feed.failures },
        occurred_at: now,
        trace: None,
    }
}
