use super::{cache::hashed, error::AccountError, model::Email, service::AccountService};
use crate::platform::{rate_limit::RateLimiter, settings};

/// How often a minute somebody may try to be one and the same account, from wherever it is tried.
#[derive(Clone)]
pub struct Attempts {
    limiter: RateLimiter,
    /// `None`: as often as he likes.
    per_minute: Option<u32>,
}

impl Attempts {
    pub fn new(limiter: RateLimiter, settings: &settings::RateLimit) -> Self {
        Self { limiter, per_minute: settings.enabled.then_some(settings.credentials_per_minute) }
    }
}

impl AccountService {
    /// Counts an attempt with the credentials of an account. One that does not exist is counted alike: the answer tells
    /// nobody which there are.
    pub(super) async fn admit_attempt(&self, email: &Email) -> Result<(), AccountError> {
        let Attempts { limiter, per_minute: Some(most) } = &self.attempts else { return Ok(()) };
        let account = u128::from_be_bytes(*hashed(&email.key()).first_chunk().unwrap_or(&[0; 16]));
        let verdict = limiter.ask("account", format!("{account:032x}"), *most).await;
        if verdict.is_admitted { Ok(()) } else { Err(AccountError::TooManyAttempts(verdict)) }
    }
}
