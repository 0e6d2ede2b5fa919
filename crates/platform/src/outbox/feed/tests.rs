use std::collections::HashMap;

use proptest::prelude::*;

use super::{super::readings::RecentReadings, *};

fn entry(id: i64) -> Entry {
    Entry {
        id,
        aggregate: "flight".to_owned(),
        aggregate_id: Uuid::nil(),
        sequence: 1,
        event_type: String::new(),
        event: Arc::default(),
        written_at: DateTime::UNIX_EPOCH,
        organization: None,
        listeners: None,
    }
}

/// A model of PostgreSQL's outbox: transactions take numbers, write messages and end.
#[derive(Default)]
struct Model {
    /// The transaction and the aggregate of each message, by its number less one.
    messages: Vec<(i64, usize)>,
    /// Ended transactions, and whether each was committed.
    ended: BTreeMap<i64, bool>,
    /// Open transactions, by the aggregate whose lock each holds.
    open: HashMap<usize, i64>,
    given_out: i64,
}

impl Model {
    fn open_transaction(&mut self, aggregate: usize) {
        if !self.open.contains_key(&aggregate) {
            self.given_out += 1;
            self.open.insert(aggregate, self.given_out);
        }
    }

    fn write(&mut self, aggregate: usize, count: usize) {
        if let Some(transaction) = self.open.get(&aggregate) {
            self.messages.extend(std::iter::repeat_n((*transaction, aggregate), count));
        }
    }

    fn end(&mut self, aggregate: usize, is_committed: bool) {
        if let Some(transaction) = self.open.remove(&aggregate) {
            self.ended.insert(transaction, is_committed);
        }
    }

    fn snapshot(&self) -> Snapshot {
        // PostgreSQL lists those below the highest ended one, and all others up to `next` count as open.
        let end = self.ended.keys().last().copied().unwrap_or_default() + 1;
        let listed = self.open.values().copied().filter(|transaction| *transaction < end);
        let next = self.given_out + 1;
        let open = listed.chain(end..next).collect();
        let last = i64::try_from(self.messages.len()).unwrap();
        Snapshot { server: Server { epoch: 1, next }, open, last, unlisted: next - end, listeners: None }
    }

    /// Reads like the query.
    fn read(&self, feed: &mut Feed, limit: usize) -> Vec<(i64, usize)> {
        self.read_up_to(feed, limit, i64::MAX)
    }

    fn read_up_to(&self, feed: &mut Feed, limit: usize, up_to: i64) -> Vec<(i64, usize)> {
        let snapshot = self.snapshot();
        assert!(feed.is_of(&snapshot));
        let ended: BTreeMap<i64, i64> = feed.ended(&snapshot).into_iter().collect();
        // No message up to here is read again, and there may be a quarter of a million.
        let first = ended.values().copied().fold(feed.position, i64::min);
        let rest = (1..).zip(&self.messages).skip(usize::try_from(first).unwrap());
        let found: Vec<(i64, usize)> = rest
            .filter(|(_, (transaction, _))| self.ended.get(transaction) == Some(&true))
            .filter(|(id, (transaction, _))| {
                let is_late = ended.get(transaction).is_some_and(|read| id > read);
                if *id > feed.position { *id <= up_to } else { is_late }
            })
            .map(|(id, (_, aggregate))| (id, *aggregate))
            .take(limit)
            .collect();
        let entries = found.iter().map(|(id, _)| entry(*id)).collect();
        feed.advance(&Reading { entries, is_full: found.len() >= limit, snapshot });
        found
    }

    fn committed(&self, after: i64) -> BTreeSet<i64> {
        let all = (1..).zip(&self.messages).filter(|(_, (transaction, _))| self.ended.get(transaction) == Some(&true));
        all.map(|(id, _)| id).filter(|id| *id > after).collect()
    }
}

#[derive(Debug, Clone)]
enum Step {
    Begin(usize),
    Write(usize, usize),
    End(usize, bool),
    Read(usize),
    /// Another process continues from the stored position.
    Resume,
    /// An older process knows, or has stored, only the number up to which nothing is missing.
    ResumeAtSettled,
}

fn step() -> impl Strategy<Value = Step> {
    let aggregate = 0..6_usize;
    prop_oneof![
        3 => aggregate.clone().prop_map(Step::Begin),
        5 => (aggregate.clone(), 1..5_usize).prop_map(|(aggregate, count)| Step::Write(aggregate, count)),
        3 => (aggregate, prop::bool::weighted(0.8)).prop_map(|(aggregate, is_committed)| Step::End(aggregate, is_committed)),
        5 => (1..6_usize).prop_map(Step::Read),
        1 => Just(Step::Resume),
        1 => Just(Step::ResumeAtSettled),
    ]
}

/// Runs the steps; returns all messages in the order of their reading.
fn run(model: &mut Model, feed: &mut Feed, steps: &[Step]) -> (Vec<(i64, usize)>, usize) {
    let (mut delivered, mut repeats) = (Vec::new(), 0);
    for step in steps {
        match *step {
            Step::Begin(aggregate) => model.open_transaction(aggregate),
            Step::Write(aggregate, count) => model.write(aggregate, count),
            Step::End(aggregate, is_committed) => model.end(aggregate, is_committed),
            Step::Read(limit) => delivered.extend(model.read(feed, limit)),
            Step::Resume => *feed = Feed::resume(feed.position, feed.awaited.clone(), 1),
            Step::ResumeAtSettled => {
                repeats += 1;
                *feed = Feed::resume(feed.settled(), BTreeMap::new(), 1);
            }
        }
        assert!(feed.awaited.len() <= 6 + 6, "{feed:?}");
    }
    for aggregate in 0..6 {
        model.end(aggregate, true);
    }
    loop {
        let found = model.read(feed, 3);
        if found.is_empty() {
            return (delivered, repeats);
        }
        delivered.extend(found);
    }
}

proptest! {
    #[test]
    fn every_committed_message_is_read_once_and_in_the_order_of_its_aggregate(
        steps in prop::collection::vec(step(), 0..150),
    ) {
        let (mut model, mut feed) = (Model::default(), Feed::default());
        let (delivered, repeats) = run(&mut model, &mut feed, &steps);
        let ids: BTreeSet<i64> = delivered.iter().map(|(id, _)| *id).collect();
        prop_assert_eq!(&ids, &model.committed(0));
        prop_assert_eq!(feed.settled(), feed.position());
        let (mut last, mut seen) = (HashMap::<usize, i64>::new(), BTreeSet::new());
        for (id, aggregate) in delivered {
            let is_new = seen.insert(id);
            prop_assert!(is_new || repeats > 0, "{} came again", id);
            let last = last.entry(aggregate).or_default();
            prop_assert!(!is_new || id > *last, "{} comes after {}", id, last);
            *last = id.max(*last);
        }
    }

    #[test]
    fn relays_that_share_their_readings_each_read_every_message_once(
        steps in prop::collection::vec((step(), 0..3_usize), 0..200),
    ) {
        let (mut model, mut kept) = (Model::default(), RecentReadings::default());
        let mut feeds: [(Feed, Vec<(i64, usize)>); 3] = Default::default();
        let mut read = |model: &Model, (feed, delivered): &mut (Feed, Vec<(i64, usize)>), limit| {
            let entries = kept.follow(feed, i64::try_from(limit).unwrap()).unwrap_or_else(|| {
                let (before, up_to) = (feed.clone(), kept.next_end(feed).unwrap_or(i64::MAX));
                let mut found = model.read_up_to(feed, limit, up_to);
                if found.is_empty() {
                    found = model.read(feed, limit);
                }
                let entries = found.iter().map(|(id, _)| entry(*id)).collect();
                kept.keep(before, feed, &entries);
                entries
            });
            delivered.extend(entries.iter().map(|entry| (entry.id, model.messages[usize::try_from(entry.id - 1).unwrap()].1)));
            entries.len()
        };
        for (step, reader) in steps {
            match step {
                Step::Begin(aggregate) => model.open_transaction(aggregate),
                Step::Write(aggregate, count) => model.write(aggregate, count),
                Step::End(aggregate, is_committed) => model.end(aggregate, is_committed),
                Step::Read(limit) => _ = read(&model, &mut feeds[reader], limit),
                Step::Resume => {
                    let (feed, _) = &mut feeds[reader];
                    *feed = Feed::resume(feed.position, feed.awaited.clone(), 1);
                }
                Step::ResumeAtSettled => {}
            }
        }
        for aggregate in 0..6 {
            model.end(aggregate, true);
        }
        for reader in &mut feeds {
            while read(&model, reader, 3) > 0 {}
        }
        for (_, delivered) in feeds {
            let ids: BTreeSet<i64> = delivered.iter().map(|(id, _)| *id).collect();
            prop_assert_eq!(&ids, &model.committed(0));
            prop_assert_eq!(ids.len(), delivered.len());
            let mut last = HashMap::<usize, i64>::new();
            for (id, aggregate) in delivered {
                let last = last.entry(aggregate).or_default();
                prop_assert!(id > *last, "{} comes after {}", id, last);
                *last = id;
            }
        }
    }

    #[test]
    fn a_feed_that_starts_later_reads_everything_not_visible_at_its_start(
        before in prop::collection::vec(step(), 0..80), after in prop::collection::vec(step(), 0..80),
    ) {
        let (mut model, mut other) = (Model::default(), Feed::default());
        for step in &before {
            match *step {
                Step::Begin(aggregate) => model.open_transaction(aggregate),
                Step::Write(aggregate, count) => model.write(aggregate, count),
                Step::End(aggregate, is_committed) => model.end(aggregate, is_committed),
                Step::Read(limit) => _ = model.read(&mut other, limit),
                Step::Resume | Step::ResumeAtSettled => {}
            }
        }
        let (visible, snapshot) = (model.committed(0), model.snapshot());
        let awaited = snapshot.open.iter().map(|transaction| (*transaction, 0)).collect();
        let mut feed = Feed { position: visible.last().copied().unwrap_or_default(), awaited, server: None };
        let steps: Vec<Step> = after.into_iter().filter(|step| !matches!(step, Step::ResumeAtSettled)).collect();
        let (delivered, _) = run(&mut model, &mut feed, &steps);
        let ids: Vec<i64> = delivered.iter().map(|(id, _)| *id).collect();
        let unique: BTreeSet<i64> = ids.iter().copied().collect();
        prop_assert_eq!(ids.len(), unique.len());
        prop_assert_eq!(unique, model.committed(0).difference(&visible).copied().collect::<BTreeSet<_>>());
    }
}

#[test]
fn a_reading_is_followed_only_on_its_server_and_within_the_limit() {
    let (mut model, mut kept, mut feed) = (Model::default(), RecentReadings::default(), Feed::default());
    assert!(model.read(&mut feed, 9).is_empty());
    let before = feed.clone();
    for aggregate in 0..3 {
        model.open_transaction(aggregate);
        model.write(aggregate, 1);
        model.end(aggregate, true);
    }
    let entries = model.read(&mut feed, 9).into_iter().map(|(id, _)| entry(id)).collect();
    kept.keep(before.clone(), &feed, &entries);
    let follow = |mut feed: Feed, limit| kept.follow(&mut feed, limit).map(|entries| entries.len());
    assert_eq!(
        (follow(before.clone(), 3), follow(before.clone(), 2), kept.next_end(&before)),
        (Some(3), None, Some(3))
    );
    let elsewhere = Feed::resume(0, BTreeMap::new(), 2);
    assert_eq!((follow(elsewhere.clone(), 3), kept.next_end(&elsewhere)), (None, None));
    // One that waits for a transaction which that reading does not know of.
    let waiting = Feed { awaited: BTreeMap::from([(0, 0)]), ..before };
    assert_eq!(follow(waiting, 3), None);
}

#[test]
fn an_import_of_a_quarter_of_a_million_messages_is_one_number_to_remember() {
    let (mut model, mut feed) = (Model::default(), Feed::default());
    model.open_transaction(0);
    for round in 0..1000 {
        model.write(0, 250);
        model.open_transaction(1);
        model.write(1, 1);
        model.end(1, true);
        assert_eq!(model.read(&mut feed, 500).len(), 1);
        assert!(feed.awaited.len() <= 1, "{round}: {feed:?}");
        assert_eq!(feed.settled(), 0);
    }
}

#[test]
fn a_server_that_is_another_or_was_set_back_is_noticed() {
    let mut model = Model::default();
    for aggregate in 0..3 {
        model.open_transaction(aggregate);
        model.write(aggregate, 2);
        model.end(aggregate, true);
    }
    let mut feed = Feed::default();
    assert_eq!(model.read(&mut feed, 10).len(), 6);
    let now = || model.snapshot();
    assert!(feed.is_of(&now()));
    let of = |epoch, next| Snapshot { server: Server { epoch, next }, ..now() };
    assert!(!feed.is_of(&of(2, 4)), "started anew, or another one");
    assert!(!feed.is_of(&of(1, 3)), "it has given out fewer transaction numbers");
    assert!(!feed.is_of(&Snapshot { last: 5, ..now() }), "it has given out fewer numbers of messages");
}

#[test]
fn transactions_that_a_copy_of_the_database_has_never_begun_have_ended() {
    let mut model = Model::default();
    model.open_transaction(0);
    model.write(0, 3);
    model.end(0, true);
    // The original was far ahead; transaction 1 was awaited there, as was one that wrote nothing.
    let mut feed = Feed::resume(3, BTreeMap::from([(1, 1), (9_000, 0)]), 1);
    assert_eq!(model.read(&mut feed, 10), [(2, 0), (3, 0)]);
    assert_eq!((feed.settled(), feed.awaited.len()), (3, 0));
}
