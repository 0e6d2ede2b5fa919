//! Faults on purpose: a checker that was never seen to find one proves nothing. Only builds with the feature `sabotage` have
//! them, no release build can have it, and one is made only when `LOADMASTER_SABOTAGE` names it. A wrong clock is made by the
//! file that `LOADMASTER_TEST_CLOCK` names.
use std::{
    path::PathBuf,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use chrono::TimeDelta;

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

/// By how much this process's wall clock is wrong: the seconds that the file holds at this moment, which may be changed at
/// any time. No file or no number: nothing.
pub fn clock_error() -> TimeDelta {
    static FILE: LazyLock<Option<PathBuf>> =
        LazyLock::new(|| std::env::var_os("LOADMASTER_TEST_CLOCK").map(PathBuf::from));
    let text = FILE.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
    let seconds = text.and_then(|text| text.trim().parse().ok()).unwrap_or_default();
    TimeDelta::try_seconds(seconds).unwrap_or_default()
}
