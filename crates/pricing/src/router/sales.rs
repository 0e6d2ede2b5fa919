use loadmaster_accounts::{Admin, Operator};
use loadmaster_kernel::SaleId;
use loadmaster_platform::entries::entry_operations;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_reference::Reference;

use super::HandlerState;

use crate::{
    PricingService,
    dto::{ChangeSale, CreateSale, SaleBody},
    error::code,
    model::{Rule, Sale},
};

pub(super) fn routes() -> ApiRouter<HandlerState> {
    ApiRouter::new().routes(routes!(list, create)).routes(routes!(show, change, end))
}

entry_operations! {
    Rule<Sale>, kept by PricingService, shown as (SaleBody<'_>) by SaleId,
    at "/sales" and "/sales/{id}", tag "prices", the "sale";
    roles (Operator(caller): Operator,) as caller.role.as_str(), (Operator(_caller): Operator,), Admin; reads with Reference;

    /// List the sales in force, oldest first.
    ///
    /// Those that were ended are left out.
    list "listSales" [LIST, ROLE];

    /// Show a sale in force.
    ///
    /// One that was ended is 404.
    show "getSale" [INPUT, ROLE];

    /// Put a sale into force.
    ///
    /// It applies to what is quoted from now on here and within a second on every server. A quote has one sale: that of its
    /// discount code, else the one without a code that lowers its weight charge most.
    create "createSale" of CreateSale() or ALREADY_EXISTS;

    /// Change a sale in force: a new version of it.
    ///
    /// A JSON merge patch (RFC 7396). What was quoted before keeps its price.
    change "changeSale" of ChangeSale;

    /// End a sale.
    ///
    /// It is not shown any more; the response is the last to show it, with `ended_at`. What was quoted before keeps its price.
    end "deleteSale";
}
