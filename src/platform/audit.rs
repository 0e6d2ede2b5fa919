//! What an audit speaks of: what it looks at, how much it has checked, and which rows break a rule.
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use uuid::Uuid;

/// Of the rows that break one rule so many are shown; all are counted.
pub const MOST_SHOWN: usize = 20;

/// What an audit looks at: everything, where nothing is named.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub flights: Option<Vec<Uuid>>,
    pub bookings: Option<Vec<Uuid>>,
    /// Events from then on must have their messages; left out: those of the last six days by the database's clock, since
    /// messages are kept for seven.
    pub messages_since: Option<DateTime<Utc>>,
    /// Also replay bookings and flights and compare them with their rows, member by member.
    pub rebuild: bool,
}

/// Is told what is being looked at, and how much of it so far.
pub type Watch<'a> = &'a (dyn Fn(&'static str, u64) + Send + Sync);

/// A row that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Breach {
    pub table: &'static str,
    /// Columns that name the row.
    #[serde(serialize_with = "as_object")]
    pub key: Vec<(&'static str, String)>,
    pub fault: String,
}

impl Breach {
    pub fn of<const N: usize>(
        table: &'static str,
        key: [(&'static str, &dyn std::fmt::Display); N],
        fault: impl Into<String>,
    ) -> Self {
        Self { table, key: key.map(|(name, value)| (name, value.to_string())).into(), fault: fault.into() }
    }
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.table)?;
        for (name, value) in &self.key {
            write!(f, " {name}={value}")?;
        }
        write!(f, ": {}", self.fault)
    }
}

fn as_object<S: Serializer>(key: &[(&'static str, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(key.iter().map(|(name, value)| (name, value)))
}

/// What was found about one rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// What was looked at, and how much of it.
    pub checked: Vec<(&'static str, u64)>,
    pub breaches: u64,
    /// The first of them.
    pub shown: Vec<Breach>,
}

impl Findings {
    pub fn has_checked(&mut self, what: &'static str, count: u64) {
        match self.checked.iter_mut().find(|(known, _)| *known == what) {
            Some((_, sum)) => *sum += count,
            None => self.checked.push((what, count)),
        }
    }

    pub fn add(&mut self, breach: Breach) {
        self.breaches += 1;
        if self.shown.len() < MOST_SHOWN {
            self.shown.push(breach);
        }
    }

    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (what, count) in other.checked {
            self.has_checked(what, count);
        }
        self.breaches += other.breaches;
        self.shown.extend(other.shown);
        self.shown.truncate(MOST_SHOWN);
        self
    }
}

/// The members in which what was found differs from what was expected, each told in a few words.
macro_rules! differences {
    ($found:expr, $expected:expr; $($member:ident),+ $(,)?) => {{
        let (found, expected) = ($found, $expected);
        let mut told = Vec::<String>::new();
        $(if found.$member != expected.$member {
            told.push(format!("{} is {:?} and not {:?}", stringify!($member), found.$member, expected.$member));
        })+
        // A member that is not listed above must not be overlooked.
        if told.is_empty() && found != expected {
            told.push(format!("it is {found:?} and not {expected:?}"));
        }
        told.join("; ")
    }};
}

pub(crate) use differences;

#[cfg(test)]
mod tests {
    use super::*;

    fn breach(number: i64) -> Breach {
        Breach::of("capacity_ledger", [("flight_id", &Uuid::nil()), ("seq", &number)], "is wrong")
    }

    #[test]
    fn all_breaches_are_counted_and_the_first_are_shown() {
        let of = |numbers: std::ops::Range<i64>| {
            let mut findings = Findings::default();
            findings.has_checked("entries", 20);
            numbers.map(breach).for_each(|breach| findings.add(breach));
            findings
        };
        let joined = of(0..15).and(of(15..40));
        assert_eq!((joined.breaches, joined.shown.len()), (40, MOST_SHOWN));
        assert_eq!((&joined.shown[0], &joined.shown[19]), (&breach(0), &breach(19)));
        assert_eq!(joined.checked, [("entries", 40)]);
        assert_eq!(of(0..30).shown.len(), MOST_SHOWN);
    }

    #[test]
    fn a_breach_names_its_row() {
        let text = "capacity_ledger flight_id=00000000-0000-0000-0000-000000000000 seq=3: is wrong";
        assert_eq!(breach(3).to_string(), text);
        let json = serde_json::json!({
            "table": "capacity_ledger", "key": {"flight_id": Uuid::nil(), "seq": "3"}, "fault": "is wrong",
        });
        assert_eq!(serde_json::to_value(breach(3)).unwrap(), json);
    }

    #[test]
    fn differences_are_told_also_of_members_that_nobody_listed() {
        #[derive(Debug, PartialEq)]
        struct Row {
            listed: i32,
            other: i32,
        }
        let told = |a, b| differences!(&Row { listed: a, other: b }, &Row { listed: 1, other: 1 }; listed);
        assert_eq!(told(1, 1), "");
        assert_eq!(told(2, 1), "listed is 2 and not 1");
        assert!(told(1, 2).contains("other: 2"));
    }
}
