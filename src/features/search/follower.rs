use futures_util::future::BoxFuture;

use super::SearchService;
use crate::{
    features::reference::REFERENCE,
    platform::{follower::Follower, outbox::Entry},
};

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
