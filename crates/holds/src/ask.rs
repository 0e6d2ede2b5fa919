//! What callers ask for about holds, and what is made of it.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use loadmaster_accounts::{Channel, Principal, Role};
use loadmaster_capacity::Shift;
use loadmaster_kernel::{FlightId, Money, OrganizationId, PaymentId, UserId};
use loadmaster_payments::{PaymentMethod, RequestHash};
use loadmaster_platform::web::{Patch, Precondition};
use loadmaster_shipment::{BookingContact, PositionName};
use secrecy::SecretString;

use super::{
    dto::{AmendHold, CommitHold, CreateHold, PaymentTerms},
    model::{EndReason, Hold, HoldAction, HoldEventType, HoldKind},
};

/// Bounds on holds.
#[derive(Debug, Clone, Copy)]
pub struct HoldLimits {
    /// Time until a hold expires, unless its caller asks for another.
    pub ttl_seconds: u32,
    /// Longest life of a hold.
    pub max_seconds: u32,
    /// Part of a flight that a guest's hold may keep, in percent.
    pub guest_flight_percent: u32,
    /// Part of a flight that the holds of all guests may keep, in percent.
    pub guests_flight_percent: u32,
    /// Most holds of one guest at once.
    pub guest_active: u32,
    /// Most holds of guests at one address at once.
    pub address_active: u32,
    /// Most holds and entries of the waitlist of one organization at once.
    pub organization_active: u32,
    /// Most new holds of guests at one address in an hour.
    pub guest_per_hour: u32,
}

/// The caller of an operation on holds.
#[derive(Debug, Clone)]
pub struct HoldCaller {
    pub principal: Principal,
    /// A keyed hash of a guest's network address.
    pub address_key: Option<Vec<u8>>,
}

impl HoldCaller {
    pub fn is_guest(&self) -> bool {
        self.principal.role == Role::Guest
    }

    /// Returns the callers whose holds are counted.
    pub fn subjects(&self) -> Vec<Subject> {
        match self.principal.role {
            Role::Guest => {
                let address = self.address_key.clone().map(Subject::Address);
                address.into_iter().chain([Subject::Organization(self.principal.organization_id)]).collect()
            }
            Role::Customer => vec![Subject::Organization(self.principal.organization_id)],
            Role::Operator | Role::Admin => Vec::new(),
        }
    }
}

/// In whose name a hold is changed.
#[derive(Debug, Clone)]
pub enum Requester {
    Caller(HoldCaller),
    /// The user who began its payment: that is authorized, and nobody asks any more.
    Payer(UserId),
}

impl Requester {
    pub const fn user_id(&self) -> UserId {
        match self {
            Self::Caller(caller) => caller.principal.user_id,
            Self::Payer(user) => *user,
        }
    }

    /// Returns the role of a caller; nobody's rights go beyond a customer's once a payment is authorized.
    pub const fn role(&self) -> Role {
        match self {
            Self::Caller(caller) => caller.principal.role,
            Self::Payer(_) => Role::Customer,
        }
    }

    pub fn is_guest(&self) -> bool {
        matches!(self, Self::Caller(caller) if caller.is_guest())
    }

    /// Returns the channel by which a caller asks; `None` for a payment.
    pub const fn channel(&self) -> Option<Channel> {
        match self {
            Self::Caller(caller) => Some(caller.principal.channel()),
            Self::Payer(_) => None,
        }
    }

    pub(super) fn sees(&self, hold: &Hold) -> bool {
        match self {
            Self::Caller(caller) => hold.is_visible_to(caller.principal),
            Self::Payer(_) => true,
        }
    }
}

/// A caller, or several, whose holds are counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A guest's token counts as an organization.
    Organization(OrganizationId),
    Address(Vec<u8>),
}

/// A hold that a caller wants on these flights, in this order.
#[derive(Debug, Clone)]
pub struct NewHold {
    pub caller: HoldCaller,
    pub kind: HoldKind,
    pub new: Arc<CreateHold>,
    pub flights: Vec<FlightId>,
    /// It becomes a booking at once.
    pub commit: Option<Arc<CommitTerms>>,
}

/// How a hold becomes a booking.
#[derive(Debug, Clone, Default)]
pub struct CommitTerms {
    pub method: Option<PaymentMethod>,
    /// For the provider alone.
    pub token: Option<SecretString>,
    pub expected_total: Option<Money>,
    /// Names the request under its `Idempotency-Key`: a repetition joins the payment that it began.
    pub request: Option<RequestHash>,
    /// Contacts of the shipment, for the room that makes the booking.
    pub contacts: Vec<BookingContact>,
}

impl CommitTerms {
    pub fn new(terms: &PaymentTerms) -> Self {
        let token = terms.payment_token.clone();
        Self { method: terms.method(), token, expected_total: terms.expected_total, ..Self::default() }
    }
}

/// How a booking that is made of a hold is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pay {
    /// Not at all, or later.
    Nothing,
    /// It is charged to the credit account of its organization.
    Account(Money),
    /// A provider is asked first; the hold is not a booking yet.
    Token(Money),
}

/// A change of one hold, as it was read before.
#[derive(Debug, Clone)]
pub struct HoldStep {
    pub requester: Requester,
    pub precondition: Precondition,
    pub verb: HoldVerb,
    pub seen: Hold,
    /// When the request came: what began before the hold expired is in time.
    pub asked_at: DateTime<Utc>,
}

/// What a caller asks for.
#[derive(Debug, Clone)]
pub enum HoldVerb {
    Amend(Box<AmendHold>),
    Extend(Option<u32>),
    /// For this reason.
    Release(EndReason),
    /// With changes that are made at once.
    Commit(Box<AmendHold>, Arc<CommitTerms>),
    /// It becomes a booking: its payment is authorized.
    Book(PaymentId),
}

impl HoldVerb {
    /// Returns the verb of a commit.
    pub fn commit(commit: CommitHold) -> Self {
        let terms = CommitTerms::new(&commit.terms);
        Self::Commit(Box::new(commit.amendment), Arc::new(terms))
    }

    /// Returns the changes that it makes.
    pub const fn patch(&self) -> Option<&AmendHold> {
        match self {
            Self::Amend(patch) | Self::Commit(patch, _) => Some(patch),
            Self::Extend(_) | Self::Release(_) | Self::Book(_) => None,
        }
    }
}

impl HoldVerb {
    pub const fn action(&self) -> HoldAction {
        match self {
            Self::Amend(_) => HoldAction::Amend,
            Self::Extend(_) => HoldAction::Extend,
            Self::Release(_) => HoldAction::Release,
            Self::Commit(..) | Self::Book(_) => HoldAction::Commit,
        }
    }
}

/// A hold after a step, and what it takes and gives back on its flights.
#[derive(Debug)]
pub struct Stepped {
    pub before: Hold,
    pub after: Hold,
    pub shifts: Vec<Shift>,
    pub event_type: HoldEventType,
    pub pay: Pay,
}

impl HoldStep {
    /// Returns the flights to be locked: those of the hold, and those it is to have.
    pub fn flights(&self) -> Vec<FlightId> {
        let wanted = match &self.verb {
            HoldVerb::Amend(patch) | HoldVerb::Commit(patch, _) => patch.flight_ids.as_deref().unwrap_or_default(),
            // Others judge by the lock of the flight whether a named position is still its own.
            HoldVerb::Extend(_) if self.seen.legs.iter().all(|leg| leg.names.is_empty()) => return Vec::new(),
            HoldVerb::Extend(_) | HoldVerb::Release(_) | HoldVerb::Book(_) => &[],
        };
        let mut flights: Vec<FlightId> = self.seen.flight_ids().chain(wanted.iter().copied()).collect();
        flights.sort_unstable();
        flights.dedup();
        flights
    }

    /// Returns the positions that it names, whose holders must be known.
    pub fn names(&self) -> Option<&BTreeMap<FlightId, BTreeSet<PositionName>>> {
        match &self.verb.patch()?.position_names {
            Patch::Set(names) => Some(&names.0),
            _ => None,
        }
    }
}
