use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::Header;
use loadmaster_kernel::{OrganizationId, TokenFamilyId, UserId};
use loadmaster_platform::{
    json,
    settings::{Algorithm, Auth},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::key_ring::KeyRing;

use crate::{
    error::AccountError,
    people::{Credential, Principal, Role},
};

/// Seconds by which the clocks of two processes may differ.
pub const CLOCK_SKEW: i64 = 60;

/// The longest header of a token that is read, in bytes of Base64. Our headers have some 120.
const LONGEST_HEADER: usize = 1024;

/// The claims of an access token (RFC 7519, section 4.1, and four of our own).
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
    /// Whether the session is one of the console.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    console: bool,
}

/// Encodes and decodes access tokens: JWTs of one algorithm, one issuer and one audience.
#[derive(Debug)]
pub struct AccessTokens {
    algorithm: jsonwebtoken::Algorithm,
    issuer: String,
    audience: String,
    lifetime: i64,
    guest_lifetime: i64,
}

impl AccessTokens {
    pub fn new(settings: &Auth) -> Self {
        let algorithm = match settings.algorithm {
            Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
            Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
        };
        Self {
            algorithm,
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            lifetime: i64::from(settings.access_token_minutes) * 60,
            guest_lifetime: i64::from(settings.guest_token_minutes) * 60,
        }
    }

    /// Seconds from issue to expiry of the token of a session, and of a guest's.
    pub const fn lifetimes(&self) -> (i64, i64) {
        (self.lifetime, self.guest_lifetime)
    }

    /// A token for `principal`, valid from `now` on.
    pub fn issue(
        &self,
        ring: &KeyRing,
        principal: Principal,
        sid: TokenFamilyId,
        jti: Uuid,
        now: DateTime<Utc>,
    ) -> Result<String, AccountError> {
        let iat = now.timestamp();
        let lifetime = match principal.credential {
            Credential::Guest => self.guest_lifetime,
            Credential::Session(_) | Credential::ApiKey { .. } => self.lifetime,
        };
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: principal.user_id,
            exp: iat + lifetime,
            iat,
            nbf: None,
            jti,
            role: principal.role,
            org: principal.organization_id,
            sid,
            console: principal.is_console,
        };
        let (kid, key) = ring.signing(now)?;
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, &claims, key)
            .map_err(|error| AccountError::Crypto(format!("an access token could not be signed: {error}")))
    }

    /// The `kid` of a token of our algorithm. Nothing is verified yet.
    pub fn key_id(&self, token: &str) -> Result<String, AccountError> {
        Parts::of(token).and_then(|parts| parts.key_id(self.algorithm)).ok_or(AccountError::TokenInvalid)
    }

    /// Verifies a token. Only a token that is valid in all other respects is reported as expired.
    pub fn verify(&self, token: &str, ring: &KeyRing, now: DateTime<Utc>) -> Result<Verified, AccountError> {
        let parts = Parts::of(token).ok_or(AccountError::TokenInvalid)?;
        let kid = parts.key_id(self.algorithm).ok_or(AccountError::TokenInvalid)?;
        let key = ring.verifying(&kid).ok_or(AccountError::TokenInvalid)?;
        let is_signed =
            jsonwebtoken::crypto::verify(parts.signature, parts.signed.as_bytes(), &key.key, self.algorithm);
        if !is_signed.unwrap_or(false) {
            return Err(AccountError::TokenInvalid);
        }
        let claims = parts.claims().ok_or(AccountError::TokenInvalid)?;
        if claims.iss != self.issuer || claims.aud != self.audience {
            return Err(AccountError::TokenInvalid);
        }
        // `iat` comes from the clock of another process; `nbf` is taken to the second.
        let now_seconds = now.timestamp();
        if claims.iat > now_seconds + CLOCK_SKEW || claims.nbf.is_some_and(|begin| begin > now_seconds) {
            return Err(AccountError::TokenInvalid);
        }
        if !key.is_valid_at(now) {
            return Err(AccountError::KeyEnded);
        }
        let principal = Principal::of_session(claims.sub, claims.org, claims.role, claims.sid);
        let principal = principal.in_console(claims.console);
        Verified { principal, expires_at: claims.exp }.at(now)
    }
}

/// The parts of a token (RFC 7515, section 7.1). `jsonwebtoken` splits tokens too, but deserialises unknown header members
/// as `serde_json::Value` before it checks the signature: see [`loadmaster_platform::json`].
struct Parts<'a> {
    header: &'a str,
    claims: &'a str,
    signature: &'a str,
    /// Header and claims with the dot between them.
    signed: &'a str,
}

impl<'a> Parts<'a> {
    fn of(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        Some(Self { header, claims, signature, signed })
    }

    /// The `kid` of a header of this algorithm. Our headers have text members only; a `crit` (RFC 7515, section 4.1.11),
    /// which is a list, and a key inside the token are refused.
    fn key_id(&self, algorithm: jsonwebtoken::Algorithm) -> Option<String> {
        let header = Some(self.header).filter(|header| header.len() <= LONGEST_HEADER)?;
        let Ok(Value::Object(mut header)) = json::parse(&URL_SAFE_NO_PAD.decode(header).ok()?) else { return None };
        let is_ours = header.values().all(Value::is_string)
            && header.get("alg")?.as_str()?.parse::<jsonwebtoken::Algorithm>().ok()? == algorithm;
        match header.remove("kid").filter(|_| is_ours)? {
            Value::String(kid) => Some(kid),
            _ => None,
        }
    }

    /// The claims; call it for a verified signature only. Unknown members are skipped, not deserialised.
    fn claims(&self) -> Option<Claims> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(self.claims).ok()?).ok()
    }
}

/// A token with a valid signature and valid claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    pub principal: Principal,
    /// Seconds since 1970.
    expires_at: i64,
}

impl Verified {
    /// The same, unless it has expired at `now`.
    pub fn at(self, now: DateTime<Utc>) -> Result<Self, AccountError> {
        if self.expires_at <= now.timestamp() { Err(AccountError::TokenExpired) } else { Ok(self) }
    }
}

#[cfg(test)]
mod tests;
