pub mod run;

use std::{
    collections::BTreeMap,
    path::{Component, Path},
};

use chrono::{DateTime, Utc};
use hyper::header::HeaderName;
use loadmaster_kernel::{AirlineCode, Fault, FaultCode, FeedId, FeedRunId, UserId, words};
use loadmaster_platform::{
    outbound::Rules,
    web::{Raw, objects, read, request, set},
};
use loadmaster_reference::Reference;
use serde::Serialize;
use utoipa::ToSchema;

pub use run::{DifferenceFilter, RunFilter};

use super::model::{Feed, FeedApply, FeedFormat, FeedKind, FeedStatus, Terms};

const MOST_AIRLINES: usize = 100;
const MOST_HEADERS: usize = 10;
const MOST_COLUMNS: usize = 50;
const LONGEST_NAME: usize = 100;
const LONGEST_FOLDER: usize = 200;
const LONGEST_VALUE: usize = 4000;
/// Minutes between two runs, and the default.
const EVERY: (i32, i32, i32) = (15, 10_080, 60);
/// Headers that a request has by itself.
const OWN_HEADERS: [&str; 12] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "if-modified-since",
    "if-none-match",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What requests are read by.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    pub reference: &'a Reference,
    pub rules: &'a Rules,
    /// The installation has a folder for feeds.
    pub has_folder: bool,
}

impl Reading<'_> {
    fn url(&self, raw: Raw<'_>) -> Result<String, Fault> {
        let text = read::line(read::LINE)(raw)?.trim().to_owned();
        self.rules.judge(&text, true)?;
        Ok(text)
    }

    /// Reads a path below the folder of the installation, which leads to no place outside.
    fn folder(&self, raw: Raw<'_>) -> Result<String, Fault> {
        let text = read::line(LONGEST_FOLDER)(raw)?.trim().to_owned();
        if !self.has_folder {
            return Err(Fault::new(FaultCode::NotAllowed, "is not possible here: `feeds.folder` is not set"));
        }
        let is_plain =
            |part: Component<'_>| matches!(part, Component::Normal(name) if !name.to_string_lossy().starts_with('.'));
        let is_inside = !text.is_empty() && Path::new(&text).components().all(is_plain);
        if is_inside {
            Ok(text)
        } else {
            Err(Fault::format("must be a path below `feeds.folder`, such as airline/season"))
        }
    }
}

fn read_header_name(raw: Raw<'_>) -> Result<String, Fault> {
    let text = read::line(LONGEST_NAME)(raw)?.trim().to_ascii_lowercase();
    if OWN_HEADERS.contains(&text.as_str()) {
        return Err(Fault::new(FaultCode::NotAllowed, "is a header that each request has by itself"));
    }
    HeaderName::try_from(text.as_str()).map_err(|_| Fault::format("must be the name of a header"))?;
    Ok(text)
}

fn read_header_value(raw: Raw<'_>) -> Result<String, Fault> {
    let text = read::line(LONGEST_VALUE)(raw)?.trim().to_owned();
    if text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        Ok(text)
    } else {
        Err(Fault::format("must be the value of a header, in visible ASCII"))
    }
}

/// A feed: where its files come from, and how that goes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Feed)]
pub struct FeedBody {
    pub id: FeedId,
    /// What it is called.
    pub name: String,
    pub kind: FeedKind,
    pub format: FeedFormat,
    /// Where the file is fetched; null: nowhere.
    #[schema(required = true)]
    pub url: Option<String>,
    /// The names of the headers of its requests; their values are not shown.
    pub header_names: Vec<String>,
    /// Where files are put, below the setting `feeds.folder`; null: nowhere.
    #[schema(required = true)]
    pub folder: Option<String>,
    /// The airlines whose flights and tariffs the file may have.
    pub airline_codes: Vec<AirlineCode>,
    /// Names that the header of the file has for columns.
    pub columns: Vec<FeedColumn>,
    /// Minutes between two runs.
    pub every_minutes: i32,
    pub apply: FeedApply,
    /// Whether flights of the feed that its file does not give are cancelled, if they have neither bookings nor holds.
    pub cancels_absent: bool,
    pub status: FeedStatus,
    /// Runs in a row that have failed.
    pub failures: i32,
    /// The end of the last run that did not fail; null if there was none.
    #[schema(required = true)]
    pub last_success_at: Option<DateTime<Utc>>,
    /// When it runs next by itself, or its folder is looked at; null: only by hand.
    #[schema(required = true)]
    pub next_run_at: Option<DateTime<Utc>>,
    /// The run that waits for a person, who applies or rejects it; null: none does.
    #[schema(required = true)]
    pub waiting_run_id: Option<FeedRunId>,
    /// The administrator who has changed it last, on whose behalf its own runs apply what they find.
    pub changed_by: UserId,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<&Feed> for FeedBody {
    fn from(feed: &Feed) -> Self {
        let terms = feed.terms.clone();
        Self {
            id: feed.id,
            name: terms.name,
            kind: terms.kind,
            format: terms.format,
            url: terms.url,
            header_names: feed.header_names.clone(),
            folder: terms.folder,
            airline_codes: terms.airline_codes,
            columns: terms.columns.into_iter().map(|(given, column)| FeedColumn { given, column }).collect(),
            every_minutes: terms.every_minutes,
            apply: terms.apply,
            cancels_absent: terms.cancels_absent,
            status: feed.status,
            failures: feed.failures,
            last_success_at: feed.last_success_at,
            next_run_at: feed.due_at,
            waiting_run_id: feed.waiting_run,
            changed_by: feed.changed_by,
            version: feed.version,
            created_at: feed.created_at,
            updated_at: feed.updated_at,
        }
    }
}

request! {
    /// A header of the requests of a feed, such as one that authenticates.
    #[derive(PartialEq, Eq)]
    pub struct FeedHeader in body {
        /// Such as `Authorization`.
        #[schema(max_length = 100, example = "Authorization")]
        name: String = read_header_name,
        /// Kept encrypted, and never shown.
        #[schema(max_length = 4000)]
        value: String = read_header_value,
    }
}

request! {
    /// A column whose name in the file is another one than that of the import.
    #[derive(PartialEq, Eq, Serialize)]
    pub struct FeedColumn in body {
        /// In the header of the file.
        #[schema(max_length = 100, example = "Flt No")]
        given: String = read::line(LONGEST_NAME),
        /// In the header of the import.
        #[schema(max_length = 100, example = "flight_number")]
        column: String = read::line(LONGEST_NAME),
    }
}

/// Returns the names of columns by those of the file, of which the last one counts.
fn by_given(columns: &[FeedColumn]) -> BTreeMap<String, String> {
    let named = |column: &FeedColumn| (column.given.trim().to_owned(), column.column.trim().to_owned());
    columns.iter().map(named).collect()
}

request! {
    /// A feed to create. `url` or `folder` may be given; without both, it runs by files that are sent to `POST /feeds/{id}/runs`.
    pub struct CreateFeed in body(reading: Reading<'_>) {
        /// What it is called.
        #[schema(max_length = 100, example = "Season of Air India")]
        name: String = read::line(LONGEST_NAME),
        kind: FeedKind = read::word(FeedKind::WORDS),
        format: FeedFormat = read::word(FeedFormat::WORDS),
        /// Fetched by `GET`, without following redirects: it begins with `https://`, or leads to one of
        /// `webhooks.trusted_networks`.
        #[schema(max_length = 500, example = "https://files.example.com/season.ssim.gz")]
        url: Option<String> = |raw| reading.url(raw),
        /// Headers of these requests.
        #[schema(max_items = 10)]
        headers: Vec<FeedHeader> = objects(MOST_HEADERS, FeedHeader::read),
        /// A path below the setting `feeds.folder`.
        #[schema(max_length = 200, example = "ai/season")]
        folder: Option<String> = |raw| reading.folder(raw),
        /// Required but for `REFERENCE_RATES`. One feed for each airline and kind.
        #[schema(max_items = 100)]
        airline_codes: Vec<AirlineCode> = set(MOST_AIRLINES, |raw| reading.reference.read_airline(raw)),
        /// Names that the header of the file has for columns; not of SSIM.
        #[schema(max_items = 50)]
        columns: Vec<FeedColumn> = objects(MOST_COLUMNS, FeedColumn::read),
        /// Minutes between two runs.
        #[schema(default = 60, minimum = 15, maximum = 10_080)]
        every_minutes: Option<i32> = read::integer(EVERY.0, EVERY.1),
        /// Default: `REVIEW`.
        apply: Option<FeedApply> = read::word(FeedApply::WORDS),
        /// Default: false.
        cancels_absent: Option<bool> = read::boolean,
    }
}

impl CreateFeed {
    /// Returns what it asks for, and the headers of its requests.
    pub fn terms(self) -> (Terms, Vec<FeedHeader>) {
        let terms = Terms {
            name: self.name,
            kind: self.kind,
            format: self.format,
            url: self.url,
            folder: self.folder,
            airline_codes: self.airline_codes,
            columns: by_given(&self.columns),
            every_minutes: self.every_minutes.unwrap_or(EVERY.2),
            apply: self.apply.unwrap_or(FeedApply::Review),
            cancels_absent: self.cancels_absent.unwrap_or_default(),
        };
        (terms, self.headers)
    }
}

words! {
    /// What an administrator makes of a feed.
    pub enum WantedFeedStatus {
        Active = "ACTIVE",
        Paused = "PAUSED",
    }
}

request! {
    /// Changes to a feed: a JSON merge patch (RFC 7396). Members that are left out remain unchanged; `null` clears a member.
    #[derive(Default)]
    pub struct ChangeFeed in patch(reading: Reading<'_>) {
        /// What it is called.
        #[schema(max_length = 100)]
        name: Option<String> = read::line(LONGEST_NAME),
        format: Option<FeedFormat> = read::word(FeedFormat::WORDS),
        /// Where the file is fetched. Another address needs its headers again: they are not sent elsewhere.
        #[schema(max_length = 500)]
        url: Patch<String> = |raw| reading.url(raw),
        /// Headers of the requests, in place of those before.
        #[schema(max_items = 10)]
        headers: Patch<Vec<FeedHeader>> = objects(MOST_HEADERS, FeedHeader::read),
        /// A path below the setting `feeds.folder`.
        #[schema(max_length = 200)]
        folder: Patch<String> = |raw| reading.folder(raw),
        /// The airlines whose flights and tariffs the file may have.
        #[schema(max_items = 100)]
        airline_codes: Option<Vec<AirlineCode>> = set(MOST_AIRLINES, |raw| reading.reference.read_airline(raw)),
        /// Names that the header of the file has for columns, in place of those before.
        #[schema(max_items = 50)]
        columns: Option<Vec<FeedColumn>> = objects(MOST_COLUMNS, FeedColumn::read),
        /// Minutes between two runs.
        #[schema(minimum = 15, maximum = 10_080)]
        every_minutes: Option<i32> = read::integer(EVERY.0, EVERY.1),
        apply: Option<FeedApply> = read::word(FeedApply::WORDS),
        /// Whether flights of the feed that its file does not give are cancelled, if they have neither bookings nor holds.
        cancels_absent: Option<bool> = read::boolean,
        /// `PAUSED`: it runs only by hand. `ACTIVE`: it runs by itself again, soon.
        status: Option<WantedFeedStatus> = read::word(WantedFeedStatus::WORDS),
    }
}

impl ChangeFeed {
    /// Returns the changed terms.
    pub fn applied(&self, before: &Terms) -> Terms {
        Terms {
            name: self.name.clone().unwrap_or_else(|| before.name.clone()),
            kind: before.kind,
            format: self.format.unwrap_or(before.format),
            url: self.url.clone().or(before.url.clone()),
            folder: self.folder.clone().or(before.folder.clone()),
            airline_codes: self.airline_codes.clone().unwrap_or_else(|| before.airline_codes.clone()),
            columns: self.columns.as_deref().map_or_else(|| before.columns.clone(), by_given),
            every_minutes: self.every_minutes.unwrap_or(before.every_minutes),
            apply: self.apply.unwrap_or(before.apply),
            cancels_absent: self.cancels_absent.unwrap_or(before.cancels_absent),
        }
    }
}

request! {
    /// Which feeds a list shows; filters combine with AND.
    #[derive(Copy, Default)]
    pub struct FeedFilter in query {
        /// Only those in this state.
        status: Option<FeedStatus> = read::word(FeedStatus::WORDS),
        /// Only those of this kind.
        kind: Option<FeedKind> = read::word(FeedKind::WORDS),
    }
}
