//! The room's routes, one file for each kind of entry.
mod parties;
mod templates;

use loadmaster_accounts::Principal;
use loadmaster_platform::{
    idempotency::Answer,
    room::{Routes, handler_state},
    web::Problem,
};
use loadmaster_reference::Reference;

use super::{repository::Stored, service::PartyService};

handler_state!(HandlerState { parties: PartyService, reference: Reference });

pub(super) fn routes() -> Routes<HandlerState> {
    parties::routes().merge(templates::routes()).into()
}

/// Returns the answer to what made an entry. A repeated one is given only to a caller who may still see the entry.
async fn if_seen<T: Stored>(answer: Answer, parties: &PartyService, caller: Principal) -> Result<Answer, Problem> {
    if let Some(id) = answer.made_before() {
        parties.entry::<T>(caller, id).await?;
    }
    Ok(answer)
}
