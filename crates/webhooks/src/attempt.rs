use chrono::{DateTime, TimeDelta, Utc};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use loadmaster_kernel::WebhookId;
use loadmaster_platform::outbound::{Call, Outcome, Report, pause_of};
use tokio_util::sync::CancellationToken;

use super::{
    model::{AttemptOutcome, Tried},
    repository::{Parcel, Receiver},
    service::WebhookService,
    sign,
};

const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const CLOUD_EVENT: HeaderValue = HeaderValue::from_static("application/cloudevents+json");
/// Statuses whose `Retry-After` is heeded.
const BUSY: [u16; 2] = [429, 503];

/// The end of an attempt.
#[derive(Debug)]
pub(super) struct Ended {
    pub webhook: WebhookId,
    pub parcel: Parcel,
    pub verdict: Verdict,
}

#[derive(Debug)]
pub(super) enum Verdict {
    Tried {
        tried: Tried,
        duration_ms: i32,
        response: Option<String>,
    },
    /// Its secret cannot be decrypted: nothing was sent, and it is not the receiver's fault.
    Unsigned,
    /// Nothing was sent, as whoever changed it last might not have these messages when it was read. It may have been taken over
    /// since.
    Withheld,
    /// Others waited for its place. What it has done is not known.
    BrokenOff,
}

impl WebhookService {
    /// Makes an attempt, which takes no longer than a call may, and ends at once if it is `cut`.
    pub(super) async fn attempt(self, receiver: Receiver, parcel: Parcel, cut: CancellationToken) -> Ended {
        let verdict = tokio::select! {
            verdict = self.try_to_send(&receiver, &parcel) => verdict,
            () = cut.cancelled() => Verdict::BrokenOff,
        };
        Ended { webhook: receiver.id, parcel, verdict }
    }

    async fn try_to_send(&self, receiver: &Receiver, parcel: &Parcel) -> Verdict {
        if receiver.is_hindered {
            return Verdict::Withheld;
        }
        let started_at = self.clock.now();
        let Some(secrets) = self.secrets(receiver, started_at) else {
            tracing::error!(
                webhook_id = %receiver.id,
                "the secret of a webhook cannot be decrypted: `secrets.key` and `secrets.former_keys` lack its key; \
                 its messages wait"
            );
            return Verdict::Unsigned;
        };
        let report = self.send(receiver, parcel, &secrets, started_at).await;
        let took = TimeDelta::from_std(report.took).unwrap_or_default();
        let ended_at = self.clock.now().max(started_at);
        let tried = Tried {
            delivery: parcel.delivery,
            started_at,
            ended_at,
            outcome: report.outcome.into(),
            http_status: report.status,
            wish: wish(&report, ended_at),
            is_slow: report.took > self.outbound.times().slow,
        };
        let duration_ms = i32::try_from(took.num_milliseconds()).unwrap_or(i32::MAX);
        Verdict::Tried { tried, duration_ms, response: report.response }
    }

    /// Returns all valid secrets, the present one first.
    fn secrets(&self, receiver: &Receiver, now: DateTime<Utc>) -> Option<Vec<Vec<u8>>> {
        let row = receiver.id.uuid();
        let mut secrets = vec![self.vault.open(row, &receiver.secret)?];
        let former = receiver.former_secrets.iter().rev().filter(|(_, until)| *until > now);
        secrets.extend(former.filter_map(|(former, _)| self.vault.open(row, former)));
        Some(secrets)
    }

    async fn send(&self, receiver: &Receiver, parcel: &Parcel, secrets: &[Vec<u8>], now: DateTime<Utc>) -> Report {
        let unreachable = || Report {
            outcome: Outcome::Unreachable,
            status: None,
            response: None,
            retry_after: None,
            took: std::time::Duration::ZERO,
        };
        // The rules may have changed since the address was given.
        let Ok(target) = self.outbound.rules().judge(&receiver.url, receiver.is_trusted) else { return unreachable() };
        let signature = sign::signature(secrets, &parcel.event_id, now.timestamp(), &parcel.body);
        let values = (HeaderValue::from_str(&parcel.event_id), HeaderValue::from_str(&signature));
        let (Ok(id), Ok(signature)) = values else { return unreachable() };
        let call = Call {
            target: &target,
            is_trusted: receiver.is_trusted,
            is_doubtful: receiver.state.is_doubtful,
            headers: vec![
                (CONTENT_TYPE, CLOUD_EVENT),
                (WEBHOOK_ID, id),
                (WEBHOOK_TIMESTAMP, HeaderValue::from(now.timestamp())),
                (WEBHOOK_SIGNATURE, signature),
            ],
            body: parcel.body.clone().into(),
        };
        self.outbound.post(&call).await
    }
}

/// Returns the pause that a busy receiver asks for.
fn wish(report: &Report, now: DateTime<Utc>) -> Option<TimeDelta> {
    let text = report.retry_after.as_deref().filter(|_| report.status.is_some_and(|status| BUSY.contains(&status)))?;
    pause_of(text, now)
}

impl Ended {
    /// Returns the outcome, if there was an attempt.
    pub fn outcome(&self) -> Option<AttemptOutcome> {
        match &self.verdict {
            Verdict::Tried { tried, .. } => Some(tried.outcome),
            Verdict::Unsigned | Verdict::Withheld | Verdict::BrokenOff => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_receiver_may_request_a_pause_in_seconds_or_until_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-11-20T08:00:00Z").unwrap().to_utc();
        let asked = |status, text: &str| {
            let retry_after = Some(text.to_owned());
            let took = std::time::Duration::ZERO;
            wish(&Report { outcome: Outcome::Rejected, status: Some(status), response: None, retry_after, took }, now)
        };
        assert_eq!(asked(429, "120"), Some(TimeDelta::seconds(120)));
        assert_eq!(asked(503, " 7 "), Some(TimeDelta::seconds(7)));
        assert_eq!(asked(503, "Fri, 20 Nov 2026 08:01:30 GMT"), Some(TimeDelta::seconds(90)));
        assert_eq!(asked(500, "120"), None);
        assert_eq!(asked(429, "soon"), None);
    }
}
