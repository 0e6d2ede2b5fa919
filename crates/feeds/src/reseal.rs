use loadmaster_platform::postgres::{commit, retrying};

use super::{error::FeedError, repository, service::FeedService};

/// Number of feeds whose headers are encrypted anew in one transaction.
const PAGE: i64 = 100;

/// What [`FeedService::reseal`] has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Feeds whose headers are encrypted under the present key now, and were not.
    pub changed: usize,
    /// Feeds whose headers cannot be decrypted: their key is not known.
    pub lost: usize,
}

impl FeedService {
    /// Encrypts all headers anew that are not encrypted under the present key.
    pub async fn reseal(&self) -> Result<Resealed, FeedError> {
        let (mut sum, mut after) = (Resealed::default(), None);
        loop {
            let page = retrying(|| async {
                let mut tx = self.db.begin().await?;
                let mut done = Resealed::default();
                let page = repository::with_headers(&mut tx, after, PAGE).await?;
                for feed in &page {
                    let Some(sealed) = feed.headers.as_deref().filter(|sealed| !self.vault.is_current(sealed)) else {
                        continue;
                    };
                    let Some(headers) = self.vault.open(feed.id.uuid(), sealed) else {
                        done.lost += 1;
                        continue;
                    };
                    let mut anew = feed.clone();
                    anew.headers = Some(self.vault.seal(feed.id.uuid(), &headers)?);
                    repository::save(&mut tx, &anew).await?;
                    done.changed += 1;
                }
                commit(tx).await?;
                Ok::<_, FeedError>((page.last().map(|last| last.id), done))
            });
            let (last, done) = page.await?;
            (sum.changed, sum.lost) = (sum.changed + done.changed, sum.lost + done.lost);
            let Some(last) = last else { return Ok(sum) };
            after = Some(last);
        }
    }
}
