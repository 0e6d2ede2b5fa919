use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::{ApiKeyId, TokenFamilyId, UserId};
use loadmaster_platform::{
    clock::{Moment, SharedClock},
    postgres::Database,
    settings::Auth,
};
use tokio::{sync::Mutex, time::Instant};

use super::{
    access_token::CLOCK_SKEW,
    model::AccountState,
    repository::{self, AccessChange},
};

use crate::{
    error::AccountError,
    people::{Credential, Principal, Role},
};

/// Time limit of a poll.
const POLL_TIMEOUT: Duration = Duration::from_secs(8);

/// Time after the last poll for which its result admits tokens. After it, each request asks the database.
const MAX_AGE: Duration = Duration::from_mins(1);

/// The longest time between the writing of a change and its commit: far longer than any transaction of ours.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);

/// Knows the recent changes of accounts, sessions and API keys, and judges credentials in use by them. This is the only
/// place that knows of a revocation: the caches of credentials hold what was verified and ask here at each use. Cheap to
/// clone.
#[derive(Clone)]
pub struct AccessChanges {
    db: Database,
    /// The pool for work that a rush of requests must not delay.
    duties: Database,
    clock: SharedClock,
    /// The longest time for which a token from before a change can be valid after it.
    window: TimeDelta,
    seen: Arc<RwLock<Polled>>,
    /// Held during a poll: the result of an older one must not overwrite that of a newer one.
    polling: Arc<Mutex<()>>,
}

impl AccessChanges {
    pub fn new(db: Database, settings: &Auth, clock: SharedClock) -> Self {
        let lifetime = i64::from(settings.access_token_minutes) * 60;
        let window = TimeDelta::seconds(lifetime + CLOCK_SKEW) + OVERLAP;
        Self { duties: db.for_background(), db, clock, window, seen: Arc::default(), polling: Arc::default() }
    }

    /// The time after which a change matters to no access token.
    pub fn window(&self) -> TimeDelta {
        self.window
    }

    /// Refuses a verified access token whose session has ended, or whose account is disabled or has another role or
    /// organization by now. What names no session is a guest's.
    pub async fn judge(&self, principal: &Principal) -> Result<(), AccountError> {
        let Credential::Session(family) = principal.credential else {
            return if principal.role == Role::Guest { Ok(()) } else { Err(AccountError::TokenOutdated) };
        };
        if let Some(judged) = self.seen().judge(principal, family, self.clock.now()) {
            return judged;
        }
        let mut db = self.db.read().await?;
        let (state, ended) = repository::account_state(&mut db, principal.user_id, family).await?;
        if ended { Err(AccountError::SessionEnded) } else { compare(principal, state) }
    }

    /// The number of the last poll. Take it before reading an API key.
    pub fn poll_number(&self) -> u64 {
        self.seen().polls
    }

    /// Whether a poll since that number saw a change of the API key or its owner.
    pub fn concern_key_since(&self, poll: u64, key: ApiKeyId, owner: UserId) -> bool {
        let seen = self.seen();
        let is_later = |seen: &Seen| seen.poll > poll;
        seen.api_keys.get(&key).is_some_and(is_later) || seen.users.get(&owner).is_some_and(|(_, seen)| is_later(seen))
    }

    fn seen(&self) -> RwLockReadGuard<'_, Polled> {
        self.seen.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the changes since the last poll. Concurrent callers share one poll.
    pub async fn poll(&self) -> Result<(), AccountError> {
        let poll = self.poll_after(Instant::now());
        tokio::time::timeout(POLL_TIMEOUT, poll).await.map_err(|_| AccountError::DatabaseTooSlow)?
    }

    async fn poll_after(&self, asked: Instant) -> Result<(), AccountError> {
        let _polling = self.polling.lock().await;
        let last = self.seen().last;
        if last.is_some_and(|(moment, _)| moment.is_after(asked)) {
            return Ok(());
        }
        // Taken before the query: the next poll sees what happens during it.
        let moment = Moment::at(self.clock.now());
        let seconds = |time: TimeDelta| time.as_seconds_f64();
        let (now, changes) = {
            let mut db = self.duties.read().await?;
            let since = last.map(|(_, now)| now);
            repository::access_changes(&mut db, since, seconds(OVERLAP), seconds(self.window)).await?
        };
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        seen.take(changes, (moment, now), self.window);
        Ok(())
    }

    /// Polls after a change by this process, so that it takes effect here at once. A failure is not one of the change:
    /// the next poll sees it.
    pub async fn poll_own_change(&self) {
        if let Err(error) = self.poll().await {
            tracing::warn!(%error, "a change of access was saved, but this process could not apply it yet; the next poll applies it");
        }
    }
}

/// The result of the polls.
#[derive(Default)]
struct Polled {
    /// Accounts that changed, with their state; `None` for one that is gone.
    users: HashMap<UserId, (Option<AccountState>, Seen)>,
    /// Sessions that ended.
    families: HashMap<TokenFamilyId, Seen>,
    api_keys: HashMap<ApiKeyId, Seen>,
    polls: u64,
    /// The time of the last poll, here and by the database's clock.
    last: Option<(Moment, DateTime<Utc>)>,
}

#[derive(Clone, Copy)]
struct Seen {
    changed_at: DateTime<Utc>,
    /// The number of the last poll that saw it.
    poll: u64,
}

impl Polled {
    /// Judges a session's token. `None`: the database must be asked. That is so when the last poll is too old, and when its
    /// result speaks against the token, which may be newer than the poll. A session that has ended does not come back.
    fn judge(
        &self,
        principal: &Principal,
        family: TokenFamilyId,
        now: DateTime<Utc>,
    ) -> Option<Result<(), AccountError>> {
        self.last.filter(|(moment, _)| moment.is_within(MAX_AGE, now))?;
        if self.families.contains_key(&family) {
            return Some(Err(AccountError::SessionEnded));
        }
        match self.users.get(&principal.user_id) {
            Some((state, _)) => compare(principal, *state).ok().map(Ok),
            None => Some(Ok(())),
        }
    }

    fn take(
        &mut self,
        changes: Vec<(AccessChange, DateTime<Utc>)>,
        polled: (Moment, DateTime<Utc>),
        window: TimeDelta,
    ) {
        self.polls += 1;
        let poll = self.polls;
        for (change, changed_at) in changes {
            let at = Seen { changed_at, poll };
            match change {
                AccessChange::User(user, state) => drop(self.users.insert(user, (state, at))),
                AccessChange::Family(family) => drop(self.families.insert(family, at)),
                AccessChange::ApiKey(key) => drop(self.api_keys.insert(key, at)),
            }
        }
        let (_, now) = polled;
        let matters = |seen: &Seen| seen.changed_at > now - window;
        self.users.retain(|_, (_, seen)| matters(seen));
        self.families.retain(|_, seen| matters(seen));
        self.api_keys.retain(|_, seen| matters(seen));
        self.last = Some(polled);
    }
}

/// Compares the claims of a token with the state of its account. A token with an outdated role or organization is reported
/// as expired, so that the client refreshes it.
fn compare(principal: &Principal, state: Option<AccountState>) -> Result<(), AccountError> {
    let state = state.ok_or(AccountError::NoAccount)?;
    if state.disabled {
        return Err(AccountError::SessionEnded);
    }
    let is_current = (state.role, state.organization_id) == (principal.role, principal.organization_id);
    if is_current { Ok(()) } else { Err(AccountError::TokenOutdated) }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn principal() -> Principal {
        let id = Uuid::from_u128;
        Principal::of_session(id(1).into(), id(2).into(), Role::Operator, id(3).into())
    }

    fn second(number: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + number, 0).unwrap()
    }

    fn seen(changes: Vec<AccessChange>) -> Polled {
        let mut this = Polled::default();
        let changes = changes.into_iter().map(|change| (change, second(0))).collect();
        this.take(changes, (Moment::at(second(0)), second(0)), TimeDelta::minutes(15));
        this
    }

    fn state(role: Role, organization: u128, disabled: bool) -> AccessChange {
        let organization_id = Uuid::from_u128(organization).into();
        AccessChange::User(principal().user_id, Some(AccountState { role, organization_id, disabled }))
    }

    #[tokio::test]
    async fn a_token_passes_while_its_claims_agree_with_the_account() {
        let judge = |changes| seen(changes).judge(&principal(), Uuid::from_u128(3).into(), second(1));
        assert!(matches!(judge(vec![]), Some(Ok(()))));
        assert!(matches!(judge(vec![state(Role::Operator, 2, false)]), Some(Ok(()))));
        for (role, organization) in [(Role::Customer, 2), (Role::Admin, 2), (Role::Operator, 9)] {
            let judged = judge(vec![state(role, organization, false)]);
            assert!(judged.is_none(), "the database must say, not {judged:?}");
        }
        assert!(judge(vec![state(Role::Operator, 2, true)]).is_none());
        assert!(judge(vec![AccessChange::User(principal().user_id, None)]).is_none());
        let family = |number| AccessChange::Family(Uuid::from_u128(number).into());
        assert!(matches!(judge(vec![family(3)]), Some(Err(AccountError::SessionEnded))));
        assert!(matches!(judge(vec![family(4)]), Some(Ok(()))));
    }

    #[test]
    fn a_token_whose_claims_disagree_with_the_account_is_refused() {
        let compared = |role, organization: u128, disabled| {
            let organization_id = Uuid::from_u128(organization).into();
            compare(&principal(), Some(AccountState { role, organization_id, disabled }))
        };
        assert!(compared(Role::Operator, 2, false).is_ok());
        for (role, organization) in [(Role::Customer, 2), (Role::Admin, 2), (Role::Operator, 9)] {
            assert!(matches!(compared(role, organization, false), Err(AccountError::TokenOutdated)));
        }
        assert!(matches!(compared(Role::Operator, 2, true), Err(AccountError::SessionEnded)));
        assert!(matches!(compare(&principal(), None), Err(AccountError::NoAccount)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_poll_is_used_for_a_minute_by_either_clock() {
        let changes = seen(vec![]);
        assert!(changes.judge(&principal(), Uuid::from_u128(3).into(), second(59)).is_some());
        assert!(changes.judge(&principal(), Uuid::from_u128(3).into(), second(60)).is_none());
        assert!(changes.judge(&principal(), Uuid::from_u128(3).into(), second(-60)).is_none());
        tokio::time::advance(MAX_AGE).await;
        assert!(changes.judge(&principal(), Uuid::from_u128(3).into(), second(0)).is_none());
        assert!(Polled::default().judge(&principal(), Uuid::from_u128(3).into(), second(0)).is_none(), "never polled");
    }

    #[tokio::test]
    async fn changes_that_matter_to_no_token_are_dropped() {
        let mut changes = seen(vec![state(Role::Customer, 2, false), AccessChange::Family(Uuid::from_u128(3).into())]);
        changes.take(vec![], (Moment::at(second(900)), second(900)), TimeDelta::minutes(15));
        assert!(changes.users.is_empty() && changes.families.is_empty());
    }
}
