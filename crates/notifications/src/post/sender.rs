//! Sends what is due on one channel, in each process. What is to be done follows from the tables alone: a letter is claimed
//! and committed before it is sent, and no transaction is open while it is.
use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta};
use lettre::message::Mailbox as Sender;
use loadmaster_kernel::LetterId;
use loadmaster_platform::{
    outage::OutageLog,
    postgres::DbError,
    queue::{UnderWay, Woken, keep_recording},
};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    model::{Channel, Claim, Composer},
    pace::Pace,
    service::PostService,
    shares::Shares,
    templates::Engine,
    transport::{Delivery, Outgoing, Transport},
};

/// Interval between two looks for what is due.
const LOOK: Duration = Duration::from_millis(250);
/// Letters that are sent at once.
const AT_ONCE: usize = 8;
/// Longest pause of a channel whose other side is away, in its shortest.
const LONGEST_REST: u32 = 60;
/// Interval between two looks for letters that a process of a former release did not know.
const RESTORE_EVERY: TimeDelta = TimeDelta::minutes(10);
/// Pause before a letter that could not be composed is composed again.
const RELEASED: TimeDelta = TimeDelta::seconds(15);
/// Time for which a letter with a type that this process does not know is left to others.
const LEFT: TimeDelta = TimeDelta::minutes(1);
/// Time for letters that are on their way when the process stops.
const FAREWELL: Duration = Duration::from_secs(2);
const UNRELEASED: &str = "a claim cannot be released; trying again";
const UNRECORDED: &str = "the outcome of a letter cannot be recorded; it is kept, and recorded later";

/// The sender of one channel.
pub(super) struct ChannelSender {
    pub post: PostService,
    pub channel: Channel,
    pub transport: Transport,
    pub composers: HashMap<&'static str, Arc<dyn Composer>>,
    pub engine: Arc<Engine>,
    pub from: Sender,
    pub public_url: String,
    pub language: String,
    pub pace: Pace,
    pub shares: Shares,
    /// Shortest pause of the channel when the other side is away.
    pub rest: Duration,
}

/// How the other side behaves.
struct Backoff {
    /// In a row.
    away: u32,
    rests_until: Instant,
}

impl ChannelSender {
    /// Sends until `stop`.
    pub async fn work(self: Arc<Self>, stop: CancellationToken) {
        let mut outage = OutageLog::new("notifications cannot be read; trying again");
        let mut away = OutageLog::new("messages cannot be sent: the other side is away");
        let mut backoff = Backoff { away: 0, rests_until: Instant::now() };
        let mut restores_at = DateTime::UNIX_EPOCH;
        let mut letters = UnderWay::<LetterId, Option<Delivery>>::default();
        loop {
            match letters.woken(&stop, None, LOOK).await {
                Woken::Stopped => break,
                Woken::Ended(_, Some(Some(delivery))) => self.learn(&delivery, &mut backoff, &mut away),
                Woken::Ended(..) | Woken::Due => {}
            }
            let free = letters.places(if backoff.away > 0 { 1 } else { AT_ONCE });
            if free == 0 || Instant::now() < backoff.rests_until {
                continue;
            }
            let now = self.post.clock.now();
            if now >= restores_at && outage.note(self.restore().await).is_ok() {
                restores_at = now + RESTORE_EVERY;
            }
            let busy: Vec<LetterId> = letters.all().copied().collect();
            let Ok(claimed) = outage.note(self.claim(free, &busy).await) else { continue };
            for claim in claimed {
                let this = self.clone();
                letters.start(claim.letter, async move { this.attempt(claim).await });
            }
        }
        letters.finish(FAREWELL).await;
        if let Transport::Relay(relay) = &self.transport {
            _ = timeout(FAREWELL, relay.close()).await;
        }
    }

    fn learn(&self, delivery: &Delivery, backoff: &mut Backoff, outage: &mut OutageLog) {
        if let Delivery::Away(says) = delivery {
            backoff.away += 1;
            let factor = 2u32.saturating_pow(backoff.away.min(16) - 1).min(LONGEST_REST);
            backoff.rests_until = Instant::now() + self.rest * factor;
            outage.lasts(&format_args!("{}: {says}", self.channel.as_str()));
        } else if *delivery == Delivery::Delivered {
            backoff.away = 0;
            outage.end();
        } else {
            backoff.away = 0;
        }
    }

    /// Composes, sends and records one letter. `None`: the other side was not asked.
    async fn attempt(&self, claim: Claim) -> Option<Delivery> {
        let letter = claim.letter;
        match self.try_letter(claim).await {
            Ok(delivery) => delivery,
            Err(error) => {
                tracing::warn!(%letter, %error, "the outcome of a letter is not recorded");
                None
            }
        }
    }

    async fn try_letter(&self, claim: Claim) -> Result<Option<Delivery>, DbError> {
        let letter = claim.letter;
        let (outgoing, attempts) = match self.compose(letter).await {
            Ok(Written::Gone) => return Ok(None),
            Ok(Written::Never { status, reason }) => {
                keep_recording(UNRECORDED, None, || self.record_end(claim, status, &reason)).await?;
                return Ok(None);
            }
            Ok(Written::Letter(outgoing, attempts)) => (outgoing, attempts),
            Ok(Written::OfOthers) => {
                keep_recording(UNRELEASED, None, || self.release(claim, LEFT)).await?;
                return Ok(None);
            }
            Err(error) => {
                tracing::warn!(%letter, %error, "a letter could not be composed; it is tried again");
                keep_recording(UNRELEASED, None, || self.release(claim, RELEASED)).await?;
                return Ok(None);
            }
        };
        #[cfg(debug_assertions)]
        loadmaster_platform::sabotage::step("letter composed");
        let delivery = self.transport.deliver(&outgoing).await;
        #[cfg(debug_assertions)]
        loadmaster_platform::sabotage::step("letter sent");
        keep_recording(UNRECORDED, None, || self.record(claim, &outgoing.to, &delivery, attempts)).await?;
        Ok(Some(delivery))
    }
}

/// What became of composing a letter.
pub(super) enum Written {
    /// With the number of attempts, this one included.
    Letter(Box<Outgoing>, i32),
    Never {
        status: &'static str,
        reason: String,
    },
    /// Its notifications are gone, or done with.
    Gone,
    /// It has a type that this process does not know.
    OfOthers,
}
