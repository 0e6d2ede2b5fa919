//! Compares consolidations with the answers of the load: their masters, and the holds and bookings of their owners.
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use anyhow::Context;
use serde::Serialize;
use serde_json::Value;

use super::{ACCOUNTS, CONSOLIDATIONS, Case, HoldOutcome, Master, masters_of};
use crate::{
    check::{answer, list},
    client::Load,
    evidence::{Breach, Promise},
    operation::{Actor, BOOKINGS, hold::HOLDS},
    wire::Request,
};

/// How long holds are waited for that a request gives back whose client has left.
const SETTLES_WITHIN: Duration = Duration::from_secs(15);
/// The time after an answer, in microseconds, within which an earlier request under its key may still be at work.
const LAGS: u64 = 15_000_000;

/// What has become of consolidations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Consolidated {
    pub requests: usize,
    pub held: usize,
    pub refused: usize,
    /// Masters that became bookings.
    pub booked: usize,
    pub cancelled: usize,
    /// Holds that a fault has kept from being given back; they expire.
    pub left: usize,
}

/// A consolidation at the end.
#[derive(Debug, Clone, Default)]
struct Shown {
    status: String,
    organization: String,
    masters: BTreeMap<String, Master>,
}

impl Shown {
    fn read(consolidation: &Value) -> Self {
        let text = |member: &str| consolidation[member].as_str().unwrap_or_default().to_owned();
        Self { status: text("status"), organization: text("organization_id"), masters: masters_of(consolidation) }
    }
}

/// A booking of an owner at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Booking {
    hold: Option<String>,
    organization: String,
}

impl Booking {
    fn read(booking: &Value) -> (String, Self) {
        let text = |member: &str| booking[member].as_str().map(str::to_owned);
        let organization = text("organization_id").unwrap_or_default();
        (text("ref_id").unwrap_or_default(), Self { hold: text("hold_id"), organization })
    }
}

pub(super) async fn judge(
    load: &Load,
    cases: &[Case],
    windows: Option<&[(u64, u64)]>,
) -> anyhow::Result<(Vec<Breach>, Consolidated)> {
    let mut breaches = Vec::new();
    let mut left = 0;
    for account in 0..ACCOUNTS {
        let actor = Actor::Consolidator(account);
        let own: Vec<&Case> = cases.iter().filter(|case| case.account == account).collect();
        let bookings = list(load, actor, format!("{BOOKINGS}?limit=100")).await?;
        let bookings: BTreeMap<String, Booking> = bookings.iter().map(Booking::read).collect();
        let mut masters = BTreeSet::new();
        for case in &own {
            let path = format!("{CONSOLIDATIONS}/{}", case.id);
            let shown = answer(load, actor, &Request::get(path), 0).await?;
            let shown = shown.map(|answer| Shown::read(&answer.body));
            breaches.extend(compare(case, shown.as_ref(), (load.caller(actor).organization.as_str(), &bookings)));
            masters.extend(shown.into_iter().flat_map(|shown| shown.masters.into_values().map(|master| master.hold)));
        }
        let stray = stray(load, actor, &masters).await?;
        left += stray.len();
        if !stray.is_empty() && !is_excused(&own, windows) {
            let what = format!("the holds {stray:?} are of no consolidation, and of no request that was acknowledged");
            breaches.push(Breach { promise: Promise::HeldTogether, what });
        }
    }
    let count = |of: fn(&Case) -> bool| cases.iter().filter(|case| of(case)).count();
    let consolidated = Consolidated {
        requests: cases.len(),
        held: count(|case| matches!(case.hold, HoldOutcome::Held(_))),
        refused: count(|case| case.hold == HoldOutcome::Refused),
        booked: cases.iter().map(|case| case.booked.len()).sum(),
        cancelled: count(|case| case.is_cancelled),
        left,
    };
    Ok((breaches, consolidated))
}

/// The open holds of a forwarder that are no masters, once no request is at work any more.
async fn stray(load: &Load, actor: Actor, masters: &BTreeSet<String>) -> anyhow::Result<Vec<String>> {
    let began = Instant::now();
    loop {
        let open = list(load, actor, format!("{HOLDS}?limit=100&status=ACTIVE")).await?;
        let id = |hold: &Value| hold["id"].as_str().map(str::to_owned).context("a hold has an id");
        let mut stray = open.iter().map(id).collect::<anyhow::Result<Vec<String>>>()?;
        stray.retain(|hold| !masters.contains(hold));
        if stray.is_empty() || began.elapsed() > SETTLES_WITHIN {
            return Ok(stray);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Whether a fault may have kept a server from giving back what it held: a request was at work during one, or the faults are not
/// known.
fn is_excused(cases: &[&Case], windows: Option<&[(u64, u64)]>) -> bool {
    let during = |case: &&Case, windows: &[(u64, u64)]| {
        windows.iter().any(|(begin, end)| case.time.0 <= *end && case.time.1 + LAGS >= *begin)
    };
    windows.is_none_or(|windows| cases.iter().any(|case| during(case, windows)))
}

/// `organization` and `bookings`: of the owner.
fn compare(
    case: &Case,
    shown: Option<&Shown>,
    (organization, bookings): (&str, &BTreeMap<String, Booking>),
) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut breach = |promise, what: String| breaches.push(Breach { promise, what });
    let id = &case.id;
    let Some(Shown { status, organization: owner, masters }) = shown else {
        breach(Promise::NothingLost, format!("lost: the consolidation {id}"));
        return breaches;
    };
    if owner != organization {
        breach(Promise::NoForeignData, format!("the consolidation {id} belongs to {owner}, not to {organization}"));
    }
    if !masters.is_empty() && !masters.keys().eq(&case.origins) {
        let what = format!("{id} was to be held from {:?}, and is from {:?}", case.origins, masters.keys());
        breach(Promise::HeldTogether, what);
    }
    match &case.hold {
        HoldOutcome::Held(holds) => {
            for (origin, hold) in holds {
                let now = masters.get(origin).map(|master| &master.hold);
                if now != Some(hold) {
                    let what = format!("the hold {hold} of {id} from {origin} was acknowledged, but is {now:?}");
                    breach(Promise::HeldTogether, what);
                }
            }
        }
        HoldOutcome::Refused if !masters.is_empty() => {
            breach(Promise::HeldTogether, format!("the hold of {id} was refused, but is {masters:?}"));
        }
        HoldOutcome::Refused | HoldOutcome::Open => {}
    }
    for (origin, reference) in &case.booked {
        let now = masters.get(origin).and_then(|master| master.booking.as_ref());
        if now != Some(reference) {
            let what = format!("lost: the booking {reference} of {id} from {origin}, which shows {now:?}");
            breach(Promise::NothingLost, what);
        }
    }
    let keeps_room = masters.values().any(|master| matches!(master.status.as_str(), "HELD" | "BOOKED"));
    if case.is_cancelled && (status != "CANCELLED" || keeps_room) {
        let what = format!("the cancellation of {id} was acknowledged, but it is {status} with {masters:?}");
        breach(Promise::NothingLost, what);
    }
    breaches.extend(masters.iter().filter_map(|(origin, master)| {
        let (promise, what) = foreign(master, organization, bookings)?;
        Some(Breach { promise, what: format!("of {id} from {origin}: {what}") })
    }));
    breaches
}

/// Describes a booked master that is no booking of its owner, or not the one that its hold became.
fn foreign(master: &Master, organization: &str, bookings: &BTreeMap<String, Booking>) -> Option<(Promise, String)> {
    let reference = master.booking.as_ref()?;
    let Some(booking) = bookings.get(reference) else {
        return Some((Promise::NoForeignData, format!("the master {reference} is no booking of its owner")));
    };
    if booking.organization != organization {
        return Some((Promise::NoForeignData, format!("the master {reference} belongs to {}", booking.organization)));
    }
    let is_other = booking.hold.as_ref() != Some(&master.hold);
    is_other.then(|| {
        (Promise::HeldTogether, format!("the booking {reference} is of {:?}, not of {}", booking.hold, master.hold))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn case(hold: HoldOutcome) -> Case {
        Case {
            account: 0,
            id: "C".to_owned(),
            origins: ["FRA", "JFK"].map(str::to_owned).into(),
            hold,
            booked: BTreeMap::new(),
            is_cancelled: false,
            time: (10, 20),
        }
    }

    fn held() -> HoldOutcome {
        let holds = [("FRA", "1"), ("JFK", "2")];
        HoldOutcome::Held(holds.map(|(origin, hold)| (origin.to_owned(), hold.to_owned())).into())
    }

    /// A consolidation with these masters: origin, hold, booking, status.
    fn shown(status: &str, masters: &[(&str, &str, Option<&str>, &str)]) -> Shown {
        let master = |(origin, hold, booking, status): &(&str, &str, Option<&str>, &str)| {
            let reference = json!(booking);
            json!({"origin": origin, "hold_id": hold, "booking_ref": reference, "status": status})
        };
        let masters: Vec<Value> = masters.iter().map(master).collect();
        Shown::read(&json!({"status": status, "organization_id": "O", "masters": masters}))
    }

    fn bookings(all: &[(&str, &str, &str)]) -> BTreeMap<String, Booking> {
        let booking = |(reference, hold, organization): &(&str, &str, &str)| {
            Booking::read(&json!({"ref_id": reference, "hold_id": hold, "organization_id": organization}))
        };
        all.iter().map(booking).collect()
    }

    fn promises(case: &Case, shown: &Shown, bookings: &BTreeMap<String, Booking>) -> Vec<Promise> {
        compare(case, Some(shown), ("O", bookings)).into_iter().map(|breach| breach.promise).collect()
    }

    const BOTH: [(&str, &str, Option<&str>, &str); 2] = [("FRA", "1", None, "HELD"), ("JFK", "2", None, "EXPIRED")];

    #[test]
    fn all_holds_of_a_request_exist_or_none() {
        let (none, both, one) = (shown("PLANNING", &[]), shown("PLANNING", &BOTH), shown("PLANNING", &BOTH[..1]));
        let bookings = BTreeMap::new();
        assert!(promises(&case(held()), &both, &bookings).is_empty());
        assert!(promises(&case(HoldOutcome::Refused), &none, &bookings).is_empty());
        assert!(promises(&case(HoldOutcome::Open), &both, &bookings).is_empty());
        assert!(promises(&case(HoldOutcome::Open), &none, &bookings).is_empty());
        let together = Promise::HeldTogether;
        assert_eq!(promises(&case(held()), &none, &bookings), [together, together]);
        assert_eq!(promises(&case(held()), &one, &bookings), [together, together]);
        assert_eq!(promises(&case(HoldOutcome::Open), &one, &bookings), [together]);
        assert_eq!(promises(&case(HoldOutcome::Refused), &both, &bookings), [together]);
        let lost = compare(&case(HoldOutcome::Refused), None, ("O", &bookings));
        assert_eq!(lost.iter().map(|breach| breach.promise).collect::<Vec<_>>(), [Promise::NothingLost]);
    }

    #[test]
    fn bookings_of_masters_belong_to_their_owner() {
        let booked = [("FRA", "1", Some("A"), "BOOKED"), ("JFK", "2", Some("B"), "BOOKED")];
        let now = shown("BOOKED", &booked);
        let mut case = case(held());
        case.booked.insert("FRA".to_owned(), "A".to_owned());
        assert!(promises(&case, &now, &bookings(&[("A", "1", "O"), ("B", "2", "O")])).is_empty());
        let foreign = bookings(&[("A", "1", "O"), ("B", "2", "P")]);
        assert_eq!(promises(&case, &now, &foreign), [Promise::NoForeignData]);
        assert_eq!(promises(&case, &now, &bookings(&[("A", "1", "O")])), [Promise::NoForeignData]);
        let mixed = bookings(&[("A", "2", "O"), ("B", "2", "O")]);
        assert_eq!(promises(&case, &now, &mixed), [Promise::HeldTogether]);
        assert_eq!(promises(&case, &shown("PLANNING", &BOTH), &BTreeMap::new()), [Promise::NothingLost]);
        case.is_cancelled = true;
        let all = bookings(&[("A", "1", "O"), ("B", "2", "O")]);
        assert_eq!(promises(&case, &now, &all), [Promise::NothingLost]);
        let ended = [("FRA", "1", Some("A"), "CANCELLED"), ("JFK", "2", Some("B"), "CANCELLED")];
        assert!(promises(&case, &shown("CANCELLED", &ended), &all).is_empty());
    }

    #[test]
    fn what_is_not_given_back_is_excused_by_a_fault_alone() {
        let case = case(HoldOutcome::Refused);
        assert!(is_excused(&[&case], None) && is_excused(&[&case], Some(&[(15, 16)])));
        assert!(!is_excused(&[&case], Some(&[])) && !is_excused(&[&case], Some(&[(1, 5)])));
        assert!(!is_excused(&[&case], Some(&[(21 + LAGS, 22 + LAGS)])));
    }
}
