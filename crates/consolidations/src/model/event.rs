use chrono::{DateTime, Utc};
use loadmaster_kernel::{AirportCode, ConsolidationId, ConsolidationPartId, OrganizationId, UserId, words};
use loadmaster_platform::outbox::Message;
use serde::Serialize;
use utoipa::ToSchema;

use super::{CONSOLIDATION, Consolidation};

words! {
    /// What happened to a consolidation.
    pub enum ConsolidationEventType {
        Created = "CREATED",
        Changed = "CHANGED",
        /// Masters became bookings.
        Booked = "BOOKED",
        Cancelled = "CANCELLED",
    }
}

/// The meanings of the types, in their order.
pub const ABOUT: [&str; 4] = [
    "An organization made a consolidation.",
    "Its name, destination or latest arrival, a member, a part or a master changed; `change` says which.",
    "Masters became bookings, from `origins`.",
    "The owner cancelled it: its holds are released, and its bookings cancelled.",
];

words! {
    /// What of a consolidation changed.
    pub enum ConsolidationChange {
        Terms = "TERMS",
        MemberInvited = "MEMBER_INVITED",
        MemberAccepted = "MEMBER_ACCEPTED",
        MemberDeclined = "MEMBER_DECLINED",
        /// A member left or was removed, or an invitation was withdrawn.
        MemberRemoved = "MEMBER_REMOVED",
        PartAdded = "PART_ADDED",
        PartChanged = "PART_CHANGED",
        PartWithdrawn = "PART_WITHDRAWN",
        Held = "HELD",
        /// Holds of masters were released, or bookings cancelled, without the consolidation.
        Released = "RELEASED",
        /// A master's freight was brought to the sum of its parts.
        Amended = "AMENDED",
    }
}

/// An event of the history. It has no texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsolidationEvent {
    pub sequence: i32,
    pub event_type: ConsolidationEventType,
    pub change: Option<ConsolidationChange>,
    pub origins: Vec<AirportCode>,
    pub part_id: Option<ConsolidationPartId>,
    pub organization_id: Option<OrganizationId>,
    pub actor_id: Option<UserId>,
    pub created_at: DateTime<Utc>,
}

/// What happens to a consolidation, before it is numbered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    pub event_type: ConsolidationEventType,
    pub change: Option<ConsolidationChange>,
    pub origins: Vec<AirportCode>,
    pub part_id: Option<ConsolidationPartId>,
    pub organization_id: Option<OrganizationId>,
}

impl Happening {
    pub const fn of(event_type: ConsolidationEventType) -> Self {
        Self { event_type, change: None, origins: Vec::new(), part_id: None, organization_id: None }
    }

    pub fn change(change: ConsolidationChange) -> Self {
        Self { change: Some(change), ..Self::of(ConsolidationEventType::Changed) }
    }

    #[must_use]
    pub fn about(self, organization: Option<OrganizationId>, part: Option<ConsolidationPartId>) -> Self {
        Self { organization_id: organization, part_id: part, ..self }
    }

    #[must_use]
    pub fn at(self, origins: impl IntoIterator<Item = AirportCode>) -> Self {
        Self { origins: origins.into_iter().collect(), ..self }
    }
}

/// A change of a consolidation.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsolidationMessage {
    consolidation_id: ConsolidationId,
    /// What changed; null unless the type is `changed`.
    #[schema(required = true)]
    change: Option<ConsolidationChange>,
    destination: AirportCode,
    /// The origins of the masters or of the part concerned.
    origins: Vec<AirportCode>,
    /// The part concerned.
    #[schema(required = true)]
    part_id: Option<ConsolidationPartId>,
    /// The organization whose part or membership it is.
    #[schema(required = true)]
    member_organization_id: Option<OrganizationId>,
}

/// Returns the message about an event.
pub fn message<'a>(
    consolidation: &Consolidation,
    event: &ConsolidationEvent,
    subject: &'a str,
) -> Message<'a, ConsolidationMessage> {
    Message {
        aggregate: CONSOLIDATION,
        aggregate_id: consolidation.id.uuid(),
        organization: Some(consolidation.organization_id.uuid()),
        subject,
        sequence: event.sequence,
        event_type: event.event_type.as_str(),
        data: ConsolidationMessage {
            consolidation_id: consolidation.id,
            change: event.change,
            destination: consolidation.terms.destination,
            origins: event.origins.clone(),
            part_id: event.part_id,
            member_organization_id: event.organization_id,
        },
        occurred_at: event.created_at,
        trace: None,
    }
}
