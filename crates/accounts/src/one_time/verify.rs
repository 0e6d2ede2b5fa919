use chrono::TimeDelta;
use loadmaster_kernel::UserId;
use loadmaster_platform::postgres::{DbError, PgSession};

use super::{
    mail::{AccountMailKind, AccountMails},
    model::{NewToken, Purpose},
    service::OneTime,
};

use crate::error::AccountError;

const LINK: TimeDelta = TimeDelta::hours(24);
const DIGITS: TimeDelta = TimeDelta::minutes(10);

/// Sends the link by which a user shows that an e-mail address is theirs, unless they got several within an hour. Joins the
/// caller's transaction.
pub async fn mail_verification_in_tx(
    tx: &mut PgSession,
    one_time: &OneTime,
    mails: &AccountMails,
    (user, email): (UserId, &str),
) -> Result<(), DbError> {
    let purpose = Purpose::VERIFY_EMAIL;
    if one_time.is_exhausted_in_tx(&mut *tx, user, purpose).await? {
        return Ok(());
    }
    let new = NewToken::of_user(purpose, user, one_time.address_hash("email", email), LINK);
    let (token, expires_at) = one_time.issue_in_tx(&mut *tx, &new).await?;
    mails.enqueue_in_tx(tx, AccountMailKind::VerifyEmail, user, token, expires_at).await
}

/// The network address that requests digits, as a digest, and the most messages it may request in a day.
#[derive(Debug)]
pub struct Asker {
    pub hash: Vec<u8>,
    pub most: u32,
}

/// Sends the digits by which a user shows that a phone is theirs, unless the user got several within an hour, or the number
/// within a day. Fails if the asker has had as many sent as a day allows. Joins the caller's transaction.
pub async fn text_digits_in_tx(
    tx: &mut PgSession,
    one_time: &OneTime,
    mails: &AccountMails,
    (user, phone): (UserId, &str),
    asker: Option<&Asker>,
) -> Result<(), AccountError> {
    let purpose = Purpose::VERIFY_PHONE;
    let hash = one_time.address_hash("phone", phone);
    if one_time.is_exhausted_in_tx(&mut *tx, user, purpose).await?
        || one_time.is_flooded_in_tx(&mut *tx, &hash, purpose).await?
    {
        return Ok(());
    }
    if let Some(Asker { hash, most }) = asker {
        one_time.admit_asker_in_tx(&mut *tx, hash, purpose, *most).await?;
    }
    let new = NewToken::of_user(purpose, user, hash, DIGITS);
    let new = NewToken { asker_hash: asker.map(|asker| asker.hash.clone()), ..new };
    let (token, expires_at) = one_time.issue_in_tx(&mut *tx, &new).await?;
    Ok(mails.enqueue_in_tx(tx, AccountMailKind::VerifyPhone, user, token, expires_at).await?)
}
