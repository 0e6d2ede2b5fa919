use chrono::NaiveDate;
use loadmaster_accounts::{Principal, Role};
use loadmaster_kernel::{AirlineCode, AirportCode, Fault, FaultCode, OrganizationId, words};
use loadmaster_platform::web::{Fields, read, request, with};
use loadmaster_reference::Reference;
use loadmaster_shipment::read_product;

use crate::model::{LONGEST_SPAN, MOST_ROWS, Period, Scope, Span};

/// Groups of a report for which no limit is named.
const DEFAULT_GROUPS: u32 = 50;
/// Most groups of a report.
const MOST_GROUPS: u32 = 1000;
/// Most groups of transit times, whose percentiles are exact.
const MOST_LANES: u32 = 50;

words! {
    pub enum VolumeGroup {
        Lane = "lane",
        Product = "product",
        Airline = "airline",
        Organization = "organization",
        Channel = "channel",
    }
}

words! {
    pub enum FlightGroup {
        FlightNumber = "flight_number",
        Airline = "airline",
        Lane = "lane",
        Station = "station",
    }
}

words! {
    pub enum LaneGroup {
        Lane = "lane",
    }
}

words! {
    pub enum DemandGroup {
        Lane = "lane",
        WeightClass = "weight_class",
        Outcome = "outcome",
    }
}

words! {
    pub enum FunnelGroup {
        Lane = "lane",
        Product = "product",
        Channel = "channel",
    }
}

request! {
    /// The dates of a report.
    pub struct SpanParams in query(today: NaiveDate) {
        /// First local date. Default: 27 days before `to`.
        from: Option<NaiveDate> = read::date,
        /// Last local date, at most 399 days after `from`. Default: today (UTC).
        to: Option<NaiveDate> = with(|fields| read_end(fields, from, today)),
        /// What a row is about: a day, a week from Monday, or a month. Default: `day`. Only the dates of the span count, also in a
        /// week or month that is not wholly in it.
        #[param(inline)]
        by: Option<Period> = read::word(Period::WORDS),
    }
}

pub(super) fn read_end(fields: &mut Fields<'_>, from: Option<NaiveDate>, today: NaiveDate) -> Option<NaiveDate> {
    let fault_of = |to: Option<NaiveDate>| {
        let is_too_long = Span::of(from, to, today).days() > LONGEST_SPAN;
        let text = || format!("must be at most {} days after `from`", LONGEST_SPAN - 1);
        is_too_long.then(|| Fault::new(FaultCode::OutOfOrder, text()))
    };
    let mut is_given = false;
    let to = fields.optional("to", |raw| {
        is_given = true;
        let to = read::last_date(raw, from, "from")?;
        fault_of(Some(to)).map_or(Ok(to), Err)
    });
    if !is_given && let Some(fault) = fault_of(None) {
        fields.fault("to", &fault);
    }
    to
}

request! {
    /// What the rows of a report are grouped by.
    pub struct VolumeGroups in query(periods: i64) {
        /// Default: nothing. `airline` is that of the first flight; `channel` says where a booking comes from: `CONSOLE`, `API`,
        /// `API_KEY` or `GUEST`, null for earlier ones.
        #[param(inline)]
        group: Option<VolumeGroup> = read::word(VolumeGroup::WORDS),
        /// Number of groups with rows of their own, those with the most weight; the others are together in `other`. A report has at most
        /// 40 000 rows: more groups than have room mean those that have.
        #[param(minimum = 1, maximum = 1000, default = 50)]
        limit: Option<u32> = with(|fields| read_limit(fields, MOST_GROUPS, periods)),
    }
}

request! {
    /// What the rows of a report are grouped by.
    pub struct FlightGroups in query(periods: i64) {
        /// Default: nothing. `station` is that of departure.
        #[param(inline)]
        group: Option<FlightGroup> = read::word(FlightGroup::WORDS),
        /// Number of groups with rows of their own, those with the most flights; the others are together in `other`. A report has at most
        /// 40 000 rows: more groups than have room mean those that have.
        #[param(minimum = 1, maximum = 1000, default = 50)]
        limit: Option<u32> = with(|fields| read_limit(fields, MOST_GROUPS, periods)),
    }
}

request! {
    /// What the rows of a report are grouped by.
    pub struct LaneGroups in query(periods: i64) {
        /// Default: nothing.
        #[param(inline)]
        group: Option<LaneGroup> = read::word(LaneGroup::WORDS),
        /// Number of groups with rows of their own, those with the most shipments; the others are together in `other`.
        #[param(minimum = 1, maximum = 50, default = 50)]
        limit: Option<u32> = with(|fields| read_limit(fields, MOST_LANES, periods)),
    }
}

request! {
    /// What the rows of a report are grouped by.
    pub struct FunnelGroups in query(periods: i64) {
        /// Default: nothing. `channel` says where a step comes from: `CONSOLE`, `API`, `API_KEY`, `GUEST` or `ANONYMOUS`, null for
        /// earlier ones. Searches have no product: by `product` they are in rows without a key.
        #[param(inline)]
        group: Option<FunnelGroup> = read::word(FunnelGroup::WORDS),
        /// Number of groups with rows of their own, those with the most bookings; the others are together in `other`. A report has at most
        /// 40 000 rows: more groups than have room mean those that have.
        #[param(minimum = 1, maximum = 1000, default = 50)]
        limit: Option<u32> = with(|fields| read_limit(fields, MOST_GROUPS, periods)),
    }
}

request! {
    /// What the rows of a report are grouped by.
    pub struct DemandGroups in query(periods: i64) {
        /// Default: nothing. The lane `*` has searches of lanes that were not kept apart.
        #[param(inline)]
        group: Option<DemandGroup> = read::word(DemandGroup::WORDS),
        /// Number of groups with rows of their own, those with the most searches; the others are together in `other`. A report has at
        /// most 40 000 rows: more groups than have room mean those that have.
        #[param(minimum = 1, maximum = 1000, default = 50)]
        limit: Option<u32> = with(|fields| read_limit(fields, MOST_GROUPS, periods)),
    }
}

request! {
    /// Where; filters combine with AND.
    pub struct LaneParams in query(reference: &Reference) {
        /// Only searches from this airport.
        origin: Option<AirportCode> = |raw| reference.read_airport(raw),
        /// Only searches to this airport.
        destination: Option<AirportCode> = |raw| reference.read_airport(raw),
    }
}

/// More groups than have space in a report mean those that have: the others are together in `other`.
fn read_limit(fields: &mut Fields<'_>, most: u32, periods: i64) -> Option<u32> {
    let room = u32::try_from(MOST_ROWS / periods).unwrap_or(most);
    fields.optional("limit", read::integer(1, most)).map(|limit| limit.min(room))
}

request! {
    /// Where, and by whom it is flown; filters combine with AND.
    pub struct PlaceParams in query(reference: &Reference) {
        /// Only those from this airport.
        origin: Option<AirportCode> = |raw| reference.read_airport(raw),
        /// Only those to this airport.
        destination: Option<AirportCode> = |raw| reference.read_airport(raw),
        /// Airline designator; of freight, that of its first flight.
        airline: Option<AirlineCode> = |raw| reference.read_airline(raw),
    }
}

request! {
    /// Filters by product and organization; they combine with AND.
    pub struct FreightParams in query(caller: Principal) {
        /// That for which freight was booked; `GENERAL` if none was named.
        #[param(min_length = 1, max_length = 20, pattern = "^[A-Za-z0-9-]+$")]
        product: Option<String> = read_product,
        /// Only what belongs to this organization: for callers below operators, only their own.
        #[param(value_type = Option<uuid::Uuid>)]
        organization_id: Option<OrganizationId> = with(|fields| caller.read_organization(fields)),
    }
}

/// Declares the reader of the scope of a report: its groups, and its filters.
macro_rules! scope {
    ($read:ident: $groups:ident by $group:ident, $($filter:ident),+) => {
        pub fn $read(
            fields: &mut Fields<'_>,
            reference: &Reference,
            caller: Principal,
            today: NaiveDate,
        ) -> Option<Scope> {
            let mut scope = begin(fields, caller, today)?;
            let $groups { group, limit } = $groups::read(fields, scope.span.periods(scope.by))?;
            scope.group = group.map($group::as_str);
            scope.limit = i64::from(limit.unwrap_or(DEFAULT_GROUPS));
            $($filter(&mut scope, fields, reference, caller)?;)+
            Some(scope)
        }
    };
}

scope!(read_volume: VolumeGroups by VolumeGroup, read_places, read_freight);
scope!(read_flights: FlightGroups by FlightGroup, read_places);
scope!(read_transit: LaneGroups by LaneGroup, read_places, read_freight);
scope!(read_demand: DemandGroups by DemandGroup, read_lane);
scope!(read_funnel: FunnelGroups by FunnelGroup, read_places, read_freight);

/// The scope of a report without groups or filters.
pub fn read_daily(fields: &mut Fields<'_>, _: &Reference, caller: Principal, today: NaiveDate) -> Option<Scope> {
    begin(fields, caller, today)
}

/// The scope of a report of everything on its dates.
fn begin(fields: &mut Fields<'_>, caller: Principal, today: NaiveDate) -> Option<Scope> {
    let SpanParams { from, to, by } = SpanParams::read(fields, today)?;
    Some(Scope {
        span: Span::of(from, to, today),
        by: by.unwrap_or(Period::Day),
        group: None,
        limit: i64::from(DEFAULT_GROUPS),
        origin: None,
        destination: None,
        airline: None,
        product: None,
        organization: None,
        is_whole: caller.role >= Role::Operator,
    })
}

fn read_places(scope: &mut Scope, fields: &mut Fields<'_>, reference: &Reference, _: Principal) -> Option<()> {
    let PlaceParams { origin, destination, airline } = PlaceParams::read(fields, reference)?;
    (scope.origin, scope.destination, scope.airline) = (origin, destination, airline);
    Some(())
}

fn read_freight(scope: &mut Scope, fields: &mut Fields<'_>, _: &Reference, caller: Principal) -> Option<()> {
    let FreightParams { product, organization_id } = FreightParams::read(fields, caller)?;
    (scope.product, scope.organization) = (product, organization_id);
    Some(())
}

fn read_lane(scope: &mut Scope, fields: &mut Fields<'_>, reference: &Reference, _: Principal) -> Option<()> {
    let LaneParams { origin, destination } = LaneParams::read(fields, reference)?;
    (scope.origin, scope.destination) = (origin, destination);
    Some(())
}
