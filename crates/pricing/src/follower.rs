use futures_util::future::BoxFuture;
use loadmaster_platform::{clock::Moment, follower::Follower, outbox::Entry};
use loadmaster_reference::REFERENCE;
use tokio_util::sync::CancellationToken;

use super::{
    model::{SALE, SALE_LIMIT, SURCHARGE, TARIFF},
    service::PricingService,
};

/// Keeps the known prices up to date with the changes by all processes.
pub(super) struct PriceFollower(pub PricingService);

impl Follower for PriceFollower {
    fn start<'a>(&'a self, _: &'a CancellationToken) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async {
            self.0.start_anew().await?;
            Ok(())
        })
    }

    fn hear<'a>(&'a self, messages: &'a [Entry]) -> BoxFuture<'a, anyhow::Result<()>> {
        let is_of_prices =
            |message: &Entry| [TARIFF, SURCHARGE, SALE, SALE_LIMIT].contains(&message.aggregate.as_str());
        Box::pin(async move {
            // Other airports may lie in the scopes of rules.
            if messages.iter().any(|message| message.aggregate == REFERENCE) {
                self.0.start_anew().await?;
            } else if messages.iter().any(is_of_prices) {
                self.0.known.changed();
                self.0.reload().await?;
            }
            Ok(())
        })
    }

    fn caught_up(&self, began: Moment) {
        self.0.known.caught_up(began);
    }
}
