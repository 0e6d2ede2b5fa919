//! Processor time of this process and of its database.
use loadmaster_testkit::World;

/// Clock ticks of the kernel in a second.
const TICKS: f64 = 100.0;

/// The processor time of a process so far, in seconds; nothing if it is on another machine.
fn seconds_of(process: &str) -> f64 {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{process}/stat")) else { return 0.0 };
    let Some((_, figures)) = stat.rsplit_once(')') else { return 0.0 };
    let ticks: f64 = figures.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    ticks / TICKS
}

/// That of this process, and that of the sessions of the database.
pub async fn spent(world: &World) -> [f64; 2] {
    let sessions = "select pid::text from pg_stat_activity where datname = current_database()";
    let sessions = world.texts(sessions).await;
    [seconds_of("self"), sessions.iter().map(|session| seconds_of(session)).sum()]
}
