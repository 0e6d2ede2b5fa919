use metrics_process::collector;

use super::metric;

/// The commit that this was built from, if the build provided it.
pub const GIT_COMMIT: Option<&str> = match option_env!("LOADMASTER_GIT_COMMIT") {
    Some(commit) if !commit.is_empty() => Some(commit),
    _ => None,
};

/// Updates the metrics of the build and of the process's resource use.
pub fn measure_process() {
    let version = env!("CARGO_PKG_VERSION");
    metric::BUILD_INFO.with([version, GIT_COMMIT.unwrap_or("unknown")]).set(1);
    let process = collector::collect();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counters are whole")]
    if let Some(seconds) = process.cpu_seconds_total {
        metric::PROCESS_CPU_SECONDS.absolute(seconds as u64);
    }
    for (gauge, value) in [
        (&metric::PROCESS_OPEN_FDS, process.open_fds),
        (&metric::PROCESS_MAX_FDS, process.max_fds),
        (&metric::PROCESS_VIRTUAL_MEMORY, process.virtual_memory_bytes),
        (&metric::PROCESS_RESIDENT_MEMORY, process.resident_memory_bytes),
        (&metric::PROCESS_START_TIME, process.start_time_seconds),
        (&metric::PROCESS_THREADS, process.threads),
    ] {
        #[allow(clippy::cast_precision_loss, reason = "it is shown as such")]
        if let Some(value) = value {
            gauge.set(value as f64);
        }
    }
}
