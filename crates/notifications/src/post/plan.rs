//! Which waiting notifications go as which letter.
use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::{LetterId, NotificationId};

/// Letters that a receiver gets within an hour, one by one.
pub(super) const AN_HOUR: i64 = 20;
/// The bundle of what waits for the hourly digest.
pub(super) const HOURLY: &str = "hourly";

/// Pauses after the first, second … attempt; the last one again and again.
pub(super) const PAUSES: [TimeDelta; 4] =
    [TimeDelta::minutes(1), TimeDelta::minutes(5), TimeDelta::minutes(15), TimeDelta::hours(1)];

/// A notification that is due.
#[derive(Debug, Clone)]
pub(super) struct Due {
    pub id: NotificationId,
    pub receiver: String,
    pub bundle: Option<String>,
    /// Of a letter that was tried before.
    pub letter_id: Option<LetterId>,
    pub is_urgent: bool,
}

/// What a receiver got within the last hour.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Recent {
    pub letters: i64,
    pub last_sent_at: Option<DateTime<Utc>>,
    /// When the digest that waits is due.
    pub digest_at: Option<DateTime<Utc>>,
}

/// Notifications that go together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    /// A letter that was tried before: its own notifications, and no others.
    Again(LetterId),
    /// All of one receiver's in this bundle.
    Bundle {
        receiver: String,
        bundle: String,
    },
    Single(NotificationId),
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub letters: Vec<Group>,
    /// What waits for the digest of that time.
    pub postponed: Vec<(Group, String, DateTime<Utc>)>,
}

/// Plans at most `slots` letters, in the order in which the notifications are due.
pub(super) fn plan(due: &[Due], recent: &HashMap<String, Recent>, slots: usize, now: DateTime<Utc>) -> Plan {
    let mut plan = Plan::default();
    let urgent: BTreeSet<Group> = due.iter().filter(|one| one.is_urgent).map(group_of).collect();
    let mut groups = BTreeSet::new();
    let mut chosen: HashMap<&str, i64> = HashMap::new();
    let mut digests: HashMap<&str, DateTime<Utc>> = HashMap::new();
    for one in due {
        let group = group_of(one);
        if !groups.insert(group.clone()) {
            continue;
        }
        let known = recent.get(&one.receiver).copied().unwrap_or_default();
        let letters = known.letters + chosen.get(one.receiver.as_str()).copied().unwrap_or_default();
        if letters >= AN_HOUR && may_wait(one) && !urgent.contains(&group) {
            let at = *digests.entry(&one.receiver).or_insert_with(|| {
                let last = known.last_sent_at.unwrap_or(now);
                known.digest_at.unwrap_or_else(|| (last + TimeDelta::hours(1)).max(now + TimeDelta::minutes(1)))
            });
            plan.postponed.push((group, one.receiver.clone(), at));
        } else if plan.letters.len() < slots {
            *chosen.entry(&one.receiver).or_default() += 1;
            plan.letters.push(group);
        }
    }
    plan
}

fn group_of(one: &Due) -> Group {
    match (one.letter_id, &one.bundle) {
        (Some(letter), _) => Group::Again(letter),
        (None, Some(bundle)) => Group::Bundle { receiver: one.receiver.clone(), bundle: bundle.clone() },
        (None, None) => Group::Single(one.id),
    }
}

/// The digest itself does not wait again, nor does a letter that was tried.
fn may_wait(one: &Due) -> bool {
    one.letter_id.is_none() && one.bundle.as_deref() != Some(HOURLY)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn due(id: u128, receiver: &str, bundle: Option<&str>) -> Due {
        let (receiver, bundle) = (receiver.to_owned(), bundle.map(str::to_owned));
        Due { id: Uuid::from_u128(id).into(), receiver, bundle, letter_id: None, is_urgent: false }
    }

    fn single(id: u128) -> Group {
        Group::Single(Uuid::from_u128(id).into())
    }

    fn bundle(receiver: &str, bundle: &str) -> Group {
        Group::Bundle { receiver: receiver.to_owned(), bundle: bundle.to_owned() }
    }

    #[test]
    fn a_bundle_is_one_letter_for_each_receiver() {
        let rows = [due(1, "a", Some("x")), due(2, "b", Some("x")), due(3, "a", Some("x")), due(4, "a", None)];
        let plan = plan(&rows, &HashMap::new(), 10, now());
        assert_eq!(plan.letters, [bundle("a", "x"), bundle("b", "x"), single(4)]);
        assert!(plan.postponed.is_empty());
    }

    #[test]
    fn no_more_letters_are_planned_than_there_is_space_for() {
        let rows: Vec<Due> = (0..5).map(|id| due(id, "a", None)).collect();
        assert_eq!(plan(&rows, &HashMap::new(), 2, now()).letters, [single(0), single(1)]);
    }

    #[test]
    fn the_twenty_first_letter_of_an_hour_waits_for_the_digest_but_an_urgent_one_does_not() {
        let mut rows: Vec<Due> = (0..23).map(|id| due(id, "a", None)).collect();
        rows[22].is_urgent = true;
        let plan = plan(&rows, &HashMap::new(), 100, now());
        assert_eq!(plan.letters.len(), 21);
        assert_eq!(plan.letters[20], single(22));
        let at = now() + TimeDelta::hours(1);
        assert_eq!(plan.postponed, [(single(20), "a".to_owned(), at), (single(21), "a".to_owned(), at)]);
    }

    #[test]
    fn what_comes_while_a_digest_waits_joins_it_and_the_digest_goes() {
        let last = now() - TimeDelta::minutes(10);
        let digest_at = now() + TimeDelta::minutes(3);
        let known = Recent { letters: 20, last_sent_at: Some(last), digest_at: None };
        let recent = |known| HashMap::from([("a".to_owned(), known)]);
        let rows = [due(1, "a", None), due(2, "b", None)];
        let first = plan(&rows, &recent(known), 9, now());
        assert_eq!(first.letters, [single(2)]);
        assert_eq!(first.postponed, [(single(1), "a".to_owned(), last + TimeDelta::hours(1))]);
        let joins = plan(&rows[..1], &recent(Recent { digest_at: Some(digest_at), ..known }), 9, now());
        assert_eq!(joins.postponed[0].2, digest_at);
        let digest = plan(&[due(1, "a", Some(HOURLY))], &recent(known), 9, now());
        assert_eq!(digest.letters, [bundle("a", HOURLY)]);
    }

    #[test]
    fn a_letter_that_was_tried_stays_as_it_is() {
        let letter: LetterId = Uuid::from_u128(9).into();
        let tried = Due { letter_id: Some(letter), ..due(1, "a", Some("x")) };
        let rows = [tried, due(2, "a", Some("x"))];
        assert_eq!(plan(&rows, &HashMap::new(), 9, now()).letters, [Group::Again(letter), bundle("a", "x")]);
    }
}
