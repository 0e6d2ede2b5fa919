use chrono::{DateTime, Utc};
use loadmaster_accounts::{Principal, Role, SleepReason};
use loadmaster_kernel::{AirportCode, DeliveryId, Fault, FaultCode, OrganizationId, WebhookId};
use loadmaster_platform::{
    outbound::Rules,
    room::read_type,
    web::{Fields, Raw, Reader, read, request, set, with},
};
use loadmaster_reference::Reference;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::model::{
    Attempt, AttemptOutcome, Delivery, DeliveryStatus, DisabledReason, Terms, Webhook, WebhookScope, WebhookStatus,
};

const MOST_TYPES: usize = 50;
const MOST_AIRPORTS: usize = 100;
const LONGEST_OVERLAP: i32 = 168;
const USUAL_OVERLAP: i32 = 24;
/// What a webhook gets that names no types.
const USUAL_TYPES: &str = "loadmaster.booking.*";

/// What requests are read by.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub caller: Principal,
    pub reference: &'a Reference,
    pub types: &'a [String],
    pub rules: &'a Rules,
}

impl Reading<'_> {
    /// Reads an address, which is judged as the caller's.
    fn url(&self, raw: Raw<'_>) -> Result<String, Fault> {
        let text = read::line(read::LINE)(raw)?.trim().to_owned();
        self.rules.judge(&text, self.caller.role >= Role::Operator)?;
        Ok(text)
    }
}

/// A set that is not empty if it is given.
struct Some1<F>(F);

impl<'a, T: Ord, F: Fn(Raw<'_>) -> Result<T, Fault>> Reader<'a, Vec<T>> for Some1<F> {
    fn read(self, fields: &mut Fields<'a>, name: &'static str) -> Option<Vec<T>> {
        let values = fields.optional(name, set(MOST_TYPES, self.0))?;
        if fields.is_empty(name) {
            fields.fault(name, &Fault::new(FaultCode::TooShort, "must not be empty"));
            return None;
        }
        Some(values)
    }
}

/// A webhook: where messages are sent to, which, and how that goes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(super) struct WebhookBody {
    /// Permanent identifier.
    pub id: WebhookId,
    /// The address to which messages are sent.
    #[schema(example = "https://example.com/hooks/cargo")]
    pub url: String,
    /// What it is for, in your own words.
    #[schema(required = true)]
    pub description: Option<String>,
    /// Types of messages, or prefixes with `.*`.
    pub types: Vec<String>,
    /// Only messages about freight and flights from these airports; empty: any.
    pub origins: Vec<AirportCode>,
    /// Only messages about freight and flights to these airports; empty: any.
    pub destinations: Vec<AirportCode>,
    pub scope: WebhookScope,
    /// Its state.
    pub status: WebhookStatus,
    #[schema(required = true)]
    pub disabled_reason: Option<DisabledReason>,
    /// Whether it sends nothing for the time being, because of the user who changed it last. What happens meanwhile is not
    /// sent later.
    pub asleep: bool,
    /// Why it sleeps; null while it is awake.
    #[schema(required = true)]
    pub asleep_because: Option<SleepReason>,
    /// When the first of the attempts was made that have all failed; null while it is `ACTIVE`.
    #[schema(required = true)]
    pub failing_since: Option<DateTime<Utc>>,
    /// When the receiver last accepted a message; null if it never did.
    #[schema(required = true)]
    pub last_success_at: Option<DateTime<Utc>>,
    /// Number of messages that wait to be sent.
    pub waiting: i32,
    /// The organization that it belongs to.
    pub organization_id: OrganizationId,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<&Webhook> for WebhookBody {
    fn from(webhook: &Webhook) -> Self {
        let Terms { url, description, types, origins, destinations, scope } = webhook.terms.clone();
        Self {
            id: webhook.id,
            url,
            description,
            types,
            origins,
            destinations,
            scope,
            status: webhook.status,
            disabled_reason: webhook.disabled_reason,
            asleep: webhook.asleep_because.is_some(),
            asleep_because: webhook.asleep_because,
            failing_since: webhook.shown_failing_since(),
            last_success_at: webhook.last_success_at,
            waiting: webhook.waiting,
            organization_id: webhook.organization_id,
            version: webhook.version,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        }
    }
}

/// A new webhook, with its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = NewWebhook)]
pub(super) struct NewWebhookBody {
    #[serde(flatten)]
    pub webhook: WebhookBody,
    /// Shown only in this response. Messages are signed with it, as [Standard Webhooks](https://www.standardwebhooks.com)
    /// describes.
    #[schema(example = "whsec_…")]
    pub secret: String,
}

/// A new secret.
#[derive(Serialize, ToSchema)]
#[schema(as = NewWebhookSecret)]
pub(super) struct NewSecretBody {
    /// Shown only in this response.
    #[schema(example = "whsec_…")]
    pub secret: String,
    /// Until then messages are signed with the former secret, too; null: they are not.
    #[schema(required = true)]
    pub former_secret_until: Option<DateTime<Utc>>,
}

impl NewSecretBody {
    pub fn new(secret: &SecretString, former_secret_until: Option<DateTime<Utc>>) -> Self {
        Self { secret: secret.expose_secret().to_owned(), former_secret_until }
    }
}

/// A message for a webhook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub(super) struct DeliveryBody {
    pub id: DeliveryId,
    /// The `id` of the event, which is sent as `webhook-id`.
    pub message_id: String,
    /// The type of the event, such as `loadmaster.booking.booked.v1`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// What it is about, such as a booking.
    pub subject: String,
    /// Its state.
    pub status: DeliveryStatus,
    /// Number of attempts so far.
    pub attempt_count: i32,
    /// When it is sent; null unless it is `WAITING`.
    #[schema(required = true)]
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When the receiver took it; null until then.
    #[schema(required = true)]
    pub delivered_at: Option<DateTime<Utc>>,
}

impl From<&Delivery> for DeliveryBody {
    fn from(delivery: &Delivery) -> Self {
        Self {
            id: delivery.id,
            message_id: delivery.event_id.clone(),
            event_type: delivery.event_type.clone(),
            subject: delivery.subject.clone(),
            status: delivery.status,
            attempt_count: delivery.attempt_count,
            next_attempt_at: delivery.next_attempt_at,
            created_at: delivery.created_at,
            delivered_at: delivery.delivered_at,
        }
    }
}

/// A message for a webhook with all that became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDeliveryDetails)]
pub(super) struct DeliveryDetailsBody {
    #[serde(flatten)]
    pub delivery: DeliveryBody,
    /// The event as it is sent.
    #[schema(value_type = Object)]
    pub message: Value,
    /// Oldest first.
    pub attempts: Vec<AttemptBody>,
}

/// An attempt to send a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookAttempt)]
pub(super) struct AttemptBody {
    /// Number in the sequence, from 1.
    pub number: i32,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// Time taken, in milliseconds.
    pub duration_ms: i32,
    pub outcome: AttemptOutcome,
    /// The status of the answer, if there was one.
    #[schema(required = true)]
    pub http_status: Option<i32>,
    /// The first 512 characters of the answer's body.
    #[schema(required = true)]
    pub response: Option<String>,
}

impl From<Attempt> for AttemptBody {
    fn from(attempt: Attempt) -> Self {
        let Attempt { number, started_at, duration_ms, outcome, http_status, response } = attempt;
        Self { number, started_at, duration_ms, outcome, http_status, response }
    }
}

/// How many messages are sent again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResentMessages)]
pub(super) struct ResentBody {
    /// Number of messages that are sent again.
    pub queued: i64,
}

request! {
    /// A webhook to create.
    pub(super) struct CreateWebhook in body(reading: Reading<'_>) {
        /// Begins with `https://`, without user name, password and fragment, with port 443 or 8443, and leads to a public
        /// address.
        #[schema(max_length = 500, example = "https://example.com/hooks/cargo")]
        url: String = |raw| reading.url(raw),
        /// What it is for, in your own words.
        #[schema(max_length = 2000)]
        description: Option<String> = read::prose(read::PROSE),
        /// Types of messages, or prefixes with `.*`. Default: `loadmaster.booking.*`.
        #[schema(min_items = 1, max_items = 50, example = json!(["loadmaster.booking.*"]))]
        types: Option<Vec<String>> = Some1(|raw: Raw<'_>| read_type(raw, reading.types)),
        /// Only messages about freight and flights from these airports. Default: any.
        #[schema(max_items = 100)]
        origins: Option<Vec<AirportCode>> = set(MOST_AIRPORTS, |raw| reading.reference.read_airport(raw)),
        /// Only messages about freight and flights to these airports. Default: any.
        #[schema(max_items = 100)]
        destinations: Option<Vec<AirportCode>> = set(MOST_AIRPORTS, |raw| reading.reference.read_airport(raw)),
        /// `all` is for operators: everybody's messages, and those about flights. Default: `organization`.
        scope: Option<WebhookScope> = read::word(WebhookScope::WORDS),
    }
}

impl From<CreateWebhook> for Terms {
    fn from(new: CreateWebhook) -> Self {
        Self {
            url: new.url,
            description: new.description,
            types: new.types.unwrap_or_else(|| vec![USUAL_TYPES.to_owned()]),
            origins: new.origins.unwrap_or_default(),
            destinations: new.destinations.unwrap_or_default(),
            scope: new.scope.unwrap_or(WebhookScope::Organization),
        }
    }
}

/// The statuses that a caller may set.
const SETTABLE: &[(&str, WebhookStatus)] = &[("ACTIVE", WebhookStatus::Active), ("DISABLED", WebhookStatus::Disabled)];

request! {
    /// Changes to a webhook: a JSON merge patch (RFC 7396). Members that are left out remain unchanged.
    pub(super) struct ChangeWebhook in patch(reading: Reading<'_>) {
        /// The address to which messages are sent.
        #[schema(max_length = 500)]
        url: Option<String> = |raw| reading.url(raw),
        /// What it is for, in your own words.
        #[schema(max_length = 2000)]
        description: Patch<String> = read::prose(read::PROSE),
        /// `null`: `loadmaster.booking.*`.
        #[schema(min_items = 1, max_items = 50)]
        types: Patch<Vec<String>> = Some1(|raw: Raw<'_>| read_type(raw, reading.types)),
        /// `null`: any.
        #[schema(max_items = 100)]
        origins: Patch<Vec<AirportCode>> = set(MOST_AIRPORTS, |raw| reading.reference.read_airport(raw)),
        /// `null`: any.
        #[schema(max_items = 100)]
        destinations: Patch<Vec<AirportCode>> = set(MOST_AIRPORTS, |raw| reading.reference.read_airport(raw)),
        scope: Option<WebhookScope> = read::word(WebhookScope::WORDS),
        /// `DISABLED` ends what waits; `ACTIVE` forgets all failures, and wakes one that sleeps: it is yours then.
        status: Option<WebhookStatus> = read::word(SETTABLE),
    }
}

impl ChangeWebhook {
    /// Returns the changed terms.
    pub fn apply(&self, terms: &Terms) -> Terms {
        let change = self.clone();
        Terms {
            url: change.url.unwrap_or_else(|| terms.url.clone()),
            description: change.description.or(terms.description.clone()),
            types: change.types.or(Some(terms.types.clone())).unwrap_or_else(|| vec![USUAL_TYPES.to_owned()]),
            origins: change.origins.or(Some(terms.origins.clone())).unwrap_or_default(),
            destinations: change.destinations.or(Some(terms.destinations.clone())).unwrap_or_default(),
            scope: change.scope.unwrap_or(terms.scope),
        }
    }

    /// Returns whether it does nothing but switch the webhook off.
    pub fn only_disables(&self) -> bool {
        let rest = self.url.is_none() && self.scope.is_none() && self.description.is_keep() && self.types.is_keep();
        rest && self.origins.is_keep() && self.destinations.is_keep() && self.status == Some(WebhookStatus::Disabled)
    }
}

request! {
    /// How a secret is replaced.
    pub(super) struct RotateSecret in body {
        /// Hours for which messages are signed with the former secret, too. Default: 24.
        #[schema(minimum = 0, maximum = 168)]
        overlap_hours: Option<i32> = read::integer(0, LONGEST_OVERLAP),
    }
}

impl RotateSecret {
    pub fn hours(&self) -> i32 {
        self.overlap_hours.unwrap_or(USUAL_OVERLAP)
    }
}

/// Which messages are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Only {
    /// Those that were not delivered, also what came while the webhook was disabled.
    Failed,
    All,
}

request! {
    /// What is to be sent again.
    pub(super) struct ResendMessages in body {
        /// Messages that came since then; at most 30 days back.
        since: DateTime<Utc> = read::instant,
        /// Default: `failed`.
        only: Option<Only> = read::word(&[("failed", Only::Failed), ("all", Only::All)]),
    }
}

request! {
    /// Which webhooks a list shows; filters combine with AND.
    #[derive(Default)]
    pub(super) struct WebhookFilter in query(caller: Principal) {
        /// Only those in this state.
        status: Option<WebhookStatus> = read::word(WebhookStatus::WORDS),
        /// Only webhooks of this organization: for callers below operators, only their own.
        #[param(value_type = Option<uuid::Uuid>)]
        organization_id: Option<OrganizationId> = with(|fields| caller.read_organization(fields)),
    }
}

request! {
    /// Which deliveries a list shows; filters combine with AND.
    #[derive(Default)]
    pub(super) struct DeliveryFilter in query(types: &[String]) {
        /// Only those in this state.
        status: Option<DeliveryStatus> = read::word(DeliveryStatus::WORDS),
        /// A type of messages, or a prefix with `.*`.
        #[param(rename = "type")]
        event_type: Option<String> = with(|fields| fields.optional("type", |raw: Raw<'_>| read_type(raw, types))),
        /// The `subject` of the messages, such as a booking's `ref_id`.
        subject: Option<String> = read::line(read::LINE),
    }
}
