use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use loadmaster_kernel::{BookingRef, OrganizationId, UserId};
use loadmaster_platform::postgres::{DbError, PgSession};
use secrecy::SecretString;

use crate::error::AccountError;

/// Moves a booking that a guest made to an account. The room of bookings, which is above this one, provides it.
pub trait ClaimDesk: Send + Sync {
    /// Whether a claim is valid and was not used. Holds until the caller's transaction ends.
    fn is_claimable_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        claim: &'a SecretString,
    ) -> BoxFuture<'a, Result<bool, DbError>>;

    /// Joins the caller's transaction. Returns the booking; `None` if the claim is not valid, or not any more.
    fn claim_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        claim: &'a SecretString,
        by: (UserId, OrganizationId),
    ) -> BoxFuture<'a, Result<Option<BookingRef>, DbError>>;
}

/// The claim desk, from when it is open.
#[derive(Clone, Default)]
pub(super) struct Claims(Arc<OnceLock<Arc<dyn ClaimDesk>>>);

impl Claims {
    pub fn open(&self, desk: Arc<dyn ClaimDesk>) {
        _ = self.0.set(desk);
    }

    /// Fails with [`AccountError::ClaimInvalid`] if no booking can be moved by this claim.
    pub async fn check_in_tx(&self, tx: &mut PgSession, claim: &SecretString) -> Result<(), AccountError> {
        let Some(desk) = self.0.get() else { return Err(AccountError::ClaimInvalid) };
        if desk.is_claimable_in_tx(tx, claim).await? { Ok(()) } else { Err(AccountError::ClaimInvalid) }
    }

    /// Moves the booking, or fails with [`AccountError::ClaimInvalid`].
    pub async fn claim_in_tx(
        &self,
        tx: &mut PgSession,
        claim: &SecretString,
        by: (UserId, OrganizationId),
    ) -> Result<BookingRef, AccountError> {
        let Some(desk) = self.0.get() else { return Err(AccountError::ClaimInvalid) };
        desk.claim_in_tx(tx, claim, by).await?.ok_or(AccountError::ClaimInvalid)
    }
}
