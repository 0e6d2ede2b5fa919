use chrono::{DateTime, Utc};
use loadmaster_kernel::{ApiKeyId, UserId};
use loadmaster_platform::clock::Moment;
use serde::{Deserialize, Serialize};

use crate::{
    error::AccountError,
    lasting::SleepReason,
    people::{Principal, Role},
};

/// The prefix of every API key. No access token begins with it: a token begins with the Base64 of a brace.
pub const PREFIX: &str = "lmk_";

/// An API key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub user_id: UserId,
    pub name: String,
    pub role: Role,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub rate_limit_per_minute: Option<u32>,
    /// Why it is refused for the time being.
    pub asleep_because: Option<SleepReason>,
}

impl ApiKey {
    /// Whether the key may do more than a customer: then its making and revoking are recorded.
    pub const fn is_administrative(&self) -> bool {
        matches!(self.role, Role::Operator | Role::Admin)
    }
}

/// An API key as it was read from the database.
#[derive(Debug, Clone, Copy)]
pub struct VerifiedKey {
    pub id: ApiKeyId,
    pub principal: Principal,
    pub expires_at: Option<DateTime<Utc>>,
    /// The time and the number of the last poll before it was read.
    pub read_at: Moment,
    pub poll: u64,
}

impl VerifiedKey {
    /// The caller that the key identifies, unless it has expired.
    pub fn principal(&self, now: DateTime<Utc>) -> Result<Principal, AccountError> {
        let has_expired = self.expires_at.is_some_and(|end| end <= now);
        if has_expired { Err(AccountError::KeyExpired) } else { Ok(self.principal) }
    }
}

/// The end of a page of API keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyAnchor(pub ApiKeyId);
