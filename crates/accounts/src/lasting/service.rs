use loadmaster_kernel::UserId;
use loadmaster_platform::{
    clock::SharedClock,
    postgres::{DbError, PgSession},
    room::Opening,
    settings::MailTransport,
};
use serde_json::json;

use super::{model::Ends, repository};

use crate::{
    error::AccountError,
    one_time::{AccountMails, AccountNotice},
    people::{Account, Actor, Acts, Credential, Principal, Role, Subject, User, lock_account},
};

/// Admits those who make something that lasts, notifies its owners, and ends it. Cheap to clone.
#[derive(Clone)]
pub struct LastingAccess {
    clock: SharedClock,
    acts: Acts,
    mails: AccountMails,
    /// Whether this installation sends e-mail: without, no address can be verified, and none needs to be.
    can_verify: bool,
}

impl LastingAccess {
    pub(crate) fn new(opening: &Opening, acts: Acts, mails: AccountMails) -> Self {
        let Opening { settings, clock, .. } = opening;
        let is_private = settings.database.url.is_none();
        let can_verify = settings.mail.transport(is_private) != MailTransport::None;
        Self { clock: clock.clone(), acts, mails, can_verify }
    }

    /// Refuses a user whose e-mail address is not verified: whoever registers an address may not be its owner.
    pub(crate) fn require_verified(&self, user: &User) -> Result<(), AccountError> {
        if user.email_verified || !self.can_verify { Ok(()) } else { Err(AccountError::EmailUnverified) }
    }

    /// Refuses a caller who may not make anything that lasts: whose session has ended, as a new password ends it, or who is
    /// disabled, or whose e-mail address is not verified. None of it changes before the caller's transaction ends.
    pub async fn admit_maker_in_tx(&self, tx: &mut PgSession, caller: Principal) -> Result<Account, AccountError> {
        let account = lock_account(&mut *tx, caller.user_id).await?.filter(|account| !account.disabled);
        let account = account.ok_or(AccountError::SessionEnded)?;
        // Other processes, and a request that was under way, may not know yet that the session has ended.
        if let Credential::Session(family) = caller.credential
            && repository::has_session_ended(tx, family).await?
        {
            return Err(AccountError::SessionEnded);
        }
        self.require_verified(&account.user)?;
        Ok(account)
    }

    /// Notifies the owner of an account. Joins the transaction of the act.
    pub async fn notify_in_tx(&self, tx: &mut PgSession, notice: AccountNotice, user: UserId) -> Result<(), DbError> {
        self.mails.notify_in_tx(tx, notice, user).await
    }

    /// Ends what a new password ends, and notifies the owner of the password. The caller holds the account.
    pub(crate) async fn renew_in_tx(&self, tx: &mut PgSession, user: UserId, ends: Ends) -> Result<(), AccountError> {
        match ends {
            Ends::Nothing => {}
            Ends::All => repository::end_all(&mut *tx, user).await?,
            Ends::Unproven => repository::end_unproven(&mut *tx, user).await?,
        }
        let revoked = repository::revoke_ended_keys(&mut *tx, user, self.clock.now()).await?;
        for (key, role) in revoked.into_iter().filter(|(_, role)| *role >= Role::Operator) {
            let (subject, data) = (Subject::new("api_key", key), json!({"owner": user, "role": role}));
            self.acts.record_in_tx(&mut *tx, Actor::Caller(user), "api_key.revoked", subject, data).await?;
        }
        Ok(self.notify_in_tx(tx, AccountNotice::NewPassword, user).await?)
    }
}
