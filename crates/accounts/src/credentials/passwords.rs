use std::{
    collections::HashSet,
    sync::{Arc, LazyLock},
    thread,
};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{self, PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use loadmaster_kernel::{Fault, FaultCode};
use loadmaster_platform::{
    random::TokenSource,
    web::{Raw, paid, read},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use unicode_normalization::{UnicodeNormalization, is_nfkc};

use crate::{
    error::AccountError,
    people::{Email, MAX_TEXT},
};

/// Characters in the form NFKC, not bytes.
const MIN_LENGTH: usize = 10;
const MAX_LENGTH: usize = 128;

/// The cost that OWASP's password storage cheat sheet recommends for Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The number of passwords that may wait for each core. At some 30 ms each, the last is answered within a request's time.
const QUEUE_PER_CORE: usize = 256;

static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("../../../../data/common_passwords.txt").lines().map(str::trim).collect());

/// A password that may be chosen for an account, in the form NFKC: keyboards type the same letter in different ways.
#[derive(Debug)]
pub struct Password(SecretString);

/// What a password is to a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    Right,
    /// Right as it was typed, before passwords were hashed in the form NFKC: the hash is to be renewed.
    Outdated,
}

impl Password {
    /// Reads a new password for the account of `email`. `None` skips the rule about the address: the address itself is
    /// faulty, and the client gets all faults at once.
    pub fn choose(raw: Raw<'_>, email: Option<&Email>) -> Result<Self, Fault> {
        let typed = read::line(MAX_TEXT)(raw)?;
        let text = read::line(MAX_LENGTH)(Raw::Text(&normalized(&typed)))?;
        if text.chars().count() < MIN_LENGTH {
            return Err(Fault::new(FaultCode::TooShort, format!("must have at least {MIN_LENGTH} characters")));
        }
        let folded = text.to_lowercase();
        if COMMON.contains(folded.as_str()) {
            return Err(Fault::format("must not be a common password"));
        }
        let is_address = |email: &Email| {
            let is_one =
                |key: &String| *key == folded || key.rsplit_once('@').is_some_and(|(local, _)| local == folded);
            email.keys().iter().any(is_one)
        };
        if email.is_some_and(is_address) {
            return Err(Fault::format("must not be the e-mail address or the part before its @"));
        }
        Ok(Self(text.into()))
    }

    /// A password that an account has already.
    pub fn known(typed: &SecretString) -> Self {
        Self(normalized(typed.expose_secret()).into())
    }
}

fn normalized(typed: &str) -> String {
    typed.nfkc().collect()
}

/// Hashes and checks passwords with Argon2id, on as many threads as there are cores: each takes 19 MiB while it runs.
#[derive(Debug, Clone)]
pub struct Passwords {
    running: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    /// A hash that no known password has: an unknown account is checked against it, so that it takes as long.
    decoy: Arc<str>,
}

impl Passwords {
    pub fn new(random: &TokenSource) -> Result<Self, AccountError> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        // Random bytes do as well as the hash of a random password, and Argon2 need not run at each start.
        let (salt, hash) =
            (STANDARD_NO_PAD.encode(random.bytes::<16>()?), STANDARD_NO_PAD.encode(random.bytes::<32>()?));
        Ok(Self {
            running: Arc::new(Semaphore::new(cores)),
            queue: Arc::new(Semaphore::new(cores * QUEUE_PER_CORE)),
            decoy: format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${hash}").into(),
        })
    }

    /// The PHC string to store for a password.
    pub async fn hash(&self, password: Password, salt: [u8; 16]) -> Result<String, AccountError> {
        let hash = move || -> password_hash::Result<String> {
            let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let hash: PasswordHash = argon2.hash_password_with_salt(password.0.expose_secret().as_bytes(), &salt)?;
            Ok(hash.to_string())
        };
        self.run(hash).await?.map_err(unusable)
    }

    /// Whether the password matches the PHC string. Without one the answer is no, after the same time.
    pub async fn verify(&self, password: SecretString, hash: Option<String>) -> Result<bool, AccountError> {
        Ok(self.judge(&password, hash).await? != Verdict::Wrong)
    }

    /// The same; a password that matches only as it was typed matches a hash of former times.
    pub async fn judge(&self, password: &SecretString, hash: Option<String>) -> Result<Verdict, AccountError> {
        let typed = password.expose_secret();
        if self.matches(normalized(typed).into(), hash.clone()).await? {
            return Ok(Verdict::Right);
        }
        if !is_nfkc(typed) && self.matches(typed.into(), hash).await? {
            return Ok(Verdict::Outdated);
        }
        Ok(Verdict::Wrong)
    }

    async fn matches(&self, password: SecretString, hash: Option<String>) -> Result<bool, AccountError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.to_string());
        let verify = move || Argon2::default().verify_password(password.expose_secret().as_bytes(), hash.as_str());
        match self.run(verify).await? {
            Ok(()) => Ok(known),
            Err(password_hash::Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(unusable(error)),
        }
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AccountError> {
        tracing::trace!("hashing a password with Argon2");
        let _place = self.queue.try_acquire().map_err(|_| AccountError::Busy)?;
        let permit = Arc::clone(&self.running).acquire_owned().await.map_err(|_| AccountError::Busy)?;
        let work = move || {
            // Held by the thread, which continues when the caller is cancelled.
            let _permit = permit;
            work()
        };
        paid(tokio::task::spawn_blocking(work))
            .await
            .map_err(|_| AccountError::Crypto("password hashing stopped".to_owned()))
    }
}

#[allow(clippy::needless_pass_by_value, reason = "passed to map_err")]
fn unusable(error: password_hash::Error) -> AccountError {
    AccountError::Crypto(format!("password hashing failed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(text: &str) -> Result<Password, Fault> {
        let email = Email::read(Raw::Text("Annabella.Smith@Example.com")).unwrap();
        Password::choose(Raw::Text(text), Some(&email))
    }

    fn code_of(text: &str) -> FaultCode {
        choose(text).unwrap_err().code
    }

    #[test]
    fn a_password_has_10_to_128_characters() {
        assert_eq!(code_of("ninechars"), FaultCode::TooShort);
        assert_eq!(code_of("éééééèèèè"), FaultCode::TooShort);
        assert_eq!(code_of(""), FaultCode::TooShort);
        assert_eq!(code_of("             "), FaultCode::TooShort);
        assert_eq!(code_of(&"ab".repeat(65)), FaultCode::TooLong);
        assert!(choose("éééééèèèèè").is_ok());
        assert!(choose(&"éè".repeat(64)).is_ok());
        assert_eq!(code_of("with a\0 NUL inside"), FaultCode::InvalidFormat);
        assert_eq!(Password::choose(Raw::Json(&serde_json::json!(5)), None).unwrap_err().code, FaultCode::WrongType);
    }

    #[test]
    fn the_length_is_that_of_the_normalized_password() {
        // Ten letters and ten accents are ten characters, two ligatures of three letters six.
        assert!(choose(&"e\u{301}".repeat(10)).is_ok());
        assert!(choose(&"e\u{301}".repeat(128)).is_ok());
        assert_eq!(code_of(&"e\u{301}".repeat(9)), FaultCode::TooShort);
        assert_eq!(code_of(&"e\u{301}".repeat(129)), FaultCode::TooLong);
        assert_eq!(code_of("\u{fb03}\u{fb03}"), FaultCode::TooShort);
        assert!(choose(&"\u{fb03}".repeat(4)).is_ok());
        assert_eq!(code_of(&"\u{fdfa}".repeat(100)), FaultCode::TooLong);
        assert_eq!(code_of(&"e\u{301}".repeat(500)), FaultCode::TooLong);
    }

    #[test]
    fn a_common_password_in_other_letters_is_refused() {
        let wide: String = "qwertyuiop".chars().filter_map(|c| char::from_u32(u32::from(c) + 0xfee0)).collect();
        assert_eq!(code_of(&wide), FaultCode::InvalidFormat);
    }

    #[test]
    fn a_common_password_is_refused_in_any_case() {
        let common = COMMON.iter().find(|word| word.bytes().any(|byte| byte.is_ascii_lowercase())).unwrap();
        assert_eq!(code_of(common), FaultCode::InvalidFormat);
        assert_eq!(code_of(&common.to_uppercase()), FaultCode::InvalidFormat);
    }

    #[test]
    fn the_bundled_list_is_lower_case_and_has_no_empty_line() {
        assert!(COMMON.len() > 1000);
        assert!(COMMON.iter().all(|word| !word.is_empty() && *word == word.to_lowercase()));
    }

    #[test]
    fn the_address_is_no_password() {
        assert_eq!(code_of("ANNABELLA.smith@example.com"), FaultCode::InvalidFormat);
        assert_eq!(code_of("annabella.smith"), FaultCode::InvalidFormat);
        assert!(choose("annabella.smith!").is_ok());
    }

    #[test]
    fn a_chosen_password_is_not_shown() {
        assert!(!format!("{:?}", choose("correct horse battery").unwrap()).contains("horse"));
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_known_account_verifies() {
        let passwords = Passwords::new(&TokenSource::default()).unwrap();
        let hash = passwords.hash(choose("correct horse battery").unwrap(), [7; 16]).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.decoy.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(passwords.decoy.len(), hash.len());
        assert!(passwords.verify("correct horse battery".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("correct horse batterY".into(), Some(hash)).await.unwrap());
        assert!(!passwords.verify("correct horse battery".into(), None).await.unwrap());
        assert!(passwords.verify("correct horse battery".into(), Some("no hash".to_owned())).await.is_err());
    }

    #[tokio::test]
    async fn a_password_matches_in_each_form_in_which_it_is_typed() {
        let passwords = Passwords::new(&TokenSource::default()).unwrap();
        let (composed, apart) = ("caf\u{e9} au lait", "cafe\u{301} au lait");
        let hash = passwords.hash(choose(apart).unwrap(), [7; 16]).await.unwrap();
        for typed in [composed, apart, "\u{ff43}afe\u{301} au lait"] {
            let verdict = passwords.judge(&typed.into(), Some(hash.clone())).await.unwrap();
            assert_eq!(verdict, Verdict::Right, "{typed}");
        }
        let former = passwords.hash(Password(apart.into()), [7; 16]).await.unwrap();
        assert_eq!(passwords.judge(&apart.into(), Some(former.clone())).await.unwrap(), Verdict::Outdated);
        assert_eq!(passwords.judge(&composed.into(), Some(former)).await.unwrap(), Verdict::Wrong);
        assert_eq!(passwords.judge(&apart.into(), None).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_instead_of_waiting_for_ever() {
        let passwords = Passwords::new(&TokenSource::default()).unwrap();
        passwords.queue.forget_permits(usize::MAX);
        assert!(matches!(passwords.verify("anything".into(), None).await, Err(AccountError::Busy)));
    }
}
