use loadmaster_platform::{rate_limit::RateLimiter, settings};

use super::cache::hashed;

use crate::{error::AccountError, people::Email};

/// Limits the attempts to use the credentials of one account, whatever address they come from.
#[derive(Clone)]
pub struct Attempts {
    limiter: RateLimiter,
    /// `None`: no limit.
    per_minute: Option<u32>,
}

impl Attempts {
    pub fn new(limiter: RateLimiter, settings: &settings::RateLimit) -> Self {
        Self { limiter, per_minute: settings.enabled.then_some(settings.credentials_per_minute) }
    }

    /// Counts an attempt. An account that does not exist is counted alike, so that the answer does not reveal which exist.
    pub async fn admit(&self, email: &Email) -> Result<(), AccountError> {
        self.count(&email.key()).await
    }

    /// The same, for each asker apart: others who ask use up nothing of it.
    pub async fn admit_by(&self, email: &Email, asker: Option<&str>) -> Result<(), AccountError> {
        // No address has a blank in its key.
        self.count(&format!("{} {}", email.key(), asker.unwrap_or_default())).await
    }

    async fn count(&self, subject: &str) -> Result<(), AccountError> {
        let Some(limit) = self.per_minute else { return Ok(()) };
        let account = u128::from_be_bytes(*hashed(subject).first_chunk().unwrap_or(&[0; 16]));
        let verdict = self.limiter.ask("account", format!("{account:032x}"), limit).await;
        if verdict.is_admitted { Ok(()) } else { Err(AccountError::TooManyAttempts(verdict)) }
    }
}
