//! The letter that invites an address to a consolidation, with the link that answers.
use futures_util::future::BoxFuture;
use loadmaster_accounts::OneTime;
use loadmaster_consolidations::INVITATION;
use loadmaster_platform::{
    clock::SharedClock,
    postgres::{DbError, PgSession},
};
use minijinja::{Value, context};

use super::templates;

use crate::{
    model::CONSOLIDATION_INVITATION,
    post::{Address, Composed, Composer, Letter, Templates},
    repository::invitations,
    words,
};

/// Composes it.
pub(super) struct Invitations {
    pub one_time: OneTime,
    pub clock: SharedClock,
}

impl Invitations {
    async fn write(&self, snapshot: &mut PgSession, letter: &Letter) -> Result<Composed, DbError> {
        let row = letter.rows.first().and_then(|row| Some((row, row.subject_id?)));
        let Some((row, member)) = row else { return Ok(Composed::Suppress("no_receiver")) };
        let Some(facts) = invitations::find(snapshot, member).await? else {
            return Ok(Composed::Suppress("withdrawn"));
        };
        if facts.is_cancelled {
            return Ok(Composed::Suppress("cancelled"));
        }
        let open = facts.email.zip(facts.token_id).zip(facts.expires_at);
        let Some(((email, token), expires_at)) = open else { return Ok(Composed::Suppress("answered")) };
        // It was sent again with another token: that has a letter of its own.
        if expires_at != row.expires_at || expires_at <= self.clock.now() {
            return Ok(Composed::Suppress("expired"));
        }
        let context = context! {
            organization => words::plain(&facts.organization),
            is_named => words::named(&facts.organization).is_some(),
            destination => facts.destination.to_string(),
            origin => facts.origin.map(|origin| origin.to_string()),
            // In the fragment, which browsers send to no server.
            path => format!("/join#{}", self.one_time.token_of(INVITATION, token.into())),
            expires => expires_at.format("%-d %B %Y").to_string(),
            expires_at => expires_at.to_rfc3339(),
        };
        Ok(Composed::Text { template: CONSOLIDATION_INVITATION, context, unsubscribe: None, to: Address::of(email) })
    }
}

impl Composer for Invitations {
    fn compose<'a>(
        &'a self,
        snapshot: &'a mut PgSession,
        letter: &'a Letter,
    ) -> BoxFuture<'a, Result<Composed, DbError>> {
        Box::pin(self.write(snapshot, letter))
    }

    fn templates(&self) -> Templates {
        templates::INVITATION
    }

    fn samples(&self) -> Vec<(&'static str, Value)> {
        let (organization, path, expires) = ("Example Freight", "/join#x", "1 May 2030");
        let sample = context! {
            organization, is_named => true, destination => "LHR", origin => "DEL", path, expires,
            expires_at => "2030-05-01T00:00:00+00:00",
        };
        vec![(CONSOLIDATION_INVITATION, sample)]
    }
}
