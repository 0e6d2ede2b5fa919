use futures_util::future::BoxFuture;
use loadmaster_platform::{clock::Moment, follower::Follower, outbox::Entry};
use loadmaster_reference::REFERENCE;
use tokio_util::sync::CancellationToken;

use super::{model::EMBARGO, service::EmbargoService};

/// Keeps the known embargoes up to date with the changes by all processes.
pub(super) struct EmbargoFollower(pub EmbargoService);

impl EmbargoFollower {
    async fn read(&self) -> anyhow::Result<()> {
        self.0.snapshot.changed();
        self.0.reload().await?;
        Ok(())
    }
}

impl Follower for EmbargoFollower {
    fn start<'a>(&'a self, _: &'a CancellationToken) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(self.read())
    }

    fn hear<'a>(&'a self, messages: &'a [Entry]) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async {
            // Other airports may lie in the scopes of embargoes.
            if messages.iter().any(|message| message.aggregate == REFERENCE) {
                self.0.snapshot.forget();
            }
            if messages.iter().any(|message| [EMBARGO, REFERENCE].contains(&message.aggregate.as_str())) {
                self.read().await
            } else {
                Ok(())
            }
        })
    }

    fn caught_up(&self, began: Moment) {
        self.0.snapshot.caught_up(began);
    }
}
