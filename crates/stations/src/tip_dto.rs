//! Tips on the wire.
use chrono::{DateTime, Utc};
use loadmaster_kernel::{AirportCode, StationTipId, UserId};
use loadmaster_platform::web::{
    bulk::{Ids, ids},
    read, request,
};
use loadmaster_reference::Reference;
use serde::Serialize;
use utoipa::ToSchema;

use super::tip::{StationTipStatus, StationTipTopic, Tip, TipDecision, read_link, read_text};

request! {
    /// What a customer writes about a station.
    pub(super) struct CreateStationTip in body {
        topic: StationTipTopic = read::word(StationTipTopic::WORDS),
        /// Plain text without an address.
        #[schema(max_length = 500)]
        text: String = read_text,
        /// One address by https. It is never fetched.
        #[schema(max_length = 500, example = "https://www.example.com/page")]
        link: Option<String> = read_link,
    }
}

/// A tip that waits for a decision of the staff.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AcceptedTip {
    pub id: StationTipId,
    pub status: StationTipStatus,
}

/// A tip as anyone reads it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StationTip)]
pub(super) struct PublicTip<'a> {
    pub id: StationTipId,
    pub topic: StationTipTopic,
    /// Plain text.
    pub text: &'a str,
    /// An address by https; null: none.
    #[schema(required = true)]
    pub link: Option<&'a str>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

impl<'a> From<&'a Tip> for PublicTip<'a> {
    fn from(tip: &'a Tip) -> Self {
        let Tip { id, topic, created_at, .. } = *tip;
        Self { id, topic, text: &tip.text, link: tip.link.as_deref(), created_at }
    }
}

/// A tip as the carrier's staff sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModeratedTip)]
pub(super) struct TipBody<'a> {
    pub id: StationTipId,
    /// Airport of the station.
    pub station: AirportCode,
    pub topic: StationTipTopic,
    /// Plain text.
    pub text: &'a str,
    /// An address by https, as it was given: open it with care. Null: none.
    #[schema(required = true)]
    pub link: Option<&'a str>,
    pub status: StationTipStatus,
    /// Readers who reported it since it was approved last.
    pub reports: i32,
    /// Why it was approved or rejected.
    #[schema(required = true)]
    pub reason: Option<&'a str>,
    /// The user who wrote it.
    pub created_by: UserId,
    /// The user who decided last.
    #[schema(required = true)]
    pub moderated_by: Option<UserId>,
    /// When it was decided last.
    #[schema(required = true)]
    pub moderated_at: Option<DateTime<Utc>>,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

impl<'a> From<&'a Tip> for TipBody<'a> {
    fn from(tip: &'a Tip) -> Self {
        Self {
            id: tip.id,
            station: tip.station,
            topic: tip.topic,
            text: &tip.text,
            link: tip.link.as_deref(),
            status: tip.status,
            reports: tip.reports,
            reason: tip.reason.as_deref(),
            created_by: tip.created_by,
            moderated_by: tip.moderated_by,
            moderated_at: tip.moderated_at,
            version: tip.version,
            created_at: tip.created_at,
        }
    }
}

request! {
    /// A decision about a tip.
    pub(super) struct DecideTip in body {
        /// Why, for the staff.
        #[schema(max_length = 500)]
        reason: Option<String> = read::line(read::LINE),
    }
}

request! {
    /// A decision about many tips.
    pub(super) struct BulkTips in body {
        action: TipDecision = read::word(TipDecision::WORDS),
        /// Ids of the tips.
        #[schema(value_type = Vec<StationTipId>, min_items = 1, max_items = 200)]
        ids: Ids<StationTipId> = ids(read::code),
    }
}

request! {
    /// Which tips a list shows; filters combine with AND.
    pub(super) struct TipFilter in query(reference: &Reference) {
        /// Only those in this status.
        #[param(inline)]
        status: Option<StationTipStatus> = read::word(StationTipStatus::WORDS),
        /// Only tips about the station of this airport.
        #[param(value_type = Option<String>)]
        station: Option<AirportCode> = |raw| reference.read_airport(raw),
    }
}
