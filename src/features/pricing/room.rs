use std::sync::Arc;

use chrono::TimeDelta;

use super::{
    audit::AUDIT,
    error::code,
    follower::PriceFollower,
    metric::METRICS,
    model::{ImportEventType, LimitEventType, PriceEventType, SALE, SALE_LIMIT, SURCHARGE, TARIFF},
    router::{self, HandlerState},
    service::PricingService,
};
use crate::{
    features::reference::Reference,
    platform::{
        follower::Follower,
        jobs::Handlers,
        postgres::Tables,
        room::{Messages, Opened, Opening, Room},
    },
};

/// A tariff's messages, and that of an import.
const OF_TARIFFS: &[&str] = &[
    PriceEventType::Created.as_str(),
    PriceEventType::Changed.as_str(),
    PriceEventType::Ended.as_str(),
    ImportEventType::Imported.as_str(),
];

pub const ROOM: Room = Room {
    tags: &[("prices", "Tariffs, surcharges, sales, and the quotes made by them")],
    growing: &["PriceBasis", "LineKind", "RateClass", "SurchargeBasis", "Per"],
    codes: code::CODES,
    metrics: METRICS,
    tables: Tables { kept: &["price_revision", "tariffs", "surcharges", "sales", "sale_counters"], ..Tables::NONE },
    messages: &[
        Messages { aggregate: TARIFF, event_types: OF_TARIFFS },
        Messages { aggregate: SURCHARGE, event_types: PriceEventType::NAMES },
        Messages { aggregate: SALE, event_types: PriceEventType::NAMES },
        Messages { aggregate: SALE_LIMIT, event_types: LimitEventType::NAMES },
    ],
    audit: AUDIT,
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("pricing")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { settings, db, clock, ids, .. } = opening;
    let reference: Reference = opening.service()?;
    let prices = PricingService::new(
        db.clone(),
        opening.service()?,
        reference.clone(),
        clock.clone(),
        ids.clone(),
        opening.service()?,
        &settings.pricing,
    )?;
    let routes = router::routes().with_state(&HandlerState::of(opening, prices.clone(), reference));
    let follower = Some(Arc::new(PriceFollower(prices.for_background())) as Arc<dyn Follower>);
    let jobs =
        Handlers::default().every(TimeDelta::days(1), "old_quotes", prices.for_background(), |prices| async move {
            let deleted = prices.delete_old_quotes().await?;
            tracing::info!(deleted, "quotes that nothing has taken were deleted");
            Ok(())
        });
    Ok(Opened { routes, jobs, follower, ..Opened::default() }.with(prices))
}
