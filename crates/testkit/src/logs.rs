use std::{fs::File, path::PathBuf, sync::OnceLock};

use tracing_subscriber::{EnvFilter, fmt, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

/// As talkative as we ever are. What the libraries say is looked through by `commands::logs`: here it would be the tests'
/// own statements, too.
const FILTER: &str = "info,loadmaster=trace";

/// Where the servers of the tests log, if somebody wants to look through it all (`./test` does).
pub fn directory() -> Option<PathBuf> {
    std::env::var_os("LOADMASTER_TEST_LOGS").map(PathBuf::from)
}

/// Keeps what the servers in this process log. A test that listens by itself keeps its own.
pub fn keep() {
    static KEPT: OnceLock<()> = OnceLock::new();
    let Some(directory) = directory() else { return };
    KEPT.get_or_init(|| {
        let path = directory.join(format!("{}.log", std::process::id()));
        let file = File::options().create(true).append(true).open(path).expect("a file for the logs");
        start(EnvFilter::new(FILTER), file);
    });
}

/// Logs from now on, unless this process logs already.
pub fn start(filter: EnvFilter, writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) {
    let lines = fmt::layer().json().with_writer(writer);
    _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}
