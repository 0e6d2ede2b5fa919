use chrono::{DateTime, Utc};
use jsonwebtoken::{Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    error::AccountError,
    keys::KeyRing,
    model::{Principal, Role},
};
use crate::{
    kernel::{OrganizationId, TokenFamilyId, UserId},
    platform::settings::{Algorithm, Auth},
};

/// Seconds by which the clocks of two instances may differ.
pub(super) const CLOCK_SKEW: i64 = 60;

/// What an access token says (RFC 7519, section 4.1, and three members of our own).
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    exp: i64,
    iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    jti: Uuid,
    role: Role,
    org: OrganizationId,
    sid: TokenFamilyId,
}

/// Makes and reads access tokens: JWTs of one algorithm, one issuer and one audience.
#[derive(Debug)]
pub(super) struct AccessTokens {
    algorithm: jsonwebtoken::Algorithm,
    issuer: String,
    audience: String,
    lifetime: i64,
    validation: Validation,
}

impl AccessTokens {
    pub fn new(settings: &Auth) -> Self {
        let algorithm = match settings.algorithm {
            Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
            Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
        };
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[&settings.issuer]);
        validation.set_audience(&[&settings.audience]);
        validation.set_required_spec_claims(&["iss", "aud", "sub"]);
        // The library would ask the system's clock; `verify` asks the injected one.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self {
            algorithm,
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            lifetime: i64::from(settings.access_token_minutes) * 60,
            validation,
        }
    }

    /// Seconds from issue to expiry.
    pub const fn lifetime(&self) -> i64 {
        self.lifetime
    }

    /// A token for `principal`, good from `now` on.
    pub fn issue(
        &self,
        ring: &KeyRing,
        principal: Principal,
        sid: TokenFamilyId,
        jti: Uuid,
        now: DateTime<Utc>,
    ) -> Result<String, AccountError> {
        let iat = now.timestamp();
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: principal.user_id,
            exp: iat + self.lifetime,
            iat,
            nbf: None,
            jti,
            role: principal.role,
            org: principal.organization_id,
            sid,
        };
        let (kid, key) = ring.signing(now)?;
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, &claims, key)
            .map_err(|error| AccountError::Crypto(format!("an access token could not be signed: {error}")))
    }

    /// The `kid` of a token of our algorithm that asks for nothing we do not know (RFC 7515, section 4.1.11). Nothing else
    /// of it is believed yet.
    pub fn key_id(&self, token: &str) -> Result<String, AccountError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| AccountError::TokenInvalid)?;
        let is_ours = header.alg == self.algorithm && header.crit.is_none();
        header.kid.filter(|_| is_ours).ok_or(AccountError::TokenInvalid)
    }

    /// Who the token speaks for, and until when. Only a token that is right in all else is called expired.
    pub fn verify(&self, token: &str, ring: &KeyRing, now: DateTime<Utc>) -> Result<Verified, AccountError> {
        let kid = self.key_id(token)?;
        let key = ring.known(&kid).ok_or(AccountError::TokenInvalid)?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key.key, &self.validation)
            .map_err(|_| AccountError::TokenInvalid)?
            .claims;
        // `iat` is another instance's clock; whoever says `nbf` means it.
        let now_seconds = now.timestamp();
        if claims.iat > now_seconds + CLOCK_SKEW || claims.nbf.is_some_and(|begin| begin > now_seconds) {
            return Err(AccountError::TokenInvalid);
        }
        if !key.counts(now) {
            return Err(AccountError::KeyEnded);
        }
        let principal = Principal::of_session(claims.sub, claims.org, claims.role, claims.sid);
        Verified { principal, expires_at: claims.exp }.at(now)
    }
}

/// A token whose signature and claims are right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verified {
    pub principal: Principal,
    /// Seconds since 1970.
    expires_at: i64,
}

impl Verified {
    /// The same, unless it has expired by then.
    pub fn at(self, now: DateTime<Utc>) -> Result<Self, AccountError> {
        if self.expires_at <= now.timestamp() { Err(AccountError::TokenExpired) } else { Ok(self) }
    }
}

#[cfg(test)]
mod tests;
