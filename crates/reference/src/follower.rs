use futures_util::future::BoxFuture;
use loadmaster_platform::{follower::Follower, outbox::Entry};
use tokio_util::sync::CancellationToken;

use super::{keep::Keeper, model::REFERENCE};

/// Keeps the reference data up to date with the changes by all processes.
pub(super) struct ReferenceFollower(pub Keeper);

impl ReferenceFollower {
    async fn read(&self) -> anyhow::Result<()> {
        Ok(self.0.reference.reload(&self.0.db).await?)
    }
}

impl Follower for ReferenceFollower {
    fn start<'a>(&'a self, _: &'a CancellationToken) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(self.read())
    }

    fn hear<'a>(&'a self, messages: &'a [Entry]) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async {
            if messages.iter().any(|message| message.aggregate == REFERENCE) { self.read().await } else { Ok(()) }
        })
    }
}
