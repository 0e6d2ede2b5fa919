//! Makes attempts for the webhooks that this process has leased. Good receivers are not delayed by others: those that were
//! never tried, have failed or were slow the last time share a part of the places, and whoever becomes slow while others wait
//! for a place loses its own.
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use loadmaster_kernel::WebhookId;
use loadmaster_platform::{
    in_own_tx,
    outage::OutageLog,
    postgres::{DbError, retrying},
    queue::{UnderWay, Woken},
    shutdown::stopped_within,
    telemetry::Traced,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    attempt::Ended,
    model::WebhookStatus,
    repository::{self, Due, Parcel, Receiver},
    service::WebhookService,
};

/// Interval between two looks for what is due.
const LOOK: Duration = Duration::from_millis(200);
/// Least time from a look that left nothing due to the next one, and from one that did. A look costs two transactions, however
/// few messages it is about: under load, each is about all that came and ended meanwhile.
const REST: Duration = Duration::from_millis(50);
const SHORT_REST: Duration = Duration::from_millis(10);
/// Attempts at once: in this process, at doubtful receivers, and at one receiver.
const AT_ONCE: usize = 64;
const DOUBTFUL_AT_ONCE: usize = 16;
const AT_ONE: usize = 4;
/// Time for attempts under way at shutdown; what is not recorded by then is sent again.
const END_PATIENCE: Duration = Duration::from_secs(3);

/// An attempt under way.
struct Attempt {
    webhook: WebhookId,
    subject: String,
    is_doubtful: bool,
    /// Most attempts at its receiver at once.
    most: usize,
    began: Instant,
    /// Breaks it off.
    cut: CancellationToken,
}

/// The attempts of this process.
#[derive(Default)]
struct Attempts {
    running: UnderWay<Attempt, Ended>,
    /// What has ended and is not written down yet: its subjects are still taken.
    ended: Vec<Ended>,
    unrecorded: Vec<Attempt>,
}

impl Attempts {
    fn under_way(&self) -> impl Iterator<Item = &Attempt> {
        self.running.all().chain(&self.unrecorded)
    }

    fn of(&self, webhook: WebhookId) -> usize {
        self.under_way().filter(|attempt| attempt.webhook == webhook).count()
    }

    fn doubtful(&self) -> usize {
        self.under_way().filter(|attempt| attempt.is_doubtful).count()
    }

    /// Returns the webhooks with as many attempts as their receivers get at once.
    fn busy(&self) -> HashSet<WebhookId> {
        let busy = self.under_way().filter(|attempt| self.of(attempt.webhook) >= attempt.most);
        busy.map(|attempt| attempt.webhook).collect()
    }

    fn webhooks(&self) -> HashSet<WebhookId> {
        self.under_way().map(|attempt| attempt.webhook).collect()
    }

    /// Returns the webhooks of attempts that have not ended.
    fn running(&self) -> HashSet<WebhookId> {
        self.running.all().map(|attempt| attempt.webhook).collect()
    }

    fn subjects(&self) -> Vec<(WebhookId, String)> {
        self.under_way().map(|attempt| (attempt.webhook, attempt.subject.clone())).collect()
    }

    /// Returns the places that are free for good and for doubtful receivers.
    fn free(&self) -> (usize, usize) {
        let (all, doubtful) = (self.under_way().count(), self.doubtful());
        let free = AT_ONCE.saturating_sub(all);
        (free, DOUBTFUL_AT_ONCE.saturating_sub(doubtful).min(free))
    }

    fn start(&mut self, webhooks: &WebhookService, receiver: &Receiver, parcel: Parcel) {
        let (webhook, subject) = (receiver.id, parcel.subject.clone());
        let (is_doubtful, most) = (receiver.state.is_doubtful, most_at_once(receiver));
        let (began, cut) = (Instant::now(), CancellationToken::new());
        let attempt = webhooks.clone().attempt(receiver.clone(), parcel, cut.clone());
        self.running.start(Attempt { webhook, subject, is_doubtful, most, began, cut }, attempt.in_same_trace());
    }

    /// Breaks off this many attempts at good receivers that have taken longer than `slow`, the longest first: their receivers
    /// are good no more.
    fn cut(&self, slow: Duration, count: usize) {
        let slow =
            |attempt: &&Attempt| !attempt.is_doubtful && !attempt.cut.is_cancelled() && attempt.began.elapsed() > slow;
        let mut slow: Vec<&Attempt> = self.running.all().filter(slow).collect();
        slow.sort_unstable_by_key(|attempt| attempt.began);
        slow.into_iter().take(count).for_each(|attempt| attempt.cut.cancel());
    }

    /// Takes what has ended.
    fn collect(&mut self) {
        while let Some((attempt, ended)) = self.running.ended_already() {
            self.note(attempt, ended);
        }
    }

    fn note(&mut self, attempt: Attempt, ended: Option<Ended>) {
        if let Some(ended) = ended {
            self.ended.push(ended);
            self.unrecorded.push(attempt);
        }
    }

    /// Forgets what is written down.
    fn forget_ended(&mut self) {
        self.unrecorded.clear();
        self.ended.clear();
    }
}

/// Places for attempts.
struct Places {
    free: usize,
    /// Of those, for doubtful receivers.
    doubtful: usize,
}

impl Places {
    /// Takes up to this many; returns how many there were.
    fn take(&mut self, is_doubtful: bool, wanted: usize) -> usize {
        let taken = if is_doubtful { wanted.min(self.free).min(self.doubtful) } else { wanted.min(self.free) };
        self.free -= taken;
        self.doubtful -= if is_doubtful { taken } else { 0 };
        taken
    }
}

impl WebhookService {
    /// Makes attempts until `stop`. Dropped, it makes no more.
    pub(super) async fn deliver_all(&self, stop: &CancellationToken) {
        let mut attempts = Attempts::default();
        let mut outage = OutageLog::new("messages cannot be sent to webhooks; trying again");
        let mut rest = Duration::ZERO;
        loop {
            if stopped_within(stop, rest).await {
                break;
            }
            match attempts.running.woken(stop, Some(&self.news), LOOK).await {
                Woken::Stopped => break,
                Woken::Ended(attempt, ended) => attempts.note(attempt, ended),
                Woken::Due => {}
            }
            attempts.collect();
            rest = match outage.note(self.look(&mut attempts).await) {
                Ok(true) => SHORT_REST,
                Ok(false) => REST,
                Err(_) => LOOK,
            };
        }
        for (attempt, ended) in attempts.running.finish(END_PATIENCE).await {
            attempts.note(attempt, ended);
        }
        _ = outage.note(self.write_down(&mut attempts, &[]).await);
    }

    /// Writes down what has ended, and begins what is due. Returns whether there may be more to begin as soon as attempts end.
    async fn look(&self, attempts: &mut Attempts) -> Result<bool, DbError> {
        let more = self.write_down(attempts, &[]).await?;
        if attempts.free().0 == 0 {
            self.make_space(attempts).await?;
            return Ok(true);
        }
        let due = self.lease(attempts).await?;
        if due.is_empty() {
            return Ok(more);
        }
        let idle = self.begin_due(attempts, &due).await?;
        self.write_down(attempts, &idle).await?;
        Ok(more || attempts.free().0 == 0)
    }

    /// Breaks off attempts at receivers that were good and do not respond any more, as far as others wait for their places. What
    /// was broken off is sent again from a doubtful receiver's place, with all the time that a call may take.
    async fn make_space(&self, attempts: &Attempts) -> Result<(), DbError> {
        let under_way: Vec<Uuid> = attempts.webhooks().into_iter().map(WebhookId::uuid).collect();
        let (now, most) = (self.clock.now(), i64::try_from(AT_ONCE).unwrap_or(i64::MAX));
        let waiting = repository::due(&mut *self.db.read().await?, &self.process, now, (most, 0), &under_way).await?;
        attempts.cut(self.outbound.times().slow, waiting.len());
        Ok(())
    }

    /// Returns whether more is due for these webhooks.
    async fn write_down(&self, attempts: &mut Attempts, looked_at: &[WebhookId]) -> Result<bool, DbError> {
        if attempts.ended.is_empty() && looked_at.is_empty() {
            return Ok(false);
        }
        let more = self.save(&attempts.ended, looked_at, &attempts.running()).await?;
        attempts.forget_ended();
        Ok(more)
    }

    /// Leases webhooks for which something is due and for which there are places. Returns them.
    async fn lease(&self, attempts: &Attempts) -> Result<Vec<Due>, DbError> {
        let (free, doubtful) = attempts.free();
        if free == 0 {
            return Ok(Vec::new());
        }
        let busy: Vec<Uuid> = attempts.busy().into_iter().map(WebhookId::uuid).collect();
        // Others with attempts under way may be found without having anything else to send.
        let under_way = attempts.webhooks();
        let partly = under_way.len() - busy.len();
        let most = |places: usize| i64::try_from(if places == 0 { 0 } else { places + partly }).unwrap_or_default();
        let places = (most(free), most(doubtful));
        let now = self.clock.now();
        let mut due = repository::due(&mut *self.db.read().await?, &self.process, now, places, &busy).await?;
        let mut places = Places { free, doubtful };
        due.retain(|due| under_way.contains(&due.id) || places.take(due.is_doubtful, 1) > 0);
        let new: Vec<Uuid> = due.iter().filter(|due| !due.is_leased).map(|due| due.id.uuid()).collect();
        if !new.is_empty() {
            let leased =
                retrying(|| async { in_own_tx!(self.db, |tx| repository::lease(&mut tx, &self.process, &new)) });
            let leased = leased.await?;
            due.retain(|due| due.is_leased || leased.contains(&due.id));
        }
        Ok(due)
    }

    /// Begins attempts; returns the webhooks for which nothing is to be sent now and nothing is under way.
    async fn begin_due(&self, attempts: &mut Attempts, due: &[Due]) -> Result<Vec<WebhookId>, DbError> {
        let ids: Vec<Uuid> = due.iter().map(|due| due.id.uuid()).collect();
        let mut connection = self.db.read().await?;
        let now = self.clock.now();
        let receivers = repository::receivers(&mut connection, &ids, now).await?;
        let receivers: HashMap<WebhookId, Receiver> =
            receivers.into_iter().map(|receiver| (receiver.id, receiver)).collect();
        let (mut probed, mut served) = (Vec::new(), Vec::new());
        let (free, doubtful) = attempts.free();
        let mut places = Places { free, doubtful };
        for receiver in due.iter().filter_map(|due| receivers.get(&due.id)) {
            let under_way = attempts.of(receiver.id);
            if receiver.state.status == WebhookStatus::Disabled {
                continue;
            }
            if receiver.state.is_to_be_probed(&self.policy, now) {
                if under_way == 0 && places.take(receiver.state.is_doubtful, 1) > 0 {
                    probed.push((receiver.id, receiver.state.failing_delivery));
                }
                continue;
            }
            let wanted = most_at_once(receiver).saturating_sub(under_way);
            let room = places.take(receiver.state.is_doubtful, wanted.min(1));
            if room > 0 {
                served.push((receiver, wanted - room));
            }
        }
        // Each gets a place before any gets more.
        let served: Vec<(WebhookId, i64)> = served
            .into_iter()
            .map(|(receiver, more)| {
                let room = 1 + places.take(receiver.state.is_doubtful, more);
                (receiver.id, i64::try_from(room).unwrap_or_default())
            })
            .collect();
        let mut parcels = Vec::new();
        if !served.is_empty() {
            parcels = repository::in_order(&mut connection, &served, &attempts.subjects(), now).await?;
        }
        if !probed.is_empty() {
            parcels.extend(repository::probes(&mut connection, &probed).await?);
        }
        drop(connection);
        for parcel in parcels {
            if let Some(receiver) = receivers.get(&parcel.webhook) {
                attempts.start(self, receiver, parcel);
            }
        }
        let busy = attempts.webhooks();
        Ok(due.iter().map(|due| due.id).filter(|webhook| !busy.contains(webhook)).collect())
    }
}

/// Returns how many attempts at a receiver are made at once: one, until it is known to take messages.
fn most_at_once(receiver: &Receiver) -> usize {
    if receiver.state.failures > 0 || receiver.state.last_success_at.is_none() { 1 } else { AT_ONE }
}
