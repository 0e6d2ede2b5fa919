use loadmaster_accounts::Principal;
use loadmaster_flights::forget_feed_in_tx;
use loadmaster_kernel::FeedId;
use loadmaster_platform::{
    postgres::PgSession,
    web::{Patch, Precondition},
    work::Command,
};

use super::{
    dto::{ChangeFeed, FeedHeader, WantedFeedStatus},
    error::FeedError,
    model::{Feed, FeedStatus, MOST_FEEDS, Terms},
    repository,
    service::FeedService,
};

/// Makes a feed.
pub(super) struct Create {
    pub feeds: FeedService,
    pub caller: Principal,
    pub terms: Terms,
    pub headers: Vec<FeedHeader>,
}

impl Command for Create {
    const NAME: &'static str = "feeds.create";
    type Done = Feed;
    type Error = FeedError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Feed, FeedError> {
        let Self { feeds, caller, terms, headers } = self;
        validate(terms)?;
        if repository::count_alone(tx).await? >= MOST_FEEDS {
            return Err(FeedError::LimitReached(MOST_FEEDS));
        }
        let now = feeds.clock.now();
        let mut feed = Feed {
            id: feeds.ids.next(now),
            terms: terms.clone(),
            headers: None,
            header_names: Vec::new(),
            status: FeedStatus::Active,
            failures: 0,
            etag: None,
            last_success_at: None,
            due_at: None,
            waiting_run: None,
            changed_by: caller.user_id,
            event_sequence: 0,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        feeds.seal_headers(&mut feed, headers)?;
        feed.due_at = feed.next_run(now, true);
        repository::save(tx, &feed).await?;
        repository::claim_airlines(tx, &feed).await?;
        feeds.record_in_tx(tx, *caller, &feed, "feed.created", None).await?;
        Ok(feed)
    }

    async fn concluded(&mut self, outcome: Result<&Feed, &FeedError>) {
        if let Ok(feed) = outcome {
            tracing::info!(feed_id = %feed.id, kind = feed.terms.kind.as_str(), "feed created");
            self.feeds.wake();
        }
    }
}

/// Changes a feed. One that is changed to what it is already keeps its version.
pub(super) struct Change {
    pub feeds: FeedService,
    pub caller: Principal,
    pub id: FeedId,
    pub precondition: Precondition,
    pub wanted: ChangeFeed,
}

impl Command for Change {
    const NAME: &'static str = "feeds.change";
    type Done = Feed;
    type Error = FeedError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Feed, FeedError> {
        let Self { feeds, caller, id, precondition, wanted } = self;
        let before = lock_in_tx(tx, *id, precondition).await?;
        let terms = wanted.applied(&before.terms);
        validate(&terms)?;
        let status = match wanted.status {
            Some(WantedFeedStatus::Paused) => FeedStatus::Paused,
            Some(WantedFeedStatus::Active) if before.status == FeedStatus::Paused => FeedStatus::Active,
            _ => before.status,
        };
        if terms == before.terms && status == before.status && wanted.headers.is_keep() {
            return Ok(before);
        }
        let now = feeds.clock.now();
        let mut feed = Feed {
            terms,
            status,
            changed_by: caller.user_id,
            version: before.version + 1,
            updated_at: now,
            ..before.clone()
        };
        match &wanted.headers {
            Patch::Set(headers) => feeds.seal_headers(&mut feed, headers)?,
            // What authenticates to one server is not sent to another.
            Patch::Keep if feed.terms.url == before.terms.url => {}
            Patch::Keep | Patch::Clear => feeds.seal_headers(&mut feed, &[])?,
        }
        // The file may be another one, or be read otherwise.
        feed.etag = None;
        if repository::running(tx, feed.id).await?.is_none() {
            feed.due_at = feed.next_run(now, true);
        }
        repository::save(tx, &feed).await?;
        if feed.terms.airline_codes != before.terms.airline_codes {
            repository::claim_airlines(tx, &feed).await?;
        }
        feeds.record_in_tx(tx, *caller, &feed, "feed.changed", None).await?;
        Ok(feed)
    }

    async fn concluded(&mut self, outcome: Result<&Feed, &FeedError>) {
        if outcome.is_ok() {
            self.feeds.wake();
        }
    }
}

/// Deletes a feed with its runs. Its flights stay, and are no feed's.
pub(super) struct Delete {
    pub feeds: FeedService,
    pub caller: Principal,
    pub id: FeedId,
    pub precondition: Precondition,
}

impl Command for Delete {
    const NAME: &'static str = "feeds.delete";
    type Done = ();
    type Error = FeedError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<(), FeedError> {
        let feed = lock_in_tx(tx, self.id, &self.precondition).await?;
        // An apply locks flights of the feed before its run: this does, too.
        forget_feed_in_tx(tx, self.id).await?;
        repository::delete(tx, self.id, self.feeds.clock.now()).await?;
        // Flights of an apply that has ended meanwhile. There is none from now on: it would find no run.
        forget_feed_in_tx(tx, self.id).await?;
        Ok(self.feeds.record_in_tx(tx, self.caller, &feed, "feed.deleted", None).await?)
    }
}

/// Forgets the failures of a feed and its last file, and has it run soon.
pub(super) struct Reset {
    pub feeds: FeedService,
    pub caller: Principal,
    pub id: FeedId,
    pub precondition: Precondition,
}

impl Command for Reset {
    const NAME: &'static str = "feeds.reset";
    type Done = Feed;
    type Error = FeedError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Feed, FeedError> {
        let mut feed = lock_in_tx(tx, self.id, &self.precondition).await?;
        let now = self.feeds.clock.now();
        let due_at = feed.due_at;
        feed.reset(now);
        if repository::running(tx, feed.id).await?.is_some() {
            feed.due_at = due_at;
        }
        feed.version += 1;
        feed.updated_at = now;
        repository::save(tx, &feed).await?;
        self.feeds.record_in_tx(tx, self.caller, &feed, "feed.reset", None).await?;
        Ok(feed)
    }

    async fn concluded(&mut self, outcome: Result<&Feed, &FeedError>) {
        if outcome.is_ok() {
            self.feeds.wake();
        }
    }
}

fn validate(terms: &Terms) -> Result<(), FeedError> {
    let faults = terms.faults();
    if faults.is_empty() { Ok(()) } else { Err(FeedError::Invalid(faults)) }
}

/// Locks a feed that still has the version that the caller knows.
pub(super) async fn lock_in_tx(tx: &mut PgSession, id: FeedId, precondition: &Precondition) -> Result<Feed, FeedError> {
    let feed = repository::lock(tx, id).await?.ok_or(FeedError::Unknown("feed"))?;
    precondition.check(feed.version).map_err(FeedError::VersionMismatch)?;
    Ok(feed)
}

impl FeedService {
    /// Encrypts the headers of the requests of a feed, in place of those before.
    fn seal_headers(&self, feed: &mut Feed, headers: &[FeedHeader]) -> Result<(), FeedError> {
        if headers.is_empty() {
            (feed.headers, feed.header_names) = (None, Vec::new());
            return Ok(());
        }
        let pairs: Vec<(&str, &str)> = headers.iter().map(|it| (it.name.as_str(), it.value.as_str())).collect();
        let text = serde_json::to_vec(&pairs).unwrap_or_default();
        feed.headers = Some(self.vault.seal(feed.id.uuid(), &text)?);
        feed.header_names = headers.iter().map(|header| header.name.clone()).collect();
        Ok(())
    }
}
