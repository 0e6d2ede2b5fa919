//! Judges the answers 5xx.
use serde::Serialize;

use super::{
    evidence::{Breach, Promise},
    wire::Failure,
};

/// What an answer says that asks the caller to wait for the bookings of a flight.
const UNFINISHED: &str = "are still being updated after its last change";

/// Breaches of one kind that are reported one by one.
const MOST_REPORTED: usize = 10;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Answers {
    /// Neither 503 nor 504.
    pub internal: usize,
    /// 503 and 504 during a fault or its recovery, or on a system whose faults are not known.
    pub during_faults: usize,
    /// 503 and 504 at other times.
    pub between_faults: usize,
    /// 503 because a flight's last change has not reached all of its bookings yet: a promise, and no failure.
    pub unfinished_flights: usize,
}

/// `windows` are the intervals from the start of each fault to its recovery, in microseconds since the run began;
/// `None` for a system whose faults are not known.
pub(super) fn judge(failures: &[Failure], windows: Option<&[(u64, u64)]>) -> (Answers, Vec<Breach>) {
    let (mut internal, mut between) = (Vec::new(), Vec::new());
    let mut answers = Answers::default();
    for failure in failures {
        let excused = |windows: &[(u64, u64)]| {
            windows.iter().any(|(begin, end)| failure.invoked <= *end && failure.completed >= *begin)
        };
        match failure.status {
            503 if failure.what.contains(UNFINISHED) => answers.unfinished_flights += 1,
            503 | 504 if windows.is_none_or(excused) => answers.during_faults += 1,
            503 | 504 => between.push(failure),
            _ => internal.push(failure),
        }
    }
    (answers.internal, answers.between_faults) = (internal.len(), between.len());
    let mut breaches = Vec::new();
    for (failures, when) in [(internal, ""), (between, " outside any fault")] {
        breaches.extend(failures.iter().take(MOST_REPORTED).map(|failure| format!("{}{when}", failure.what)));
        if let Some(more) = failures.len().checked_sub(MOST_REPORTED).filter(|more| *more > 0) {
            breaches.push(format!("and {more} more 5xx responses{when}"));
        }
    }
    (answers, breaches.into_iter().map(|what| Breach { promise: Promise::NoInternalError, what }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(status: u16, invoked: u64, completed: u64) -> Failure {
        Failure { invoked, completed, status, what: format!("call {invoked}") }
    }

    #[test]
    fn a_500_is_never_excused_and_a_503_only_during_a_fault() {
        let failures =
            [failure(500, 15, 16), failure(503, 5, 9), failure(503, 5, 12), failure(504, 19, 40), failure(503, 21, 22)];
        let (answers, breaches) = judge(&failures, Some(&[(10, 20)]));
        assert_eq!(answers, Answers { internal: 1, during_faults: 2, between_faults: 2, unfinished_flights: 0 });
        let reported: Vec<_> = breaches.iter().map(|breach| breach.what.as_str()).collect();
        assert_eq!(reported, ["call 15", "call 5 outside any fault", "call 21 outside any fault"]);
        let (answers, breaches) = judge(&failures, None);
        assert_eq!((answers.during_faults, breaches.len()), (4, 1));
    }

    #[test]
    fn a_flight_whose_bookings_still_follow_is_no_failure() {
        let what = format!("got 503 unavailable: The bookings of AI101 {UNFINISHED}; nothing was changed.");
        let (answers, breaches) = judge(&[Failure { what, ..failure(503, 5, 9) }], Some(&[]));
        assert_eq!((answers.unfinished_flights, answers.between_faults, breaches.len()), (1, 0, 0));
    }

    #[test]
    fn many_are_counted_and_some_are_reported() {
        let (answers, breaches) = judge(&vec![failure(500, 1, 2); 30], None);
        assert_eq!((answers.internal, breaches.len()), (30, MOST_REPORTED + 1));
        assert!(breaches.last().is_some_and(|breach| breach.what == "and 20 more 5xx responses"));
    }
}
