use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::feed::{Entry, Feed, FeedError};
use crate::platform::{postgres::Database, tasks::stopped_within, trouble::Trouble};

/// How often a process looks for what others have changed.
const POLL: Duration = Duration::from_millis(200);
const BATCH: i64 = 500;

/// Lets this process follow what happens in any: calls `seen` with every batch of messages from now on, late ones
/// included, each once, until `stop`. A database that is away is asked again; nothing is skipped. Nothing is kept: a
/// process that starts anew reads the tables first and follows from then on. So does one whose database was exchanged or
/// restarted: that ends it with [`FeedError::Exchanged`].
pub async fn follow(
    db: &Database,
    stop: &CancellationToken,
    mut seen: impl FnMut(Vec<Entry>),
) -> Result<(), FeedError> {
    let (mut feed, mut trouble) =
        (Feed::from_now(db).await?, Trouble::new("the outbox cannot be followed; trying again"));
    while !stopped_within(stop, POLL).await {
        while !stop.is_cancelled() {
            match trouble.note(feed.read(db, BATCH).await) {
                Ok(entries) if entries.is_empty() => break,
                Ok(entries) => {
                    let is_last = i64::try_from(entries.len()).is_ok_and(|count| count < BATCH);
                    seen(entries);
                    if is_last {
                        break;
                    }
                }
                Err(error @ FeedError::Exchanged) => return Err(error),
                Err(FeedError::Db(_)) => break,
            }
        }
    }
    Ok(())
}
