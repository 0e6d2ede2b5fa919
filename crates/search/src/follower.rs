use futures_util::future::BoxFuture;
use loadmaster_platform::{follower::Follower, outbox::Entry};
use loadmaster_reference::REFERENCE;

use super::SearchService;

/// Forgets the written answers when names in them may have changed.
pub(super) struct ReferenceFollower(pub SearchService);

impl Follower for ReferenceFollower {
    fn hear<'a>(&'a self, messages: &'a [Entry]) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async {
            if messages.iter().any(|message| message.aggregate == REFERENCE) {
                self.0.forget_answers();
            }
            Ok(())
        })
    }
}
