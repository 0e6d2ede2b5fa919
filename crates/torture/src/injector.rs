//! The fault injector: makes each fault, ends it, and waits until every server books again.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use loadmaster_platform::embedded::Rehearsal;
use nix::sys::signal::Signal;
use serde::Serialize;
use tokio::time::sleep;

use super::{
    callers::GIVE_UP_AFTER,
    client::{
        Load,
        burst::Burst,
        probe::{Probe, longest_outage, recovered},
    },
    evidence::Promise,
    plan::{Fault, Injection, Plan},
    testbed::Testbed,
};

/// The time between an exit and a restart, as with a supervisor.
const RESTART_AFTER: Duration = Duration::from_millis(300);

/// The time after which a burst of callers uses every connection to the database.
const BURST_LEAD: Duration = Duration::from_millis(50);

/// A fault that was made.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Injected {
    pub fault: &'static str,
    /// The server process concerned, counted from 1.
    pub server: Option<usize>,
    /// Seconds since the run began.
    pub began_s: f64,
    /// When its cause was removed; a server that was killed is being started then.
    pub ended_s: f64,
    /// The time from there until every server had acknowledged a booking.
    pub recovery_ms: Option<u64>,
    /// The longest interval without an acknowledged booking of any server.
    pub outage_ms: u64,
    /// The interval in which 503 and 504 are excused, in microseconds since the run began. It lasts beyond the
    /// recovery: a server that has booked again may still find dead connections.
    #[serde(skip)]
    pub window: (u64, u64),
}

/// Injects faults for the duration of the run; completes the first round of the plan in any case.
pub(super) async fn run_plan(
    testbed: &mut Testbed,
    load: &Arc<Load>,
    probe: &Probe,
    plan: Plan,
    time: Duration,
    bound: Duration,
) -> anyhow::Result<Vec<Injected>> {
    let began = Instant::now();
    let mut injected = Vec::new();
    for injection in plan {
        sleep(injection.pause).await;
        if began.elapsed() >= time && !injection.first_round {
            break;
        }
        let one = inject(testbed, load, probe, &injection, bound).await?;
        if let Some(what) = late(&one, bound) {
            load.evidence.breach(Promise::InTime, what);
        }
        let over = one.recovery_ms.is_none();
        announce(&one);
        injected.push(one);
        if over {
            return Ok(injected);
        }
    }
    sleep(time.saturating_sub(began.elapsed())).await;
    Ok(injected)
}

/// Reports a recovery that exceeded its limit. A recovery that never came is a breach of its own.
fn late(injected: &Injected, bound: Duration) -> Option<String> {
    let took = Duration::from_millis(injected.recovery_ms?);
    let what = || format!("{}: recovered after {took:?}; the limit is {bound:?}", injected.fault);
    (took > bound).then(what)
}

fn announce(injected: &Injected) {
    let recovery = injected.recovery_ms.map_or("no recovery".to_owned(), |time| format!("recovered in {time} ms"));
    super::report_progress(&format!("{:>7.1} s  {:<14} {recovery}", injected.began_s, injected.fault));
}

async fn inject(
    testbed: &mut Testbed,
    load: &Arc<Load>,
    probe: &Probe,
    injection: &Injection,
    bound: Duration,
) -> anyhow::Result<Injected> {
    let count = load.wire.addresses.count();
    let target = usize::try_from(injection.target % count.max(1) as u64).unwrap_or_default();
    let began = load.wire.now();
    load.wire.note_fault(&format!("{} begins", injection.fault.name()));
    let repaired = apply(testbed, load, injection, target).await?;
    let repaired = repaired.unwrap_or_else(|| load.wire.now());
    load.wire.note_fault(&format!("{} is over", injection.fault.name()));
    let recovered = await_recovery(load, probe, injection.fault, repaired, count).await;
    let samples = probe.since(began);
    let seconds = |time: u64| Duration::from_micros(time).as_secs_f64();
    Ok(Injected {
        fault: injection.fault.name(),
        server: injection.fault.hits_one().then_some(target + 1),
        began_s: seconds(began),
        ended_s: seconds(repaired),
        recovery_ms: recovered.map(|at| at.saturating_sub(repaired) / 1000),
        outage_ms: longest_outage(&samples, began, recovered.unwrap_or_else(|| load.wire.now())) / 1000,
        window: (began, recovered.map_or(u64::MAX, |at| at.max(repaired + micros(bound)))),
    })
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

async fn await_recovery(load: &Arc<Load>, probe: &Probe, fault: Fault, repaired: u64, servers: usize) -> Option<u64> {
    let began = Instant::now();
    loop {
        if let Some(at) = recovered(&probe.since(repaired), servers) {
            return Some(at);
        }
        if began.elapsed() > GIVE_UP_AFTER {
            let what = format!(
                "{}: 2 minutes after the end of the fault, at least one server acknowledges no booking",
                fault.name()
            );
            load.evidence.breach(Promise::Service, what);
            return None;
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// Makes a fault and ends it. Returns when its cause was removed, if that was before now.
async fn apply(
    testbed: &mut Testbed,
    load: &Arc<Load>,
    injection: &Injection,
    target: usize,
) -> anyhow::Result<Option<u64>> {
    match injection.fault {
        Fault::KillApp => {
            testbed.kill(target).await?;
            sleep(RESTART_AFTER).await;
            return Ok(Some(restart(testbed, load, target).await));
        }
        Fault::Drain => {
            let wrong = match testbed.drain(target).await {
                Ok(status) if status.success() => None,
                Ok(status) => Some(status.to_string()),
                Err(error) => Some(format!("{error:#}")),
            };
            if let Some(wrong) = wrong {
                load.evidence.breach(Promise::Service, format!("a server did not stop cleanly: {wrong}"));
            }
            return Ok(Some(restart(testbed, load, target).await));
        }
        Fault::BlackHole => {
            Burst::start(load).await;
            sleep(BURST_LEAD).await;
            testbed.cut_off();
            sleep(injection.duration).await;
            testbed.connect_again();
        }
        Fault::SuspendApp => {
            testbed.signal(target, Signal::SIGSTOP)?;
            sleep(injection.duration).await;
            testbed.signal(target, Signal::SIGCONT)?;
        }
        Fault::ClockJump => {
            // Forward or back, and then the other way.
            let hour = if (injection.target / 1024).is_multiple_of(2) { 3600 } else { -3600 };
            load.wire.note_fault(&format!("the clock of server {} jumps by {hour} s", target + 1));
            testbed.set_clock(target, hour)?;
            sleep(injection.duration).await;
            testbed.set_clock(target, 0)?;
        }
        _ => return apply_to_stores(&mut testbed.servers, load, injection).await,
    }
    Ok(None)
}

/// As [`apply`], for faults of PostgreSQL and Redis.
async fn apply_to_stores(servers: &mut Rehearsal, load: &Load, injection: &Injection) -> anyhow::Result<Option<u64>> {
    match injection.fault {
        Fault::KillPostgres => {
            servers.kill_postgres().await?;
            sleep(RESTART_AFTER).await;
            let repaired = load.wire.now();
            servers.start_postgres().await?;
            return Ok(Some(repaired));
        }
        Fault::StopPostgres => {
            servers.freeze_postgres();
            sleep(injection.duration).await;
            servers.thaw_postgres();
        }
        Fault::RedisStop => {
            servers.kill_redis().await?;
            sleep(injection.duration).await;
            servers.start_redis().await?;
        }
        Fault::RedisPause => {
            servers.freeze_redis()?;
            sleep(injection.duration).await;
            servers.thaw_redis()?;
        }
        Fault::RedisFlush => servers.flush_redis().await?,
        Fault::RedisFull => {
            servers.fill_redis().await?;
            sleep(injection.duration).await;
            servers.widen_redis().await?;
        }
        Fault::RedisStarved => {
            servers.starve_redis().await?;
            sleep(injection.duration).await;
            servers.widen_redis().await?;
        }
        Fault::ReadOnly => {
            servers.forbid_writes().await?;
            sleep(injection.duration).await;
            servers.allow_writes().await?;
        }
        Fault::DiskFull => {
            servers.fill_disk()?;
            sleep(injection.duration).await;
            let repaired = load.wire.now();
            servers.free_disk().await?;
            return Ok(Some(repaired));
        }
        // Each booking waits for a row and keeps its connection meanwhile, until the pool is empty.
        Fault::Pool => servers.hold_rows("flight_capacity", injection.duration).await?,
        // Faults of the servers themselves.
        Fault::KillApp | Fault::Drain | Fault::BlackHole | Fault::SuspendApp | Fault::ClockJump => {}
    }
    Ok(None)
}

/// Starts a server; returns when the start began.
async fn restart(testbed: &mut Testbed, load: &Arc<Load>, target: usize) -> u64 {
    let repaired = load.wire.now();
    if let Err(error) = testbed.start(target).await {
        load.evidence.breach(Promise::Service, format!("server {} does not start again: {error:#}", target + 1));
    }
    repaired
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_beyond_its_limit_is_reported() {
        let injected = |recovery_ms| Injected {
            fault: "black-hole",
            server: None,
            began_s: 0.0,
            ended_s: 0.0,
            recovery_ms,
            outage_ms: 0,
            window: (0, 0),
        };
        let bound = Duration::from_secs(15);
        assert_eq!(late(&injected(Some(15_000)), bound), None);
        assert_eq!(
            late(&injected(Some(15_001)), bound).as_deref(),
            Some("black-hole: recovered after 15.001s; the limit is 15s")
        );
        assert_eq!(late(&injected(None), bound), None);
    }
}
