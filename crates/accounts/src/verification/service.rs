use loadmaster_kernel::UserId;
use loadmaster_platform::{
    clock::SharedClock,
    postgres::{Database, PgSession, commit, retrying},
    random::{IdSource, TokenSource},
    room::Opening,
    web::{ClientAddress, Patch},
};

use super::{dto::ChangeMe, repository};

use crate::{
    credentials::{AccessChanges, Attempts, Passwords, SessionService},
    error::AccountError,
    lasting::LastingAccess,
    one_time::{AccountMails, Asker, OneTime, Purpose, mail_verification_in_tx, text_digits_in_tx},
    people::{
        Account, AccountLanguage, Email, KnownAirports, Principal, User, account_by_id, lock_account_to_change,
        save_choices, save_name,
    },
};

/// Changes what users may change of themselves, and verifies it. Cheap to clone.
#[derive(Clone)]
pub struct VerificationService {
    pub(super) db: Database,
    pub(super) clock: SharedClock,
    pub(super) ids: IdSource,
    pub(super) random: TokenSource,
    pub(super) sessions: SessionService,
    pub(super) passwords: Passwords,
    pub(super) changes: AccessChanges,
    pub(super) attempts: Attempts,
    pub(super) lasting: LastingAccess,
    pub(super) one_time: OneTime,
    pub(super) mails: AccountMails,
    /// `sms.codes_per_address`
    codes_per_address: u32,
    /// The language of pages for accounts that have chosen none.
    language: AccountLanguage,
    airports: KnownAirports,
}

/// What a link leads to.
pub(super) struct Linked {
    /// Of the account, or of the installation.
    pub language: AccountLanguage,
    /// The address of the account, while the link is good.
    pub email: Option<Email>,
}

impl VerificationService {
    pub(crate) fn new(
        opening: &Opening,
        sessions: SessionService,
        passwords: Passwords,
        changes: AccessChanges,
        ((one_time, mails, lasting), airports): ((OneTime, AccountMails, LastingAccess), KnownAirports),
    ) -> Self {
        let Opening { settings, db, clock, ids, tokens, limiter, .. } = opening;
        Self {
            db: db.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            random: tokens.clone(),
            sessions,
            passwords,
            changes,
            attempts: Attempts::new(limiter.clone(), &settings.rate_limit),
            lasting,
            one_time,
            mails,
            codes_per_address: settings.sms.codes_per_address,
            language: AccountLanguage::of_tag(&settings.notifications.language),
            airports,
        }
    }

    /// Returns which airports exist.
    pub(super) fn airports(&self) -> &KnownAirports {
        &self.airports
    }

    /// Counts an attempt against the account's quota of credentials.
    async fn admit(&self, user: UserId) -> Result<(), AccountError> {
        let account = account_by_id(&mut *self.db.read().await?, user).await?.ok_or(AccountError::NoAccount)?;
        self.attempts.admit(&Email::of(&account.user)?).await
    }

    /// Returns who has digits sent. `None`: tests call the application without a connection.
    fn asker(&self, address: Option<ClientAddress>) -> Option<Asker> {
        let hash = self.one_time.asker_hash(&address?.subject());
        Some(Asker { hash, most: self.codes_per_address })
    }

    /// Changes the caller's name, phone, language, unit of weights and home airport. A phone that is not verified gets digits.
    /// Changes nothing if the address had as many sent as a day allows.
    pub(super) async fn change_me(
        &self,
        caller: Principal,
        change: &ChangeMe,
        address: Option<ClientAddress>,
    ) -> Result<User, AccountError> {
        let asker = self.asker(address);
        if matches!(change.phone, Patch::Set(_)) {
            self.admit(caller.user_id).await?;
        }
        retrying(|| async {
            let now = self.clock.now();
            let mut tx = self.db.begin().await?;
            let account = lock_account_to_change(&mut tx, caller.user_id).await?;
            let mut user = account.filter(|account| !account.disabled).ok_or(AccountError::SessionEnded)?.user;
            let name = change.name.clone().or(user.name.clone());
            if name != user.name {
                save_name(&mut tx, user.id, name.as_deref(), now).await?;
                (user.name, user.updated_at) = (name, now);
            }
            // The language of the row decides: one of a later release is read as none.
            let ChangeMe { language, weight_unit, home_airport, .. } = *change;
            let is_chosen = !language.is_keep() || weight_unit.is_some() || !home_airport.is_keep();
            if is_chosen && save_choices(&mut tx, user.id, language, weight_unit, home_airport, now).await? {
                user.updated_at = now;
            }
            user.language = language.or(user.language);
            user.weight_unit = weight_unit.unwrap_or(user.weight_unit);
            user.home_airport = home_airport.or(user.home_airport);
            let phone = change.phone.clone().or(user.phone.clone());
            if phone != user.phone {
                repository::save_phone(&mut tx, user.id, phone.as_deref(), now).await?;
                self.one_time.end_all_in_tx(&mut tx, user.id, Purpose::VERIFY_PHONE).await?;
                (user.phone, user.phone_verified, user.updated_at) = (phone, false, now);
            }
            if let (Patch::Set(phone), false) = (&change.phone, user.phone_verified) {
                text_digits_in_tx(&mut tx, &self.one_time, &self.mails, (user.id, phone), asker.as_ref()).await?;
            }
            commit(tx).await?;
            Ok(user)
        })
        .await
    }

    /// Sends a link to the caller's e-mail address, unless it is verified.
    pub(super) async fn send_link(&self, caller: Principal) -> Result<(), AccountError> {
        self.admit(caller.user_id).await?;
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            let account = lock_account_to_change(&mut tx, caller.user_id).await?;
            let user = account.ok_or(AccountError::NoAccount)?.user;
            if !user.email_verified {
                mail_verification_in_tx(&mut tx, &self.one_time, &self.mails, (user.id, &user.email)).await?;
            }
            Ok(commit(tx).await?)
        })
        .await
    }

    /// Returns the language of the account to which a link was sent, or of the installation.
    pub(super) async fn language_of(&self, purpose: Purpose, token: &str) -> Result<AccountLanguage, AccountError> {
        Ok(self.linked(purpose, token).await?.language)
    }

    /// Returns what a link leads to.
    pub(super) async fn linked(&self, purpose: Purpose, token: &str) -> Result<Linked, AccountError> {
        let mut db = self.db.read().await?;
        let unknown = Linked { language: self.language, email: None };
        let Some((user, is_valid)) = self.one_time.user_of(&mut db, purpose, token).await? else { return Ok(unknown) };
        let Some(account) = account_by_id(&mut db, user).await? else { return Ok(unknown) };
        let is_good = is_valid && !account.disabled;
        Ok(Linked {
            language: self.language_for(&account.user),
            email: if is_good { Email::of(&account.user).ok() } else { None },
        })
    }

    fn language_for(&self, user: &User) -> AccountLanguage {
        user.language.unwrap_or(self.language)
    }

    /// Takes the token of a link: the address that it was sent to is verified, if it is still that of the account. Returns the
    /// language of the account, or of the installation.
    pub(super) async fn verify_email(&self, token: &str) -> Result<AccountLanguage, AccountError> {
        let purpose = Purpose::VERIFY_EMAIL;
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            let user = self.spend_link_in_tx(&mut tx, purpose, token).await?.user;
            repository::save_email_verified(&mut tx, user.id, self.clock.now()).await?;
            self.one_time.end_all_in_tx(&mut tx, user.id, purpose).await?;
            commit(tx).await?;
            Ok(self.language_for(&user))
        })
        .await
    }

    /// Locks the account to which a link was sent, then spends the link's token: whatever locks both takes the account first.
    /// Fails if the token is not valid, or the account is disabled or has another e-mail address by now.
    pub(super) async fn spend_link_in_tx(
        &self,
        tx: &mut PgSession,
        purpose: Purpose,
        token: &str,
    ) -> Result<Account, AccountError> {
        let found = self.one_time.find(tx, purpose, token).await?;
        let user = found.and_then(|token| token.user_id).ok_or(AccountError::OneTimeInvalid)?;
        let account = lock_account_to_change(tx, user).await?;
        let account = account.filter(|account| !account.disabled).ok_or(AccountError::OneTimeInvalid)?;
        let spent = self.one_time.spend_in_tx(tx, purpose, token).await?.ok_or(AccountError::OneTimeInvalid)?;
        let digest = self.one_time.address_hash("email", &account.user.email);
        if spent.address_hash.as_deref() == Some(&*digest) { Ok(account) } else { Err(AccountError::OneTimeInvalid) }
    }

    /// Sends digits to the caller's phone again, unless it is verified.
    pub(super) async fn send_digits(
        &self,
        caller: Principal,
        address: Option<ClientAddress>,
    ) -> Result<(), AccountError> {
        let asker = self.asker(address);
        self.admit(caller.user_id).await?;
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            let account = lock_account_to_change(&mut tx, caller.user_id).await?;
            let user = account.ok_or(AccountError::NoAccount)?.user;
            let phone = user.phone.as_deref().ok_or(AccountError::NoPhone)?;
            if !user.phone_verified {
                text_digits_in_tx(&mut tx, &self.one_time, &self.mails, (user.id, phone), asker.as_ref()).await?;
            }
            Ok(commit(tx).await?)
        })
        .await
    }

    /// Takes the digits. A wrong guess is counted.
    pub(super) async fn verify_phone(&self, caller: Principal, code: &str) -> Result<(), AccountError> {
        self.admit(caller.user_id).await?;
        let purpose = Purpose::VERIFY_PHONE;
        let is_right = retrying(|| async {
            let mut tx = self.db.begin().await?;
            let account = lock_account_to_change(&mut tx, caller.user_id).await?;
            let user = account.ok_or(AccountError::NoAccount)?.user;
            let spent = self.one_time.spend_code_in_tx(&mut tx, purpose, user.id, code.trim()).await?;
            let digest = user.phone.as_deref().map(|phone| self.one_time.address_hash("phone", phone));
            let is_right = spent.is_some_and(|spent| digest.is_some() && spent.address_hash == digest);
            if is_right {
                repository::save_phone_verified(&mut tx, user.id, self.clock.now()).await?;
                self.one_time.end_all_in_tx(&mut tx, user.id, purpose).await?;
            }
            commit(tx).await?;
            Ok::<_, AccountError>(is_right)
        });
        if is_right.await? { Ok(()) } else { Err(AccountError::DigitsInvalid) }
    }
}
