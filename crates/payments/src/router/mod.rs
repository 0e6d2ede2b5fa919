mod credit;
mod payments;
mod statement;
mod test_payments;
mod webhooks;

use loadmaster_platform::room::{Routes, handler_state};
use loadmaster_platform::web::{ApiRouter, routes};

use super::service::PaymentService;

handler_state!(HandlerState { payments: PaymentService });

pub(super) fn routes() -> Routes<HandlerState> {
    ApiRouter::new()
        .routes(routes!(payments::list))
        .routes(routes!(payments::show))
        .routes(routes!(webhooks::receive))
        .routes(routes!(test_payments::journal))
        .routes(routes!(test_payments::confirm))
        .routes(routes!(test_payments::fail))
        .routes(routes!(credit::show, credit::change))
        .routes(routes!(credit::entries))
        .routes(routes!(credit::pay))
        .routes(routes!(statement::show))
        .into()
}
