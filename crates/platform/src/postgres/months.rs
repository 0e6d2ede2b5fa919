use std::fmt;

use chrono::{DateTime, Datelike, Months as Count, NaiveDate};
use uuid::Uuid;

/// The least length of a list of ids (`= any($1)`) for whose statement the database keeps a plan. It prices that plan for
/// ten rows: for a shorter list, one that is made anew at each execution looks cheaper.
pub const PLANNED_LENGTH: usize = 16;

/// Returns the list, filled up to [`PLANNED_LENGTH`] by repeating its first id, which changes nothing for `= any($1)`.
pub fn planned_list(ids: &[Uuid]) -> Vec<Uuid> {
    let missing = PLANNED_LENGTH.saturating_sub(ids.len());
    let first = ids.first().map(|first| std::iter::repeat_n(*first, missing));
    ids.iter().copied().chain(first.into_iter().flatten()).collect()
}

/// Returns one column of these rows, as an array that a statement unnests.
pub fn column<'a, R, T>(rows: &'a [R], of: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

/// The months in which ids (`UUIDv7`) were made, for statements about rows of tables that are partitioned by month of
/// id. As constants in the text of a statement they let the database plan for the partitions of these months alone:
/// it then keeps its plan, where with parameters it would plan for all partitions at each execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdMonths {
    from: Uuid,
    to: Uuid,
}

impl IdMonths {
    pub fn of(id: Uuid) -> Self {
        Self::spanning(id, id)
    }

    /// Returns the months of the first to the last of these ids; `None` without any.
    pub fn of_all(ids: &[Uuid]) -> Option<Self> {
        Some(Self::spanning(*ids.iter().min()?, *ids.iter().max()?))
    }

    fn spanning(first: Uuid, last: Uuid) -> Self {
        let to = month(last).and_then(|month| month.checked_add_months(Count::new(1)));
        Self { from: month(first).map_or(Uuid::nil(), floor), to: to.map_or(Uuid::max(), floor) }
    }

    /// Returns the condition that a column of such ids lies in these months.
    pub fn contain(self, column: &'static str) -> impl fmt::Display {
        let Self { from, to } = self;
        std::fmt::from_fn(move |f| write!(f, "{column} >= '{from}' and {column} < '{to}'"))
    }
}

/// Returns the first day of the month in which an id was made, in UTC.
fn month(id: Uuid) -> Option<NaiveDate> {
    let milliseconds = i64::try_from(id.as_u128() >> 80).ok()?;
    DateTime::from_timestamp_millis(milliseconds)?.date_naive().with_day(1)
}

/// Returns the least id of a day, as the function `uuid_v7_floor` of the database does.
pub(super) fn floor(day: NaiveDate) -> Uuid {
    let milliseconds = day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis();
    let version_and_variant = 0x7000_8000_0000_0000_0000;
    match u128::try_from(milliseconds) {
        Ok(milliseconds) if milliseconds >> 48 == 0 => Uuid::from_u128((milliseconds << 80) | version_and_variant),
        // After the last id there can be.
        Ok(_) => Uuid::max(),
        Err(_) => Uuid::nil(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str, rest: u128) -> Uuid {
        let milliseconds = text.parse::<DateTime<chrono::Utc>>().unwrap().timestamp_millis();
        Uuid::from_u128((u128::try_from(milliseconds).unwrap() << 80) | rest)
    }

    #[test]
    fn a_list_is_filled_up_with_its_first_id() {
        let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert!(planned_list(&[]).is_empty());
        let list = planned_list(&[first, second]);
        assert_eq!((list.len(), list[1]), (PLANNED_LENGTH, second));
        assert!(list[2..].iter().all(|id| *id == first));
        assert_eq!(planned_list(&[first; 40]).len(), 40);
    }

    #[test]
    fn the_months_are_those_of_the_first_and_the_last_id() {
        let (first, last) =
            (id("2026-11-01T00:00:00Z", 0x7000_8000 << 48), id("2026-12-31T23:59:59.999Z", u128::MAX >> 48));
        let both = IdMonths::of_all(&[last, first]).unwrap();
        assert_eq!(
            both.contain("id").to_string(),
            "id >= '01a19467-e800-7000-8000-000000000000' and id < '01a2ce8b-d400-7000-8000-000000000000'"
        );
        assert_eq!(IdMonths::of(first).from, both.from);
        assert_eq!(IdMonths::of(last).to, both.to);
        assert_eq!(IdMonths::of(first).to, IdMonths::of(last).from);
        assert_eq!(IdMonths::of_all(&[]), None);
        assert_eq!(IdMonths::of(Uuid::max()).to, Uuid::max(), "the last month there is");
    }
}
