use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

use super::mask;

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Payments {
    pub provider: PaymentProvider,
    pub capture: CaptureMode,
    pub wait_ms: u64,
    pub guests_on_invoice: bool,
    pub cancellation_fees: Vec<CancellationBand>,
    pub http_url: Option<String>,
    #[serde(serialize_with = "mask::secret")]
    pub http_secret: Option<SecretString>,
    pub publishable_key: Option<String>,
    pub script_url: Option<String>,
    pub script_origins: Vec<String>,
    #[serde(serialize_with = "mask::secrets")]
    pub webhook_secrets: Vec<SecretString>,
}

/// Who is asked for payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PaymentProvider {
    /// `Test` on the private database, else `None`.
    Auto,
    Test,
    Http,
    None,
}

/// When what is authorized is captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CaptureMode {
    /// As soon as the booking is made.
    Automatic,
    /// When an administrator says so.
    Manual,
}

/// What is kept of the total when a booking is cancelled at least `hours` before its first departure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CancellationBand {
    pub hours: u32,
    pub percent: u8,
}

/// Payment fields that the provider's own script shows in a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostedFields<'a> {
    pub publishable_key: &'a str,
    pub script_url: &'a str,
    /// Further origins that the script uses.
    pub script_origins: &'a [String],
}

impl HostedFields<'_> {
    /// Returns the origin of the script, and the further ones that it uses.
    pub fn origins(&self) -> Result<Vec<String>, url::ParseError> {
        let origin = Url::parse(self.script_url)?.origin().ascii_serialization();
        Ok(std::iter::once(origin).chain(self.script_origins.iter().cloned()).collect())
    }
}

impl Payments {
    /// Returns the provider in use. `is_private`: the server runs its own database.
    pub const fn provider(&self, is_private: bool) -> PaymentProvider {
        match self.provider {
            PaymentProvider::Auto if is_private => PaymentProvider::Test,
            PaymentProvider::Auto => PaymentProvider::None,
            named => named,
        }
    }

    pub fn wait(&self) -> Duration {
        Duration::from_millis(self.wait_ms)
    }

    /// Returns how a page shows the payment fields of the provider `http`; `None` if that is not configured, or if another
    /// provider is in use. `is_private`: the server runs its own database.
    pub fn hosted_fields(&self, is_private: bool) -> Option<HostedFields<'_>> {
        if self.provider(is_private) != PaymentProvider::Http {
            return None;
        }
        Some(HostedFields {
            publishable_key: self.publishable_key.as_deref()?,
            script_url: self.script_url.as_deref()?,
            script_origins: &self.script_origins,
        })
    }
}
