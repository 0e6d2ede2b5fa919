//! Tokens that somebody has made himself: none is taken, on no route.
use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use loadmaster_testkit::{Answer, Client, World, WorldOptions, freight::with};
use reqwest::Method;
use serde_json::{Value, json};

use super::{PASSWORD, me, part, register};

const SECRET: &str = "a secret of more than thirty-two bytes";

/// For callers, for anybody, for machines, and where nothing is: a bad token is refused everywhere.
const ROUTES: [&str; 5] =
    ["/api/v1/auth/me", "/api/v1/airports/DEL", "/health", "/api/v1/tracking/ACB000000000", "/nowhere"];

/// A world, a token of it, and the key that signed it.
struct Forge {
    world: World,
    pair: Ed25519KeyPair,
    header: Value,
    claims: Value,
}

fn encoded(part: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

/// Header and claims, as they are signed.
fn told(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encoded(header.to_string().as_bytes()), encoded(claims.to_string().as_bytes()))
}

fn hs256(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let told = told(header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), told.as_bytes());
    format!("{told}.{}", encoded(tag.as_ref()))
}

fn eddsa(header: &Value, claims: &Value, pair: &Ed25519KeyPair) -> String {
    let told = told(header, claims);
    format!("{told}.{}", encoded(pair.sign(told.as_bytes()).as_ref()))
}

impl Forge {
    async fn light() -> Self {
        let world = World::start().await;
        let session = register(&world.anonymous(), "ann@forwarder.example", PASSWORD).await.expect(201);
        let token = session["access_token"].as_str().unwrap();
        let pkcs8: Vec<u8> = sqlx::query_scalar("select private_key from signing_keys")
            .fetch_one(&mut world.database.owner().await)
            .await
            .unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).unwrap();
        Self { pair, header: part(token, 0), claims: part(token, 1), world }
    }

    /// Right in all but these claims.
    fn claiming(&self, claims: Value) -> String {
        eddsa(&self.header, &with(self.claims.clone(), claims), &self.pair)
    }

    /// Right in all but these members of the header, which are signed as well.
    fn headed(&self, header: Value) -> String {
        eddsa(&with(self.header.clone(), header), &self.claims, &self.pair)
    }

    fn bearer(&self, token: &str) -> Client {
        self.world.anonymous().with_token(token)
    }

    async fn refused(&self, what: &str, token: &str, code: &str) {
        for route in ROUTES {
            let answer = self.bearer(token).get(route).await;
            assert_eq!(answer.status, 401, "{what} at {route}: {}", answer.text);
            let challenge = answer.header("www-authenticate").unwrap_or_default();
            assert!(challenge.starts_with("Bearer error=\"invalid_token\""), "{what} at {route}: {challenge}");
            answer.expect_problem(401, code);
        }
    }

    /// What is forged by the same hands but with nothing wrong is taken: the others fail for what they are.
    async fn assert_it_forges_well(&self) {
        me(&self.bearer(&self.claiming(json!({})))).await.expect(200);
    }
}

#[tokio::test]
async fn a_token_of_another_algorithm_is_refused() {
    let forge = Forge::light().await;
    forge.assert_it_forges_well().await;
    for alg in ["none", "None", "NONE", ""] {
        let header = with(forge.header.clone(), json!({"alg": alg}));
        forge.refused("unsigned", &format!("{}.", told(&header, &forge.claims)), "unauthenticated").await;
        forge.refused("called unsigned", &forge.headed(json!({"alg": alg})), "unauthenticated").await;
    }
    for alg in ["HS256", "HS512", "ES256", "RS256", "PS256", "Ed448", "eddsa", "EDDSA"] {
        forge.refused(alg, &forge.headed(json!({"alg": alg})), "unauthenticated").await;
    }
    for alg in [json!(null), json!(["EdDSA"]), json!(0)] {
        forge.refused("no algorithm", &forge.headed(json!({"alg": alg})), "unauthenticated").await;
    }
}

#[tokio::test]
async fn a_token_with_foreign_or_missing_claims_is_refused() {
    let forge = Forge::light().await;
    forge.assert_it_forges_well().await;
    for (what, claims) in [
        ("another audience", json!({"aud": "loadmaster-staging"})),
        ("other audiences", json!({"aud": ["elsewhere", "nowhere"]})),
        ("no audience", json!({"aud": null})),
        ("an empty audience", json!({"aud": []})),
        ("another issuer", json!({"iss": "https://evil.example"})),
        ("an issuer in other case", json!({"iss": "Loadmaster"})),
        ("no issuer", json!({"iss": null})),
        ("no user", json!({"sub": null})),
        ("a user that is no id", json!({"sub": "admin"})),
        ("a role that there is not", json!({"role": "root"})),
        ("no role", json!({"role": null})),
        ("no organization", json!({"org": null})),
        ("no session", json!({"sid": null})),
        ("no id", json!({"jti": null})),
    ] {
        forge.refused(what, &forge.claiming(claims), "unauthenticated").await;
    }
}

#[tokio::test]
async fn a_token_counts_from_its_beginning_to_its_end_and_the_issuers_clock_may_be_a_minute_ahead() {
    let forge = Forge::light().await;
    let now = forge.world.now().timestamp();
    for (what, claims) in [
        ("issued in a minute", json!({"iat": now + 60, "exp": now + 960})),
        ("good from now on", json!({"nbf": now})),
        ("about to end", json!({"exp": now + 1})),
    ] {
        let answer = me(&forge.bearer(&forge.claiming(claims))).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text);
    }
    for (what, claims, code) in [
        ("issued later", json!({"iat": now + 61, "exp": now + 961}), "unauthenticated"),
        ("good in a second", json!({"nbf": now + 1}), "unauthenticated"),
        ("good later, issued before", json!({"nbf": now + 3600, "exp": now + 7200}), "unauthenticated"),
        ("ended just now", json!({"exp": now}), "token_expired"),
        ("ended long ago", json!({"iat": now - 9000, "exp": now - 8100}), "token_expired"),
        ("ended before all time", json!({"exp": i64::MIN}), "token_expired"),
        ("without end", json!({"exp": null}), "unauthenticated"),
        ("an end that is text", json!({"exp": "tomorrow"}), "unauthenticated"),
        ("an end beyond all numbers", json!({"exp": 1e300}), "unauthenticated"),
        ("without beginning", json!({"iat": null}), "unauthenticated"),
        // Only what is right in all else is called expired.
        ("of another issuer and ended", json!({"exp": now, "iss": "x"}), "unauthenticated"),
    ] {
        forge.refused(what, &forge.claiming(claims), code).await;
    }
}

#[tokio::test]
async fn a_token_that_was_changed_anywhere_is_refused() {
    let forge = Forge::light().await;
    let token = forge.claiming(json!({}));
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let promoted = encoded(with(forge.claims.clone(), json!({"role": "admin"})).to_string().as_bytes());
    let renamed = encoded(with(forge.header.clone(), json!({"typ": "at+jwt"})).to_string().as_bytes());
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 0x10;
    let bent = encoded(&bytes);
    for (what, forged) in [
        ("another payload", format!("{header}.{promoted}.{signature}")),
        ("another header", format!("{renamed}.{claims}.{signature}")),
        ("another signature", format!("{header}.{claims}.{bent}")),
        ("half a signature", format!("{header}.{claims}.{}", &signature[..40])),
        ("a signature and more", format!("{header}.{claims}.{signature}AAAA")),
        ("no signature", format!("{header}.{claims}.")),
        ("two parts", format!("{header}.{claims}")),
        ("four parts", format!("{token}.{signature}")),
        ("padding", format!("{token}==")),
        ("nothing between the dots", "..".to_owned()),
        ("a payload that is no JSON", format!("{header}.{}.{signature}", encoded(b"no JSON"))),
    ] {
        forge.refused(what, &forged, "unauthenticated").await;
    }
    me(&forge.bearer(&token)).await.expect(200);
}

#[tokio::test]
async fn a_token_of_another_key_is_refused_whatever_it_calls_the_key() {
    let forge = Forge::light().await;
    forge.assert_it_forges_well().await;
    let other = Ed25519KeyPair::generate().unwrap();
    let sign = |header: Value| eddsa(&with(forge.header.clone(), header), &forge.claims, &other);
    let x = encoded(other.public_key().as_ref());
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": x});
    for (what, forged) in [
        ("another key by our name", sign(json!({}))),
        ("another key by its own name", sign(json!({"kid": "another"}))),
        ("another key that comes along", sign(json!({"jwk": jwk.clone(), "kid": "another"}))),
        ("another key that comes along by our name", sign(json!({"jwk": jwk}))),
        ("another key that lies elsewhere", sign(json!({"jku": "https://evil.example/jwks.json"}))),
        ("our key by an unknown name", forge.headed(json!({"kid": "unknown"}))),
        ("our key by no name", forge.headed(json!({"kid": null}))),
        ("our key by an empty name", forge.headed(json!({"kid": ""}))),
        ("our key by the name of a file", forge.headed(json!({"kid": "../../dev/null"}))),
        ("our key by a query", forge.headed(json!({"kid": "' or true --"}))),
        ("what must be understood and is not", forge.headed(json!({"crit": ["b64"], "b64": false}))),
        ("what must be understood and is nothing", forge.headed(json!({"crit": []}))),
    ] {
        forge.refused(what, &forged, "unauthenticated").await;
    }
}

/// The public key is known to all: it must not work as the secret of HS256.
#[tokio::test]
async fn the_public_key_signs_nothing() {
    let forge = Forge::light().await;
    let keys = forge.world.anonymous().get("/.well-known/jwks.json").await;
    let public = forge.pair.public_key().as_ref();
    let spki = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0], public].concat();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&spki));
    let jwk = keys.body["keys"][0].to_string();
    let x = keys.body["keys"][0]["x"].as_str().unwrap();
    assert_eq!(x, encoded(public), "this is the key that is published");
    for (what, secret) in [
        ("raw", public),
        ("DER", &spki),
        ("PEM", pem.as_bytes()),
        ("PEM without its last line break", pem.trim_end().as_bytes()),
        ("JWK", jwk.as_bytes()),
        ("x of the JWK", x.as_bytes()),
        ("all keys", keys.text.as_bytes()),
        ("nothing", b""),
    ] {
        let header = with(forge.header.clone(), json!({"alg": "HS256"}));
        forge.refused(what, &hs256(&header, &forge.claims, secret), "unauthenticated").await;
        // Nor does it help to call the tag a signature.
        forge.refused(what, &hs256(&forge.header, &forge.claims, secret), "unauthenticated").await;
    }
}

#[tokio::test]
async fn installations_of_different_algorithms_do_not_take_each_others_tokens() {
    let forge = Forge::light().await;
    let secretive = WorldOptions::default()
        .on(&forge.world.database)
        .set("auth.algorithm", "HS256")
        .set("auth.secret", SECRET)
        .start()
        .await;
    let login = json!({"email": "ann@forwarder.example", "password": PASSWORD});
    let session = secretive.anonymous().post("/api/v1/auth/login", login).await.expect(200);
    let token = session["access_token"].as_str().unwrap();
    assert_eq!(part(token, 0)["alg"], "HS256");
    me(&secretive.anonymous().with_token(token)).await.expect(200);
    forge.refused("of a shared secret", token, "unauthenticated").await;
    let header = with(part(token, 0), json!({"kid": forge.header["kid"]}));
    let renamed = hs256(&header, &forge.claims, SECRET.as_bytes());
    forge.refused("of a shared secret by the key's name", &renamed, "unauthenticated").await;
    let signed = forge.claiming(json!({}));
    for route in ROUTES {
        let there = secretive.anonymous().with_token(&signed);
        there.get(route).await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn with_a_shared_secret_only_its_own_signature_counts() {
    let world = WorldOptions::default().set("auth.algorithm", "HS256").set("auth.secret", SECRET).start().await;
    let session = register(&world.anonymous(), "ann@forwarder.example", PASSWORD).await.expect(201);
    let token = session["access_token"].as_str().unwrap();
    let (header, claims) = (part(token, 0), part(token, 1));
    let ask = async |token: &str, route: &str| {
        let request = world.anonymous().request(Method::GET, route).bearer_auth(token);
        Answer::of(request).await
    };
    ask(&hs256(&header, &claims, SECRET.as_bytes()), ROUTES[0]).await.expect(200);
    let promoted = with(claims.clone(), json!({"role": "admin"}));
    let unsigned = with(header.clone(), json!({"alg": "none"}));
    let pair = Ed25519KeyPair::generate().unwrap();
    for forged in [
        hs256(&header, &claims, b"another secret of more than thirty-two bytes"),
        hs256(&header, &claims, b""),
        hs256(&header, &claims, header["kid"].as_str().unwrap().as_bytes()),
        hs256(&with(header.clone(), json!({"kid": "unknown"})), &claims, SECRET.as_bytes()),
        hs256(&with(header.clone(), json!({"alg": "HS384"})), &claims, SECRET.as_bytes()),
        format!("{}.{}", told(&header, &promoted), token.rsplit('.').next().unwrap()),
        format!("{}.", told(&unsigned, &promoted)),
        eddsa(&with(header.clone(), json!({"alg": "EdDSA"})), &claims, &pair),
    ] {
        for route in ROUTES {
            ask(&forged, route).await.expect_problem(401, "unauthenticated");
        }
    }
}
