use loadmaster_kernel::TokenFamilyId;
use loadmaster_platform::{
    rate_limit::{RateLimiter, Verdict},
    settings,
    web::ClientAddress,
};

use super::cache::hashed;

use crate::{error::AccountError, people::Email};

/// Quotas of a session that an address has for tokens of former releases: those of an office's sessions.
const SESSIONS_OF_ADDRESS: u32 = 10;

/// Limits the attempts to use the credentials of one account, and the refreshes of one session, whatever address they
/// come from.
#[derive(Clone)]
pub struct Attempts {
    limiter: RateLimiter,
    /// `None`: no limit.
    per_minute: Option<u32>,
    refreshes_per_minute: Option<u32>,
}

impl Attempts {
    pub fn new(limiter: RateLimiter, settings: &settings::RateLimit) -> Self {
        let limit = |most| settings.enabled.then_some(most);
        Self {
            limiter,
            per_minute: limit(settings.credentials_per_minute),
            refreshes_per_minute: limit(settings.session_refreshes_per_minute),
        }
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

    /// Counts the look-up of a refresh token without a signature, which anybody can make up, by its address. `None`: tests call
    /// the application without a connection.
    pub async fn admit_unsigned_refresh(&self, address: Option<ClientAddress>) -> Result<(), AccountError> {
        let (Some(limit), Some(address)) = (self.refreshes_per_minute, address) else { return Ok(()) };
        let limit = limit.saturating_mul(SESSIONS_OF_ADDRESS);
        let verdict = self.limiter.ask("unsigned_refresh", address.subject(), limit).await;
        if verdict.is_admitted { Ok(()) } else { Err(AccountError::UnsignedTooOften(verdict)) }
    }

    /// Counts a refresh of a session, and returns what is left of its quota if there is a limit. The tabs of a browser
    /// share their session; an office shares its address, and has as many quotas as sessions.
    pub async fn admit_refresh(&self, session: TokenFamilyId) -> Result<Option<Verdict>, AccountError> {
        let Some(limit) = self.refreshes_per_minute else { return Ok(None) };
        let verdict = self.limiter.ask("session", session, limit).await;
        if verdict.is_admitted { Ok(Some(verdict)) } else { Err(AccountError::RefreshedTooOften(verdict)) }
    }
}
