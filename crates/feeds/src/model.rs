mod judge;
mod message;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::{AirlineCode, Fault, FaultCode, FeedId, FeedRunId, UserId, words};

pub use judge::{Bounds, Reason, fewer, reasons};
pub use message::{ABOUT, FeedEventType, FeedMessage, message};

/// Kind of a feed in messages and in the audit trail.
pub const FEED: &str = "feed";
/// Most feeds of an installation.
pub const MOST_FEEDS: i64 = 200;
/// Failures in a row after which a feed is failing.
pub const FAILING_AFTER: i32 = 5;
/// Attempts after which a run that ends processes is given up.
pub const MOST_ATTEMPTS: i32 = 3;
/// Interval between two looks at a folder.
const LOOK_AT_FOLDER: TimeDelta = TimeDelta::seconds(30);
/// The first pause after a failure, which each further one doubles, and the longest.
const PAUSES: (TimeDelta, TimeDelta) = (TimeDelta::minutes(5), TimeDelta::hours(6));

words! {
    /// What the file of a feed has.
    pub enum FeedKind {
        /// Dated flights, as `POST /flights/import` takes them.
        Flights = "FLIGHTS",
        /// Recurring flights, as `loadmaster schedules import` takes them.
        Season = "SEASON",
        /// Tariffs, as `POST /tariffs/import` takes them.
        Tariffs = "TARIFFS",
        /// Rates for comparison, which rate nothing.
        ReferenceRates = "REFERENCE_RATES",
    }
}

words! {
    /// The form of a file.
    pub enum FeedFormat {
        Csv = "CSV",
        Xlsx = "XLSX",
        /// SSIM, chapter 7; of `SEASON`.
        Ssim = "SSIM",
    }
}

words! {
    /// Whether a run applies what it finds.
    pub enum FeedApply {
        /// Unless there is something for a person to decide.
        Auto = "AUTO",
        /// Never: a person decides.
        Review = "REVIEW",
    }
}

words! {
    /// The status of a feed.
    pub enum FeedStatus {
        Active = "ACTIVE",
        /// It runs only when a person starts a run.
        Paused = "PAUSED",
        /// Its last five runs have failed; they are repeated.
        Failing = "FAILING",
    }
}

words! {
    /// What starts a run.
    pub enum RunTrigger {
        Schedule = "SCHEDULE",
        /// A person, who has the file fetched.
        Person = "PERSON",
        /// A person, who gives the file.
        File = "FILE",
    }
}

words! {
    /// The status of a run.
    pub enum RunStatus {
        Running = "RUNNING",
        /// The file changes nothing.
        Unchanged = "UNCHANGED",
        /// It waits for a person, who applies or rejects it.
        Review = "REVIEW",
        Applied = "APPLIED",
        /// By a person, or by a later file.
        Rejected = "REJECTED",
        /// Nothing was changed.
        Failed = "FAILED",
    }
}

/// What an administrator decides of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub name: String,
    pub kind: FeedKind,
    pub format: FeedFormat,
    pub url: Option<String>,
    pub folder: Option<String>,
    pub airline_codes: Vec<AirlineCode>,
    /// The names of columns, by the names that its files have for them.
    pub columns: BTreeMap<String, String>,
    pub every_minutes: i32,
    pub apply: FeedApply,
    pub cancels_absent: bool,
}

impl Terms {
    /// Returns the members that contradict each other, each with its fault.
    pub fn faults(&self) -> Vec<(&'static str, Fault)> {
        let not_allowed = |text: &'static str| Fault::new(FaultCode::NotAllowed, text);
        let mut faults = Vec::new();
        if self.format == FeedFormat::Ssim && self.kind != FeedKind::Season {
            faults.push(("/format", not_allowed("is SSIM, which only feeds of the kind SEASON have")));
        }
        if self.format == FeedFormat::Ssim && !self.columns.is_empty() {
            faults.push(("/columns", not_allowed("is of tables: SSIM has no names of columns")));
        }
        if self.url.is_some() && self.folder.is_some() {
            faults.push(("/folder", not_allowed("must not be given together with `url`")));
        }
        let is_of_airlines = self.kind != FeedKind::ReferenceRates;
        if is_of_airlines && self.airline_codes.is_empty() {
            faults.push(("/airline_codes", Fault::new(FaultCode::Required, "must name at least one airline")));
        }
        if !is_of_airlines && !self.airline_codes.is_empty() {
            faults.push(("/airline_codes", not_allowed("must be empty: reference rates are of no airline")));
        }
        if self.cancels_absent && !self.kind.is_schedule() {
            faults.push(("/cancels_absent", not_allowed("is of feeds of flights and seasons")));
        }
        faults
    }
}

impl FeedKind {
    /// Returns whether it gives flights.
    pub const fn is_schedule(self) -> bool {
        matches!(self, Self::Flights | Self::Season)
    }
}

/// A feed as the book of record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    pub id: FeedId,
    pub terms: Terms,
    /// Names and values of the headers of its requests, encrypted.
    pub headers: Option<Vec<u8>>,
    pub header_names: Vec<String>,
    pub status: FeedStatus,
    pub failures: i32,
    pub etag: Option<String>,
    pub last_success_at: Option<DateTime<Utc>>,
    pub due_at: Option<DateTime<Utc>>,
    /// The run that waits for a person, as of when the feed was read.
    pub waiting_run: Option<FeedRunId>,
    pub changed_by: UserId,
    pub event_sequence: i32,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Feed {
    /// Returns when its next run by schedule is due, of which the last one has ended well or never began.
    pub fn next_run(&self, now: DateTime<Utc>, is_first: bool) -> Option<DateTime<Utc>> {
        let is_looked_at = self.status != FeedStatus::Paused;
        match (&self.terms.url, &self.terms.folder) {
            (Some(_), _) if is_looked_at && is_first => Some(now),
            (Some(_), _) if is_looked_at => Some(now + TimeDelta::minutes(self.terms.every_minutes.into())),
            (_, Some(_)) if is_looked_at => Some(now + LOOK_AT_FOLDER),
            _ => None,
        }
    }

    /// Takes in a run that has ended well: the file could be read and compared, whatever becomes of it.
    pub fn succeeded(&mut self, etag: Option<String>, now: DateTime<Utc>) {
        self.failures = 0;
        if self.status == FeedStatus::Failing {
            self.status = FeedStatus::Active;
        }
        self.last_success_at = Some(now);
        self.etag = etag;
        self.due_at = self.next_run(now, false);
    }

    /// Takes in a run that has failed. `wish` is the pause that the source asks for; `has_file`: a file was read. Returns whether
    /// the feed is failing from now on.
    pub fn failed(&mut self, wish: Option<TimeDelta>, has_file: bool, now: DateTime<Utc>) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.etag = None;
        let is_new = self.failures >= FAILING_AFTER && self.status == FeedStatus::Active;
        if is_new {
            self.status = FeedStatus::Failing;
        }
        let pause = pause_after(self.failures).max(wish.unwrap_or_default().min(PAUSES.1));
        // The next file of a folder does not wait for a faulty one, which is moved away.
        let is_source = self.terms.url.is_some() || (self.terms.folder.is_some() && !has_file);
        let is_repeated = self.status != FeedStatus::Paused && is_source;
        self.due_at = if is_repeated { Some(now + pause) } else { self.next_run(now, false) };
        is_new
    }

    /// Forgets failures, and what is known of the last file.
    pub fn reset(&mut self, now: DateTime<Utc>) {
        self.failures = 0;
        self.etag = None;
        if self.status == FeedStatus::Failing {
            self.status = FeedStatus::Active;
        }
        self.due_at = self.next_run(now, true);
    }
}

/// Returns the pause after this many failures in a row.
pub fn pause_after(failures: i32) -> TimeDelta {
    let doublings = u32::try_from(failures - 1).unwrap_or_default().min(10);
    (PAUSES.0 * 2_i32.pow(doublings)).min(PAUSES.1)
}

/// What a run does, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub kept: i64,
    pub absent: i64,
    pub refused: i64,
    pub cancelled: i64,
    pub faults: i64,
    /// Legs of SSIM that state another offset from UTC than their airport has.
    pub other_offsets: i64,
}

/// A run of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub id: FeedRunId,
    pub feed: FeedId,
    pub trigger: RunTrigger,
    pub status: RunStatus,
    pub is_approved: bool,
    pub actor: Option<UserId>,
    pub attempts: i32,
    pub file_name: Option<String>,
    pub bytes: Option<i64>,
    pub sha256: Option<Vec<u8>>,
    pub etag: Option<String>,
    /// What it was shown to do, while it waits and once it is approved.
    pub digest: Option<Vec<u8>>,
    pub counts: Counts,
    /// Rows of the file, of SSIM legs, of dated flights those that leave after its start; `None` if none could be read.
    pub file_rows: Option<i64>,
    /// What it found is applied, and only its end is still to be written.
    pub is_applied: bool,
    pub because: Option<String>,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl Run {
    /// Returns whether its file is kept from its start on, and is not read from the source.
    pub fn has_own_file(&self) -> bool {
        self.is_approved || self.trigger == RunTrigger::File
    }

    pub fn begun(id: FeedRunId, feed: FeedId, trigger: RunTrigger, actor: Option<UserId>, now: DateTime<Utc>) -> Self {
        Self {
            id,
            feed,
            trigger,
            status: RunStatus::Running,
            is_approved: false,
            actor,
            attempts: 0,
            file_name: None,
            bytes: None,
            sha256: None,
            etag: None,
            digest: None,
            counts: Counts::default(),
            file_rows: None,
            is_applied: false,
            because: None,
            started_at: now,
            ended_at: None,
        }
    }
}

/// A fault of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFault {
    pub row: Option<i64>,
    pub column: Option<String>,
    pub code: String,
    pub message: String,
}

#[cfg(test)]
mod tests;
