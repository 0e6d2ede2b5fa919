//! Positions in the outbox as texts, which clients keep and bring back, to any process.
use std::{collections::BTreeMap, fmt::Write};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::feed::{Entry, Feed, settled};
use crate::postgres::{Database, DbError};

/// Maximum number of transactions that a text names. If more are awaited, the text leads to before all of them.
const MOST_AWAITED: usize = 12;

/// What a client's text leads to.
#[derive(Debug)]
pub enum Resumed {
    /// What it has not read yet, and perhaps some of what it has.
    Feed(Feed),
    /// Messages after it have been deleted.
    TooOld,
    /// It is no position in this outbox.
    Unknown,
}

/// A position, read from a text.
#[derive(Debug, PartialEq, Eq)]
struct Mark {
    installation: String,
    epoch: i64,
    position: i64,
    settled: i64,
    awaited: BTreeMap<i64, i64>,
}

impl Feed {
    /// Returns this position as a text of characters that need no escaping. Nothing in it is secret.
    pub fn mark(&self, installation: &str) -> String {
        mark(installation, self.epoch(), self.position(), self.awaited())
    }

    /// Returns the position after a message that [`Self::read`] has returned; `before` is this feed as it was then.
    pub fn mark_after(&self, entry: &Entry, before: &Self, installation: &str) -> String {
        if entry.id <= before.position() {
            // A late one: others of them may follow, which only the position before names.
            return before.mark(installation);
        }
        mark(installation, self.epoch(), entry.id, self.awaited())
    }

    /// Returns the position that a text names.
    pub async fn at_mark(db: &Database, installation: &str, text: &str) -> Result<Resumed, DbError> {
        let Some(mark) = Mark::read(text).filter(|mark| mark.installation == installation) else {
            return Ok(Resumed::Unknown);
        };
        let mut connection = db.read().await?;
        let found = sqlx::query!(
            r#"select server_epoch() as "epoch!", coalesce(pg_sequence_last_value('outbox_id_seq'), 0) as "last!",
                      (select min(id) from outbox) as first"#
        );
        let found = found.fetch_one(&mut *connection).await?;
        if mark.position > found.last {
            return Ok(Resumed::Unknown);
        }
        if !is_whole(mark.position, found.first, found.last) {
            return Ok(Resumed::TooOld);
        }
        Ok(Resumed::Feed(if mark.epoch == found.epoch {
            Self::resume(mark.position, mark.awaited, mark.epoch)
        } else {
            // Another server counts its transactions anew.
            Self::resume(mark.settled, BTreeMap::new(), found.epoch)
        }))
    }
}

/// Returns whether no message after a position can have been deleted; `first` is the oldest message and `last` the highest
/// number given out. Messages are deleted in their order. Numbers of transactions that were rolled back have no messages
/// and are indistinguishable from deleted ones.
fn is_whole(position: i64, first: Option<i64>, last: i64) -> bool {
    position == last || first.is_some_and(|first| first <= position + 1)
}

fn mark(installation: &str, epoch: i64, position: i64, awaited: &BTreeMap<i64, i64>) -> String {
    let settled = settled(position, awaited);
    let is_short = awaited.len() <= MOST_AWAITED;
    let mut text = format!("{installation} {epoch} {} {settled}", if is_short { position } else { settled });
    for (transaction, read) in awaited.iter().filter(|_| is_short) {
        _ = write!(text, " {transaction} {read}");
    }
    URL_SAFE_NO_PAD.encode(text)
}

impl Mark {
    fn read(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (installation, numbers) = text.split_once(' ')?;
        let numbers: Vec<i64> = numbers.split(' ').map(|number| number.parse().ok()).collect::<Option<_>>()?;
        let (&[epoch, position, settled], awaited) = numbers.split_first_chunk()?;
        let (pairs, []) = awaited.as_chunks() else { return None };
        let awaited: BTreeMap<i64, i64> = pairs.iter().map(|[transaction, read]| (*transaction, *read)).collect();
        let is_sound = awaited.len() <= MOST_AWAITED && (0..=position).contains(&settled);
        is_sound.then(|| Self { installation: installation.to_owned(), epoch, position, settled, awaited })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_was_written() {
        let awaited: BTreeMap<i64, i64> = [(7, 40), (9, 0)].into();
        let text = mark("here", -5, 42, &awaited);
        let read = Mark { installation: "here".to_owned(), epoch: -5, position: 42, settled: 0, awaited };
        assert_eq!(Mark::read(&text), Some(read));
    }

    #[test]
    fn too_many_transactions_are_left_out_and_the_position_is_before_them() {
        let awaited: BTreeMap<i64, i64> = (0..100).map(|number| (number, 30 + number)).collect();
        let text = mark("here", 1, 42, &awaited);
        let read =
            Mark { installation: "here".to_owned(), epoch: 1, position: 30, settled: 30, awaited: BTreeMap::new() };
        assert!(text.len() < 100, "{text}");
        assert_eq!(Mark::read(&text), Some(read));
    }

    #[test]
    fn a_position_is_whole_until_a_message_after_it_may_have_been_deleted() {
        let is_whole = |position, first| is_whole(position, first, 9);
        assert!(is_whole(4, Some(3)) && is_whole(4, Some(4)), "its own message may have been rolled back");
        assert!(is_whole(4, Some(5)) && !is_whole(4, Some(6)));
        assert!(is_whole(0, Some(1)) && !is_whole(0, Some(2)));
        assert!(is_whole(9, None) && !is_whole(8, None), "nothing was written since, and all was deleted");
        assert!(super::is_whole(0, None, 0));
    }

    #[test]
    fn other_texts_are_no_positions() {
        let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
        for text in ["", "7", "here", "here 1", "here 1 2", "here 1 2 2 3", "here 1 2 3", "here 1 2 -1", "here a 2 2"] {
            assert_eq!(Mark::read(&encoded(text)), None, "{text}");
            assert_eq!(Mark::read(text), None, "{text}");
        }
        assert!(Mark::read(&encoded("here 1 2 2")).is_some());
    }
}
