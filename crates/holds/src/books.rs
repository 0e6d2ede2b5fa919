use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_capacity::Space;
use loadmaster_kernel::{FlightId, HoldId};
use loadmaster_shipment::PositionName;

use super::{
    ask::{HoldCaller, HoldLimits, Subject},
    error::{HoldError, HoldLimit},
    model::{Hold, HoldStatus},
};

/// The holder of a named position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    Hold(HoldId),
    Booking,
}

/// What the tables say about holds beyond the flights' rows. It changes with each decision of a batch.
#[derive(Debug, Default)]
pub struct HoldBooks {
    pub claims: HashMap<(FlightId, PositionName), Holder>,
    /// Space that guests hold.
    pub guests: HashMap<FlightId, Space>,
    /// Numbers of active holds and of waiting entries of the waitlist, together.
    pub active: HashMap<Subject, i64>,
    /// Holds that guests at an address have made in the last hour: their number, and the time of the first that counts
    /// against another one.
    pub lately: HashMap<Vec<u8>, (i64, DateTime<Utc>)>,
}

impl HoldBooks {
    /// Checks whether the caller may have one more hold, or entry of the waitlist.
    pub fn check_number(&self, caller: &HoldCaller, limits: &HoldLimits, now: DateTime<Utc>) -> Result<(), HoldError> {
        for subject in caller.subjects() {
            let most = match &subject {
                Subject::Address(address) => {
                    if let Some((number, first)) = self.lately.get(address)
                        && *number >= i64::from(limits.guest_per_hour)
                    {
                        let again = *first + TimeDelta::hours(1) - now;
                        let again_in = u32::try_from(again.num_seconds() + 1).unwrap_or(1);
                        return Err(HoldError::TooMany { most: limits.guest_per_hour, again_in });
                    }
                    limits.address_active
                }
                Subject::Organization(_) if caller.is_guest() => limits.guest_active,
                Subject::Organization(_) => limits.organization_active,
            };
            if self.active.get(&subject).is_some_and(|active| *active >= i64::from(most)) {
                return Err(HoldError::LimitExceeded { limit: HoldLimit::Active, maximum: most });
            }
        }
        Ok(())
    }

    /// Takes note of a new hold, for the next decision of the batch.
    pub fn note_new(&mut self, caller: &HoldCaller, made: &Hold) {
        for subject in caller.subjects() {
            if let Subject::Address(address) = &subject {
                let lately = self.lately.entry(address.clone()).or_insert((0, made.created_at));
                lately.0 += 1;
            }
            *self.active.entry(subject).or_default() += 1;
        }
        self.note(None, made);
    }

    /// Takes note of a hold that changed, for the next decision of the batch.
    pub fn note(&mut self, before: Option<&Hold>, after: &Hold) {
        for leg in before.into_iter().flat_map(|hold| &hold.legs) {
            for name in &leg.names {
                self.claims.remove(&(leg.flight_id, *name));
            }
            if after.is_guest
                && let Some(held) = self.guests.get_mut(&leg.flight_id)
            {
                *held = *held - leg.space;
            }
        }
        let holder = match after.status {
            HoldStatus::Active | HoldStatus::Committing => Some(Holder::Hold(after.id)),
            HoldStatus::Committed => Some(Holder::Booking),
            HoldStatus::Released | HoldStatus::Expired => None,
        };
        if let Some(holder) = holder {
            for leg in &after.legs {
                self.claims.extend(leg.names.iter().map(|name| ((leg.flight_id, *name), holder)));
                if after.is_guest && after.is_open() {
                    let held = self.guests.entry(leg.flight_id).or_default();
                    *held = *held + leg.space;
                }
            }
        }
    }
}
