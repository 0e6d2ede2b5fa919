use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::mask;

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Payments {
    pub provider: PaymentProvider,
    pub capture: CaptureMode,
    pub wait_ms: u64,
    pub cancellation_fees: Vec<CancellationBand>,
    pub http_url: Option<String>,
    #[serde(serialize_with = "mask::secret")]
    pub http_secret: Option<SecretString>,
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
}
