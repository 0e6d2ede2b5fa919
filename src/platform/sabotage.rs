//! Faults on purpose: a checker that was never seen to find one proves nothing. Only builds with the feature `sabotage` have
//! them, no release build can have it, and one is made only when `LOADMASTER_SABOTAGE` names it.
use std::sync::{
    LazyLock,
    atomic::{AtomicU32, Ordering},
};

#[cfg(not(debug_assertions))]
compile_error!("the feature `sabotage` is for tests only: no release build has it");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Room is taken whether it is there or not.
    Oversell,
    /// Some of what is taken is not written in the ledger.
    ForgetLedger,
    /// The answer is given before the commit.
    EarlyAnswer,
}

static MADE: LazyLock<Option<Fault>> = LazyLock::new(|| match std::env::var("LOADMASTER_SABOTAGE").as_deref() {
    Ok("oversell") => Some(Fault::Oversell),
    Ok("forget_ledger") => Some(Fault::ForgetLedger),
    Ok("early_answer") => Some(Fault::EarlyAnswer),
    _ => None,
});

/// Whether this process makes that fault.
pub fn makes(fault: Fault) -> bool {
    *MADE == Some(fault)
}

/// One in five times.
pub fn now_and_then() -> bool {
    static TIMES: AtomicU32 = AtomicU32::new(0);
    TIMES.fetch_add(1, Ordering::Relaxed) % 5 == 4
}
