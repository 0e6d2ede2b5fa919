use std::{collections::BTreeMap, fmt, path::PathBuf};

/// Sources of settings besides the compiled-in defaults. No `Debug`: the environment holds secrets.
#[derive(Clone, Default)]
pub struct Sources {
    /// The file named on the command line; without it `LOADMASTER_CONFIG` applies.
    pub config_file: Option<PathBuf>,
    /// The environment, injected so that tests need not touch the process's own.
    pub env: BTreeMap<String, String>,
    /// From the command line: `("server.port", "9000")`. The value is converted like one from the environment.
    pub overrides: Vec<(String, String)>,
    /// Whether this build can deliver to Kafka: others refuse brokers.
    pub has_kafka: bool,
}

impl Sources {
    /// Returns the environment of this process as the only source.
    pub fn from_process() -> Self {
        let text = |raw: std::ffi::OsString| raw.to_string_lossy().into_owned();
        let env = std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
        Self { env, ..Self::default() }
    }
}

/// All faults of the settings; displayed as one sentence per line, each naming the setting and its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    pub(super) faults: Vec<String>,
}

impl SettingsError {
    /// Never empty.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.faults.join("\n"))
    }
}

impl std::error::Error for SettingsError {}
