//! Claims: the proof, given to a guest with its booking and in the letter about it, that opens this booking and moves it to an
//! account. It is sealed and stored nowhere, and it is the same whenever it is computed under the same
//! key.
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::{BookingId, OrganizationId};
use loadmaster_platform::{proofs::ProofKey, secrets::ServerSecrets};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::model::Booking;

/// Time for which a booking can be claimed, from its creation.
const VALID_FOR: TimeDelta = TimeDelta::days(30);

const SCOPE: &str = "bookings.claim";

/// The right to move a booking away from the organization of the guest that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    pub booking: BookingId,
    pub guest: OrganizationId,
    pub expires_at: DateTime<Utc>,
}

impl Claim {
    /// Returns the claim of a booking as it is.
    pub fn of(booking: &Booking) -> Self {
        Self::new(booking.id, booking.organization_id, booking.created_at)
    }

    /// Returns whether it is the one claim of a booking: one that was made by whoever knows the key alone, for another organization
    /// or a longer time, is none.
    pub fn is_of(&self, booking: &Booking) -> bool {
        *self == Self::of(booking)
    }

    pub fn new(booking: BookingId, guest: OrganizationId, created_at: DateTime<Utc>) -> Self {
        Self { booking, guest, expires_at: created_at + VALID_FOR }
    }
}

/// Makes the tokens of claims, and reads them.
#[derive(Debug, Clone)]
pub(super) struct ClaimSeal(ProofKey);

impl ClaimSeal {
    pub fn new(secrets: &ServerSecrets) -> Self {
        Self(secrets.proofs.clone())
    }

    pub fn token(&self, claim: Claim) -> String {
        let (booking, guest) = (claim.booking.uuid(), claim.guest.uuid());
        let end = claim.expires_at.timestamp_micros().to_be_bytes();
        let payload = [booking.as_bytes().as_slice(), guest.as_bytes(), &end].concat();
        URL_SAFE_NO_PAD.encode(self.0.seal(SCOPE, &payload))
    }

    /// Returns `None` if the token was not made here, or its claim has ended.
    pub fn open_valid(&self, token: &SecretString, now: DateTime<Utc>) -> Option<Claim> {
        self.open(token).filter(|claim| now < claim.expires_at)
    }

    /// Returns `None` if the token was not made here.
    fn open(&self, token: &SecretString) -> Option<Claim> {
        let sealed = URL_SAFE_NO_PAD.decode(token.expose_secret()).ok()?;
        let (booking, rest) = self.0.open(SCOPE, &sealed)?.split_at_checked(16)?;
        let (guest, end) = rest.split_at_checked(16)?;
        Some(Claim {
            booking: Uuid::from_slice(booking).ok()?.into(),
            guest: Uuid::from_slice(guest).ok()?.into(),
            expires_at: DateTime::from_timestamp_micros(i64::from_be_bytes(end.try_into().ok()?))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use loadmaster_platform::seal::SealKey;

    use super::*;

    fn seal(key: u8) -> ClaimSeal {
        ClaimSeal(SealKey::new(&[key; 32]).into())
    }

    #[test]
    fn a_claim_is_read_as_it_was_made_and_nothing_else_is() {
        let created_at = DateTime::from_timestamp_micros(1_800_000_000_123_456).unwrap();
        let claim = Claim::new(Uuid::from_u128(1).into(), Uuid::from_u128(2).into(), created_at);
        let token = seal(1).token(claim);
        assert_eq!(token, seal(1).token(claim), "it is the same whenever it is computed");
        assert_eq!(seal(1).open(&token.clone().into()), Some(claim));
        assert_eq!(seal(2).open(&token.clone().into()), None);
        for place in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(seal(1).open(&changed.into()), None, "character {place}");
            assert_eq!(seal(1).open(&token[..place].into()), None, "{place} characters");
        }
        let cursor = URL_SAFE_NO_PAD.encode(SealKey::new(&[1; 32]).seal("another", &[0; 40]));
        assert_eq!(seal(1).open(&cursor.into()), None);
    }
}
