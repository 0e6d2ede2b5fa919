//! The settings: all configuration in one typed value, read once at start.
//!
//! `config/default.toml` is compiled in and is the manual: it defines meanings, units and defaults. A section here is a
//! struct with the manual's names. [`Settings::load`] merges the sources and reports *every* fault.
mod bus;
mod emissions;
mod faults;
mod layers;
mod mask;
mod networks;
mod payments;
mod post;
mod search;
mod sources;
mod text;
mod times;
mod together;
mod validate;
mod webhooks;

pub use bus::{Kafka, Outbox, Stream};
pub use emissions::Emissions;
pub use mask::without_password;
pub use payments::{CancellationBand, CaptureMode, HostedFields, PaymentProvider, Payments};
pub use post::{Mail, MailTransport, Notifications, Sms, SmsTransport};
pub use search::{Analytics, Feeds, Rates, Search, Ssim};
pub use sources::{SettingsError, Sources};
pub use times::ScheduledAt;
pub use together::FOR_REQUESTS;
pub use webhooks::{Secrets, Webhooks};

use std::{collections::BTreeMap, path::PathBuf, thread, time::Duration};

use ipnet::IpNet;
use loadmaster_kernel::{Currency, HandlingCode, Rate};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use networks::networks;

/// The effective settings. `Debug` and [`Settings::render`] show no secret.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub server: Server,
    pub database: Database,
    pub redis: Redis,
    pub embedded: Embedded,
    pub auth: Auth,
    pub rate_limit: RateLimit,
    pub capacity: Capacity,
    pub search: Search,
    pub analytics: Analytics,
    pub rates: Rates,
    pub ssim: Ssim,
    pub emissions: Emissions,
    pub feeds: Feeds,
    pub booking: Booking,
    pub operations: Operations,
    pub holds: Holds,
    pub waitlist: Waitlist,
    pub alerts: Alerts,
    pub pricing: Pricing,
    pub payments: Payments,
    pub outbox: Outbox,
    pub kafka: Kafka,
    pub mail: Mail,
    pub sms: Sms,
    pub notifications: Notifications,
    pub secrets: Secrets,
    pub webhooks: Webhooks,
    pub desk: Desk,
    pub locks: Locks,
    pub idempotency: Idempotency,
    pub clock: Clock,
    pub time_zones: TimeZones,
    pub stream: Stream,
    pub telemetry: Telemetry,
    pub console: Console,
    pub graphql: Graphql,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Console {
    pub enabled: bool,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Graphql {
    pub enabled: bool,
    pub max_depth: u32,
    pub max_complexity: u32,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub public_url: Option<String>,
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    pub cors_origins: Vec<String>,
    pub request_timeout_ms: u64,
    pub header_timeout_ms: u64,
    pub max_body_bytes: usize,
    pub max_in_flight: usize,
    pub max_connections: usize,
    pub max_connections_per_address: usize,
    pub idle_timeout_ms: u64,
    pub write_timeout_ms: u64,
    pub drain_ms: u64,
    pub shutdown_ms: u64,
    #[serde(deserialize_with = "networks")]
    pub detail_networks: Vec<IpNet>,
    pub tls_cert_file: Option<PathBuf>,
    pub tls_key_file: Option<PathBuf>,
    pub time_zone: String,
    pub schedules: BTreeMap<String, ScheduledAt>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    #[serde(serialize_with = "mask::url")]
    pub url: Option<SecretString>,
    #[serde(serialize_with = "mask::url")]
    pub owner_url: Option<SecretString>,
    #[serde(serialize_with = "mask::url")]
    pub read_url: Option<SecretString>,
    pub read_max_lag_ms: u64,
    pub max_connections: Option<u32>,
    pub transaction_pooler: bool,
    pub acquire_timeout_ms: u64,
    pub statement_timeout_ms: u64,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    #[serde(serialize_with = "mask::url")]
    pub url: Option<SecretString>,
    pub cluster: bool,
    pub ca_file: Option<PathBuf>,
    pub timeout_ms: u64,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Embedded {
    pub data_dir: PathBuf,
    pub postgres_bin: Option<PathBuf>,
    pub postgres_user: String,
    pub redis_server: Option<PathBuf>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    pub algorithm: Algorithm,
    #[serde(serialize_with = "mask::secret")]
    pub private_key: Option<SecretString>,
    #[serde(serialize_with = "mask::secret")]
    pub secret: Option<SecretString>,
    pub issuer: String,
    pub audience: String,
    pub access_token_minutes: u32,
    pub refresh_token_days: u32,
    pub guest_token_minutes: u32,
    pub password_grant: bool,
}

/// How access tokens are signed, spelled as in RFC 7518 and RFC 8037.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum Algorithm {
    #[serde(rename = "EdDSA")]
    EdDsa,
    #[serde(rename = "HS256")]
    Hs256,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    pub enabled: bool,
    pub anonymous_per_minute: u32,
    pub authenticated_per_minute: u32,
    pub credentials_per_minute: u32,
    pub session_refreshes_per_minute: u32,
    /// Per second and address; 0 switches it off.
    pub flood_per_second: u32,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    pub critical_threshold_kg: u32,
    pub max_overbooking_percent: u8,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Booking {
    pub auto_route_hours: u32,
    pub amendments_per_hour: u32,
    pub moved_at_once: u32,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Operations {
    pub backdate_days: u32,
    pub operators_change_flights: bool,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    pub warn_ms: u32,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TimeZones {
    pub directory: PathBuf,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Holds {
    pub ttl_seconds: u32,
    pub max_seconds: u32,
    pub guest_flight_percent: u32,
    pub guests_flight_percent: u32,
    pub guest_active: u32,
    pub address_active: u32,
    pub organization_active: u32,
    pub guest_per_hour: u32,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Waitlist {
    pub offer_hours: u32,
    pub max_passed_over: u32,
    pub keep_hours: u32,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    pub max_per_organization: u32,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pricing {
    pub required: bool,
    pub quote_minutes: u32,
    pub default_tariff: DefaultTariff,
    pub default_surcharges: Vec<DefaultSurcharge>,
    /// The members of a sale without `max_uses`, as its creation reads them.
    pub default_sales: Vec<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultTariff {
    pub applies: Applies,
    pub currency: Currency,
    pub minimum: String,
    pub normal: Rate,
    #[serde(default)]
    pub breaks: Vec<DefaultBreak>,
}

/// When the default tariff rates what no other does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Applies {
    /// In the demo only.
    Demo,
    Always,
    Never,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultBreak {
    pub from_kg: u32,
    pub rate: Rate,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultSurcharge {
    pub code: String,
    pub basis: DefaultBasis,
    pub rate: Rate,
    pub minimum: Option<Rate>,
    #[serde(default)]
    pub handling_codes: Vec<HandlingCode>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DefaultBasis {
    PerKgActual,
    PerKgChargeable,
    Flat,
    Percent,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Desk {
    pub lanes: usize,
    pub batch: usize,
    pub queue: usize,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Locks {
    pub ttl_ms: u64,
    pub attempts: u32,
    pub delay_ms: u64,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Idempotency {
    pub retention_hours: u32,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    pub log_format: LogFormat,
    pub log_filter: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Pretty on a terminal, else JSON.
    Auto,
    Pretty,
    Json,
}

impl Server {
    /// Returns the scheme of the server's own URLs.
    pub const fn scheme(&self) -> &'static str {
        if self.tls_cert_file.is_some() { "https" } else { "http" }
    }

    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    pub fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.header_timeout_ms)
    }

    pub fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }

    pub fn write_timeout(&self) -> Duration {
        Duration::from_millis(self.write_timeout_ms)
    }

    pub fn drain(&self) -> Duration {
        Duration::from_millis(self.drain_ms)
    }

    /// Returns the longest duration of a shutdown, including the drain.
    pub fn shutdown(&self) -> Duration {
        Duration::from_millis(self.shutdown_ms)
    }
}

impl Database {
    /// Returns the size of the pool: as configured, else four connections per core, between 8 and 64.
    pub fn connections(&self) -> u32 {
        self.max_connections.unwrap_or_else(|| {
            let cores = thread::available_parallelism().map_or(1, usize::from);
            u32::try_from(cores).unwrap_or(u32::MAX).saturating_mul(4).clamp(8, 64)
        })
    }

    /// Returns the URL for migrations: `owner_url`, else `url`.
    pub fn migration_url(&self) -> Option<&SecretString> {
        self.owner_url.as_ref().or(self.url.as_ref())
    }

    /// Returns the longest time by which a standby may be behind and still answer reads.
    pub fn read_max_lag(&self) -> Duration {
        Duration::from_millis(self.read_max_lag_ms)
    }

    pub fn acquire_timeout(&self) -> Duration {
        Duration::from_millis(self.acquire_timeout_ms)
    }

    /// Returns the server's bound on a statement of a request.
    pub fn statement_timeout(&self) -> Duration {
        Duration::from_millis(self.statement_timeout_ms)
    }
}

impl Locks {
    pub fn ttl(&self) -> Duration {
        Duration::from_millis(self.ttl_ms)
    }

    pub fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }
}

impl Redis {
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

impl Settings {
    /// Merges the sources (the manual defines their order) and validates the result.
    pub fn load(sources: Sources) -> Result<Self, SettingsError> {
        layers::load(sources)
    }

    /// Returns the effective settings as TOML, with secrets and passwords as `***`.
    pub fn render(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
