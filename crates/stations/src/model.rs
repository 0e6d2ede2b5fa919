//! What a station says.
use std::{fmt, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{AirlineCode, AirportCode, StationCollectionId, StationTagId, words};
use loadmaster_reference::Airport;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    acceptance::Acceptance,
    hours::{StationDesk, StationHours},
    picture::Measured,
};

/// The aggregate of this room's messages.
pub(super) const STATION: &str = "station";
/// Many of them, as in the address.
pub(super) const STATIONS: &str = "stations";

words! {
    /// What happened to a station.
    pub enum StationEventType {
        Changed = "CHANGED",
    }
}

impl StationEventType {
    /// The meaning of each of [`Self::NAMES`].
    pub const ABOUT: [&str; Self::NAMES.len()] = ["What stations say about themselves was changed."];
}

/// The data of a message: the rest is read at the addresses of the stations.
#[derive(Debug, Serialize, ToSchema)]
pub struct StationMessage {
    /// The airports of the stations; empty: any.
    pub codes: Vec<AirportCode>,
}

words! {
    /// What a station can do.
    pub enum StationCapability {
        CoolRoom = "COOL_ROOM",
        FreezerRoom = "FREEZER_ROOM",
        Pharmaceuticals = "PHARMACEUTICALS",
        LiveAnimals = "LIVE_ANIMALS",
        DangerousGoods = "DANGEROUS_GOODS",
        RadioactiveMaterial = "RADIOACTIVE_MATERIAL",
        Valuables = "VALUABLES",
        HumanRemains = "HUMAN_REMAINS",
        HeavyAndOversize = "HEAVY_AND_OVERSIZE",
        Screening = "SCREENING",
        BondedStore = "BONDED_STORE",
    }
}

/// A text that is shown on some dates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub text: String,
    /// Local dates of the station, inclusive.
    pub from: NaiveDate,
    pub to: NaiveDate,
}

/// Whom to reach at a desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = StationContact)]
pub struct Contact {
    pub desk: StationDesk,
    /// Name of a person or an office.
    #[schema(required = true)]
    pub name: Option<String>,
    /// In the form of ITU-T E.164.
    #[schema(required = true, example = "+4930555777")]
    pub phone: Option<String>,
    /// An e-mail address.
    #[schema(required = true)]
    pub email: Option<String>,
}

/// All that staff writes about a station.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    pub summary: Option<String>,
    pub text: Option<String>,
    pub highlights: Vec<String>,
    pub tags: Vec<String>,
    pub capabilities: Vec<StationCapability>,
    pub hours: Vec<StationHours>,
    pub acceptance: Vec<Acceptance>,
    pub notices: Vec<Notice>,
    pub contacts: Vec<Contact>,
}

/// A station as it is stored. One without content is version 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    pub code: AirportCode,
    pub content: Content,
    pub is_featured: bool,
    pub version: i32,
    pub updated_at: DateTime<Utc>,
}

impl Station {
    /// The station of an airport about which nothing was written.
    pub fn without_content(code: AirportCode) -> Self {
        let updated_at = DateTime::UNIX_EPOCH;
        Self { code, content: Content::default(), is_featured: false, version: 0, updated_at }
    }
}

/// A station with its airport.
#[derive(Debug, Clone)]
pub struct Placed {
    pub airport: Arc<Airport>,
    pub station: Station,
    /// The local date of the station.
    pub today: NaiveDate,
    pub has_image: bool,
}

impl Placed {
    /// Its entity tag: the version, and after a dash, where `If-Match` takes no notice of it, what changes without the version: the
    /// local date, the facts of the airport, and what this caller sees.
    pub fn tag(&self, with_contacts: bool) -> String {
        let Self { airport, station, today, has_image } = self;
        let (contacts, image) = (if with_contacts { "c" } else { "" }, if *has_image { "i" } else { "" });
        format!("{}-{}a{}{contacts}{image}", station.version, today.format("%Y%m%d"), airport.state.version)
    }
}

/// What a tag says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagTerms {
    pub code: String,
    pub name: String,
    pub color: String,
    pub order: i32,
    pub is_active: bool,
}

/// A tag as the book of record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    pub id: StationTagId,
    pub terms: TagTerms,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// What a collection says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionTerms {
    pub slug: String,
    pub name: String,
    pub text: Option<String>,
    pub stations: Vec<AirportCode>,
    pub order: i32,
    pub is_active: bool,
}

/// A collection as the book of record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    pub id: StationCollectionId,
    pub terms: CollectionTerms,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// What has an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pictured {
    Station(AirportCode),
    Airline(AirlineCode),
}

impl Pictured {
    /// What acts call it.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Station(_) => STATION,
            Self::Airline(_) => "airline",
        }
    }
}

impl fmt::Display for Pictured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Station(code) => write!(f, "station/{code}"),
            Self::Airline(code) => write!(f, "airline/{code}"),
        }
    }
}

/// An image of a kind and size that is taken.
#[derive(Debug, Clone)]
pub struct Image {
    pub measured: Measured,
    /// Of the bytes, in hexadecimal.
    pub digest: String,
    pub bytes: Vec<u8>,
}

/// By what images differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFacts {
    pub digest: String,
    pub version: i32,
}

impl ImageFacts {
    /// Its entity tag. The version alone would come again after a deletion.
    pub fn tag(&self) -> String {
        format!("{}-{}", self.version, self.digest)
    }
}
