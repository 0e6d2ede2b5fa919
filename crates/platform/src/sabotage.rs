//! Fault injection: a checker that never found a fault proves nothing. Only builds with debug assertions have this
//! module; the gate `release` proves that a release binary lacks it. A process injects only the faults that its
//! environment names in `LOADMASTER_SABOTAGE`, and aborts at the step that `LOADMASTER_CRASH_AT` names; the file
//! named by `LOADMASTER_TEST_CLOCK` holds the error of the machine's clock as the process sees it, the one named by
//! `LOADMASTER_TEST_TIME` the time that has passed for the installation, and `LOADMASTER_TEST_TIMING=brief` shortens the
//! intervals of the process.
use std::{
    io::Write,
    path::PathBuf,
    sync::{
        LazyLock,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use chrono::TimeDelta;

static NAMED: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("LOADMASTER_SABOTAGE").ok());

/// Returns whether this process injects the fault of that name.
pub fn is_on(fault: &str) -> bool {
    NAMED.as_deref() == Some(fault)
}

/// Returns whether commits are acknowledged before they happen.
pub fn early_answer() -> bool {
    is_on("early_answer")
}

/// Returns whether `LOADMASTER_TEST_TIMING` asks for the intervals of tests.
pub fn has_brief_timing() -> bool {
    std::env::var_os("LOADMASTER_TEST_TIMING").is_some_and(|timing| timing == "brief")
}

/// Returns true for one call in five.
pub fn now_and_then() -> bool {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    CALLS.fetch_add(1, Ordering::Relaxed) % 5 == 4
}

/// Aborts the process if this step between two effects is the one that `LOADMASTER_CRASH_AT` names: `7` is the seventh step
/// since its start, `batch committed:2` the second of that name. Standard output then names the step.
pub fn step(name: &str) {
    static CRASH_AT: LazyLock<Option<(Option<String>, u64)>> = LazyLock::new(|| {
        let text = std::env::var("LOADMASTER_CRASH_AT").ok()?;
        let (name, number) = text.rsplit_once(':').map_or((None, &*text), |(name, number)| (Some(name), number));
        Some((name.map(str::to_owned), number.parse().ok()?))
    });
    static STEPS: AtomicU64 = AtomicU64::new(0);
    let Some((wanted, number)) = &*CRASH_AT else { return };
    if wanted.as_ref().is_none_or(|wanted| wanted == name) && STEPS.fetch_add(1, Ordering::SeqCst) + 1 == *number {
        let mut out = std::io::stdout().lock();
        _ = writeln!(out, "Loadmaster crashes at {name}").and_then(|()| out.flush());
        std::process::abort();
    }
}

/// Returns the error of the machine's wall clock: the number of seconds currently in the file, which may change at any time.
/// Zero without a file or a number in it.
pub fn clock_error() -> TimeDelta {
    static FILE: LazyLock<Option<PathBuf>> =
        LazyLock::new(|| std::env::var_os("LOADMASTER_TEST_CLOCK").map(PathBuf::from));
    seconds_in(FILE.as_ref())
}

/// Returns by how much the time of the installation is ahead of the database's clock, in the same way: a test lets time pass.
pub fn time_passed() -> TimeDelta {
    static FILE: LazyLock<Option<PathBuf>> =
        LazyLock::new(|| std::env::var_os("LOADMASTER_TEST_TIME").map(PathBuf::from));
    seconds_in(FILE.as_ref())
}

fn seconds_in(file: Option<&PathBuf>) -> TimeDelta {
    let text = file.and_then(|file| std::fs::read_to_string(file).ok());
    let seconds = text.and_then(|text| text.trim().parse().ok()).unwrap_or_default();
    TimeDelta::try_seconds(seconds).unwrap_or_default()
}
