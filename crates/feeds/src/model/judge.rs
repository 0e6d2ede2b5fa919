//! What a file may not change without a person.
use loadmaster_flights::FeedDifferences;

/// A file after one with fewer rows is not measured by it: so few are often sent one by one.
const FEWEST_MEASURED: i64 = 10;

/// From when on a person decides.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub far_minutes: u32,
    pub max_gone_percent: u32,
}

/// Why a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Flights may not become what the file says.
    Refused(usize),
    /// Flights with bookings or holds move by more minutes than this.
    Far { flights: usize, minutes: u32 },
    /// The file lacks too many flights.
    Gone { absent: usize, of: u64, percent: u32 },
    /// It has too few rows.
    Fewer { rows: i64, expected: i64, percent: u32 },
}

impl Reason {
    /// Returns a sentence that says what to do.
    pub fn text(self) -> String {
        match self {
            Self::Refused(flights) => format!(
                "{flights} flights may not become what the file says, mostly because of what is booked on them; the \
                 differences name each: apply the rest, or reject the run."
            ),
            Self::Far { flights, minutes } => format!(
                "{flights} flights with bookings or holds move by more than {minutes} minutes: look at their differences, then \
                 apply or reject the run."
            ),
            Self::Gone { absent, of, percent } => format!(
                "{absent} of the {of} flights of the feed within the file's dates are absent, more than {percent} %: the file may \
                 be cut; apply the run only if they are gone."
            ),
            Self::Fewer { rows, expected, percent } => format!(
                "The file has {rows} rows, over {percent} % fewer than the {expected} of the one before: it may be cut. Have it sent \
                 again, or apply the run if the other rows are no longer given."
            ),
        }
    }
}

/// Returns why a person decides on these differences.
pub fn reasons(differences: &FeedDifferences, bounds: Bounds) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let refused = differences.refused();
    if refused > 0 {
        reasons.push(Reason::Refused(refused));
    }
    if !differences.far.is_empty() {
        reasons.push(Reason::Far { flights: differences.far.len(), minutes: bounds.far_minutes });
    }
    let (absent, percent) = (differences.absent.len(), bounds.max_gone_percent);
    let is_gone = u64::try_from(absent)
        .is_ok_and(|absent| u128::from(absent) * 100 > u128::from(percent) * u128::from(differences.of_feed));
    if is_gone {
        reasons.push(Reason::Gone { absent, of: differences.of_feed, percent });
    }
    reasons
}

/// Returns the reason for a person to decide if a file has too few rows: fewer than the share of the `expected` rows that the bounds
/// allow. `None` if it has enough, or too few are expected to compare.
pub fn fewer(rows: i64, expected: Option<i64>, bounds: Bounds) -> Option<Reason> {
    let (expected, percent) = (expected.filter(|rows| *rows >= FEWEST_MEASURED)?, bounds.max_gone_percent);
    let is_cut = i128::from(rows) * 100 < i128::from(expected) * i128::from(100_u32.saturating_sub(percent));
    is_cut.then_some(Reason::Fewer { rows, expected, percent })
}

#[cfg(test)]
mod tests {
    use loadmaster_flights::{AbsentFlight, FarFlight};

    use super::*;

    const BOUNDS: Bounds = Bounds { far_minutes: 180, max_gone_percent: 10 };

    fn absent(flights: usize, of_feed: u64) -> FeedDifferences {
        let flight = AbsentFlight {
            id: uuid::Uuid::nil().into(),
            number: "AI101".parse().unwrap(),
            origin: "DEL".parse().unwrap(),
            date: "2026-12-01".parse().unwrap(),
            has_freight: false,
        };
        FeedDifferences { absent: vec![flight; flights], of_feed, ..FeedDifferences::default() }
    }

    #[test]
    fn a_file_may_lack_ten_percent_and_no_more() {
        assert_eq!(reasons(&absent(0, 0), BOUNDS), []);
        assert_eq!(reasons(&absent(10, 100), BOUNDS), []);
        assert_eq!(reasons(&absent(11, 100), BOUNDS), [Reason::Gone { absent: 11, of: 100, percent: 10 }]);
        let none = Bounds { max_gone_percent: 0, ..BOUNDS };
        assert_eq!(reasons(&absent(1, 100), none).len(), 1);
        let all = Bounds { max_gone_percent: 100, ..BOUNDS };
        assert_eq!(reasons(&absent(100, 100), all), []);
    }

    #[test]
    fn a_file_may_have_ten_percent_fewer_rows_than_the_one_before_and_no_more() {
        assert_eq!(fewer(1, None, BOUNDS), None, "there was none before");
        assert_eq!(fewer(1, Some(9), BOUNDS), None, "too few to measure by");
        assert!(fewer(8, Some(10), BOUNDS).is_some());
        assert_eq!(fewer(90, Some(100), BOUNDS), None);
        assert_eq!(fewer(89, Some(100), BOUNDS), Some(Reason::Fewer { rows: 89, expected: 100, percent: 10 }));
        assert_eq!(fewer(200, Some(100), BOUNDS), None);
        assert_eq!(fewer(i64::MAX, Some(i64::MAX), BOUNDS), None);
        assert!(fewer(99, Some(100), Bounds { max_gone_percent: 0, ..BOUNDS }).is_some());
        assert_eq!(fewer(1, Some(100), Bounds { max_gone_percent: 100, ..BOUNDS }), None);
        let text = fewer(89, Some(100), BOUNDS).unwrap().text();
        assert!(
            text.starts_with("The file has 89 rows, over 10 % fewer than the 100 of the one before: it may be cut."),
            "{text}"
        );
    }

    #[test]
    fn far_moves_of_flights_with_freight_are_for_a_person() {
        let flight = FarFlight { id: uuid::Uuid::nil().into(), date: "2026-12-01".parse().unwrap() };
        let far = FeedDifferences { far: vec![flight], ..FeedDifferences::default() };
        assert_eq!(reasons(&far, BOUNDS), [Reason::Far { flights: 1, minutes: 180 }]);
        assert!(reasons(&far, BOUNDS)[0].text().starts_with("1 flights with bookings or holds move by more than 180"));
    }
}
