//! The platform's metrics, and how a room declares its own. Code counts only by these names, and `docs/operating.md`
//! shows the same tables.
use super::family::Label;

/// Known methods. The set of methods is open: clients may invent some, and those must not create new series.
pub const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];
/// Reasons for which the server ends a connection.
pub const CLOSED: [&str; 7] = ["address_limit", "total_limit", "flood", "shed", "idle", "slow_head", "slow_reader"];
/// Outcomes of a job.
pub const JOB_OUTCOMES: [&str; 2] = ["done", "failed"];

const METHOD: Label = Label::one_of("method", &METHODS);
const ROUTE: Label = Label::few("route", "the template, such as `/api/v1/info`, or `unmatched`");
const STATUS: Label = Label::few("status", "the code of HTTP; 499: the caller went away first");
const KIND: Label = Label::few("kind", "as in `loadmaster jobs list`");
const SINK: Label = Label::few("sink", "as in `loadmaster outbox sinks`");
const CODE: Label = Label::declared_and_listed("code", "as at `/problems`");
const LOCK: Label = Label::declared("lock");
const QUOTA: Label = Label::declared("quota");

/// Returns the type of a family with this number of labels. Counted by pattern: a computed type would be part of a
/// cycle among the compiler's queries.
macro_rules! labelled {
    ($kind:ident) => { $crate::platform::telemetry::$kind<0> };
    ($kind:ident $one:expr) => { $crate::platform::telemetry::$kind<1> };
    ($kind:ident $one:expr, $two:expr) => { $crate::platform::telemetry::$kind<2> };
    ($kind:ident $one:expr, $two:expr, $three:expr) => { $crate::platform::telemetry::$kind<3> };
}

/// Declares metrics, each once, grouped by subject: identifier in code, kind, name, labels and description. `METRICS`
/// lists them.
macro_rules! metrics {
    ($($group:literal: {
        $($metric:ident: $kind:ident $name:literal [$($label:expr),*] $help:literal;)+
    })+) => {
        $($(
            #[doc = $help]
            pub static $metric: $crate::platform::telemetry::metric::labelled!($kind $($label),*) =
                $crate::platform::telemetry::$kind::new($crate::platform::telemetry::Family {
                    name: $name,
                    kind: $crate::platform::telemetry::Kind::$kind,
                    help: $help,
                    labels: &[$($label),*],
                });
        )+)+

        /// All metrics of this module, grouped by subject.
        pub static METRICS: &[$crate::platform::telemetry::Group] = &[$(($group, &[$($metric.family()),+])),+];
    };
}

pub(crate) use {labelled, metrics};

metrics! {
    "Requests": {
        REQUESTS: Counter "http_requests_total" [METHOD, ROUTE, STATUS]
            "Requests answered.";
        REQUEST_DURATION: Histogram "http_request_duration_seconds" [METHOD, ROUTE]
            "How long it took until the answer began.";
        REQUESTS_IN_FLIGHT: Gauge "http_requests_in_flight" []
            "Requests being answered, the one for these metrics among them.";
        PROBLEMS_ANSWERED: Counter "loadmaster_problems_total" [CODE]
            "Answers that were a problem.";
        RATE_LIMITED: Counter "loadmaster_rate_limit_total" [QUOTA, Label::one_of("outcome", &["admitted", "refused"])]
            "Requests for which a quota was asked.";
        CONNECTIONS: Gauge "loadmaster_connections" []
            "Connections of callers that are open.";
        CONNECTIONS_CLOSED: Counter "loadmaster_connections_closed_total" [Label::one_of("reason", &CLOSED)]
            "Connections, and requests of HTTP/2, that the server ended: not accepted because their address or all together \
             had enough or it flooded, idle and closed to make room, idle for too long, a head that came too slowly, an answer that was \
             read too slowly.";
    }
    "Locks and transactions": {
        LOCKS: Counter "loadmaster_locks_total" [LOCK, Label::one_of("outcome", &["got", "away", "held"])]
            "Courtesy locks asked for: got, not to be had because Redis was away, or held by another for too long.";
        LOCK_WAIT: Histogram "loadmaster_lock_wait_seconds" [LOCK]
            "How long courtesy locks were waited for, got or not.";
        TRANSACTION_RETRIES: Counter "loadmaster_transaction_retries_total" []
            "Transactions begun again because the database chose them as the victim of a conflict.";
        UNKNOWN_OUTCOMES: Counter "loadmaster_unknown_outcomes_total" []
            "Commits that the database did not confirm: nobody could know whether they happened.";
    }
    "Jobs and messages": {
        JOBS: Gauge "loadmaster_jobs" [Label::one_of("state", &["queued", "running", "dead"])]
            "Jobs there are, over all processes.";
        JOBS_OLDEST: Gauge "loadmaster_jobs_oldest_seconds" []
            "How long the job that is due the longest has waited.";
        JOBS_RUN: Counter "loadmaster_jobs_total" [KIND, Label::one_of("outcome", &JOB_OUTCOMES)]
            "Jobs that this process ran.";
        JOB_DURATION: Histogram "loadmaster_job_duration_seconds" [KIND]
            "How long jobs took that this process ran.";
        OUTBOX_LAG: Gauge "loadmaster_outbox_lag_seconds" [SINK]
            "How long the oldest message waits that the sink has not had, over all processes.";
        OUTBOX_DELIVERED: Counter "loadmaster_outbox_delivered_total" [SINK]
            "Messages that this process brought to the sink.";
        OUTBOX_FAILURES: Counter "loadmaster_outbox_failures_total" [SINK]
            "Deliveries that failed and are tried again.";
        STREAM_RESETS: Counter "loadmaster_stream_resets_total" []
            "Times that the event stream in Redis was found without entries that this installation had delivered to it.";
    }
    "Database, Redis and process": {
        DEPENDENCY_UP: Gauge "loadmaster_dependency_up" [Label::one_of("dependency", &["database", "redis"])]
            "1 if it answered when it was last asked, every five seconds, else 0. Without a Redis there is no `redis`.";
        POOL_CONNECTIONS: Gauge "loadmaster_db_pool_connections" [Label::one_of("state", &["idle", "used"])]
            "Connections to the database for requests.";
        POOL_MAX_CONNECTIONS: Gauge "loadmaster_db_pool_max_connections" []
            "How many connections for requests there may be.";
        POOL_WAIT: Histogram "loadmaster_db_pool_wait_seconds" []
            "How long requests waited for a connection, got or not.";
        REDIS_BREAKER_OPEN: Gauge "loadmaster_redis_breaker_open" []
            "1 while this process goes on without Redis because it did not answer, else 0.";
        LOG_LINES_DROPPED: Counter "loadmaster_log_lines_dropped_total" []
            "Log lines dropped because the reader of the log did not keep up.";
        BUILD_INFO: Gauge "loadmaster_build_info"
            [Label::few("version", "of the product"), Label::few("commit", "that it was built from, or `unknown`")]
            "What runs here; always 1.";
        PROCESS_CPU_SECONDS: Counter "process_cpu_seconds_total" []
            "Processor time used, in whole seconds.";
        PROCESS_OPEN_FDS: Gauge "process_open_fds" []
            "Open file descriptors.";
        PROCESS_MAX_FDS: Gauge "process_max_fds" []
            "How many file descriptors may be open; 0: no limit.";
        PROCESS_VIRTUAL_MEMORY: Gauge "process_virtual_memory_bytes" []
            "Size of the virtual memory.";
        PROCESS_RESIDENT_MEMORY: Gauge "process_resident_memory_bytes" []
            "Size of the resident memory.";
        PROCESS_START_TIME: Gauge "process_start_time_seconds" []
            "When the process started, since 1970.";
        PROCESS_THREADS: Gauge "process_threads" []
            "Threads of the process.";
    }
}
