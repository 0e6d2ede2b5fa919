//! The faults: each is done, undone, and followed until every server books again.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use serde::Serialize;
use tokio::time::sleep;

use super::{
    client::{
        Load,
        crowd::Crowd,
        pulse::{Pulse, longest_lull, recovered},
    },
    crew::PATIENCE,
    evidence::Promise,
    plan::{Blow, Fault, Plan},
    site::Site,
};
use loadmaster::platform::embedded::Rehearsal;

/// Between an end and a new beginning, as a supervisor would take.
const RESTART_AFTER: Duration = Duration::from_millis(300);

/// After which many callers hold every connection to the database.
const CROWD_IS_IN: Duration = Duration::from_millis(50);

/// A fault that came to pass.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Struck {
    pub fault: &'static str,
    /// The server process it hit, counted from 1.
    pub server: Option<usize>,
    /// Seconds since the run began.
    pub began_s: f64,
    /// When its cause was gone; a server that was killed is being started then.
    pub ended_s: f64,
    /// From there until every server had acknowledged a booking again.
    pub recovery_ms: Option<u64>,
    /// The longest time in all this without an acknowledged booking, by whichever server.
    pub outage_ms: u64,
    /// From its beginning until all is to be well again, in microseconds since the run began: a server that has booked again
    /// may still find connections that are dead.
    #[serde(skip)]
    pub window: (u64, u64),
}

/// For as long as the run is to take; the first round of the plan is completed in any case.
pub(super) async fn rage(
    site: &mut Site,
    load: &Arc<Load>,
    pulse: &Pulse,
    plan: Plan,
    time: Duration,
    bound: Duration,
) -> anyhow::Result<Vec<Struck>> {
    let began = Instant::now();
    let mut struck = Vec::new();
    for blow in plan {
        sleep(blow.calm).await;
        if began.elapsed() >= time && !blow.first_round {
            break;
        }
        let one = strike(site, load, pulse, &blow, bound).await?;
        if let Some(what) = late(&one, bound) {
            load.evidence.breach(Promise::InTime, what);
        }
        let over = one.recovery_ms.is_none();
        tell(&one);
        struck.push(one);
        if over {
            return Ok(struck);
        }
    }
    sleep(time.saturating_sub(began.elapsed())).await;
    Ok(struck)
}

/// What is wrong with a recovery that took longer than was promised. One that never came is told of by itself.
fn late(struck: &Struck, bound: Duration) -> Option<String> {
    let took = Duration::from_millis(struck.recovery_ms?);
    let what = || format!("{}: back after {took:?}, and {bound:?} are promised", struck.fault);
    (took > bound).then(what)
}

fn tell(struck: &Struck) {
    let recovery = struck.recovery_ms.map_or("no recovery".to_owned(), |time| format!("recovered in {time} ms"));
    super::remark(&format!("{:>7.1} s  {:<14} {recovery}", struck.began_s, struck.fault));
}

async fn strike(
    site: &mut Site,
    load: &Arc<Load>,
    pulse: &Pulse,
    blow: &Blow,
    bound: Duration,
) -> anyhow::Result<Struck> {
    let count = load.wire.addresses.count();
    let victim = usize::try_from(blow.victim % count.max(1) as u64).unwrap_or_default();
    let began = load.wire.now();
    load.wire.remark(&format!("{} begins", blow.fault.name()));
    let healed = hurt(site, load, blow, victim).await?;
    let healed = healed.unwrap_or_else(|| load.wire.now());
    load.wire.remark(&format!("{} is over", blow.fault.name()));
    let recovered = await_recovery(load, pulse, blow.fault, healed, count).await;
    let beats = pulse.since(began);
    let seconds = |time: u64| Duration::from_micros(time).as_secs_f64();
    Ok(Struck {
        fault: blow.fault.name(),
        server: blow.fault.hits_one().then_some(victim + 1),
        began_s: seconds(began),
        ended_s: seconds(healed),
        recovery_ms: recovered.map(|at| at.saturating_sub(healed) / 1000),
        outage_ms: longest_lull(&beats, began, recovered.unwrap_or_else(|| load.wire.now())) / 1000,
        window: (began, recovered.map_or(u64::MAX, |at| at.max(healed + micros(bound)))),
    })
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

async fn await_recovery(load: &Arc<Load>, pulse: &Pulse, fault: Fault, healed: u64, servers: usize) -> Option<u64> {
    let began = Instant::now();
    loop {
        if let Some(at) = recovered(&pulse.since(healed), servers) {
            return Some(at);
        }
        if began.elapsed() > PATIENCE {
            let what = format!("{}: two minutes later not every server books again", fault.name());
            load.evidence.breach(Promise::Service, what);
            return None;
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// Does and undoes it. Answers when its cause was gone, if that was before now.
async fn hurt(site: &mut Site, load: &Arc<Load>, blow: &Blow, victim: usize) -> anyhow::Result<Option<u64>> {
    match blow.fault {
        Fault::KillApp => {
            site.kill(victim).await?;
            sleep(RESTART_AFTER).await;
            return Ok(Some(restart(site, load, victim).await));
        }
        Fault::Drain => {
            let wrong = match site.drain(victim).await {
                Ok(status) if status.success() => None,
                Ok(status) => Some(status.to_string()),
                Err(error) => Some(format!("{error:#}")),
            };
            if let Some(wrong) = wrong {
                load.evidence.breach(Promise::Service, format!("a server that was told to stop ended so: {wrong}"));
            }
            return Ok(Some(restart(site, load, victim).await));
        }
        Fault::BlackHole => {
            Crowd::call(load).await;
            sleep(CROWD_IS_IN).await;
            site.cut_off();
            sleep(blow.lasts).await;
            site.connect_again();
        }
        Fault::SuspendApp => {
            site.signal(victim, Signal::SIGSTOP)?;
            sleep(blow.lasts).await;
            site.signal(victim, Signal::SIGCONT)?;
        }
        Fault::ClockJump => {
            // Forward or back, and then the other way.
            let hour = if (blow.victim / 1024).is_multiple_of(2) { 3600 } else { -3600 };
            load.wire.remark(&format!("the clock of server {} jumps by {hour} s", victim + 1));
            site.set_clock(victim, hour)?;
            sleep(blow.lasts).await;
            site.set_clock(victim, 0)?;
        }
        _ => return hurt_stores(&mut site.servers, load, blow).await,
    }
    Ok(None)
}

/// The same, for faults of PostgreSQL and Redis.
async fn hurt_stores(servers: &mut Rehearsal, load: &Load, blow: &Blow) -> anyhow::Result<Option<u64>> {
    match blow.fault {
        Fault::KillPostgres => {
            servers.kill_postgres().await?;
            sleep(RESTART_AFTER).await;
            let healed = load.wire.now();
            servers.start_postgres().await?;
            return Ok(Some(healed));
        }
        Fault::StopPostgres => {
            servers.freeze_postgres();
            sleep(blow.lasts).await;
            servers.thaw_postgres();
        }
        Fault::RedisStop => {
            servers.kill_redis().await?;
            sleep(blow.lasts).await;
            servers.start_redis().await?;
        }
        Fault::RedisPause => {
            servers.freeze_redis()?;
            sleep(blow.lasts).await;
            servers.thaw_redis()?;
        }
        Fault::RedisFlush => servers.flush_redis().await?,
        Fault::RedisFull => {
            servers.fill_redis().await?;
            sleep(blow.lasts).await;
            servers.widen_redis().await?;
        }
        Fault::RedisStarved => {
            servers.starve_redis().await?;
            sleep(blow.lasts).await;
            servers.widen_redis().await?;
        }
        Fault::ReadOnly => {
            servers.forbid_writes().await?;
            sleep(blow.lasts).await;
            servers.allow_writes().await?;
        }
        Fault::DiskFull => {
            servers.fill_disk()?;
            sleep(blow.lasts).await;
            let healed = load.wire.now();
            servers.free_disk().await?;
            return Ok(Some(healed));
        }
        // Who wants to book waits for a row, and keeps a connection meanwhile: soon there is none left.
        Fault::Pool => servers.hold_rows("flight_capacity", blow.lasts).await?,
        // Those of the servers themselves.
        Fault::KillApp | Fault::Drain | Fault::BlackHole | Fault::SuspendApp | Fault::ClockJump => {}
    }
    Ok(None)
}

/// Answers when it was told to start.
async fn restart(site: &mut Site, load: &Arc<Load>, victim: usize) -> u64 {
    let healed = load.wire.now();
    if let Err(error) = site.start(victim).await {
        load.evidence.breach(Promise::Service, format!("server {} does not start again: {error:#}", victim + 1));
    }
    healed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_that_takes_longer_than_promised_is_told() {
        let struck = |recovery_ms| Struck {
            fault: "black-hole",
            server: None,
            began_s: 0.0,
            ended_s: 0.0,
            recovery_ms,
            outage_ms: 0,
            window: (0, 0),
        };
        let bound = Duration::from_secs(15);
        assert_eq!(late(&struck(Some(15_000)), bound), None);
        assert_eq!(
            late(&struck(Some(15_001)), bound).as_deref(),
            Some("black-hole: back after 15.001s, and 15s are promised")
        );
        assert_eq!(late(&struck(None), bound), None);
    }
}
