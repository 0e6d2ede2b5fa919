mod import;
mod quotes;
mod sales;
mod surcharges;
mod tariffs;

use loadmaster_platform::room::{Routes, handler_state};
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_reference::Reference;

use super::service::PricingService;

handler_state!(HandlerState { prices: PricingService, reference: Reference });

pub(super) fn routes() -> Routes<HandlerState> {
    let api = quotes::routes().merge(tariffs::routes()).merge(surcharges::routes()).merge(sales::routes());
    Routes {
        api,
        tables: ApiRouter::new().routes(routes!(import::import)).routes(routes!(import::export)),
        ..Routes::default()
    }
}
