use loadmaster_kernel::LetterId;
use loadmaster_platform::postgres::{DbError, PgSession};
use minijinja::Value;

use super::{
    account_mail::RESET_PASSWORD,
    account_notice::NOTICES,
    message,
    model::{Address, Channel, Composed, Letter, Receiver},
    repository::{self, SuppressionRow},
    sender::{ChannelSender, Written},
    transport::Outgoing,
};

/// A letter, as its composer wants it, with its number of attempts.
struct Draft {
    letter: Letter,
    template: &'static str,
    context: Value,
    unsubscribe: Option<String>,
    to: Address,
    attempts: i32,
}

impl ChannelSender {
    /// Says what a letter says, from the tables as they are now.
    pub(super) async fn compose(&self, letter: LetterId) -> Result<Written, DbError> {
        let mut snapshot = self.post.db.snapshot().await?;
        let draft = self.draft(&mut snapshot, letter).await?;
        drop(snapshot);
        Ok(match draft {
            Err(written) => written,
            Ok(draft) => self.write(draft),
        })
    }

    async fn draft(&self, snapshot: &mut PgSession, id: LetterId) -> Result<Result<Draft, Written>, DbError> {
        let found = repository::rows_of(&mut *snapshot, id).await?;
        let suppressed = |reason: &str| Ok(Err(Written::Never { status: "SUPPRESSED", reason: reason.to_owned() }));
        let Some(first) = found.first() else { return Ok(Err(Written::Gone)) };
        let (attempts, kind) = (first.attempts, first.row.kind.clone());
        let Some(receiver) = Receiver::read(&first.receiver) else { return suppressed("no_receiver") };
        let is_one = found.iter().all(|other| other.row.kind == kind);
        let has_digest = self.composers.contains_key(Letter::DIGEST);
        let kind = if is_one || !has_digest { kind } else { Letter::DIGEST.to_owned() };
        let rows = found.into_iter().map(|found| found.row).collect();
        let letter = Letter { id, channel: self.channel, kind, language: self.language.clone(), rows, receiver };
        // A process of a later release may have begun the letter, and goes on with it.
        let is_known = letter.rows.iter().all(|row| self.composers.contains_key(row.kind.as_str()));
        let Some(composer) = self.composers.get(letter.kind.as_str()).filter(|_| is_known) else {
            return Ok(Err(Written::OfOthers));
        };
        match composer.compose(&mut *snapshot, &letter).await? {
            Composed::Suppress(reason) => suppressed(reason),
            Composed::Text { template, context, unsubscribe, to } => {
                let of = if self.channel == Channel::Email { "email" } else { "phone" };
                let hashes = self.post.address_hashes(of, &to.text);
                let suppression = repository::suppression(&mut *snapshot, &hashes).await?;
                // The owner of an address that declined can still reset a forgotten password, and learns who else can come in.
                // The link that verifies an address is not sent: anybody can register with any address.
                let is_for_owner = letter.kind == RESET_PASSWORD || NOTICES.contains(&letter.kind.as_str());
                let may_pass = |row: &SuppressionRow| row.reason.is_none() && is_for_owner;
                if suppression.is_some_and(|row| !may_pass(&row)) {
                    return suppressed("address_suppressed");
                }
                Ok(Ok(Draft { letter, template, context, unsubscribe, to, attempts }))
            }
        }
    }

    fn write(&self, draft: Draft) -> Written {
        let Draft { letter, template, context, unsubscribe, to, attempts } = draft;
        let failed = |reason: &str| Written::Never { status: "FAILED", reason: reason.to_owned() };
        let wanted = context.get_attr("language").ok().and_then(|value| value.as_str().map(str::to_owned));
        let wanted = wanted.unwrap_or_else(|| letter.language.clone());
        let unsubscribe = unsubscribe.map(|path| format!("{}{path}", self.public_url));
        let url = unsubscribe.as_deref().unwrap_or_default();
        let text = match self.engine.render(letter.channel, template, &wanted, &context, url) {
            Ok(text) => text,
            Err(error) => {
                tracing::error!(letter = %letter.id, %error, "a letter cannot be rendered; it is not sent");
                return failed("template");
            }
        };
        let mail = match letter.channel {
            Channel::Sms => None,
            Channel::Email => {
                let now = self.post.clock.now();
                match message::mail(letter.id, &self.from, &to, &text, unsubscribe.as_deref(), now) {
                    Ok(mail) => Some(mail),
                    Err(error) => {
                        tracing::warn!(letter = %letter.id, %error, "a letter is not sent");
                        return failed("unwritable");
                    }
                }
            }
        };
        Written::Letter(
            Box::new(Outgoing { id: letter.id, kind: letter.kind, receiver: letter.receiver, to, text, mail }),
            attempts,
        )
    }
}
