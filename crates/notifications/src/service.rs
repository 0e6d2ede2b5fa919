use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_accounts::Acts;
use loadmaster_bookings::BookingService;
use loadmaster_platform::{clock::SharedClock, postgres::Database, random::IdSource};

use super::{post::PostService, tokens::Tokens};

/// When somebody is notified, and where links can lead.
#[derive(Debug, Clone, Copy)]
pub struct NotificationTerms {
    /// What one flight causes waits for this long.
    pub collect: TimeDelta,
    /// A reminder comes this long before the cut-off.
    pub reminder_hours: i32,
    /// The console's pages are served.
    pub has_console: bool,
}

/// The use cases of this room: `sink` with `ask`, `remind`, `prefer`, `name`, `answer`, `lists` and `resend`. Cheap to clone.
#[derive(Clone)]
pub struct NotificationService {
    pub db: Database,
    pub clock: SharedClock,
    pub ids: IdSource,
    pub acts: Acts,
    pub bookings: BookingService,
    pub post: PostService,
    pub tokens: Tokens,
    pub terms: NotificationTerms,
}

impl NotificationService {
    /// Returns the same service on the connections reserved for background work.
    #[must_use]
    pub fn for_background(&self) -> Self {
        Self { db: self.db.for_background(), ..self.clone() }
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}
