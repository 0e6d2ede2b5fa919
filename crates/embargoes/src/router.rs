use loadmaster_accounts::Admin;
use loadmaster_kernel::EmbargoId;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    entries::entry_operations,
    room::{Routes, handler_state},
};
use loadmaster_reference::Reference;

use super::{
    dto::{ChangeEmbargo, CreateEmbargo, EmbargoBody},
    error::code,
    model::Embargo,
    service::EmbargoService,
};

handler_state!(HandlerState { embargoes: EmbargoService, reference: Reference });

pub(super) fn routes() -> Routes<HandlerState> {
    ApiRouter::new().routes(routes!(list, create)).routes(routes!(show, change, end)).into()
}

entry_operations! {
    Embargo, kept by EmbargoService, shown as (EmbargoBody<'_>) by EmbargoId,
    at "/embargoes" and "/embargoes/{id}", tag "embargoes", the "embargo";
    roles () as "", (), Admin; reads with Reference;

    /// List the embargoes in force, oldest first.
    ///
    /// Those that were ended are left out. Everybody may read them.
    list "listEmbargoes" [LIST, CALLER];

    /// Show an embargo in force.
    ///
    /// One that was ended is 404.
    show "getEmbargo" [INPUT, CALLER];

    /// Put an embargo into force.
    ///
    /// It is judged leg by leg, by the local departure, from now on here and within a second on every server: in search,
    /// and when booking, amending and rerouting, for operators too. What is booked stays booked. `FORBID` keeps freight with any
    /// of the `handling_codes` off the flights, or all freight if there are none; `{"require_any": […]}` lets it fly only with
    /// one of those codes. Scopes are an airport (`LHR`), `city:London,GB`, `country:GB`, `region:EUROPE` (`GET /regions`) or
    /// `*`.
    create "createEmbargo" of CreateEmbargo();

    /// Change an embargo in force.
    ///
    /// A JSON merge patch (RFC 7396).
    change "changeEmbargo" of ChangeEmbargo;

    /// End an embargo.
    ///
    /// It is not shown any more; the response is the last to show it, with `ended_at`.
    end "deleteEmbargo";
}
