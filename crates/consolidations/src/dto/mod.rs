//! What is shown of consolidations. Another organization's house numbers, descriptions and parties never leave the model
//! here, but to the owner and the carrier's staff.
mod manifest;
mod request;
mod split;

use chrono::{DateTime, Utc};
use loadmaster_accounts::Principal;
use loadmaster_kernel::{
    AirportCode, BookingRef, ConsolidationId, ConsolidationMemberId, ConsolidationPartId, Dimensions, HandlingCode,
    HoldId, OrganizationId, Pieces, Positions, UserId, Volume, Weight,
};
use loadmaster_platform::web::ProblemBody;
use loadmaster_shipment::Party;
use serde::Serialize;
use utoipa::ToSchema;

pub(super) use manifest::ManifestBody;
pub(super) use request::{
    AddPart, BookMasters, ChangeConsolidation, ChangePart, ConsolidationFilter, CreateConsolidation, HoldMasters,
    InviteMember, JoinAnswer, JoinConsolidation, MasterWay, SearchMasters, WayFlights, same_as_destination,
};
pub(super) use split::SplitBody;

use super::model::{
    ConsolidationChange, ConsolidationEvent, ConsolidationEventType, ConsolidationStatus, Listed, Master, MasterStatus,
    Member, MemberRole, MemberStatus, Part, PartStatus, Whole,
};

/// A consolidation with its members, parts and masters.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Consolidation)]
pub(super) struct ConsolidationBody {
    pub id: ConsolidationId,
    /// Its name, in the owner's words.
    pub name: String,
    pub status: ConsolidationStatus,
    /// The airport where all parts go.
    pub destination: AirportCode,
    /// When all parts should have arrived.
    #[schema(required = true)]
    pub latest_arrival: Option<DateTime<Utc>>,
    /// The owner, those that have accepted or declined, and open invitations.
    #[schema(max_items = 40)]
    pub members: Vec<MemberBody>,
    /// The house shipments, oldest first.
    #[schema(max_items = 200)]
    pub parts: Vec<PartBody>,
    /// The hold or booking of each origin.
    pub masters: Vec<MasterBody>,
    /// The owner.
    pub organization_id: OrganizationId,
    /// The user who created it; null once that person is erased.
    #[schema(required = true)]
    pub created_by: Option<UserId>,
    /// Number that increases with each change; the `ETag` begins with it.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl ConsolidationBody {
    /// Describes what this caller may read of it.
    pub fn new(whole: &Whole, caller: Principal) -> Self {
        let one = &whole.consolidation;
        let sees_all = whole.is_owner(caller.organization_id) || caller.sees_only().is_none();
        Self {
            id: one.id,
            name: one.terms.name.clone(),
            status: whole.status(),
            destination: one.terms.destination,
            latest_arrival: one.terms.latest_arrival,
            members: whole.members.iter().map(|member| MemberBody::new(member, sees_all)).collect(),
            parts: whole.parts.iter().map(|part| PartBody::new(part, whole.shows_all_of(part, caller))).collect(),
            masters: whole.masters.iter().map(|master| MasterBody::new(master, whole.differs(master))).collect(),
            organization_id: one.organization_id,
            created_by: one.created_by,
            version: one.version,
            created_at: one.created_at,
            updated_at: one.updated_at,
        }
    }
}

/// A member of a consolidation, or an invitation to it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConsolidationMember)]
pub(super) struct MemberBody {
    pub id: ConsolidationMemberId,
    /// Null until the invitation is answered.
    #[schema(required = true)]
    pub organization_id: Option<OrganizationId>,
    /// The name of the organization; null until the invitation is answered.
    #[schema(required = true)]
    pub name: Option<String>,
    /// The address of an open invitation: for the owner and the carrier's staff.
    #[schema(required = true)]
    pub email: Option<String>,
    /// Where its parts start, if the invitation says so.
    #[schema(required = true)]
    pub origin: Option<AirportCode>,
    pub role: MemberRole,
    pub status: MemberStatus,
    /// When an open invitation ends.
    #[schema(required = true)]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was invited last.
    pub invited_at: DateTime<Utc>,
}

impl MemberBody {
    pub fn new(member: &Member, sees_all: bool) -> Self {
        let open = member.invitation.as_ref();
        Self {
            id: member.id,
            organization_id: member.organization_id,
            name: member.name.clone(),
            email: open.filter(|_| sees_all).map(|open| open.email.clone()),
            origin: member.origin,
            role: member.role,
            status: member.status,
            expires_at: open.map(|open| open.expires_at),
            invited_at: member.invited_at,
        }
    }
}

/// A house shipment of a consolidation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConsolidationPart)]
pub(super) struct PartBody {
    pub id: ConsolidationPartId,
    /// The organization that it belongs to.
    pub organization_id: OrganizationId,
    pub status: PartStatus,
    pub origin: AirportCode,
    pub pieces: Pieces,
    pub weight_kg: Weight,
    pub volume_m3: Volume,
    /// The larger of gross weight and volume / 6000 cm³ per kg, rounded up to the next 0.5 kg.
    pub chargeable_weight_kg: Weight,
    /// Its pieces, by size; null: not given.
    #[schema(required = true)]
    pub dimensions: Option<Dimensions>,
    /// Number of whole ULD positions on each flight.
    pub positions: Positions,
    /// IATA special handling codes of the freight, such as `PER`.
    pub special_handling_codes: Vec<HandlingCode>,
    /// When it is ready to be handed over.
    #[schema(required = true)]
    pub ready_at: Option<DateTime<Utc>>,
    /// The number of the house air waybill. Null for other members, as are the members that follow.
    #[schema(required = true)]
    pub house_number: Option<String>,
    /// What the freight is, in your own words.
    #[schema(required = true)]
    pub description: Option<String>,
    #[schema(required = true)]
    pub shipper: Option<Party>,
    #[schema(required = true)]
    pub consignee: Option<Party>,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl PartBody {
    /// `shows_all`: with its house number, description and parties.
    pub fn new(part: &Part, shows_all: bool) -> Self {
        let content = &part.content;
        let space = content.load.space;
        Self {
            id: part.id,
            organization_id: part.organization_id,
            status: part.status,
            origin: content.origin,
            pieces: content.pieces,
            weight_kg: space.weight,
            volume_m3: space.volume,
            chargeable_weight_kg: space.weight.chargeable(space.volume),
            dimensions: content.dimensions.clone(),
            positions: space.positions,
            special_handling_codes: content.special_handling_codes.clone(),
            ready_at: content.ready_at,
            house_number: content.house_number.clone().filter(|_| shows_all),
            description: content.description.clone().filter(|_| shows_all),
            shipper: content.shipper.clone().filter(|_| shows_all),
            consignee: content.consignee.clone().filter(|_| shows_all),
            version: part.version,
            created_at: part.created_at,
            updated_at: part.updated_at,
        }
    }
}

/// The hold or booking of an origin, as it is now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConsolidationMaster)]
pub(super) struct MasterBody {
    pub origin: AirportCode,
    /// The hold, or the one that the booking was made of.
    pub hold_id: HoldId,
    #[schema(required = true)]
    pub booking_ref: Option<BookingRef>,
    pub status: MasterStatus,
    #[schema(required = true)]
    pub pieces: Option<Pieces>,
    pub weight_kg: Weight,
    pub volume_m3: Volume,
    /// The larger of gross weight and volume / 6000 cm³ per kg, rounded up to the next 0.5 kg.
    pub chargeable_weight_kg: Weight,
    /// Those of all parts; null: not given of each, or in more than 50 lines.
    #[schema(required = true)]
    pub dimensions: Option<Dimensions>,
    /// Number of whole ULD positions on each flight.
    pub positions: Positions,
    /// IATA special handling codes of the freight, such as `PER`.
    pub special_handling_codes: Vec<HandlingCode>,
    /// Whether what is held or booked is not the sum of the parts that are ready.
    pub differs: bool,
    /// Whether a leg of the booking is missing, so that it does not reach its destination.
    pub needs_rerouting: bool,
    /// While it is `HELD`: from this time on it keeps no room.
    #[schema(required = true)]
    pub expires_at: Option<DateTime<Utc>>,
}

impl MasterBody {
    pub fn new(master: &Master, differs: bool) -> Self {
        let freight = &master.freight;
        Self {
            origin: master.origin,
            hold_id: master.hold_id,
            booking_ref: master.booking_ref.clone(),
            status: master.status,
            pieces: freight.pieces,
            weight_kg: freight.weight,
            volume_m3: freight.volume,
            chargeable_weight_kg: freight.weight.chargeable(freight.volume),
            dimensions: freight.dimensions.clone(),
            positions: freight.positions,
            special_handling_codes: freight.special_handling_codes.clone(),
            differs,
            needs_rerouting: master.needs_rerouting,
            expires_at: master.expires_at,
        }
    }
}

/// A consolidation as the list shows it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConsolidationSummary {
    pub id: ConsolidationId,
    /// Its name, in the owner's words.
    pub name: String,
    pub status: ConsolidationStatus,
    /// The airport where all parts go.
    pub destination: AirportCode,
    /// When all parts should have arrived.
    #[schema(required = true)]
    pub latest_arrival: Option<DateTime<Utc>>,
    /// The owner.
    pub organization_id: OrganizationId,
    /// The name of the owner.
    #[schema(required = true)]
    pub owner: Option<String>,
    /// Number of organizations that have accepted, the owner included.
    pub members: i64,
    /// Number of parts that are not withdrawn.
    pub parts: i64,
    /// The airports where parts that are ready start.
    pub origins: Vec<AirportCode>,
    /// Number of masters that keep room or are booked.
    pub masters: usize,
    /// Number that increases with each change.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<&Listed> for ConsolidationSummary {
    fn from(listed: &Listed) -> Self {
        let one = &listed.consolidation;
        Self {
            id: one.id,
            name: one.terms.name.clone(),
            status: listed.status(),
            destination: one.terms.destination,
            latest_arrival: one.terms.latest_arrival,
            organization_id: one.organization_id,
            owner: listed.owner.clone(),
            members: listed.members,
            parts: listed.parts,
            origins: listed.ready_origins.clone(),
            masters: listed.masters.iter().filter(|master| master.is_in_force()).count(),
            version: one.version,
            created_at: one.created_at,
            updated_at: one.updated_at,
        }
    }
}

/// An event of a consolidation's history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConsolidationEvent)]
pub(super) struct EventBody {
    /// Its number among the events of the consolidation.
    pub sequence: i32,
    pub event_type: ConsolidationEventType,
    /// What changed; null unless the type is `CHANGED`.
    #[schema(required = true)]
    pub change: Option<ConsolidationChange>,
    /// The origins of the masters or of the part concerned.
    pub origins: Vec<AirportCode>,
    /// The part concerned.
    #[schema(required = true)]
    pub part_id: Option<ConsolidationPartId>,
    /// The organization whose part or membership it is.
    #[schema(required = true)]
    pub organization_id: Option<OrganizationId>,
    /// The user who did it; null once that person is erased.
    #[schema(required = true)]
    pub actor_id: Option<UserId>,
    /// When it happened.
    pub created_at: DateTime<Utc>,
}

impl From<&ConsolidationEvent> for EventBody {
    fn from(event: &ConsolidationEvent) -> Self {
        Self {
            sequence: event.sequence,
            event_type: event.event_type,
            change: event.change,
            origins: event.origins.clone(),
            part_id: event.part_id,
            organization_id: event.organization_id,
            actor_id: event.actor_id,
            created_at: event.created_at,
        }
    }
}

/// The results of booking masters.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BookedMasters {
    /// Number that succeeded.
    pub succeeded: usize,
    /// Number that failed.
    pub failed: usize,
    /// One for each origin, in the order of their codes.
    #[schema(max_items = 10)]
    pub results: Vec<BookedMaster>,
}

/// The result of booking one master.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BookedMaster {
    pub origin: AirportCode,
    /// Whether it is booked.
    pub ok: bool,
    /// The booking; null if it failed.
    #[schema(required = true)]
    pub booking_ref: Option<BookingRef>,
    /// Why it is not booked: the problem of committing its hold, which stays held.
    #[schema(required = true)]
    pub problem: Option<ProblemBody>,
}
