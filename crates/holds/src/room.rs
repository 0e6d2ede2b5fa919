use std::{collections::HashSet, sync::Arc};

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use loadmaster_capacity::CapacityService;
use loadmaster_kernel::FlightId;
use loadmaster_platform::{
    follower::Follower,
    jobs::Handlers,
    outbox::Entry,
    postgres::Tables,
    room::{Data, Messages, Opened, Opening, Room, Unfinished},
    seal::SealKey,
};
use loadmaster_shipment::Surroundings;
use tokio_util::sync::CancellationToken;

use super::{
    CreateHold, HOLD, HoldEvent, HoldEventType, HoldKind, HoldLimits, HoldService,
    audit::AUDIT,
    code,
    metric::METRICS,
    router::{self, HandlerState},
};

pub const ROOM: Room = Room {
    tags: &[("holds", "Room that is kept for a bounded time, before it is booked")],
    features: &["holds"],
    growing: &["HoldKind", "HoldStatus", "EndReason", "PositionStatus"],
    conditions: &[CreateHold::NEEDS],
    codes: code::CODES,
    metrics: METRICS,
    tables: Tables { history: &["hold_events"], kept: &["holds"], ..Tables::NONE },
    messages: &[Messages {
        aggregate: HOLD,
        event_types: HoldEventType::NAMES,
        about: &HoldEventType::ABOUT,
        subject: "the hold's id",
        data: Data::of::<HoldEvent>,
    }],
    audit: AUDIT,
    unfinished: &[Unfinished {
        what: "holds that keep room",
        count: "select count(*), min(id::text) from holds where id < $1 and is_open",
    }],
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("holds")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { settings, db, clock, secrets, .. } = opening;
    let settings = &settings.holds;
    let limits = HoldLimits {
        ttl_seconds: settings.ttl_seconds,
        max_seconds: settings.max_seconds,
        guest_flight_percent: settings.guest_flight_percent,
        guests_flight_percent: settings.guests_flight_percent,
        guest_active: settings.guest_active,
        address_active: settings.address_active,
        organization_active: settings.organization_active,
        guest_per_hour: settings.guest_per_hour,
    };
    let capacity: CapacityService = opening.service()?;
    let addresses = SealKey::new(&secrets.reference_key);
    let surroundings = Surroundings::new(opening.service()?, opening.service()?);
    let holds = HoldService::new(db.clone(), clock.clone(), capacity, surroundings, limits, addresses);
    let routes = router::routes().with_state(&HandlerState::of(opening, holds.clone()));
    let follower = Some(Arc::new(HoldFollower(holds.for_background())) as Arc<dyn Follower>);
    let sweeping = holds.for_background();
    let personal = Some(Arc::new(holds.clone()) as _);
    let opened = Opened { routes, follower, personal, jobs: jobs(&sweeping), ..Opened::default() };
    Ok(opened.with(holds).working(|stop| sweeping.sweep(stop)))
}

fn jobs(holds: &HoldService) -> Handlers {
    Handlers::default().every(TimeDelta::days(1), "old_hold_texts", holds.clone(), |holds| async move {
        let blanked = holds.blank_ended().await?;
        tracing::info!(blanked, "the texts of holds that ended long ago were removed");
        Ok(())
    })
}

/// Invalidates the space on a hold's flights, which any change of the hold may have altered, and learns what allotments keep.
struct HoldFollower(HoldService);

impl Follower for HoldFollower {
    fn reads_events_of(&self) -> &'static [&'static str] {
        &[HOLD]
    }

    fn start<'a>(&'a self, _: &'a CancellationToken) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move { Ok(self.0.learn_allotted().await?) })
    }

    fn hear<'a>(&'a self, messages: &'a [Entry]) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            let (mut changed, mut allotted) = (HashSet::<FlightId>::new(), HashSet::<FlightId>::new());
            for message in messages.iter().filter(|message| message.aggregate == HOLD) {
                let flights = message.event.pointer("/data/flight_ids").and_then(|ids| ids.as_array());
                let flights = flights.into_iter().flatten().filter_map(|id| id.as_str()?.parse().ok());
                let flights: Vec<FlightId> = flights.collect();
                changed.extend(&flights);
                let kind = message.event.pointer("/data/kind").and_then(|kind| kind.as_str());
                if kind == Some(HoldKind::Allotment.as_str()) {
                    allotted.extend(flights);
                }
            }
            if !allotted.is_empty() {
                self.0.learn_allotted_on(&allotted).await?;
            }
            if !changed.is_empty() {
                self.0.capacity.changed(changed);
            }
            Ok(())
        })
    }
}
