//! What a consolidation is, what each organization sees of it, and what follows from its parts and masters.
mod costs;
mod event;
mod freight;
mod master;
mod split;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use loadmaster_accounts::{Principal, Purpose, Role};
use loadmaster_kernel::{
    AirportCode, ConsolidationId, ConsolidationMemberId, ConsolidationPartId, Dimensions, HandlingCode, Money,
    OneTimeTokenId, OrganizationId, Pieces, UserId, words,
};
use loadmaster_shipment::{Load, Party};

pub use costs::{Costs, booking_of};
pub use event::{
    ABOUT, ConsolidationChange, ConsolidationEvent, ConsolidationEventType, ConsolidationMessage, Happening, message,
};
pub use freight::{Freight, freight_faults};
pub use master::{Master, MasterStatus};
pub use split::{SplitLine, SplitPart, split as shares_of};

/// Kind of a consolidation in messages.
pub const CONSOLIDATION: &str = "consolidation";
/// What the token of an invitation is good for.
pub const INVITATION: Purpose = Purpose("consolidation_invitation");

/// Most parts that are not withdrawn.
pub const MOST_PARTS: usize = 100;
/// Most organizations, open invitations included.
pub const MOST_MEMBERS: usize = 20;
/// Most origins of parts that are not withdrawn.
pub const MOST_ORIGINS: usize = 10;

words! {
    /// The status of a consolidation. No further values will be added.
    pub enum ConsolidationStatus {
        /// Some origin with parts that are ready has no booking in force.
        Planning = "PLANNING",
        /// Each origin with parts that are ready has a booking in force.
        Booked = "BOOKED",
        Cancelled = "CANCELLED",
    }
}

words! {
    /// What a member is.
    pub enum MemberRole {
        /// Holds, books and pays.
        Owner = "OWNER",
        /// Adds parts.
        Member = "MEMBER",
    }
}

words! {
    /// What has become of an invitation.
    pub enum MemberStatus {
        Invited = "INVITED",
        Accepted = "ACCEPTED",
        Declined = "DECLINED",
    }
}

words! {
    /// The status of a part. No further values will be added.
    pub enum PartStatus {
        /// It is not held or booked yet.
        Draft = "DRAFT",
        /// The master of its origin carries it.
        Ready = "READY",
        /// It does not travel with the others any more.
        Withdrawn = "WITHDRAWN",
    }
}

/// A consolidation as the book of record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consolidation {
    pub id: ConsolidationId,
    /// The owner.
    pub organization_id: OrganizationId,
    pub created_by: Option<UserId>,
    pub terms: Terms,
    pub cancelled_at: Option<DateTime<Utc>>,
    /// The number of its last event.
    pub event_sequence: i32,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What the owner decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub name: String,
    pub destination: AirportCode,
    pub latest_arrival: Option<DateTime<Utc>>,
}

/// An organization of a consolidation, or an open invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub id: ConsolidationMemberId,
    /// `None` until the invitation is answered.
    pub organization_id: Option<OrganizationId>,
    pub name: Option<String>,
    pub role: MemberRole,
    pub status: MemberStatus,
    pub origin: Option<AirportCode>,
    pub invitation: Option<Invitation>,
    /// `None` of the owner, and once that person is erased.
    pub invited_by: Option<UserId>,
    pub invited_at: DateTime<Utc>,
    pub answered_at: Option<DateTime<Utc>>,
}

/// An open invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    pub email: String,
    /// Keyed digest of the address.
    pub address_hash: Vec<u8>,
    pub token: OneTimeTokenId,
    pub expires_at: DateTime<Utc>,
}

impl Member {
    /// Returns whether it takes one of the places.
    pub fn is_counted(&self) -> bool {
        self.status != MemberStatus::Declined
    }
}

/// A house shipment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub id: ConsolidationPartId,
    pub organization_id: OrganizationId,
    pub created_by: Option<UserId>,
    pub content: PartContent,
    pub status: PartStatus,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Part {
    pub fn is_ready_at(&self, origin: AirportCode) -> bool {
        self.status == PartStatus::Ready && self.content.origin == origin
    }

    /// Returns what decides its shares in the price of its master.
    pub fn weighed(&self) -> SplitPart<ConsolidationPartId> {
        let space = self.content.load.space;
        SplitPart {
            id: self.id,
            chargeable_weight: space.weight.chargeable(space.volume),
            special_handling_codes: self.content.special_handling_codes.clone(),
        }
    }
}

/// What its organization says of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartContent {
    pub origin: AirportCode,
    pub pieces: Pieces,
    pub load: Load,
    /// `None`: not given.
    pub dimensions: Option<Dimensions>,
    pub special_handling_codes: Vec<HandlingCode>,
    pub ready_at: Option<DateTime<Utc>>,
    /// Like what follows, for its organization and the owner alone.
    pub house_number: Option<String>,
    pub description: Option<String>,
    pub shipper: Option<Party>,
    pub consignee: Option<Party>,
}

/// A consolidation with all that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    pub consolidation: Consolidation,
    /// In the order of their ids, like the parts.
    pub members: Vec<Member>,
    pub parts: Vec<Part>,
    /// In the order of their origins.
    pub masters: Vec<Master>,
}

impl Whole {
    pub fn status(&self) -> ConsolidationStatus {
        let Self { consolidation, parts, masters, .. } = self;
        let ready = parts.iter().filter(|part| part.status == PartStatus::Ready).map(|part| part.content.origin);
        status_of(consolidation, ready, masters)
    }

    pub fn is_owner(&self, organization: OrganizationId) -> bool {
        self.consolidation.organization_id == organization
    }

    /// Returns whether a caller may read it: the owner, a member that has accepted, and the carrier's staff.
    pub fn is_visible_to(&self, caller: Principal) -> bool {
        caller.role >= Role::Operator || self.is_member(caller.organization_id)
    }

    pub fn is_member(&self, organization: OrganizationId) -> bool {
        let is_own = |member: &Member| member.organization_id == Some(organization);
        self.members.iter().any(|member| is_own(member) && member.status == MemberStatus::Accepted)
    }

    /// Returns whether a caller reads the parties, description and house number of a part: of the organization's own, and
    /// all as the owner or the carrier's staff.
    pub fn shows_all_of(&self, part: &Part, caller: Principal) -> bool {
        caller.role >= Role::Operator
            || self.is_owner(caller.organization_id)
            || part.organization_id == caller.organization_id
    }

    /// Returns whether a caller reads all of it: the owner and the carrier's staff.
    pub fn shows_all_to(&self, caller: Principal) -> bool {
        caller.role >= Role::Operator || self.is_owner(caller.organization_id)
    }

    /// Returns the parts that the master of an origin carries, and that share what it costs: once it is booked, those with which
    /// it was booked or amended last, whatever became of them; before, those that are ready.
    pub fn aboard(&self, origin: AirportCode) -> Vec<&Part> {
        let booked = self.master_of(origin).filter(|master| master.booking_ref.is_some());
        let is_aboard = |part: &&Part| match booked {
            Some(master) => master.parts.contains(&part.id),
            None => part.is_ready_at(origin),
        };
        self.parts.iter().filter(is_aboard).collect()
    }

    /// Returns what decides the shares of the parts that are ready at an origin.
    pub fn ready_weighed(&self, origin: AirportCode) -> Vec<SplitPart<ConsolidationPartId>> {
        self.parts.iter().filter(|part| part.is_ready_at(origin)).map(Part::weighed).collect()
    }

    /// Returns what decides the shares of the parts aboard: of a booking as they were when it was booked or amended last.
    pub fn weighed(&self, origin: AirportCode) -> Vec<SplitPart<ConsolidationPartId>> {
        let booked = self.master_of(origin).filter(|master| master.booking_ref.is_some());
        let then = |part: &Part| booked?.weighed.iter().find(|then| then.id == part.id).cloned();
        self.aboard(origin).into_iter().map(|part| then(part).unwrap_or_else(|| part.weighed())).collect()
    }

    /// Returns the parts that are not withdrawn.
    pub fn living_parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.status != PartStatus::Withdrawn)
    }

    /// Returns the sum of the parts that are ready at an origin; `None` if there is none.
    pub fn ready_at(&self, origin: AirportCode) -> Option<Freight> {
        Freight::sum(self.parts.iter().filter(|part| part.is_ready_at(origin)).map(|part| &part.content))
    }

    /// Returns the dimensions of the parts that are ready at an origin, also where not all have some; `None` without any.
    pub fn sizes_at(&self, origin: AirportCode) -> Option<Dimensions> {
        let ready = self.parts.iter().filter(|part| part.is_ready_at(origin));
        Dimensions::joined(ready.filter_map(|part| part.content.dimensions.as_ref()))
    }

    /// Returns the origins with parts that are ready.
    pub fn ready_origins(&self) -> BTreeSet<AirportCode> {
        let ready = self.parts.iter().filter(|part| part.status == PartStatus::Ready);
        ready.map(|part| part.content.origin).collect()
    }

    /// Returns whether the shares in each line of what the master of an origin costs sum to it, and the lines to what is owed.
    /// Without a part there is nothing to share.
    pub fn sums_to(&self, origin: AirportCode, (lines, owed): (&[SplitLine], Option<Money>)) -> bool {
        let weighed = self.weighed(origin);
        let shared = |line: &SplitLine| shares_of(line, &weighed).iter().map(|share| share.amount.minor()).sum::<i64>();
        let is_shared = weighed.is_empty() || lines.iter().all(|line| shared(line) == line.amount.minor());
        is_shared && owed.is_none_or(|owed| lines.iter().map(|line| line.amount.minor()).sum::<i64>() == owed.minor())
    }

    pub fn master_of(&self, origin: AirportCode) -> Option<&Master> {
        self.masters.iter().find(|master| master.origin == origin)
    }

    /// Returns whether what is held or booked is not the sum of the parts that are ready.
    pub fn differs(&self, master: &Master) -> bool {
        master.is_in_force() && self.ready_at(master.origin).as_ref() != Some(&master.freight)
    }
}

/// Returns the status of a consolidation with parts that are ready at these origins.
pub fn status_of(
    consolidation: &Consolidation,
    ready: impl IntoIterator<Item = AirportCode>,
    masters: &[Master],
) -> ConsolidationStatus {
    if consolidation.cancelled_at.is_some() {
        return ConsolidationStatus::Cancelled;
    }
    let is_booked = |origin: AirportCode| masters.iter().any(|master| master.origin == origin && master.is_booked());
    let are_all_booked = ready.into_iter().all(is_booked);
    if are_all_booked && masters.iter().any(Master::is_booked) {
        ConsolidationStatus::Booked
    } else {
        ConsolidationStatus::Planning
    }
}

/// A consolidation as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub consolidation: Consolidation,
    pub owner: Option<String>,
    pub members: i64,
    pub parts: i64,
    /// Of parts that are ready.
    pub ready_origins: Vec<AirportCode>,
    pub masters: Vec<Master>,
}

impl Listed {
    pub fn status(&self) -> ConsolidationStatus {
        status_of(&self.consolidation, self.ready_origins.iter().copied(), &self.masters)
    }
}
