use std::time::Duration;

use super::{leases::Term, outbound::CallTimes};

/// The intervals of background work. They are no settings: all processes of an installation have the same. A test
/// injects shorter ones instead of waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The leases of jobs and of the outbox's sinks.
    pub leases: Term,
    /// Interval at which a process checks for jobs of processes that went away.
    pub lost_jobs: Duration,
    /// A delivery of messages that takes longer fails.
    pub delivery: Duration,
    /// The longest time in which Kafka's brokers acknowledge nothing before messages are handed to a new producer.
    pub acknowledgement: Duration,
    /// The longest times of a call to an address that a caller chose.
    pub calls: CallTimes,
    /// Interval between health checks of the dependencies, for the metrics.
    pub health: Duration,
    /// Interval between measurements of the queue and the outbox, for the metrics.
    pub measurement: Duration,
    /// Interval between observations of the standby that answers reads.
    pub replica: Duration,
    /// Interval between polls for changes of access.
    pub access: Duration,
    /// Interval between looks at the files of the TLS certificate.
    pub certificate: Duration,
    /// Interval between looks at the release of the system's time zone database.
    pub zones: Duration,
    /// Longest wait for one step of a dialogue with a relay of e-mail or a gateway of text messages.
    pub post: Duration,
    /// The longest time for which alternatives to what was refused are looked for.
    pub alternatives: Duration,
    /// Interval between writes of what was counted of searches.
    pub search_counts: Duration,
}

impl Timing {
    pub const STANDARD: Self = Self {
        leases: Term::STANDARD,
        lost_jobs: Duration::from_secs(2),
        delivery: Duration::from_secs(5),
        acknowledgement: Duration::from_secs(30),
        calls: CallTimes::STANDARD,
        health: Duration::from_secs(5),
        measurement: Duration::from_secs(5),
        replica: Duration::from_millis(500),
        access: Duration::from_secs(10),
        certificate: Duration::from_secs(1),
        zones: Duration::from_mins(1),
        post: Duration::from_secs(20),
        alternatives: Duration::from_millis(200),
        search_counts: Duration::from_secs(30),
    };

    /// For tests: short enough to wait for, and longer than a busy machine delays anything.
    pub const BRIEF: Self = Self {
        leases: Term::BRIEF,
        lost_jobs: Duration::from_millis(500),
        delivery: Duration::from_secs(2),
        acknowledgement: Duration::from_secs(10),
        calls: CallTimes::BRIEF,
        health: Duration::from_millis(500),
        measurement: Duration::from_millis(500),
        replica: Duration::from_millis(100),
        access: Duration::from_secs(1),
        certificate: Duration::from_millis(100),
        zones: Duration::from_millis(500),
        post: Duration::from_secs(2),
        alternatives: Duration::from_secs(2),
        search_counts: Duration::from_secs(1),
    };

    /// Returns the timing of this process: the standard one, unless a test started the process.
    pub fn of_process() -> Self {
        #[cfg(debug_assertions)]
        if super::sabotage::has_brief_timing() {
            return Self::BRIEF;
        }
        Self::STANDARD
    }
}
