//! The platform's metrics, and how a room declares its own. Code counts only by these names, and `docs/metrics.md`
//! shows the same tables.
use super::family::Label;

/// Known methods. The set of methods is open: clients may invent some, and those must not create new series.
pub const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];
/// Reasons for which the server ends a connection.
pub const CLOSED: [&str; 7] = ["address_limit", "total_limit", "flood", "shed", "idle", "slow_head", "slow_reader"];
/// Outcomes of a job.
pub const JOB_OUTCOMES: [&str; 2] = ["done", "failed"];

const METHOD: Label = Label::one_of("method", &METHODS);
const ROUTE: Label = Label::few("route", "the route template, such as `/api/v1/info`, or `unmatched`");
const STATUS: Label =
    Label::few("status", "the HTTP status; 499: the caller closed the connection before the response");
const KIND: Label = Label::few("kind", "as shown by `loadmaster jobs list`");
const SINK: Label = Label::few("sink", "as shown by `loadmaster outbox sinks`");
const CODE: Label = Label::declared_and_listed("code", "as listed at `/problems`");
const LOCK: Label = Label::declared("lock");
const QUOTA: Label = Label::declared("quota");

/// Returns the type of a family with this number of labels. Counted by pattern: a computed type would be part of a
/// cycle among the compiler's queries.
#[macro_export]
macro_rules! labelled {
    ($kind:ident) => { $crate::telemetry::$kind<0> };
    ($kind:ident $one:expr) => { $crate::telemetry::$kind<1> };
    ($kind:ident $one:expr, $two:expr) => { $crate::telemetry::$kind<2> };
    ($kind:ident $one:expr, $two:expr, $three:expr) => { $crate::telemetry::$kind<3> };
}

/// Declares metrics, each once, grouped by subject: identifier in code, kind, name, labels and description. `METRICS`
/// lists them.
#[macro_export]
macro_rules! metrics {
    ($($group:literal: {
        $($metric:ident: $kind:ident $name:literal [$($label:expr),*] $help:literal;)+
    })+) => {
        $($(
            #[doc = $help]
            pub static $metric: $crate::telemetry::metric::labelled!($kind $($label),*) =
                $crate::telemetry::$kind::new($crate::telemetry::Family {
                    name: $name,
                    kind: $crate::telemetry::Kind::$kind,
                    help: $help,
                    labels: &[$($label),*],
                });
        )+)+

        /// All metrics of this module, grouped by subject.
        pub static METRICS: &[$crate::telemetry::Group] = &[$(($group, &[$($metric.family()),+])),+];
    };
}

pub use {labelled, metrics};

metrics! {
    "Requests": {
        REQUESTS: Counter "http_requests_total" [METHOD, ROUTE, STATUS]
            "Requests completed, including those whose caller left (499).";
        REQUEST_DURATION: Histogram "http_request_duration_seconds" [METHOD, ROUTE]
            "Time from a request to the start of its response.";
        REQUESTS_IN_FLIGHT: Gauge "http_requests_in_flight" []
            "Requests in progress, including the one for these metrics.";
        PROBLEMS_ANSWERED: Counter "loadmaster_problems_total" [CODE]
            "Responses with a problem document.";
        RATE_LIMITED: Counter "loadmaster_rate_limit_total" [QUOTA, Label::one_of("outcome", &["admitted", "refused"])]
            "Requests checked against a quota.";
        CONNECTIONS: Gauge "loadmaster_connections" []
            "Open connections of callers.";
        CONNECTIONS_CLOSED: Counter "loadmaster_connections_closed_total" [Label::one_of("reason", &CLOSED)]
            "Connections and HTTP/2 streams that the server closed; `shed`: an idle one, to free a connection.";
        TLS_HANDSHAKES: Counter "loadmaster_tls_handshakes_total" [Label::one_of("outcome", &["done", "failed"])]
            "TLS handshakes completed, and failed.";
        TLS_RELOADS: Counter "loadmaster_tls_reloads_total" [Label::one_of("outcome", &["done", "failed"])]
            "Changes of the files of the TLS certificate: `done`, new connections use it; `failed`, the former one stays in use.";
        TLS_VALID_UNTIL: Gauge "loadmaster_tls_certificate_valid_until_seconds" []
            "End of validity of the TLS certificate in use, in seconds since 1970. Absent without TLS.";
    }
    "Locks and transactions": {
        LOCKS: Counter "loadmaster_locks_total" [LOCK, Label::one_of("outcome", &["got", "away", "held"])]
            "Attempts to take a courtesy lock: `got`; `away`, Redis is unavailable; `held` by another caller for the whole \
             wait.";
        LOCK_WAIT: Histogram "loadmaster_lock_wait_seconds" [LOCK]
            "Time spent waiting for a courtesy lock, taken or not.";
        TRANSACTION_RETRIES: Counter "loadmaster_transaction_retries_total" []
            "Transactions retried after the database aborted them to resolve a conflict.";
        UNKNOWN_OUTCOMES: Counter "loadmaster_unknown_outcomes_total" []
            "Commits that the database did not confirm, so that their outcome is unknown.";
    }
    "Jobs and messages": {
        JOBS: Gauge "loadmaster_jobs" [Label::one_of("state", &["queued", "running", "dead"])]
            "Jobs of all processes.";
        JOBS_OLDEST: Gauge "loadmaster_jobs_oldest_seconds" []
            "Time since the oldest due job became due.";
        JOBS_RUN: Counter "loadmaster_jobs_total" [KIND, Label::one_of("outcome", &JOB_OUTCOMES)]
            "Jobs that this process ran.";
        JOB_DURATION: Histogram "loadmaster_job_duration_seconds" [KIND]
            "Run time of the jobs that this process ran.";
        OUTBOX_LAG: Gauge "loadmaster_outbox_lag_seconds" [SINK]
            "Age of the oldest message not yet delivered to the sink by any process.";
        OUTBOX_DELIVERED: Counter "loadmaster_outbox_delivered_total" [SINK]
            "Messages that this process delivered to the sink.";
        OUTBOX_FAILURES: Counter "loadmaster_outbox_failures_total" [SINK]
            "Deliveries that failed and will be retried.";
        STREAM_RESETS: Counter "loadmaster_stream_resets_total" []
            "Number of times that delivered entries were found missing from the event stream in Redis.";
    }
    "Database, Redis and process": {
        DEPENDENCY_UP: Gauge "loadmaster_dependency_up" [Label::one_of("dependency", &["database", "redis", "replica"])]
            "1 if the dependency answered the last check, each 5 seconds, else 0. Absent for `redis` and `replica` if none \
             is configured.";
        CLOCK_SKEW: Gauge "loadmaster_clock_skew_seconds" []
            "Seconds by which the clock of this process's machine is ahead of the database's.";
        POOL_CONNECTIONS: Gauge "loadmaster_db_pool_connections" [Label::one_of("state", &["idle", "used"])]
            "Database connections in the pool for requests.";
        POOL_MAX_CONNECTIONS: Gauge "loadmaster_db_pool_max_connections" []
            "Maximum number of connections in the pool for requests.";
        POOL_WAIT: Histogram "loadmaster_db_pool_wait_seconds" []
            "Time that requests waited for a database connection, obtained or not.";
        REPLICA_LAG: Gauge "loadmaster_replica_lag_seconds" []
            "Age of the state of the standby that answers reads; NaN while it is unknown. Absent if none is configured.";
        REPLICA_READS: Counter "loadmaster_replica_reads_total" [Label::one_of("server", &["replica", "primary"])]
            "Reads that a standby may answer, by the server that answered.";
        REDIS_BREAKER_OPEN: Gauge "loadmaster_redis_breaker_open" []
            "1 while this process does not use Redis because calls to it failed, else 0.";
        REDIS_MEMORY: Gauge "loadmaster_redis_memory_bytes" []
            "Memory that Redis uses for its data and itself (`used_memory`), of all servers of a cluster together, as of the last check; NaN while it is unknown. Absent if none is configured.";
        LOG_LINES_DROPPED: Counter "loadmaster_log_lines_dropped_total" []
            "Log lines dropped because the log output did not keep up.";
        BUILD_INFO: Gauge "loadmaster_build_info"
            [Label::few("version", "version of the product"), Label::few("commit", "commit that the product was built from, or `unknown`")]
            "Version of the running product; always 1.";
        TIME_ZONES: Gauge "loadmaster_time_zones"
            [Label::few("version", "release of the IANA time zone database, such as `2026b`"), Label::one_of("source", &["compiled", "system"])]
            "1 for the rules of time zones in use, 0 for former ones.";
        TIME_ZONES_PUBLISHED: Gauge "loadmaster_time_zones_published_seconds" []
            "The latest time at which the rules of time zones in use can have been published, in seconds since 1970.";
        PROCESS_CPU_SECONDS: Counter "process_cpu_seconds_total" []
            "CPU time used, in whole seconds.";
        PROCESS_OPEN_FDS: Gauge "process_open_fds" []
            "Open file descriptors.";
        PROCESS_MAX_FDS: Gauge "process_max_fds" []
            "Maximum number of open file descriptors; 0: no limit.";
        PROCESS_VIRTUAL_MEMORY: Gauge "process_virtual_memory_bytes" []
            "Virtual memory size.";
        PROCESS_RESIDENT_MEMORY: Gauge "process_resident_memory_bytes" []
            "Resident memory size.";
        PROCESS_START_TIME: Gauge "process_start_time_seconds" []
            "Start time of the process, in seconds since 1970.";
        PROCESS_THREADS: Gauge "process_threads" []
            "Number of threads of the process.";
    }
}
