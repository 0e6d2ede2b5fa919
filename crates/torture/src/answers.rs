//! The answers 5xx: which of them may be.
use serde::Serialize;

use super::{
    evidence::{Breach, Promise},
    wire::Failure,
};

/// More of one kind help nobody.
const MOST_TOLD: usize = 10;

/// How many there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Answers {
    /// Neither 503 nor 504.
    pub internal: usize,
    /// 503 and 504 while a fault lasted or was being recovered from, or where we do not know of faults.
    pub during_faults: usize,
    /// 503 and 504 at other times.
    pub between_faults: usize,
}

/// `windows` are the times from each fault's beginning until service was back, in microseconds since the run began; `None`
/// for a system whose faults we do not know.
pub(super) fn judge(failures: &[Failure], windows: Option<&[(u64, u64)]>) -> (Answers, Vec<Breach>) {
    let (mut internal, mut between) = (Vec::new(), Vec::new());
    let mut answers = Answers::default();
    for failure in failures {
        let excused = |windows: &[(u64, u64)]| {
            windows.iter().any(|(begin, end)| failure.invoked <= *end && failure.completed >= *begin)
        };
        match failure.status {
            503 | 504 if windows.is_none_or(excused) => answers.during_faults += 1,
            503 | 504 => between.push(failure),
            _ => internal.push(failure),
        }
    }
    (answers.internal, answers.between_faults) = (internal.len(), between.len());
    let mut breaches = Vec::new();
    for (failures, when) in [(internal, ""), (between, " while nothing was wrong")] {
        breaches.extend(failures.iter().take(MOST_TOLD).map(|failure| format!("{}{when}", failure.what)));
        if let Some(more) = failures.len().checked_sub(MOST_TOLD).filter(|more| *more > 0) {
            breaches.push(format!("and {more} more answers 5xx{when}"));
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
    fn a_500_is_never_excused_and_a_503_only_while_something_is_wrong() {
        let failures =
            [failure(500, 15, 16), failure(503, 5, 9), failure(503, 5, 12), failure(504, 19, 40), failure(503, 21, 22)];
        let (answers, breaches) = judge(&failures, Some(&[(10, 20)]));
        assert_eq!(answers, Answers { internal: 1, during_faults: 2, between_faults: 2 });
        let told: Vec<_> = breaches.iter().map(|breach| breach.what.as_str()).collect();
        assert_eq!(told, ["call 15", "call 5 while nothing was wrong", "call 21 while nothing was wrong"]);
        let (answers, breaches) = judge(&failures, None);
        assert_eq!((answers.during_faults, breaches.len()), (4, 1));
    }

    #[test]
    fn many_are_counted_and_some_are_told() {
        let (answers, breaches) = judge(&vec![failure(500, 1, 2); 30], None);
        assert_eq!((answers.internal, breaches.len()), (30, MOST_TOLD + 1));
        assert!(breaches.last().is_some_and(|breach| breach.what == "and 20 more answers 5xx"));
    }
}
