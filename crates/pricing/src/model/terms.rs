use std::{cmp::Reverse, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::OrganizationId;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{Faults, Reach};

/// What a kind of rule says.
pub trait Terms: Clone + std::fmt::Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The kind of its messages and acts.
    const KIND: &'static str;
    /// The names of its acts.
    const CREATED: &'static str;
    const CHANGED: &'static str;
    const ENDED: &'static str;
    /// What distinguishes rules of one scope in the index.
    type Key: Copy + Eq + std::hash::Hash + Default + std::fmt::Debug + Send + Sync;

    /// The data of its messages.
    type Message: Serialize + Send + Sync;

    /// Returns the data of a message about this version of the rule with this id.
    fn message(id: Uuid, version: i32) -> Self::Message;

    fn reach(&self) -> &Reach;

    fn key(&self) -> Self::Key;

    /// Returns whether some special handling codes are given.
    fn has_handling(&self) -> bool;

    /// Returns the organization for which alone it is.
    fn owner(&self) -> Option<OrganizationId> {
        None
    }

    /// Returns the members that contradict each other.
    fn faults(&self) -> Faults;
}

/// A rule as the book of record has its last version.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule<T> {
    pub id: Uuid,
    pub version: i32,
    pub terms: T,
    pub created_at: DateTime<Utc>,
    /// When this version was made.
    pub updated_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl<T: Terms> Rule<T> {
    pub fn copied(&self) -> Arc<Copied<T>> {
        Arc::new(Copied { id: Some(self.id), version: self.version, terms: self.terms.clone() })
    }
}

/// A version of a rule, as a quote keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Copied<T> {
    /// `None`: from the settings.
    pub id: Option<Uuid>,
    pub version: i32,
    pub terms: T,
}

/// The order in which rules of one bucket are tried.
pub type TrialOrder = (bool, bool, bool, Reverse<NaiveDate>, Reverse<Option<Uuid>>);

/// The order of rules that match.
pub type Rank = (bool, bool, bool, u8, u8, Reverse<NaiveDate>, Reverse<Option<Uuid>>);

impl<T: Terms> Copied<T> {
    /// Of several rules with the same scopes, the least place comes first: a handling code, an airline, a flight number given
    /// before not, then the later first date, then the newer id.
    pub fn place(&self) -> TrialOrder {
        let reach = self.terms.reach();
        (
            !self.terms.has_handling(),
            reach.airline_code.is_none(),
            reach.flight_numbers.is_empty(),
            Reverse(reach.valid_from),
            Reverse(self.id),
        )
    }

    /// The order among all rules that match; scopes come after handling code, airline and flight number.
    pub fn rank(&self) -> Rank {
        let (handling, airline, numbers, from, id) = self.place();
        let reach = self.terms.reach();
        (handling, airline, numbers, reach.origin.breadth(), reach.destination.breadth(), from, id)
    }
}

/// Serializes shared rules as the rules themselves.
pub mod shared {
    use serde::{Deserializer, Serializer};

    use super::{Arc, Deserialize, Serialize};

    pub fn serialize<T: Serialize, S: Serializer>(shared: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error> {
        T::serialize(shared, serializer)
    }

    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}
