use loadmaster_platform::{
    rate_limit::{RateLimiter, Verdict},
    settings,
    web::ClientAddress,
};

use super::{Credential, Principal};

/// The quotas of callers whose access is judged.
#[derive(Clone)]
pub struct CallerQuotas {
    limiter: RateLimiter,
    settings: settings::RateLimit,
}

impl CallerQuotas {
    pub fn new(limiter: RateLimiter, settings: &settings::RateLimit) -> Self {
        Self { limiter, settings: settings.clone() }
    }

    /// Counts a request, or a part of one that counts like a request; `None` without limits. Callers without a token and
    /// guests, whose tokens are open to anyone, count by address. An API key with a rate of its own counts by itself, all
    /// others count with their account: more keys do not allow more requests.
    pub async fn count(&self, caller: Option<Principal>, address: ClientAddress) -> Option<Verdict> {
        if !self.settings.enabled {
            return None;
        }
        let Self { limiter, settings } = self;
        let anonymous = settings.anonymous_per_minute;
        let verdict = match caller.map(|caller| (caller.credential, caller.user_id)) {
            None | Some((Credential::Guest, _)) => limiter.ask("anonymous", address.subject(), anonymous).await,
            Some((Credential::ApiKey { id, rate_limit_per_minute: Some(own) }, _)) => {
                limiter.ask("api_key", id, own).await
            }
            Some((_, user)) => limiter.ask("principal", user, settings.authenticated_per_minute).await,
        };
        Some(verdict)
    }
}
