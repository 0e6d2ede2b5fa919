//! What a station shows.
use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::AirportCode;
use loadmaster_reference::Airport;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    acceptance::Acceptance,
    hours::StationHours,
    model::{Contact, Notice, Placed, StationCapability},
};

/// The airport of a station.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StationAirport<'a> {
    pub iata_code: AirportCode,
    /// Its name.
    #[schema(example = "Indira Gandhi International Airport")]
    pub name: &'a str,
    /// The name of the city.
    #[schema(example = "New Delhi")]
    pub city: &'a str,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "IN")]
    pub country_code: &'a str,
    /// IANA time zone of its hours and dates.
    #[schema(example = "Asia/Kolkata")]
    pub time_zone: &'static str,
}

impl<'a> From<&'a Airport> for StationAirport<'a> {
    fn from(airport: &'a Airport) -> Self {
        Self {
            iata_code: airport.code,
            name: &airport.name,
            city: &airport.city,
            country_code: &airport.country_code,
            time_zone: airport.time_zone.name(),
        }
    }
}

/// A text that is shown on some dates.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StationNotice<'a> {
    /// What it says, in plain text.
    pub text: &'a str,
    /// The first date on which it holds, local to the station.
    pub from: NaiveDate,
    /// The last date on which it holds, local to the station.
    pub to: NaiveDate,
    /// Whether it holds on the date of now at the station.
    pub is_current: bool,
}

/// What a station says about itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Station)]
pub(super) struct StationBody<'a> {
    pub airport: StationAirport<'a>,
    /// One sentence.
    #[schema(required = true)]
    pub summary: Option<&'a str>,
    /// Plain text, in paragraphs.
    #[schema(required = true)]
    pub text: Option<&'a str>,
    /// What it is good at, in a few words each.
    pub highlights: &'a [String],
    /// Codes of tags: `GET /station-tags`.
    pub tags: &'a [String],
    /// What it can do.
    pub capabilities: &'a [StationCapability],
    /// When desks are open, local to the station.
    pub hours: &'a [StationHours],
    /// By when freight must be delivered: of the rules that match it, the longest counts. It informs; what can be booked is decided
    /// by the cut-off of the flight.
    pub acceptance: &'a [Acceptance],
    /// What holds on some dates only.
    pub notices: Vec<StationNotice<'a>>,
    /// Whom to reach; null without an account.
    #[schema(required = true)]
    pub contacts: Option<&'a [Contact]>,
    /// The address of its image; null without one.
    #[schema(required = true, example = "/api/v1/stations/DEL/image")]
    pub image_url: Option<String>,
    /// Whether administrators feature it.
    pub is_featured: bool,
    /// Number that increases with each change; the `ETag` contains it. 0: nothing was written yet.
    pub version: i32,
    /// When it was last changed; null at version 0.
    #[schema(required = true)]
    pub updated_at: Option<DateTime<Utc>>,
}

impl<'a> StationBody<'a> {
    pub fn new(placed: &'a Placed, with_contacts: bool) -> Self {
        let Placed { airport, station, today, has_image } = placed;
        let content = &station.content;
        let notice = |notice: &'a Notice| StationNotice {
            text: &notice.text,
            from: notice.from,
            to: notice.to,
            is_current: (notice.from..=notice.to).contains(today),
        };
        Self {
            airport: StationAirport::from(&**airport),
            summary: content.summary.as_deref(),
            text: content.text.as_deref(),
            highlights: &content.highlights,
            tags: &content.tags,
            capabilities: &content.capabilities,
            hours: &content.hours,
            acceptance: &content.acceptance,
            notices: content.notices.iter().map(notice).collect(),
            contacts: with_contacts.then_some(content.contacts.as_slice()),
            image_url: has_image.then(|| format!("/api/v1/stations/{}/image", airport.code)),
            is_featured: station.is_featured,
            version: station.version,
            updated_at: (station.version > 0).then_some(station.updated_at),
        }
    }
}

/// A station in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StationEntry<'a> {
    pub airport: StationAirport<'a>,
    /// One sentence.
    #[schema(required = true)]
    pub summary: Option<&'a str>,
    /// What it is good at, in a few words each.
    pub highlights: &'a [String],
    /// Codes of tags: `GET /station-tags`.
    pub tags: &'a [String],
    /// What it can do.
    pub capabilities: &'a [StationCapability],
    /// Whether a notice holds on the date of now at the station.
    pub has_notice: bool,
    /// The address of its image; null without one.
    #[schema(required = true, example = "/api/v1/stations/DEL/image")]
    pub image_url: Option<String>,
    /// Whether administrators feature it.
    pub is_featured: bool,
    /// Number that increases with each change of the station.
    pub version: i32,
}

impl<'a> From<&'a Placed> for StationEntry<'a> {
    fn from(placed: &'a Placed) -> Self {
        let Placed { airport, station, today, has_image } = placed;
        let content = &station.content;
        Self {
            airport: StationAirport::from(&**airport),
            summary: content.summary.as_deref(),
            highlights: &content.highlights,
            tags: &content.tags,
            capabilities: &content.capabilities,
            has_notice: content.notices.iter().any(|notice| (notice.from..=notice.to).contains(today)),
            image_url: has_image.then(|| format!("/api/v1/stations/{}/image", airport.code)),
            is_featured: station.is_featured,
            version: station.version,
        }
    }
}
