use loadmaster_accounts::{Actor, Acts, Subject};
use loadmaster_kernel::UserId;
use loadmaster_platform::{postgres::PgSession, work::Command};
use serde_json::json;

use super::{error::PostError, repository, service::PostService};

/// The reason of a suppression by an operator.
const BY_OPERATOR: &str = "operator";

/// Ends or allows messages to an e-mail address.
pub(super) struct Suppress {
    pub post: PostService,
    pub acts: Acts,
    pub actor: UserId,
    pub email: String,
    pub is_on: bool,
}

impl Command for Suppress {
    const NAME: &'static str = "notifications.suppress";
    type Done = ();
    type Error = PostError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<(), PostError> {
        let hash = self.post.address_hash("email", &self.email);
        let name = if self.is_on {
            if !self.post.suppress_in_tx(tx, &hash, BY_OPERATOR).await? {
                return Ok(());
            }
            "suppression.created"
        } else {
            let mut was_suppressed = false;
            for hash in self.post.address_hashes("email", &self.email) {
                was_suppressed |= repository::delete_suppression(tx, &hash).await?;
            }
            if !was_suppressed {
                return Err(PostError::NotSuppressed);
            }
            "suppression.deleted"
        };
        // The record outlives the address: it names the digest.
        let subject = Subject::new("suppression", hex(&hash));
        Ok(self.acts.record_in_tx(tx, Actor::Caller(self.actor), name, subject, json!({})).await?)
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}
