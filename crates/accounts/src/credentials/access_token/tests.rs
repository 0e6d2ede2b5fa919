use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use jsonwebtoken::EncodingKey;
use loadmaster_platform::settings::{Settings, Sources};
use serde_json::{Value, json};

use super::{super::key_ring::tests::stored, *};
use crate::people::Channel;

fn settings() -> Auth {
    Settings::load(Sources::default()).unwrap().auth
}

fn principal() -> Principal {
    let (user, organization) = (Uuid::from_u128(1).into(), Uuid::from_u128(2).into());
    Principal::of_session(user, organization, Role::Operator, Uuid::from_u128(3).into())
}

fn birth() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn after(seconds: i64) -> DateTime<Utc> {
    birth() + TimeDelta::seconds(seconds)
}

/// Tokens by `EdDSA` with one key, its private bytes and its public bytes.
struct House {
    tokens: AccessTokens,
    ring: KeyRing,
    private_key: Vec<u8>,
    public_key: Vec<u8>,
}

impl House {
    fn new() -> Self {
        let (key, public_key) = stored(false);
        let private_key = key.private_key.clone();
        let ring = KeyRing::of_stored(&[key]).unwrap();
        Self { tokens: AccessTokens::new(&settings()), ring, private_key, public_key }
    }

    fn token(&self) -> String {
        self.tokens.issue(&self.ring, principal(), Uuid::from_u128(3).into(), Uuid::from_u128(4), birth()).unwrap()
    }

    fn verify(&self, token: &str) -> Result<Verified, AccountError> {
        self.tokens.verify(token, &self.ring, birth())
    }

    /// A token with the right claims but for the `changes`, signed by the house's own key.
    fn token_with(&self, changes: &[(&str, Value)]) -> String {
        let mut claims: Value = part(&self.token(), 1);
        for (name, value) in changes {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(*name)),
                value => claims[*name] = value.clone(),
            }
        }
        let header = Header {
            kid: Some(self.ring.signing(birth()).unwrap().0.to_owned()),
            ..Header::new(self.tokens.algorithm)
        };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(&self.private_key)).unwrap()
    }
}

fn part(token: &str, index: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[track_caller]
fn assert_invalid(outcome: Result<Verified, AccountError>) {
    let error = outcome.unwrap_err();
    assert!(matches!(error, AccountError::TokenInvalid), "{error:?}");
}

#[test]
fn a_fresh_token_names_its_bearer() {
    let house = House::new();
    let token = house.token();
    assert_eq!(house.verify(&token).unwrap().principal, principal());
    assert_eq!(part(&token, 0), json!({"typ": "JWT", "alg": "EdDSA", "kid": house.ring.signing(birth()).unwrap().0}));
    assert_eq!(
        part(&token, 1),
        json!({
            "iss": "loadmaster",
            "aud": "loadmaster",
            "sub": "00000000-0000-0000-0000-000000000001",
            "exp": 1_800_000_900,
            "iat": 1_800_000_000,
            "jti": "00000000-0000-0000-0000-000000000004",
            "role": "operator",
            "org": "00000000-0000-0000-0000-000000000002",
            "sid": "00000000-0000-0000-0000-000000000003",
        })
    );
}

#[test]
fn a_token_of_the_console_says_so() {
    let house = House::new();
    let token = house.token_with(&[("console", json!(true))]);
    let found = house.verify(&token).unwrap().principal;
    assert_eq!((found, found.channel()), (principal().in_console(true), Channel::Console));
    assert_eq!(house.verify(&house.token()).unwrap().principal.channel(), Channel::Api);
    let issued = house.tokens.issue(&house.ring, found, Uuid::from_u128(3).into(), Uuid::from_u128(4), birth());
    assert_eq!(part(&issued.unwrap(), 1)["console"], true);
}

#[test]
fn a_token_ends_on_the_second_without_grace() {
    let house = House::new();
    let token = house.token();
    assert!(house.tokens.verify(&token, &house.ring, after(899)).is_ok());
    for seconds in [900, 901, 1_000_000] {
        let outcome = house.tokens.verify(&token, &house.ring, after(seconds));
        assert!(matches!(outcome, Err(AccountError::TokenExpired)), "{outcome:?}");
    }
}

#[test]
fn a_token_from_the_future_is_refused_beyond_a_minute() {
    let house = House::new();
    let token = house.token();
    assert!(house.tokens.verify(&token, &house.ring, after(-60)).is_ok());
    assert_invalid(house.tokens.verify(&token, &house.ring, after(-61)));
    assert!(house.verify(&house.token_with(&[("nbf", json!(1_800_000_000))])).is_ok());
    assert_invalid(house.verify(&house.token_with(&[("nbf", json!(1_800_000_001))])));
}

#[test]
fn a_tampered_token_is_refused() {
    let house = House::new();
    let token = house.token();
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let mut admin = part(&token, 1);
    admin["role"] = json!("admin");
    assert_invalid(house.verify(&format!("{header}.{}.{signature}", encoded(&admin))));
    let mut flipped = URL_SAFE_NO_PAD.decode(signature).unwrap();
    flipped[10] ^= 1;
    assert_invalid(house.verify(&format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(flipped))));
    assert_invalid(house.verify(&format!("{header}.{claims}.")));
    assert_invalid(house.verify(&format!("{header}.{claims}")));
    assert_invalid(house.verify(&format!("{token}.{signature}")));
    for junk in ["", ".", "..", "lmk_0123456789", "é.é.é"] {
        assert_invalid(house.verify(junk));
    }
}

#[test]
fn a_token_that_is_wrong_and_old_is_called_wrong() {
    let house = House::new();
    let other = House::new();
    assert_invalid(house.tokens.verify(&other.token(), &house.ring, after(100_000)));
}

#[test]
fn other_issuers_and_audiences_are_refused() {
    let house = House::new();
    assert!(house.verify(&house.token_with(&[])).is_ok());
    for (name, value) in [
        ("iss", json!("someone-else")),
        ("iss", json!(["loadmaster"])),
        ("iss", Value::Null),
        ("aud", json!("someone-else")),
        ("aud", json!(["loadmaster", "someone-else"])),
        ("aud", Value::Null),
    ] {
        assert_invalid(house.verify(&house.token_with(&[(name, value)])));
    }
}

#[test]
fn no_claim_may_be_missing_or_of_another_type() {
    let house = House::new();
    for name in ["sub", "exp", "iat", "jti", "role", "org", "sid"] {
        assert_invalid(house.verify(&house.token_with(&[(name, Value::Null)])));
    }
    for (name, value) in [
        ("exp", json!("1800000900")),
        ("exp", json!(1e300)),
        ("role", json!("owner")),
        ("sub", json!("me")),
        ("nbf", json!("soon")),
    ] {
        assert_invalid(house.verify(&house.token_with(&[(name, value)])));
    }
}

#[test]
fn the_algorithm_none_is_refused() {
    let house = House::new();
    let claims = house.token().split('.').nth(1).unwrap().to_owned();
    for alg in ["none", "None", "NONE", "nOnE"] {
        let header = encoded(&json!({"typ": "JWT", "alg": alg, "kid": house.ring.signing(birth()).unwrap().0}));
        assert_invalid(house.verify(&format!("{header}.{claims}.")));
        assert_invalid(house.verify(&format!("{header}.{claims}.AAAA")));
    }
}

#[test]
fn the_public_key_is_no_hmac_secret() {
    let house = House::new();
    let claims = part(&house.token(), 1);
    let kid = Some(house.ring.signing(birth()).unwrap().0.to_owned());
    let spki = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0], house.public_key.as_slice()].concat();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        base64::engine::general_purpose::STANDARD.encode(&spki)
    );
    for secret in [house.public_key.as_slice(), &spki, pem.as_bytes()] {
        let header = Header { kid: kid.clone(), ..Header::new(jsonwebtoken::Algorithm::HS256) };
        let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap();
        assert_invalid(house.verify(&token));
        // Nor does it help to call the HMAC an EdDSA signature.
        let header = encoded(&json!({"typ": "JWT", "alg": "EdDSA", "kid": kid}));
        let rest = token.split_once('.').unwrap().1;
        assert_invalid(house.verify(&format!("{header}.{rest}")));
    }
}

#[test]
fn only_a_key_we_know_by_its_name_verifies() {
    let (house, other) = (House::new(), House::new());
    assert_invalid(house.verify(&other.token()));
    let claims = part(&house.token(), 1);
    let sign = |kid: Option<&str>, key: &[u8]| {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(jsonwebtoken::Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(key)).unwrap()
    };
    let ours = house.ring.signing(birth()).unwrap().0;
    assert!(house.verify(&sign(Some(ours), &house.private_key)).is_ok());
    assert_invalid(house.verify(&sign(Some(ours), &other.private_key)));
    assert_invalid(house.verify(&sign(Some("unknown"), &house.private_key)));
    assert_invalid(house.verify(&sign(Some(""), &house.private_key)));
    assert_invalid(house.verify(&sign(None, &house.private_key)));
}

#[test]
fn keys_offered_by_the_token_itself_are_not_used() {
    let (house, other) = (House::new(), House::new());
    let x = URL_SAFE_NO_PAD.encode(&other.public_key);
    let jwk = serde_json::from_value(json!({"kty": "OKP", "crv": "Ed25519", "x": x, "alg": "EdDSA"})).unwrap();
    let header = Header {
        kid: Some(other.ring.signing(birth()).unwrap().0.to_owned()),
        jwk: Some(jwk),
        ..Header::new(jsonwebtoken::Algorithm::EdDSA)
    };
    let claims = part(&house.token(), 1);
    let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(&other.private_key)).unwrap();
    assert_invalid(house.verify(&token));
}

#[test]
fn with_hs256_only_hs256_counts() {
    let secret = "0123456789abcdef0123456789abcdef".to_owned();
    let auth = Auth { algorithm: Algorithm::Hs256, secret: Some(secret.clone().into()), ..settings() };
    let (tokens, ring) = (AccessTokens::new(&auth), KeyRing::of_secret(&secret.clone().into()));
    let token = tokens.issue(&ring, principal(), Uuid::from_u128(3).into(), Uuid::nil(), birth()).unwrap();
    assert_eq!(tokens.verify(&token, &ring, birth()).unwrap().principal, principal());
    assert_eq!(part(&token, 0)["alg"], "HS256");

    let mut header = Header::new(jsonwebtoken::Algorithm::HS512);
    header.kid = Some(ring.signing(birth()).unwrap().0.to_owned());
    let stronger =
        jsonwebtoken::encode(&header, &part(&token, 1), &EncodingKey::from_secret(secret.as_bytes())).unwrap();
    assert_invalid(tokens.verify(&stronger, &ring, birth()));
    assert_invalid(tokens.verify(&House::new().token(), &ring, birth()));
    let guessed = KeyRing::of_secret(&"another secret of thirty-two bytes".to_owned().into());
    let forged = tokens.issue(&guessed, principal(), Uuid::nil().into(), Uuid::nil(), birth()).unwrap();
    assert_invalid(tokens.verify(&forged, &ring, birth()));
}

/// The header is read before the signature is checked. The library would deserialise what it does not know of it as
/// `serde_json::Value`, which parses the text within this member's string with a fresh limit on depth.
#[test]
fn a_header_of_text_within_text_is_refused_on_a_workers_stack() {
    let (open, close) = ("[".repeat(125), "]".repeat(125));
    for name in ["$serde_json::private::RawValue", "\\u0024serde_json::private::RawValue"] {
        let bomb = (0..300).fold("0".to_owned(), |text, _| {
            let text = text.replace('\\', "\\u005c").replace('"', "\\u0022");
            format!("{open}{{\"{name}\":\"{text}\"}}{close}")
        });
        let refused = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(move || {
            let house = House::new();
            let kid = house.ring.signing(birth()).unwrap().0.to_owned();
            let header = format!("{{\"alg\":\"EdDSA\",\"kid\":\"{kid}\",\"x\":{bomb}}}");
            let rest = house.token().split_once('.').unwrap().1.to_owned();
            assert_invalid(house.verify(&format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header))));
        });
        refused.unwrap().join().unwrap();
    }
}
