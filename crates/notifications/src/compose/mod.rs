//! What the letters of this room say: read from the tables when they are sent. A notification that is not true any more, or
//! that its receiver does not want any more, is left out; a letter of which nothing is left is not sent.
mod facts;
mod guest;
mod invitation;
mod item;
mod receiver;
mod templates;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use loadmaster_accounts::OneTime;
use loadmaster_bookings::BookingService;
use loadmaster_platform::{
    clock::SharedClock,
    postgres::{DbError, PgSession},
};
use loadmaster_shipment::Surroundings;
use minijinja::{Value, context, value::Serde};

use self::{
    guest::GuestLetters,
    invitation::Invitations,
    item::{Item, ItemBody},
    receiver::LetterReceiver,
};
use super::{
    model::{CONSOLIDATION_INVITATION, CONTACT_QUESTION, GUEST_BOOKING, NotificationType},
    post::{Composed, Composer, Composers, Letter, Receiver, Templates},
    repository::consents,
    tokens::{Question, Subscription, Tokens},
    words,
};

/// Shipments and other things that one letter lists; the rest is a number.
const MOST_LISTED: usize = 100;

/// Composes the letters of all types of this room.
#[derive(Clone)]
pub(super) struct News {
    pub surroundings: Surroundings,
    pub clock: SharedClock,
    pub tokens: Tokens,
}

/// Composes the question to a new address.
struct Questions(Tokens);

/// Returns the composers of this room.
pub(super) fn composers(news: &News, bookings: BookingService, one_time: OneTime) -> Composers {
    let each: Arc<dyn Composer> = Arc::new(news.clone());
    let mut composers: Composers = NotificationType::NAMES.iter().map(|name| (*name, each.clone())).collect();
    composers.insert(Letter::DIGEST, each);
    composers.insert(GUEST_BOOKING, Arc::new(GuestLetters { news: news.clone(), bookings }));
    let invitations = Invitations { one_time, clock: news.clock.clone() };
    composers.insert(CONSOLIDATION_INVITATION, Arc::new(invitations));
    composers.insert(CONTACT_QUESTION, Arc::new(Questions(news.tokens.clone())));
    composers
}

/// The context of a letter about these things.
fn context_of(items: &[Item], total: usize) -> Value {
    // Of the flight that all are about.
    let first = items.first().and_then(|item| item.flight.as_ref());
    let is_same = |item: &Item| item.flight.as_ref().map(|flight| flight.id) == first.map(|flight| flight.id);
    let flight = first.filter(|_| items.iter().all(is_same));
    let bodies: Vec<ItemBody<'_>> = items.iter().map(ItemBody::from).collect();
    context! {
        first => Serde(bodies.first()),
        items => Serde(&bodies),
        total,
        more => total - items.len(),
        flight => Serde(flight),
    }
}

impl News {
    async fn write(&self, snapshot: &mut PgSession, letter: &Letter) -> Result<Composed, DbError> {
        let receiver = match LetterReceiver::find(snapshot, letter).await? {
            Ok(receiver) => receiver,
            Err(reason) => return Ok(Composed::Suppress(reason)),
        };
        let items = match self.items(snapshot, letter, &receiver).await? {
            Ok(items) => items,
            Err(reason) => return Ok(Composed::Suppress(reason)),
        };
        let total = items.len();
        let shown = items.get(..MOST_LISTED).unwrap_or(&items);
        let kind = items.first().map_or(NotificationType::Cancelled, |item| item.kind);
        let is_mixed = items.iter().any(|item| item.kind != kind);
        let language = receiver.language.clone().unwrap_or_else(|| letter.language.clone());
        let context = context! { language, ..context_of(shown, total) };
        let template = if is_mixed { Letter::DIGEST } else { kind.as_str() };
        let mut kinds: Vec<NotificationType> = Vec::new();
        for item in &items {
            if !kinds.contains(&item.wanted) {
                kinds.push(item.wanted);
            }
        }
        let unsubscribe = Some(self.tokens.unsubscribe_path(&Subscription { receiver: letter.receiver, kinds }));
        Ok(Composed::Text { template, context, unsubscribe, to: receiver.to })
    }
}

impl Composer for News {
    fn compose<'a>(
        &'a self,
        snapshot: &'a mut PgSession,
        letter: &'a Letter,
    ) -> BoxFuture<'a, Result<Composed, DbError>> {
        Box::pin(self.write(snapshot, letter))
    }

    fn templates(&self) -> Templates {
        templates::NEWS
    }

    fn samples(&self) -> Vec<(&'static str, Value)> {
        let samples = NotificationType::WORDS.iter().map(|(name, kind)| {
            let item = Item::sample(*kind);
            (*name, context_of(std::slice::from_ref(&item), 1))
        });
        let both = [Item::sample(NotificationType::Payment), Item::sample(NotificationType::Departed)];
        samples.chain([(Letter::DIGEST, context_of(&both, 3))]).collect()
    }
}

impl Questions {
    async fn write(&self, snapshot: &mut PgSession, letter: &Letter) -> Result<Composed, DbError> {
        let (Receiver::Contact(contact), Some(organization)) =
            (letter.receiver, letter.rows.first().and_then(|row| row.organization_id))
        else {
            return Ok(Composed::Suppress("no_receiver"));
        };
        let Some(consent) = consents::find(snapshot, contact.uuid(), organization.uuid()).await? else {
            return Ok(Composed::Suppress("erased"));
        };
        if consent.status != "ASKED" {
            return Ok(Composed::Suppress("answered"));
        }
        let question = Question {
            contact_point_id: contact.uuid(),
            organization_id: organization.uuid(),
            asked_at: consent.asked_at,
        };
        let language = consent.language.clone().unwrap_or_else(|| letter.language.clone());
        let context = context! {
            language,
            organization => words::plain(&consent.organization),
            is_named => words::named(&consent.organization).is_some(),
            path => self.0.confirm_path(question),
        };
        let to = super::post::Address::of(consent.address);
        Ok(Composed::Text { template: CONTACT_QUESTION, context, unsubscribe: None, to })
    }
}

impl Composer for Questions {
    fn compose<'a>(
        &'a self,
        snapshot: &'a mut PgSession,
        letter: &'a Letter,
    ) -> BoxFuture<'a, Result<Composed, DbError>> {
        Box::pin(self.write(snapshot, letter))
    }

    fn templates(&self) -> Templates {
        templates::QUESTION
    }

    fn samples(&self) -> Vec<(&'static str, Value)> {
        vec![(CONTACT_QUESTION, context! { organization => "Example Freight", is_named => true, path => "/confirm/x" })]
    }
}
