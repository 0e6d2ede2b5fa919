//! Credentials: the value of `Authorization`, or, after a line break, header and claims that are then signed.
use std::sync::LazyLock;

use aws_lc_rs::hmac;
use axum::http::{HeaderMap, HeaderValue, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use loadmaster_accounts::{AccessTokens, KeyRing, Principal, Role, bearer_token};
use loadmaster_platform::{
    settings::{Algorithm, Auth, Settings, Sources},
    web::Problem,
};
use uuid::Uuid;

const SECRET: &str = "a secret of more than thirty-two bytes";

struct Issuer {
    tokens: AccessTokens,
    ring: KeyRing,
}

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| {
    let auth = Settings::load(Sources::default()).expect("the default settings are sound").auth;
    let auth = Auth { algorithm: Algorithm::Hs256, secret: Some(SECRET.to_owned().into()), ..auth };
    Issuer { tokens: AccessTokens::new(&auth), ring: KeyRing::of_secret(&SECRET.to_owned().into()) }
});

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("a moment")
}

fn principal() -> Principal {
    let (user, organization) = (Uuid::from_u128(1).into(), Uuid::from_u128(2).into());
    Principal::of_session(user, organization, Role::Operator, Uuid::from_u128(3).into())
}

/// A good token.
pub fn good() -> String {
    let Issuer { tokens, ring } = &*ISSUER;
    tokens.issue(ring, principal(), Uuid::from_u128(3).into(), Uuid::from_u128(4), now()).expect("it is signed")
}

pub fn check(data: &[u8]) {
    match data.split_first() {
        Some((b'\n', parts)) => signed(parts),
        _ => shown(data),
    }
}

/// What anybody may show. Nobody gets a token past the signature that we have not issued.
fn shown(value: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(value) else { return };
    let headers: HeaderMap = [(header::AUTHORIZATION, value)].into_iter().collect();
    let token = match bearer_token(&headers) {
        Ok(Some(token)) => token,
        Ok(None) => unreachable!("the header is there"),
        Err(error) => return drop(super::expect_client_error(Problem::from(error))),
    };
    let Issuer { tokens, ring } = &*ISSUER;
    _ = super::same(|| tokens.key_id(token));
    match super::same(|| tokens.verify(token, ring, now())) {
        Ok(verified) => assert_eq!(verified.principal, principal(), "a token was made up"),
        Err(error) => drop(super::expect_client_error(Problem::from(error))),
    }
}

/// Claims are read only if their signature is right: here it always is.
fn signed(parts: &[u8]) {
    let at = parts.iter().position(|byte| *byte == b'\n').unwrap_or(parts.len());
    let (header, claims) = (&parts[..at], parts.get(at + 1..).unwrap_or_default());
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), signed.as_bytes());
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()));
    let Issuer { tokens, ring } = &*ISSUER;
    if let Err(error) = super::same(|| tokens.verify(&token, ring, now())) {
        super::expect_client_error(Problem::from(error));
    }
}
