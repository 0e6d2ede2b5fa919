use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::{ContactPointId, OneTimeTokenId, OrganizationId, UserId};

/// What a token is good for. A token of one purpose is no token of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose(pub &'static str);

impl Purpose {
    pub const VERIFY_EMAIL: Self = Self("verify_email");
    pub const VERIFY_PHONE: Self = Self("verify_phone");
    pub const RESET_PASSWORD: Self = Self("reset_password");
}

/// A token to be issued.
#[derive(Debug, Clone)]
pub struct NewToken {
    pub purpose: Purpose,
    pub user_id: Option<UserId>,
    pub contact_point_id: Option<ContactPointId>,
    pub organization_id: Option<OrganizationId>,
    /// Digest of the address that it is sent to.
    pub address_hash: Option<Vec<u8>>,
    /// Digest of the network address of whoever has it sent, where that is counted.
    pub asker_hash: Option<Vec<u8>>,
    pub lifetime: TimeDelta,
}

impl NewToken {
    /// A token that proves to whom it is sent that an address is a user's.
    pub fn of_user(purpose: Purpose, user: UserId, address_hash: Vec<u8>, lifetime: TimeDelta) -> Self {
        Self {
            purpose,
            user_id: Some(user),
            contact_point_id: None,
            organization_id: None,
            address_hash: Some(address_hash),
            asker_hash: None,
            lifetime,
        }
    }
}

/// A token that was issued.
#[derive(Debug, Clone)]
pub struct OneTimeToken {
    pub id: OneTimeTokenId,
    pub user_id: Option<UserId>,
    pub contact_point_id: Option<ContactPointId>,
    pub organization_id: Option<OrganizationId>,
    pub address_hash: Option<Vec<u8>>,
    pub tries: i32,
    pub expires_at: DateTime<Utc>,
    pub used_at: Option<DateTime<Utc>>,
}

impl OneTimeToken {
    pub fn is_valid(&self, now: DateTime<Utc>) -> bool {
        self.used_at.is_none() && now < self.expires_at
    }
}
