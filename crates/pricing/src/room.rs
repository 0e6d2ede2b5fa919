use std::sync::Arc;

use chrono::TimeDelta;
use loadmaster_platform::{
    follower::Follower,
    jobs::Handlers,
    postgres::Tables,
    room::{Data, Messages, Opened, Opening, Room},
};
use loadmaster_reference::Reference;

use super::{
    audit::AUDIT,
    dto::{AskQuote, ChangeSale, CreateSale, CreateSurcharge, default_sales},
    error::code,
    metric::METRICS,
    model::{
        ImportEventType, LimitEventType, PriceEventType, SALE, SALE_LIMIT, SURCHARGE, SaleLimitMessage, SaleMessage,
        SurchargeMessage, TARIFF, TariffImportMessage, TariffMessage,
    },
    router::{self, HandlerState},
    service::PricingService,
};

/// The messages about rules of one kind.
const fn of_rules(aggregate: &'static str, subject: &'static str, data: fn() -> Data) -> Messages {
    Messages { aggregate, event_types: PriceEventType::NAMES, about: &PriceEventType::ABOUT, subject, data }
}

pub const ROOM: Room = Room {
    tags: &[("prices", "Tariffs, surcharges, sales, and the quotes made by them")],
    features: &["prices"],
    growing: &["PriceBasis", "LineKind", "RateClass", "SurchargeBasis", "Per"],
    conditions: &[AskQuote::NEEDS, CreateSale::NEEDS, ChangeSale::NEEDS, CreateSurcharge::NEEDS],
    codes: code::CODES,
    metrics: METRICS,
    tables: Tables { kept: &["price_revision", "tariffs", "surcharges", "sales", "sale_counters"], ..Tables::NONE },
    messages: &[
        of_rules(TARIFF, "the tariff's id", Data::of::<TariffMessage>),
        Messages {
            aggregate: TARIFF,
            event_types: ImportEventType::NAMES,
            about: &ImportEventType::ABOUT,
            subject: "an id of the import",
            data: Data::of::<TariffImportMessage>,
        },
        of_rules(SURCHARGE, "the surcharge's id", Data::of::<SurchargeMessage>),
        of_rules(SALE, "the sale's id", Data::of::<SaleMessage>),
        Messages {
            aggregate: SALE_LIMIT,
            event_types: LimitEventType::NAMES,
            about: &LimitEventType::ABOUT,
            subject: "an id of the sale's limit",
            data: Data::of::<SaleLimitMessage>,
        },
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
        (&settings.pricing, default_sales(&settings.pricing, &reference)?),
    )?;
    let routes = router::routes().with_state(&HandlerState::of(opening, prices.clone(), reference));
    let follower = Some(Arc::new(prices.for_background().known) as Arc<dyn Follower>);
    let jobs =
        Handlers::default().every(TimeDelta::days(1), "old_quotes", prices.for_background(), |prices| async move {
            let deleted = prices.delete_old_quotes().await?;
            tracing::info!(deleted, "quotes that nothing has taken were deleted");
            Ok(())
        });
    Ok(Opened { routes, jobs, follower, ..Opened::default() }.with(prices))
}
