use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use chrono::TimeDelta;
use loadmaster_kernel::UserId;
use loadmaster_platform::{
    jobs::{self, JobError, JobKind},
    postgres::{DbError, commit, retrying},
    web::ClientAddress,
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::{dto::NewPassword, repository, service::VerificationService};

use crate::{
    credentials::{Ending, revoke_families_of, save_password},
    error::AccountError,
    lasting::Ends,
    one_time::{AccountMailKind, NewToken, Purpose},
    people::{Email, account_by_email, lock_account_to_change},
};

/// Sends the link for a new password. A job, so that a request takes the same steps whether there is an account or not.
pub(crate) const FORGOTTEN: JobKind<Forgotten> = JobKind::named("forgotten_password");

/// Whose password is forgotten; nobody's if no account has the address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Forgotten {
    user_id: Option<UserId>,
    /// Digest of the asker's network address, in Base64.
    #[serde(default)]
    asker: Option<String>,
}

const LIFETIME: TimeDelta = TimeDelta::minutes(30);

impl VerificationService {
    /// Has a link sent to this address, if it is an account's. Attempts count by address and asker: a stranger cannot use up
    /// the owner's.
    pub(super) async fn forgot(&self, email: &Email, asker: Option<ClientAddress>) -> Result<(), AccountError> {
        let asker = asker.map(ClientAddress::subject);
        self.attempts.admit_by(email, asker.as_deref()).await?;
        let asker = asker.map(|address| STANDARD_NO_PAD.encode(self.one_time.asker_hash(&address)));
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            let account = account_by_email(&mut tx, email).await?;
            let user_id = account.filter(|account| !account.disabled).map(|account| account.user.id);
            let job = FORGOTTEN.job(&Forgotten { user_id, asker: asker.clone() });
            let job = job.map_err(|error| AccountError::Crypto(error.to_string()))?;
            jobs::enqueue_in_tx(&mut tx, self.ids.next(self.clock.now()), &job).await?;
            Ok(commit(tx).await?)
        })
        .await
    }

    /// The job [`FORGOTTEN`].
    pub(crate) async fn mail_reset(&self, forgotten: Forgotten) -> Result<(), JobError> {
        let Some(user) = forgotten.user_id else { return Ok(()) };
        let purpose = Purpose::RESET_PASSWORD;
        let asker_hash = forgotten.asker.and_then(|asker| STANDARD_NO_PAD.decode(asker).ok());
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            let account = lock_account_to_change(&mut tx, user).await?.filter(|account| !account.disabled);
            let Some(account) = account else { return Ok(()) };
            if self.one_time.is_exhausted_by_in_tx(&mut tx, user, purpose, asker_hash.as_deref()).await? {
                return Ok(());
            }
            let digest = self.one_time.address_hash("email", &account.user.email);
            let new = NewToken::of_user(purpose, user, digest, LIFETIME);
            let new = NewToken { asker_hash: asker_hash.clone(), ..new };
            let (token, expires_at) = self.one_time.issue_in_tx(&mut tx, &new).await?;
            self.mails.enqueue_in_tx(&mut tx, AccountMailKind::ResetPassword, user, token, expires_at).await?;
            commit(tx).await
        })
        .await
        .map_err(|error: DbError| error.into())
    }

    /// The address of the account that a token is good for, while it is.
    pub(super) async fn email_of(&self, token: &str) -> Result<Option<Email>, AccountError> {
        Ok(self.linked(Purpose::RESET_PASSWORD, token).await?.email)
    }

    /// Sets a new password. All sessions of the account end, its other links, and what was made before the address was
    /// verified, which the link does now.
    pub(super) async fn reset(&self, request: NewPassword) -> Result<(), AccountError> {
        let NewPassword { token, new, end_all } = request;
        let ends = Ends::Unproven.or_all(end_all == Some(true));
        let token = token.expose_secret();
        // Only a good token is worth the work of hashing a password.
        self.email_of(token).await?.ok_or(AccountError::OneTimeInvalid)?;
        let hash = self.passwords.hash(new, self.random.bytes()?).await?;
        self.save_reset(token, &hash, ends).await?;
        self.changes.poll_own_change().await;
        Ok(())
    }

    async fn save_reset(&self, token: &str, hash: &str, ends: Ends) -> Result<(), AccountError> {
        let purpose = Purpose::RESET_PASSWORD;
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            let account = self.spend_link_in_tx(&mut tx, purpose, token).await?;
            let user = account.user.id;
            // Before the address is verified: what was made until then ends.
            self.lasting.renew_in_tx(&mut tx, user, ends).await?;
            if !account.user.email_verified {
                // Somebody else's, perhaps, who would go on getting the account's text messages.
                repository::save_phone(&mut tx, user, None, self.clock.now()).await?;
                self.one_time.end_all_in_tx(&mut tx, user, Purpose::VERIFY_PHONE).await?;
            }
            repository::save_email_verified(&mut tx, user, self.clock.now()).await?;
            save_password(&mut tx, user, hash, self.clock.now()).await?;
            revoke_families_of(&mut tx, user, None, Ending::Password).await?;
            for purpose in [purpose, Purpose::VERIFY_EMAIL] {
                self.one_time.end_all_in_tx(&mut tx, user, purpose).await?;
            }
            Ok(commit(tx).await?)
        })
        .await
    }
}
