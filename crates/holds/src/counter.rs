use futures_util::future::BoxFuture;
use loadmaster_kernel::HoldId;
use loadmaster_platform::{
    idempotency::{Answer, Key},
    web::{Precondition, Problem},
};

use super::{
    ask::{HoldCaller, HoldVerb},
    dto::CreateHold,
    model::HoldKind,
};

/// What a caller asks for about holds.
#[derive(Debug)]
pub enum HoldRequest {
    New { kind: HoldKind, new: Box<CreateHold> },
    Step { hold: HoldId, precondition: Precondition, verb: HoldVerb },
}

/// Carries out what changes holds, beside what changes bookings: both take the same room, in one order of arrival. The
/// room of bookings, which is above this one, provides it.
pub trait HoldDesk: Send + Sync {
    fn carry_out(&self, caller: HoldCaller, request: HoldRequest, key: Key) -> BoxFuture<'_, Result<Answer, Problem>>;
}
