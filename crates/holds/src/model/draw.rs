//! What takings of an organization draw from its allotments. A taking draws first, in each dimension, and gives back
//! first: the change of what is drawn is the change of the taking, between all that was drawn and all that is kept. Pure.
use std::collections::{BTreeMap, BTreeSet};

use loadmaster_capacity::{FlightCapacity, Shift, Space};
use loadmaster_kernel::{FlightId, HoldId, OrganizationId};
use uuid::Uuid;

/// What an allotment's hold keeps on its flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllottedSpace {
    pub organization_id: OrganizationId,
    pub flight_id: FlightId,
    /// What can be drawn now.
    pub space: Space,
    /// What was drawn beyond the freight, which has become smaller: it does not return. `None`: the hold has ended, and
    /// nothing returns.
    pub excess: Option<Space>,
}

/// What a leg or a hold has drawn from an allotment's hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// The id of the leg or hold.
    pub taker: Uuid,
    pub hold_id: HoldId,
    pub flight_id: FlightId,
    pub space: Space,
}

/// The allotments' holds that locked flights have, and what was drawn from them. It changes with each taking.
#[derive(Debug, Clone, Default)]
pub struct Draws {
    kept: BTreeMap<HoldId, AllottedSpace>,
    drawn: BTreeMap<(Uuid, HoldId), Space>,
    /// What the holds have given or got back.
    changed_holds: BTreeMap<HoldId, Space>,
    changed: BTreeSet<(Uuid, HoldId)>,
    /// What was drawn by a hold that is being posted, for the booking of the next entry.
    posted: Option<(FlightId, Vec<(HoldId, Space)>)>,
}

const NOTHING: Space = Space::from_columns(0, 0, 0);

impl Draws {
    /// Adds holds that keep something. One that is known stays as it is.
    pub fn know_kept(&mut self, kept: impl IntoIterator<Item = (HoldId, AllottedSpace)>) {
        for (hold, kept) in kept {
            self.kept.entry(hold).or_insert(kept);
        }
    }

    /// Adds what was drawn before.
    pub fn know_drawn(&mut self, drawn: impl IntoIterator<Item = Draw>) {
        self.drawn.extend(drawn.into_iter().map(|draw| ((draw.taker, draw.hold_id), draw.space)));
    }

    /// Notes that a hold ends: nothing returns to it. What was drawn from it stays known, for the next hold of the allotment.
    pub fn close(&mut self, hold: HoldId) {
        if let Some(kept) = self.kept.get_mut(&hold) {
            (kept.space, kept.excess) = (NOTHING, None);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Returns what a taker has drawn, by hold.
    pub fn drawn_by(&self, taker: Uuid) -> impl Iterator<Item = (HoldId, Space)> {
        let own = self.drawn.range((taker, HoldId::from(Uuid::nil()))..).take_while(move |((of, _), _)| *of == taker);
        own.map(|((_, hold), space)| (*hold, *space))
    }

    /// Returns the space as this organization finds it: what its allotments keep is free for it.
    #[must_use]
    pub fn capacity_for(&self, organization: OrganizationId, space: FlightCapacity) -> FlightCapacity {
        let own =
            self.kept.values().filter(|kept| kept.organization_id == organization && kept.flight_id == space.flight_id);
        FlightCapacity { held: own.fold(space.held, |held, kept| held - kept.space), ..space }
    }

    /// Returns these shifts of an organization with those of its allotments: what is drawn leaves the allotment before it is
    /// taken, and what is given back returns to it after. Without an organization, nothing is drawn.
    pub fn apply_allotments(&mut self, organization: Option<OrganizationId>, shifts: &[Shift]) -> Vec<Shift> {
        if self.kept.is_empty() {
            return shifts.to_vec();
        }
        let mut applied = Vec::with_capacity(shifts.len() + 2);
        for shift in shifts {
            self.apply_allotments_to(organization, *shift, &mut applied);
        }
        applied
    }

    fn apply_allotments_to(&mut self, organization: Option<OrganizationId>, shift: Shift, applied: &mut Vec<Shift>) {
        let is_of_allotment = shift.hold_id.is_some_and(|hold| self.kept.contains_key(&hold));
        let Some(taker) = shift.taker().filter(|_| !is_of_allotment) else {
            return applied.push(shift);
        };
        let flight = shift.flight_id;
        if shift.posted().is_some() {
            self.posted = Some((flight, self.take_draws(taker, flight)));
            return applied.push(shift);
        }
        if let Some((_, draws)) = self.posted.take_if(|(posted_on, _)| *posted_on == flight) {
            for (hold, space) in draws {
                self.change(taker, hold, space);
            }
            return applied.push(shift);
        }
        let drawn = self.draw(organization, flight, taker, shift.more.most(NOTHING));
        applied.extend(
            drawn.into_iter().map(|(hold, space)| Shift::hold_amended(flight, hold, NOTHING - space).staying()),
        );
        let returned = self.give_back(flight, taker, (NOTHING - shift.more).most(NOTHING));
        let sum = returned.iter().fold(NOTHING, |sum, (_, space)| sum + *space);
        applied.push(shift.staying_in_part(sum));
        applied.extend(returned.into_iter().map(|(hold, space)| Shift::hold_amended(flight, hold, space)));
    }

    /// Draws as much of this as the organization's allotments keep on the flight.
    fn draw(
        &mut self,
        organization: Option<OrganizationId>,
        flight: FlightId,
        taker: Uuid,
        mut wanted: Space,
    ) -> Vec<(HoldId, Space)> {
        let mut drawn = Vec::new();
        for (hold, kept) in &mut self.kept {
            let part = wanted.least(kept.space);
            if Some(kept.organization_id) == organization && kept.flight_id == flight && part != NOTHING {
                kept.space = kept.space - part;
                wanted = wanted - part;
                drawn.push((*hold, part));
            }
        }
        for (hold, part) in &drawn {
            self.note(*hold, NOTHING - *part);
            self.change(taker, *hold, *part);
        }
        drawn
    }

    /// Gives as much of this back as the taker has drawn, first what returns to a hold. Returns what does, by hold.
    pub fn give_back(&mut self, flight: FlightId, taker: Uuid, mut freed: Space) -> Vec<(HoldId, Space)> {
        let mut returned = Vec::new();
        let mut own: Vec<(HoldId, Space)> = self.drawn_by(taker).collect();
        own.sort_by_key(|(hold, _)| self.kept.get(hold).is_some_and(|kept| kept.excess.is_none()));
        for (hold, space) in own {
            let Some(kept) = self.kept.get_mut(&hold).filter(|kept| kept.flight_id == flight) else { continue };
            let part = freed.least(space);
            if part == NOTHING {
                continue;
            }
            freed = freed - part;
            let back = kept.excess.as_mut().map_or(NOTHING, |excess| {
                let kept_by_nobody = part.least(*excess);
                *excess = *excess - kept_by_nobody;
                part - kept_by_nobody
            });
            kept.space = kept.space + back;
            self.change(taker, hold, NOTHING - part);
            if back != NOTHING {
                self.note(hold, back);
                returned.push((hold, back));
            }
        }
        returned
    }

    /// Takes what a hold has drawn on a flight away from it.
    fn take_draws(&mut self, taker: Uuid, flight: FlightId) -> Vec<(HoldId, Space)> {
        let on_flight = |hold: &HoldId| self.kept.get(hold).is_some_and(|kept| kept.flight_id == flight);
        let own: Vec<_> = self.drawn_by(taker).filter(|(hold, _)| on_flight(hold)).collect();
        for (hold, space) in &own {
            self.change(taker, *hold, NOTHING - *space);
        }
        own
    }

    fn note(&mut self, hold: HoldId, more: Space) {
        let changed = self.changed_holds.entry(hold).or_default();
        *changed = *changed + more;
    }

    fn change(&mut self, taker: Uuid, hold: HoldId, more: Space) {
        let drawn = self.drawn.entry((taker, hold)).or_default();
        *drawn = *drawn + more;
        self.changed.insert((taker, hold));
    }

    /// Returns the holds that keep more or less than before, with the difference.
    pub fn changed_holds(&self) -> BTreeMap<HoldId, Space> {
        let changed = self.changed_holds.iter().filter(|(_, more)| **more != NOTHING);
        changed.map(|(hold, more)| (*hold, *more)).collect()
    }

    /// Returns the draws that changed, as they are now; some are over.
    pub fn changed_draws(&self) -> Vec<Draw> {
        let changed = self.changed.iter().filter_map(|(taker, hold)| {
            let (kept, space) = (self.kept.get(hold)?, self.drawn.get(&(*taker, *hold))?);
            Some(Draw { taker: *taker, hold_id: *hold, flight_id: kept.flight_id, space: *space })
        });
        changed.collect()
    }
}

/// Returns what is left of an allotment's freight for a hold to keep.
pub fn left_of(freight: Space, drawn: Space) -> Space {
    (freight - drawn).most(NOTHING)
}

#[cfg(test)]
#[path = "draw/tests.rs"]
mod tests;
