use axum::{Json, extract::State, response::Response};
use loadmaster_accounts::{Admin, Operator};
use loadmaster_kernel::TariffId;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    entries::entry_operations,
    web::{Problem, Query, private, problem_responses},
};
use loadmaster_reference::Reference;

use super::HandlerState;

use crate::{
    PricingService,
    dto::{ChangeTariff, CreateTariff, DefaultTariffBody, Shape, TariffBody},
    error::code,
    model::{Rule, Tariff},
};

pub(super) fn routes() -> ApiRouter<HandlerState> {
    ApiRouter::new().routes(routes!(list, create)).routes(routes!(show_default)).routes(routes!(show, change, end))
}

entry_operations! {
    Rule<Tariff>, kept by PricingService, shown as (TariffBody<'_>) by TariffId,
    at "/tariffs" and "/tariffs/{id}", tag "prices", the "tariff";
    roles (Operator(caller): Operator,) as caller.role.as_str(), (Operator(_caller): Operator,), Admin; reads with Reference;

    /// List the tariffs in force, oldest first.
    ///
    /// Those that were ended are left out.
    list "listTariffs" [LIST, ROLE];

    /// Show a tariff in force.
    ///
    /// One that was ended is 404.
    show "getTariff" [INPUT, ROLE];

    /// Put a tariff into force.
    ///
    /// It rates what is quoted from now on here and within a second on every server. Of the tariffs that match, the first of this
    /// order applies: one for the organization before others; for the product before `GENERAL`; with a handling code, an airline, a
    /// flight number before without; the narrower origin, then the narrower destination (airport, city, country, region, `*`); the
    /// later `valid_from`; the newer one. One from the shipment's origin to its destination precedes tariffs of its legs.
    create "createTariff" of CreateTariff(Shape::Members) or ALREADY_EXISTS;

    /// Change a tariff in force: a new version of it.
    ///
    /// A JSON merge patch (RFC 7396). What was quoted before keeps its price.
    change "changeTariff" of ChangeTariff;

    /// End a tariff.
    ///
    /// It is not shown any more; the response is the last to show it, with `ended_at`. What was quoted before keeps its price.
    end "deleteTariff";
}

problem_responses!(DefaultTariffProblems: [INPUT, ROLE]);

/// Show the tariff of the settings, which rates what no tariff in force rates, the surcharges that go with it, and the sales
/// of the settings.
///
/// If `is_in_force`, it rates the whole route of a shipment where a leg has no tariff. The sales lower the weight charge of
/// every tariff, beside those of `GET /sales`.
#[utoipa::path(get, path = "/tariffs/default", tag = "prices", operation_id = "getDefaultTariff",
    responses((status = 200, body = DefaultTariffBody), DefaultTariffProblems))]
async fn show_default(
    Operator(_caller): Operator,
    State(prices): State<PricingService>,
    query: Query,
) -> Result<Response, Problem> {
    query.refuse_all()?;
    let (defaults, is_in_force) = prices.default_tariff();
    Ok(private(Json(DefaultTariffBody::new(defaults, prices.default_sales(), is_in_force))))
}
