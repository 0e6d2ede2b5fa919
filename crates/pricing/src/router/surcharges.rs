use loadmaster_accounts::{Admin, Operator};
use loadmaster_kernel::SurchargeId;
use loadmaster_platform::entries::entry_operations;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_reference::Reference;

use super::HandlerState;

use crate::{
    PricingService,
    dto::{ChangeSurcharge, CreateSurcharge, SurchargeBody},
    error::code,
    model::{Rule, Surcharge},
};

pub(super) fn routes() -> ApiRouter<HandlerState> {
    ApiRouter::new().routes(routes!(list, create)).routes(routes!(show, change, end))
}

entry_operations! {
    Rule<Surcharge>, kept by PricingService, shown as (SurchargeBody<'_>) by SurchargeId,
    at "/surcharges" and "/surcharges/{id}", tag "prices", the "surcharge";
    roles (Operator(caller): Operator,) as caller.role.as_str(), (Operator(_caller): Operator,), Admin; reads with Reference;

    /// List the surcharges in force, oldest first.
    ///
    /// Those that were ended are left out.
    list "listSurcharges" [LIST, ROLE];

    /// Show a surcharge in force.
    ///
    /// One that was ended is 404.
    show "getSurcharge" [INPUT, ROLE];

    /// Put a surcharge into force.
    ///
    /// It applies to what is quoted from now on here and within a second on every server. All surcharges that match are charged;
    /// of those with one code only the first, in the order of tariffs.
    create "createSurcharge" of CreateSurcharge();

    /// Change a surcharge in force: a new version of it.
    ///
    /// A JSON merge patch (RFC 7396). What was quoted before keeps its price.
    change "changeSurcharge" of ChangeSurcharge;

    /// End a surcharge.
    ///
    /// It is not shown any more; the response is the last to show it, with `ended_at`. What was quoted before keeps its price.
    end "deleteSurcharge";
}
