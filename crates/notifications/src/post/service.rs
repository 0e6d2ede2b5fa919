use std::{collections::HashMap, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use loadmaster_accounts::OneTime;
use loadmaster_kernel::{ContactPointId, LetterId, UserId};
use loadmaster_platform::{
    clock::SharedClock,
    in_own_tx,
    postgres::{Database, DbError, PgSession, retrying},
    random::IdSource,
    room::Opening,
    seal::SealKey,
    web::PageRequest,
};

use super::{
    error::PostError,
    model::{Composer, Receiver},
    repository,
    transport::{Mailbox, StoredLetter},
};

/// The composers, by the types of notifications.
pub type Composers = HashMap<&'static str, Arc<dyn Composer>>;

/// Time for which notifications are kept.
const KEPT: TimeDelta = TimeDelta::days(90);

/// What the rest of the room asks the post office for. Cheap to clone.
#[derive(Clone)]
pub struct PostService {
    pub(super) db: Database,
    pub(super) clock: SharedClock,
    pub(super) one_time: OneTime,
    pub(super) ids: IdSource,
    key: SealKey,
    mailbox: Option<Mailbox>,
    /// The channels without a transport.
    pub(super) closed: Vec<&'static str>,
}

impl PostService {
    pub(super) fn new(opening: &Opening, mailbox: Option<Mailbox>, closed: Vec<&'static str>) -> anyhow::Result<Self> {
        let Opening { db, clock, secrets, ids, .. } = opening;
        let key = SealKey::new(&secrets.reference_key);
        let (db, clock, ids) = (db.clone(), clock.clone(), ids.clone());
        Ok(Self { db, clock, one_time: opening.service()?, ids, key, mailbox, closed })
    }

    /// The same, with connections that requests do not wait for.
    pub(super) fn for_background(&self) -> Self {
        Self { db: self.db.for_background(), ..self.clone() }
    }

    pub(super) fn mailbox(&self) -> Option<Mailbox> {
        self.mailbox.clone()
    }

    /// A keyed digest of an address, which survives the address. `kind` is `email` or `phone`.
    pub fn address_hash(&self, kind: &str, address: &str) -> Vec<u8> {
        self.one_time.address_hash(kind, address)
    }

    /// The digests that stand for an address, that of [`Self::address_hash`] first.
    pub fn address_hashes(&self, kind: &str, address: &str) -> Vec<Vec<u8>> {
        self.one_time.address_hashes(kind, address)
    }

    /// Whether nothing is sent to an address, by its digests.
    pub async fn is_suppressed_in_tx(&self, tx: &mut PgSession, hashes: &[Vec<u8>]) -> Result<bool, DbError> {
        Ok(repository::suppression(tx, hashes).await?.is_some())
    }

    /// Sends nothing to an address from now on; the reason is a word. Returns whether that is new. An address whose owner has
    /// declined can be suppressed, too.
    pub(super) async fn suppress_in_tx(&self, tx: &mut PgSession, hash: &[u8], reason: &str) -> Result<bool, DbError> {
        Ok(repository::insert_suppression(tx, hash, reason, self.clock.now()).await?)
    }

    /// Records that the owner of an address wants no messages. Only a link for a new password goes to it from now on, and
    /// nobody takes that back for the owner.
    pub async fn decline_in_tx(&self, tx: &mut PgSession, hash: &[u8]) -> Result<(), DbError> {
        Ok(repository::insert_declined(tx, hash, self.clock.now()).await?)
    }

    /// A token that carries a payload, for a link that may be used often. `scope` names its purpose.
    pub fn seal(&self, scope: &str, payload: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.key.seal(&format!("post.{scope}"), payload))
    }

    /// The payload of a token that [`Self::seal`] made for the same purpose.
    pub fn unseal(&self, scope: &str, token: &str) -> Option<Vec<u8>> {
        let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
        self.key.open(&format!("post.{scope}"), &sealed).map(<[u8]>::to_vec)
    }

    /// Deletes the notifications to a person, and the letters in the mailbox. Returns how many there were.
    pub async fn erase(&self, user: UserId) -> anyhow::Result<u64> {
        let deleted = retrying(|| async { in_own_tx!(self.db, |tx| repository::delete_of(&mut tx, user)) });
        let deleted = deleted.await?;
        if let Some(mailbox) = &self.mailbox {
            mailbox.remove(Vec::new(), vec![Receiver::User(user)]).await?;
        }
        Ok(deleted)
    }

    /// Removes these letters, and all letters to these contacts, from the mailbox.
    pub async fn discard(&self, letters: Vec<LetterId>, contacts: Vec<ContactPointId>) -> anyhow::Result<()> {
        let Some(mailbox) = &self.mailbox else { return Ok(()) };
        if !letters.is_empty() || !contacts.is_empty() {
            let receivers = contacts.into_iter().map(Receiver::Contact).collect();
            mailbox.remove(letters, receivers).await?;
        }
        Ok(())
    }

    /// Deletes notifications that are done with and old.
    pub(super) async fn delete_old(&self) -> Result<u64, DbError> {
        let before = self.clock.now() - KEPT;
        self.db.delete_in_batches(|tx, most| Box::pin(repository::delete_old(tx, before, most))).await
    }

    /// The letters in the mailbox, newest first; none without a mailbox.
    pub(super) async fn kept(&self, page: &PageRequest<LetterId>) -> Result<Vec<StoredLetter>, PostError> {
        let Some(mailbox) = &self.mailbox else { return Ok(Vec::new()) };
        let most = usize::try_from(page.fetch()).unwrap_or(usize::MAX);
        let skip = usize::try_from(page.offset).unwrap_or(usize::MAX);
        Ok(mailbox.list(page.after, skip, most).await?)
    }

    pub(super) async fn kept_letter(&self, id: LetterId) -> Result<StoredLetter, PostError> {
        let Some(mailbox) = &self.mailbox else { return Err(PostError::UnknownLetter) };
        mailbox.find(id).await?.ok_or(PostError::UnknownLetter)
    }
}
