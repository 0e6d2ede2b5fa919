//! Compares the answers that showed one booking or flight: versions never go back.
use super::lost;
use crate::evidence::{Breach, Seen};

/// The state at the end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Last {
    pub version: u64,
    pub fingerprint: u64,
}

/// No version is followed by an older one, and each version has one representation.
pub(super) fn judge(reference: &str, seen: &[Seen], last: Option<Last>) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut representations: Vec<(u64, u64, String)> =
        seen.iter().map(|seen| (seen.version, seen.fingerprint, format!("call {}", seen.call))).collect();
    representations.extend(last.as_ref().map(|found| (found.version, found.fingerprint, "the end".to_owned())));
    representations.sort_by_key(|(version, ..)| *version);
    for pair in representations.windows(2) {
        if let [(version, representation, one), (same, other, another)] = pair
            && version == same
            && representation != other
        {
            breaches
                .push(lost(format!("{reference} had two representations at version {version}: {one} and {another}")));
            break;
        }
    }
    breaches.extend(goes_back(reference, seen));
    if let Some(latest) = seen.iter().max_by_key(|seen| seen.version)
        && let Some(found) = last.filter(|found| found.version < latest.version)
    {
        breaches.push(lost(format!(
            "{reference} was at version {} in call {}, but is at version {} at the end",
            latest.version, latest.call, found.version
        )));
    }
    breaches
}

/// A call that began after the end of another must not see an older version.
fn goes_back(reference: &str, seen: &[Seen]) -> Option<Breach> {
    let mut ended: Vec<&Seen> = seen.iter().collect();
    ended.sort_by_key(|seen| seen.completed);
    let mut begun: Vec<&Seen> = seen.iter().filter(|seen| !seen.replayed).collect();
    begun.sort_by_key(|seen| seen.invoked);
    let mut ended = ended.into_iter().peekable();
    let mut newest: Option<&Seen> = None;
    for later in begun {
        while let Some(earlier) = ended.next_if(|earlier| earlier.completed < later.invoked) {
            if newest.is_none_or(|newest| newest.version < earlier.version) {
                newest = Some(earlier);
            }
        }
        if let Some(earlier) = newest.filter(|newest| newest.version > later.version) {
            return Some(lost(format!(
                "{reference} went back: version {} in call {}, later version {} in call {}",
                earlier.version, earlier.call, later.version, later.call
            )));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(call: u64, invoked: u64, completed: u64, version: u64) -> Seen {
        Seen { call, invoked, completed, version, fingerprint: version, replayed: false }
    }

    fn complaints(seen: &[Seen], last: Option<Last>) -> Vec<String> {
        judge("ACB1", seen, last).into_iter().map(|breach| breach.what).collect()
    }

    #[test]
    fn concurrent_calls_may_see_either_version() {
        let calls = [seen(1, 0, 10, 1), seen(2, 11, 30, 2), seen(3, 12, 40, 1), seen(4, 35, 50, 3)];
        assert_eq!(complaints(&calls, None), [""; 0]);
    }

    #[test]
    fn a_version_after_a_newer_one_is_reported() {
        let calls = [seen(1, 0, 10, 2), seen(2, 11, 20, 1)];
        assert_eq!(complaints(&calls, None), ["ACB1 went back: version 2 in call 1, later version 1 in call 2"]);
        let replay = Seen { replayed: true, ..seen(2, 11, 20, 1) };
        assert_eq!(complaints(&[seen(1, 0, 10, 2), replay], None), [""; 0]);
    }

    #[test]
    fn a_version_with_two_representations_or_missing_at_the_end_is_reported() {
        let other = Seen { fingerprint: 9, ..seen(2, 0, 5, 1) };
        assert_eq!(
            complaints(&[seen(1, 0, 5, 1), other], None),
            ["ACB1 had two representations at version 1: call 1 and call 2"]
        );
        let last = Last { version: 1, fingerprint: 1 };
        assert_eq!(
            complaints(&[seen(1, 0, 5, 2)], Some(last)),
            ["ACB1 was at version 2 in call 1, but is at version 1 at the end"]
        );
    }
}
