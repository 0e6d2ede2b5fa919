//! The processor time of the processes that take part.
use std::{
    collections::HashMap,
    fs,
    ops::{AddAssign, Sub},
    path::PathBuf,
};

/// Clock ticks per second, in which Linux tells processor times.
const TICKS: f64 = 100.0;

/// Seconds of processor time since the processes began.
#[derive(Debug, Default, Clone, Copy)]
pub struct Cpu {
    pub server: f64,
    pub postgres: f64,
    pub redis: f64,
    /// This process.
    pub client: f64,
}

impl Sub for Cpu {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            server: self.server - earlier.server,
            postgres: self.postgres - earlier.postgres,
            redis: self.redis - earlier.redis,
            client: self.client - earlier.client,
        }
    }
}

impl AddAssign for Cpu {
    fn add_assign(&mut self, other: Self) {
        self.server += other.server;
        self.postgres += other.postgres;
        self.redis += other.redis;
        self.client += other.client;
    }
}

struct Process {
    name: String,
    parent: u32,
    seconds: f64,
    /// Of children that have ended.
    seconds_of_children: f64,
}

fn process(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (before, after) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after.split_ascii_whitespace().collect();
    let seconds = |at: usize| fields.get(at).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or_default() / TICKS;
    Some(Process {
        name: before.split_once('(')?.1.to_owned(),
        parent: fields.get(1)?.parse().ok()?,
        seconds: seconds(11) + seconds(12),
        seconds_of_children: seconds(13) + seconds(14),
    })
}

fn descendants() -> Vec<(u32, Process)> {
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let all: HashMap<u32, Process> = pids.filter_map(|pid| Some((pid, process(pid)?))).collect();
    let own = std::process::id();
    let is_below = |mut pid: u32| {
        while let Some(process) = all.get(&pid) {
            if process.parent == own {
                return true;
            }
            pid = process.parent;
        }
        false
    };
    let below: Vec<u32> = all.keys().copied().filter(|pid| is_below(*pid)).collect();
    let mut all = all;
    below.into_iter().filter_map(|pid| Some((pid, all.remove(&pid)?))).collect()
}

impl Cpu {
    /// The readings of now.
    pub fn now() -> Self {
        let mut cpu = Self { client: process(std::process::id()).unwrap().seconds, ..Self::default() };
        for (_, process) in descendants() {
            match process.name.as_str() {
                "postgres" => cpu.postgres += process.seconds + process.seconds_of_children,
                "redis-server" => cpu.redis += process.seconds,
                "loadmaster" => cpu.server += process.seconds,
                _ => {}
            }
        }
        cpu
    }
}

/// The directory of PostgreSQL's programs, of which one runs.
pub fn postgres_programs() -> PathBuf {
    let found = descendants().into_iter().find(|(_, process)| process.name == "postgres");
    let (pid, _) = found.expect("PostgreSQL runs");
    fs::read_link(format!("/proc/{pid}/exe")).unwrap().parent().unwrap().to_owned()
}
