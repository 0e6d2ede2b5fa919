use std::{
    collections::{HashMap, HashSet},
    sync::{PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::{
    error::AccountError,
    model::{Credential, Principal},
    repository::{self, AccessChange, Standing},
    service::AccountService,
    tokens::CLOCK_SKEW,
};
use crate::{
    kernel::{ApiKeyId, TokenFamilyId, UserId},
    platform::clock::Moment,
};

/// How often each process looks what has changed.
pub const LOOK_EVERY: Duration = Duration::from_secs(10);

/// A look that takes longer has failed.
const LOOK_PATIENCE: Duration = Duration::from_secs(8);

/// What was seen is believed for so long. After it the database is asked about each request.
const BELIEVED: Duration = Duration::from_mins(1);

/// A change may be committed so long after it was written: far longer than any transaction of ours may last.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);

/// What has changed lately about accounts and sessions: by this, credentials that are in use are judged. A token that says
/// what is so needs no look at the database.
#[derive(Default)]
pub(super) struct Changes {
    seen: RwLock<Seen>,
    /// Looks are taken one after the other: an older one must not overwrite a newer.
    looking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Seen {
    /// Accounts that have changed, with what they may do now; each until no token from before can live.
    users: HashMap<UserId, (Option<Standing>, DateTime<Utc>)>,
    /// Sessions that have ended.
    families: HashMap<TokenFamilyId, DateTime<Utc>>,
    /// When that was so, and the database's time then.
    looked: Option<(Moment, DateTime<Utc>)>,
}

impl Changes {
    /// Whether the credential still is what it was when it was given. `None`: the database must say. That is so when we
    /// looked too long ago, and when what we saw speaks against the token: it may be newer than our look. A session that
    /// has ended does not come back.
    fn judge(&self, principal: &Principal, now: DateTime<Utc>) -> Option<Result<(), AccountError>> {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        seen.looked.filter(|(moment, _)| moment.is_within(BELIEVED, now))?;
        let Credential::Session(family) = principal.credential else { return Some(Ok(())) };
        if seen.families.contains_key(&family) {
            return Some(Err(AccountError::SessionEnded));
        }
        match seen.users.get(&principal.user_id) {
            Some((standing, _)) => compare(principal, *standing).ok().map(Ok),
            None => Some(Ok(())),
        }
    }

    fn take(&self, changes: Vec<(AccessChange, DateTime<Utc>)>, looked: (Moment, DateTime<Utc>), window: TimeDelta) {
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        for (change, at) in changes {
            match change {
                AccessChange::User(user, standing) => {
                    seen.users.insert(user, (standing, at));
                }
                AccessChange::Family(family) => {
                    seen.families.insert(family, at);
                }
                AccessChange::ApiKey(_) => {}
            }
        }
        let (_, now) = looked;
        seen.users.retain(|_, (_, at)| *at > now - window);
        seen.families.retain(|_, at| *at > now - window);
        seen.looked = Some(looked);
    }

    /// Whether the last look began after that.
    fn looked_since(&self, asked: Instant) -> bool {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        seen.looked.is_some_and(|(moment, _)| moment.is_after(asked))
    }

    /// The database's time at the last look.
    fn horizon(&self) -> Option<DateTime<Utc>> {
        self.seen.read().unwrap_or_else(PoisonError::into_inner).looked.map(|(_, now)| now)
    }
}

/// What a token says, beside what is so. A token that says otherwise is called expired: the next one will be right.
fn compare(principal: &Principal, standing: Option<Standing>) -> Result<(), AccountError> {
    match standing {
        None => Err(AccountError::NoAccount),
        Some(standing) if standing.disabled => Err(AccountError::SessionEnded),
        Some(Standing { role, organization_id, .. })
            if (role, organization_id) != (principal.role, principal.organization_id) =>
        {
            Err(AccountError::TokenOutdated)
        }
        Some(_) => Ok(()),
    }
}

impl AccountService {
    /// Whether a session's token, right in itself, is still worth something.
    pub(super) async fn judge_session(&self, principal: &Principal, now: DateTime<Utc>) -> Result<(), AccountError> {
        let Credential::Session(family) = principal.credential else { return Ok(()) };
        if let Some(judged) = self.changes.judge(principal, now) {
            return judged;
        }
        let mut db = self.db.read().await?;
        let (standing, ended) = repository::standing(&mut db, principal.user_id, family).await?;
        if ended { Err(AccountError::SessionEnded) } else { compare(principal, standing) }
    }

    /// Looks what has changed about accounts, sessions, API keys and signing keys. Every process does so every
    /// [`LOOK_EVERY`].
    pub async fn learn_changes(&self) -> Result<(), AccountError> {
        self.look_at_access().await?;
        self.keys.read_again(self.clock.now(), Duration::ZERO).await.map(drop)
    }

    /// The same but for the signing keys; who made a change does so at once. Of many who come together one looks for all.
    pub(super) async fn look_at_access(&self) -> Result<(), AccountError> {
        let look = self.look(Instant::now());
        tokio::time::timeout(LOOK_PATIENCE, look).await.map_err(|_| AccountError::LookTooLong)?
    }

    async fn look(&self, asked: Instant) -> Result<(), AccountError> {
        let _one_by_one = self.changes.looking.lock().await;
        if self.changes.looked_since(asked) {
            return Ok(());
        }
        // Before the question: what happens during it is seen by the next look.
        let moment = Moment::at(self.clock.now());
        let window = self.longest_use();
        let seconds = |time: TimeDelta| time.as_seconds_f64();
        let (now, changes) = {
            let mut db = self.duties.read().await?;
            let since = self.changes.horizon();
            repository::access_changes(&mut db, since, seconds(OVERLAP), seconds(window)).await?
        };
        let users: HashSet<UserId> = changes.iter().filter_map(|(change, _)| change.user()).collect();
        let keys: HashSet<ApiKeyId> = changes.iter().filter_map(|(change, _)| change.api_key()).collect();
        self.known_keys.forget(|known| users.contains(&known.user_id) || keys.contains(&known.id));
        self.changes.take(changes, (moment, now), window);
        Ok(())
    }

    /// The same after a change that was made here. That it fails is no failure of the change: the next look will see it.
    pub(super) async fn learn_own_change(&self) {
        if let Err(error) = self.look_at_access().await {
            tracing::warn!(%error, "a change of access was made, and will be seen a little later");
        }
    }

    /// Longest that a token from before a change can live after it.
    pub(super) fn longest_use(&self) -> TimeDelta {
        TimeDelta::seconds(self.access.lifetime() + CLOCK_SKEW) + OVERLAP
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::features::accounts::model::Role;

    fn principal() -> Principal {
        let id = Uuid::from_u128;
        Principal::of_session(id(1).into(), id(2).into(), Role::Operator, id(3).into())
    }

    fn second(number: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + number, 0).unwrap()
    }

    fn seen(changes: Vec<AccessChange>) -> Changes {
        let this = Changes::default();
        let changes = changes.into_iter().map(|change| (change, second(0))).collect();
        this.take(changes, (Moment::at(second(0)), second(0)), TimeDelta::minutes(15));
        this
    }

    fn standing(role: Role, organization: u128, disabled: bool) -> AccessChange {
        let organization_id = Uuid::from_u128(organization).into();
        AccessChange::User(principal().user_id, Some(Standing { role, organization_id, disabled }))
    }

    #[tokio::test]
    async fn a_token_is_good_while_it_says_what_is_so() {
        let judge = |changes| seen(changes).judge(&principal(), second(1));
        assert!(matches!(judge(vec![]), Some(Ok(()))));
        assert!(matches!(judge(vec![standing(Role::Operator, 2, false)]), Some(Ok(()))));
        for (role, organization) in [(Role::Customer, 2), (Role::Admin, 2), (Role::Operator, 9)] {
            let judged = judge(vec![standing(role, organization, false)]);
            assert!(judged.is_none(), "the database must say, not {judged:?}");
        }
        assert!(judge(vec![standing(Role::Operator, 2, true)]).is_none());
        assert!(judge(vec![AccessChange::User(principal().user_id, None)]).is_none());
        let family = |number| AccessChange::Family(Uuid::from_u128(number).into());
        assert!(matches!(judge(vec![family(3)]), Some(Err(AccountError::SessionEnded))));
        assert!(matches!(judge(vec![family(4)]), Some(Ok(()))));
    }

    #[test]
    fn a_token_that_says_otherwise_than_what_is_so_is_refused() {
        let says = |role, organization: u128, disabled| {
            let organization_id = Uuid::from_u128(organization).into();
            compare(&principal(), Some(Standing { role, organization_id, disabled }))
        };
        assert!(says(Role::Operator, 2, false).is_ok());
        for (role, organization) in [(Role::Customer, 2), (Role::Admin, 2), (Role::Operator, 9)] {
            assert!(matches!(says(role, organization, false), Err(AccountError::TokenOutdated)));
        }
        assert!(matches!(says(Role::Operator, 2, true), Err(AccountError::SessionEnded)));
        assert!(matches!(compare(&principal(), None), Err(AccountError::NoAccount)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_seen_is_believed_for_a_minute_by_either_clock() {
        let changes = seen(vec![]);
        assert!(changes.judge(&principal(), second(59)).is_some());
        assert!(changes.judge(&principal(), second(60)).is_none());
        assert!(changes.judge(&principal(), second(-60)).is_none());
        tokio::time::advance(BELIEVED).await;
        assert!(changes.judge(&principal(), second(0)).is_none());
        assert!(Changes::default().judge(&principal(), second(0)).is_none(), "never looked");
    }

    #[tokio::test]
    async fn what_no_token_can_be_older_than_is_forgotten() {
        let changes = seen(vec![standing(Role::Customer, 2, false), AccessChange::Family(Uuid::from_u128(3).into())]);
        changes.take(vec![], (Moment::at(second(900)), second(900)), TimeDelta::minutes(15));
        let seen = changes.seen.read().unwrap();
        assert!(seen.users.is_empty() && seen.families.is_empty());
    }
}
