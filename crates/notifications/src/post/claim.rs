use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::LetterId;
use loadmaster_platform::{
    in_own_tx,
    postgres::{DbError, PgSession, commit, retrying},
};
use uuid::Uuid;

use super::{
    account_mail::ACCOUNT_TYPES,
    account_notice::NOTICES,
    metric,
    model::Claim,
    plan::{Group, Plan, plan},
    repository::{self, Ended},
    sender::ChannelSender,
    shares::Share,
};

/// Time after which a process that has not said how a letter went is lost: longer than any dialogue.
const CLAIM: TimeDelta = TimeDelta::minutes(5);
/// Notifications that are looked at at once.
const BATCH: i64 = 500;

/// What one receiver gets later: until when, single notifications, and bundles.
type Postponed = (DateTime<Utc>, Vec<Uuid>, Vec<String>);

/// The type by which a notification is counted. Those about accounts are counted together: a counter of the links for new
/// passwords would show readers of the metrics whether an address that they ask for has an account.
pub(super) fn counted_as(kind: &str) -> &str {
    if ACCOUNT_TYPES.contains(&kind) || NOTICES.contains(&kind) { "account" } else { kind }
}

impl ChannelSender {
    /// The types that this process can compose. Those of a later release are left to its processes.
    fn types(&self) -> Vec<&'static str> {
        self.composers.keys().copied().collect()
    }

    /// Lets letters wait again that a process of a former release suppressed because it did not know their type.
    pub(super) async fn restore(&self) -> Result<(), DbError> {
        if self.transport.is_none() {
            return Ok(());
        }
        let (now, types) = (self.post.clock.now(), self.types());
        let restored = retrying(|| async {
            in_own_tx!(self.post.db, |tx| repository::restore(&mut tx, self.channel, &types, now))
        });
        let restored = restored.await?;
        if restored > 0 {
            tracing::info!(restored, "notifications wait again that a process of a former release suppressed");
        }
        Ok(())
    }

    /// Claims at most `free` letters that are due, as far as the pace admits them.
    pub(super) async fn claim(&self, free: usize, under_way: &[LetterId]) -> Result<Vec<Claim>, DbError> {
        let (db, clock) = (&self.post.db, &self.post.clock);
        if !repository::has_work(&mut *db.read().await?, self.channel, &self.types(), clock.now()).await? {
            return Ok(Vec::new());
        }
        let (letters, ended) = retrying(|| async {
            let now = clock.now();
            let mut tx = db.begin().await?;
            let mut ended = repository::expire(&mut tx, self.channel, now).await?;
            if self.transport.is_none() {
                ended.extend(repository::suppress_due(&mut tx, self.channel, now).await?);
                commit(tx).await?;
                return Ok::<_, DbError>((Vec::new(), ended));
            }
            let mut lost = Vec::new();
            if !self.transport.may_repeat() {
                lost = repository::give_up_lost(&mut tx, self.channel, under_way, "outcome_unknown").await?;
            }
            let letters = self.claim_in_tx(&mut tx, free, under_way, now).await?;
            commit(tx).await?;
            self.count(&lost, "failed");
            Ok((letters, ended))
        })
        .await?;
        self.count(&ended, "suppressed");
        Ok(letters)
    }

    pub(super) fn count(&self, ended: &[Ended], outcome: &'static str) {
        for one in ended {
            metric::NOTIFICATIONS.with([self.channel.as_str(), counted_as(&one.kind), outcome]).increment(1);
        }
    }

    /// Claims letters share by share: codes come before all others, and each share has its own letters of the day.
    async fn claim_in_tx(
        &self,
        tx: &mut PgSession,
        free: usize,
        under_way: &[LetterId],
        now: DateTime<Utc>,
    ) -> Result<Vec<Claim>, DbError> {
        let mut pace = repository::lock_pace(tx, self.channel).await?;
        if pace.day != now.date_naive() {
            (pace.day, pace.sent, pace.codes) = (now.date_naive(), 0, 0);
        }
        // A server of the release before counts no codes: those of yesterday may stand beside today's letters.
        pace.codes = pace.codes.min(pace.sent);
        let mut claimed = Vec::new();
        for (share, left) in self.shares.left(pace.sent, pace.codes) {
            let wanted = free.saturating_sub(claimed.len()).min(left);
            let (admitted, _) = self.pace.admit(pace.free_at, now, wanted);
            if admitted == 0 {
                continue;
            }
            let letters = self.claim_share_in_tx(tx, share, admitted, under_way, (now, pace.now + CLAIM)).await?;
            (_, pace.free_at) = self.pace.admit(pace.free_at, now, letters.len());
            let number = i32::try_from(letters.len()).unwrap_or(i32::MAX);
            pace.sent = pace.sent.saturating_add(number);
            if share == Share::Codes {
                pace.codes = pace.codes.saturating_add(number);
            }
            claimed.extend(letters);
        }
        if !claimed.is_empty() {
            repository::save_pace(tx, self.channel, &pace).await?;
        }
        Ok(claimed)
    }

    async fn claim_share_in_tx(
        &self,
        tx: &mut PgSession,
        share: Share,
        admitted: usize,
        under_way: &[LetterId],
        (now, until): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Vec<Claim>, DbError> {
        let due = repository::lock_due(tx, self.channel, (share, &self.types()), now, under_way, BATCH).await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let receivers: BTreeSet<&str> = due.iter().map(|one| one.receiver.as_str()).collect();
        let receivers: Vec<String> = receivers.into_iter().map(str::to_owned).collect();
        let hour = now - TimeDelta::hours(1);
        let recent = repository::recent(tx, self.channel, &receivers, hour).await?;
        let Plan { letters, postponed } = plan(&due, &recent, admitted, now);
        self.postpone_in_tx(tx, postponed).await?;
        let mut claimed = Vec::with_capacity(letters.len());
        for group in &letters {
            claimed.push(self.claim_group_in_tx(tx, group, (now, until)).await?);
        }
        Ok(claimed)
    }

    async fn claim_group_in_tx(
        &self,
        tx: &mut PgSession,
        group: &Group,
        (now, until): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Claim, DbError> {
        let letter = if let Group::Again(letter) = group { *letter } else { self.post.ids.next(now) };
        match group {
            Group::Again(letter) => repository::claim_again(tx, *letter, until).await?,
            Group::Bundle { receiver, bundle } => {
                let types = self.types();
                repository::claim_bundle(tx, self.channel, (receiver, bundle, &types), letter, until).await?;
            }
            Group::Single(id) => repository::claim_single(tx, *id, letter, until).await?,
        }
        Ok(Claim { letter, until })
    }

    async fn postpone_in_tx(
        &self,
        tx: &mut PgSession,
        postponed: Vec<(Group, String, DateTime<Utc>)>,
    ) -> Result<(), DbError> {
        let mut waiting: BTreeMap<String, Postponed> = BTreeMap::new();
        for (group, receiver, at) in postponed {
            let (_, ids, bundles) = waiting.entry(receiver).or_insert_with(|| (at, Vec::new(), Vec::new()));
            match group {
                Group::Single(id) => ids.push(id.uuid()),
                Group::Bundle { bundle, .. } => bundles.push(bundle),
                Group::Again(_) => {}
            }
        }
        for (receiver, (at, ids, bundles)) in waiting {
            repository::postpone(tx, self.channel, &receiver, (&ids, &bundles), at).await?;
        }
        Ok(())
    }
}
