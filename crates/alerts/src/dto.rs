use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_accounts::Principal;
use loadmaster_kernel::{
    AirportCode, AlertId, Dimensions, FlightId, HandlingCode, Money, OrganizationId, Positions, UserId, Volume, Weight,
    words,
};
use loadmaster_platform::web::{
    Condition, Patch,
    bulk::{self, Ids},
    condition::{absent, all, among, any, given},
    freight::{self, NewDimensions},
    object, read, request, set, with,
};
use loadmaster_reference::Reference;
use loadmaster_shipment::MOST_HANDLING_CODES;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::model::{Alert, AlertKind, AlertStatus, Terms};

/// An alert of an organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Alert)]
pub struct AlertBody {
    pub id: AlertId,
    pub kind: AlertKind,
    pub status: AlertStatus,
    /// Airport of departure.
    pub origin: AirportCode,
    /// Airport of arrival.
    pub destination: AirportCode,
    /// First date of departure, local to the origin; null: always the next 30 days.
    #[schema(required = true)]
    pub date_from: Option<NaiveDate>,
    /// Last date of departure, local to the origin.
    #[schema(required = true)]
    pub date_to: Option<NaiveDate>,
    pub weight_kg: Weight,
    /// Null: by the weight, at 166.667 kg per m³.
    #[schema(required = true)]
    pub volume_m3: Option<Volume>,
    #[schema(required = true)]
    pub positions: Option<Positions>,
    /// The pieces of the freight, by size; null: not given, as for alerts on prices.
    #[schema(required = true)]
    pub dimensions: Option<Dimensions>,
    /// IATA special handling codes of the freight, such as `PER`.
    pub special_handling_codes: Vec<HandlingCode>,
    /// The price that was asked for.
    #[schema(required = true)]
    pub below: Option<Money>,
    /// The drop that was asked for, in percent of the price when the alert was made.
    #[schema(required = true)]
    pub drop_percent: Option<i32>,
    /// When it ends, if not before with its dates or its user.
    #[schema(required = true)]
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether it was true at the last check.
    pub is_met: bool,
    /// The highest price at which it is true; null for alerts on space, and for a drop while no price was found.
    #[schema(required = true)]
    pub threshold: Option<Money>,
    /// The best option of the last check: the cheapest, or for alerts on space the first. Null if nothing can be booked.
    #[schema(required = true)]
    pub current: Option<AlertOption>,
    /// How often it has become true since it was made.
    pub times_met: i32,
    /// The last time that it was judged.
    pub last_checked_at: DateTime<Utc>,
    /// The last time that its user was to be informed.
    #[schema(required = true)]
    pub last_notified_at: Option<DateTime<Utc>>,
    /// The organization that it belongs to.
    pub organization_id: OrganizationId,
    /// The user who created it, and who is informed.
    pub created_by: UserId,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// The best option that a check has found.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertOption {
    /// Local calendar date at the origin.
    pub departure_date: NaiveDate,
    /// What it costs your organization; null for alerts on space.
    #[schema(required = true)]
    pub price: Option<Money>,
    /// The flights, in order, as `flight_ids` of a hold or booking.
    #[schema(min_items = 1, max_items = 4)]
    pub option: Vec<FlightId>,
}

impl From<&Alert> for AlertBody {
    fn from(alert: &Alert) -> Self {
        let terms = &alert.terms;
        let current = alert.current.as_ref().map(|found| AlertOption {
            departure_date: found.departure_date,
            price: found.price,
            option: found.flight_ids.clone(),
        });
        Self {
            id: alert.id,
            kind: terms.kind,
            status: alert.status,
            origin: terms.origin,
            destination: terms.destination,
            date_from: terms.date_from,
            date_to: terms.date_to,
            weight_kg: terms.weight,
            volume_m3: terms.volume,
            positions: terms.positions,
            dimensions: terms.dimensions.clone(),
            special_handling_codes: terms.special_handling_codes.clone(),
            below: terms.below,
            drop_percent: terms.drop_percent,
            expires_at: terms.expires_at,
            is_met: alert.is_met,
            threshold: alert.threshold(),
            current,
            times_met: alert.times_met,
            last_checked_at: alert.last_checked_at.unwrap_or(alert.created_at),
            last_notified_at: alert.last_notified_at,
            organization_id: alert.organization_id,
            created_by: alert.created_by,
            version: alert.version,
            created_at: alert.created_at,
            updated_at: alert.updated_at,
        }
    }
}

request! {
    /// What to be informed of: a price that falls, or space for freight.
    pub struct CreateAlert in body(reference: &Reference) {
        kind: AlertKind = read::word(AlertKind::WORDS),
        /// Airport of departure.
        origin: AirportCode = |raw| reference.read_airport(raw),
        /// Airport of arrival, other than `origin`.
        destination: AirportCode = |raw| reference.read_destination(raw, origin),
        /// First date of departure, local to the origin. Without dates, always the next 30 days.
        date_from: Option<NaiveDate> = read::date,
        /// Last date of departure, at most 30 days after `date_from`, and not in the past.
        date_to: Option<NaiveDate> = |raw| read::last_date(raw, date_from, "date_from"),
        /// For `SPACE`: the pieces of the freight, by size. They may stand for `weight_kg` and `volume_m3`, and flights on which
        /// one does not fit do not count.
        dimensions: Option<NewDimensions> = with(freight::dimensions),
        /// Required unless each line of the dimensions has a weight.
        weight_kg: Inferred<Weight> = with(|fields| freight::needed_weight(fields, dimensions.as_ref())),
        /// Default: that of the dimensions, or by the weight, at 166.667 kg per m³.
        volume_m3: Option<Volume> = with(|fields| freight::volume(fields, dimensions.as_ref())),
        /// Number of whole ULD positions, of any type, on each flight.
        positions: Option<Positions> = read::positions,
        /// IATA special handling codes of the freight, such as `PER`.
        #[schema(max_items = 9)]
        special_handling_codes: Vec<HandlingCode> = set(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)),
        /// For `PRICE`, unless `drop_percent` is given: the highest total that you want to be informed of.
        below: Option<Money> = object(read::money),
        /// For `PRICE`, unless `below` is given: by how many percent the price must fall below that of now.
        #[schema(minimum = 5, maximum = 50)]
        drop_percent: Option<i32> = read::integer(5, 50),
        /// When the alert ends, if not before with its dates.
        expires_at: Option<DateTime<Utc>> = read::instant,
    }
}

impl CreateAlert {
    /// One target for prices, none for space; both dates or none.
    pub const NEEDS: Condition = Condition::of::<Self>(&["kind"], || {
        let for_space = all(&[among("kind", &json!(["SPACE"])), absent("below"), absent("drop_percent")]);
        let price = || among("kind", &json!(["PRICE"]));
        let by_amount = all(&[price(), given("below", "object"), absent("drop_percent")]);
        let by_drop = all(&[price(), given("drop_percent", "integer"), absent("below")]);
        let dates = any(&[
            all(&[absent("date_from"), absent("date_to")]),
            all(&[given("date_from", "string"), given("date_to", "string")]),
        ]);
        all(&[any(&[for_space, by_amount, by_drop]), dates])
    });
}

impl From<CreateAlert> for Terms {
    fn from(new: CreateAlert) -> Self {
        Self {
            kind: new.kind,
            origin: new.origin,
            destination: new.destination,
            date_from: new.date_from,
            date_to: new.date_to,
            weight: new.weight_kg,
            volume: new.volume_m3,
            positions: new.positions,
            dimensions: new.dimensions.map(NewDimensions::into_inner),
            special_handling_codes: new.special_handling_codes,
            below: new.below,
            drop_percent: new.drop_percent,
            expires_at: new.expires_at,
        }
    }
}

words! {
    /// What a user makes of an alert.
    pub enum WantedStatus {
        Active = "ACTIVE",
        Paused = "PAUSED",
    }
}

request! {
    /// Changes to an alert: a JSON merge patch (RFC 7396). Members that are left out remain unchanged; `null` clears a member.
    #[derive(Default)]
    pub struct ChangeAlert in patch(reference: &Reference) {
        /// `PAUSED`: it is not checked. `ACTIVE`: it is again.
        status: Option<WantedStatus> = read::word(WantedStatus::WORDS),
        /// Airport of departure.
        origin: Option<AirportCode> = |raw| reference.read_airport(raw),
        /// Airport of arrival, other than `origin`.
        destination: Option<AirportCode> = |raw| reference.read_destination(raw, origin),
        /// First date of departure, local to the origin.
        date_from: Patch<NaiveDate> = read::date,
        /// Last date of departure, at most 30 days after `date_from`, and not in the past.
        date_to: Patch<NaiveDate> = read::date,
        /// For `SPACE`: bring `volume_m3` and, if each line has one, `weight_kg` along. Other values of these must agree with them.
        /// `null`: none.
        dimensions: Patch<NewDimensions> = with(freight::dimensions),
        weight_kg: Option<Weight> = read::weight,
        /// `null`: by the weight, at 166.667 kg per m³.
        volume_m3: Patch<Volume> = read::volume,
        /// Number of whole ULD positions, of any type, on each flight.
        positions: Patch<Positions> = read::positions,
        /// IATA special handling codes of the freight, such as `PER`.
        #[schema(max_items = 9)]
        special_handling_codes: Patch<Vec<HandlingCode>> =
            set(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)),
        /// The highest total that you want to be informed of.
        below: Patch<Money> = object(read::money),
        /// By how many percent the price must fall below that of the next check.
        #[schema(minimum = 5, maximum = 50)]
        drop_percent: Patch<i32> = read::integer(5, 50),
        /// When the alert ends, if not before with its dates.
        expires_at: Patch<DateTime<Utc>> = read::instant,
    }
}

impl ChangeAlert {
    /// Returns the changed terms.
    pub fn applied(&self, before: &Terms) -> Terms {
        let codes = self.special_handling_codes.clone().or(Some(before.special_handling_codes.clone()));
        let (new, dimensions) = match &self.dimensions {
            Patch::Keep => (None, before.dimensions.clone()),
            Patch::Clear => (None, None),
            Patch::Set(new) => (Some(new), Some(new.clone().into_inner())),
        };
        let weight = self.weight_kg.or_else(|| new.and_then(|new| new.weight()));
        let volume = self.volume_m3.or(new.map(|new| new.volume()).or(before.volume));
        let volume = volume.or_else(|| dimensions.as_ref().map(Dimensions::volume));
        Terms {
            kind: before.kind,
            origin: self.origin.unwrap_or(before.origin),
            destination: self.destination.unwrap_or(before.destination),
            date_from: self.date_from.or(before.date_from),
            date_to: self.date_to.or(before.date_to),
            weight: weight.unwrap_or(before.weight),
            volume,
            positions: self.positions.or(before.positions),
            dimensions,
            special_handling_codes: codes.unwrap_or_default(),
            below: self.below.or(before.below),
            drop_percent: self.drop_percent.or(before.drop_percent),
            expires_at: self.expires_at.or(before.expires_at),
        }
    }
}

words! {
    /// An action on many alerts.
    pub enum BulkAlertAction {
        Pause = "pause",
        Resume = "resume",
        Delete = "delete",
    }
}

request! {
    /// An action on many alerts.
    pub struct BulkAlerts in body {
        action: BulkAlertAction = read::word(BulkAlertAction::WORDS),
        /// Ids of the objects that the request applies to.
        #[schema(value_type = Vec<AlertId>, min_items = 1, max_items = 200)]
        ids: Ids<AlertId> = bulk::ids(read::code),
    }
}

request! {
    /// Which alerts a list shows; filters combine with AND.
    #[derive(Default)]
    pub struct AlertFilter in query(caller: Principal) {
        /// Only those in this state.
        status: Option<AlertStatus> = read::word(AlertStatus::WORDS),
        /// Only those on prices, or on space.
        kind: Option<AlertKind> = read::word(AlertKind::WORDS),
        /// Only alerts of this organization: for callers below operators, only their own.
        #[param(value_type = Option<uuid::Uuid>)]
        organization_id: Option<OrganizationId> = with(|fields| caller.read_organization(fields)),
    }
}
