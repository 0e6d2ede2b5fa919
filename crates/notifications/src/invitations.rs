//! The letter that invites an address to a consolidation. Its owner gave the address, which nobody has verified; so the letter
//! names no freight, and an address and an organization get few of them, as of the questions to contacts.
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_platform::postgres::{DbError, PgSession};
use serde_json::json;

use super::{
    ask::{ASKED_AGAIN_AFTER, MOST_OF_ORGANIZATION, MOST_TO_ADDRESS},
    model::CONSOLIDATION_INVITATION,
    post::{NewNotification, Receiver},
    repository::invitations::{self, OpenInvitation},
    service::NotificationService,
};

/// Why another one is not sent.
const LETTERS_USED_UP: &str = "letters_used_up";

impl NotificationService {
    /// Writes the letters of the open invitations to these consolidations, one for each token; those above a bound are listed as
    /// suppressed. None where the console is off: its page is where the link leads.
    pub(super) async fn invite_in_tx(
        &self,
        tx: &mut PgSession,
        consolidations: &[uuid::Uuid],
        now: DateTime<Utc>,
    ) -> Result<(), DbError> {
        if consolidations.is_empty() || !self.terms.has_console {
            return Ok(());
        }
        for open in invitations::open(tx, consolidations, CONSOLIDATION_INVITATION, now).await? {
            let address_hash = URL_SAFE_NO_PAD.encode(&open.address_hash);
            let since = (now - ASKED_AGAIN_AFTER, now - TimeDelta::days(1));
            let sent = invitations::letters(tx, &address_hash, open.organization_id, since).await?;
            let is_bounded = sent.to_address >= MOST_TO_ADDRESS || sent.of_organization >= MOST_OF_ORGANIZATION;
            let new = [self.invitation(&open, &address_hash, now)];
            if is_bounded {
                self.post.enqueue_suppressed_in_tx(tx, &new, LETTERS_USED_UP).await?;
            } else {
                self.post.enqueue_in_tx(tx, &new).await?;
            }
        }
        Ok(())
    }

    fn invitation(&self, open: &OpenInvitation, address_hash: &str, now: DateTime<Utc>) -> NewNotification {
        // Of whoever invites: the address need not be anybody's account.
        let receiver = Receiver::User(open.invited_by.into());
        NewNotification {
            message_id: format!("{CONSOLIDATION_INVITATION}-{}", open.token_id),
            organization_id: Some(open.organization_id.into()),
            subject_id: Some(open.member_id),
            data: json!({ "address_hash": address_hash }),
            ..NewNotification::urgent(self.ids.next(now), receiver, CONSOLIDATION_INVITATION, (now, open.expires_at))
        }
    }
}
