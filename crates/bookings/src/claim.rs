use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use loadmaster_accounts::{ClaimDesk, Principal, Role};
use loadmaster_holds as holds;
use loadmaster_kernel::{BookingId, BookingRef, OrganizationId, UserId};
use loadmaster_payments as payments;
use loadmaster_platform::{
    postgres::{DbError, PgSession},
    work::Command,
};
use secrecy::SecretString;

use super::{
    BookingError, BookingService,
    claim_token::Claim,
    draft::{Draft, EventDetails},
    model::{Booking, EventType},
    repository,
};

/// A guest's booking that somebody opens by its claim.
pub(super) struct Opened {
    pub guest: Principal,
    pub booking: Booking,
    /// When the claim ends.
    pub expires_at: DateTime<Utc>,
}

impl BookingService {
    /// Moves a booking to another organization, if the claim is valid and was not used: `None` otherwise. The hold that
    /// it was made of stays the guest's and loses its texts, which the booking has.
    async fn claim_in_tx(
        &self,
        tx: &mut PgSession,
        token: &SecretString,
        (user, organization): (UserId, OrganizationId),
    ) -> Result<Option<Booking>, DbError> {
        let author = self.author(Some(user));
        let claimable = self.claimable_in_tx(tx, token, author.now).await?;
        let Some(booking) = claimable.filter(|booking| booking.organization_id != organization) else {
            return Ok(None);
        };
        let mut draft = Draft::of(booking);
        draft.now.organization_id = organization;
        draft.record(author, EventType::Claimed, EventDetails::default());
        if let Some(hold) = draft.now.hold_id {
            holds::blank_in_tx(tx, &[hold], author.now).await?;
        }
        payments::move_in_tx(tx, draft.now.id, organization, author.now).await?;
        Ok(Some(draft.save_alone_in_tx(tx).await?))
    }

    /// Returns the booking of a claim as long as it is the guest's, the guest as the caller who made it, and the end of the
    /// claim.
    pub(super) async fn opened(&self, token: &SecretString) -> Result<Opened, BookingError> {
        let now = self.clock.now();
        let claim = self.claims.open_valid(token, now).ok_or(BookingError::ClaimInvalid)?;
        let booking = repository::find(&mut *self.db.read().await?, claim.booking, Some(claim.guest)).await?;
        let booking = booking.filter(|booking| claim.is_of(booking)).ok_or(BookingError::ClaimInvalid)?;
        let session = booking.created_by.uuid().into();
        let guest = Principal::of_session(booking.created_by, claim.guest, Role::Guest, session);
        Ok(Opened { guest, booking, expires_at: claim.expires_at })
    }

    /// Returns the claim of a booking and when it ends, for the letter to the guest who made it; `None` if it has ended or was
    /// used, or no guest made the booking.
    pub async fn claim_of_in_tx(
        &self,
        tx: &mut PgSession,
        booking: BookingId,
    ) -> Result<Option<(SecretString, DateTime<Utc>)>, DbError> {
        let Some(booking) = repository::find(tx, booking, None).await? else { return Ok(None) };
        let claim = Claim::of(&booking);
        let is_valid =
            self.clock.now() < claim.expires_at && repository::is_of_guest(tx, booking.organization_id).await?;
        Ok(is_valid.then(|| (self.claims.token(claim).into(), claim.expires_at)))
    }

    /// Locks and returns the booking of a claim that is valid and was not used.
    async fn claimable_in_tx(
        &self,
        tx: &mut PgSession,
        token: &SecretString,
        now: DateTime<Utc>,
    ) -> Result<Option<Booking>, DbError> {
        let Some(claim) = self.claims.open_valid(token, now) else { return Ok(None) };
        let booking = repository::lock_booking(tx, claim.booking).await?;
        Ok(booking.filter(|booking| claim.is_of(booking)))
    }
}

/// Moves a guest's booking to the caller's organization.
pub(super) struct ClaimBooking {
    pub bookings: BookingService,
    pub caller: Principal,
    pub token: SecretString,
}

impl Command for ClaimBooking {
    const NAME: &'static str = "bookings.claim";
    type Done = Booking;
    type Error = BookingError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Booking, BookingError> {
        let by = (self.caller.user_id, self.caller.organization_id);
        self.bookings.claim_in_tx(tx, &self.token, by).await?.ok_or(BookingError::ClaimInvalid)
    }

    async fn concluded(&mut self, outcome: Result<&Booking, &BookingError>) {
        if let Ok(booking) = outcome {
            self.bookings.known.note(booking);
            tracing::info!(ref_id = %booking.ref_id, "booking claimed");
        }
    }
}

impl ClaimDesk for BookingService {
    fn is_claimable_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        claim: &'a SecretString,
    ) -> BoxFuture<'a, Result<bool, DbError>> {
        Box::pin(async move {
            let now = self.author(None).now;
            Ok(self.claimable_in_tx(tx, claim, now).await?.is_some())
        })
    }

    fn claim_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        claim: &'a SecretString,
        by: (UserId, OrganizationId),
    ) -> BoxFuture<'a, Result<Option<BookingRef>, DbError>> {
        Box::pin(async move {
            let booking = Self::claim_in_tx(self, tx, claim, by).await?;
            Ok(booking.map(|booking| booking.ref_id))
        })
    }
}
