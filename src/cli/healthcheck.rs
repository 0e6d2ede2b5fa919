use std::{process::ExitCode, time::Duration};

use super::output::say;
use crate::platform::settings::Settings;

/// Exit 0 when the server on this machine is ready for work.
pub(super) async fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    let host = match settings.server.host.as_str() {
        "0.0.0.0" | "::" => "127.0.0.1".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    let address = format!("http://{host}:{}/readyz", settings.server.port);
    let client = reqwest::Client::builder().timeout(Duration::from_secs(3)).no_proxy().build()?;
    match client.get(&address).send().await {
        Ok(answer) if answer.status().is_success() => {
            say("ready\n");
            Ok(ExitCode::SUCCESS)
        }
        Ok(answer) => anyhow::bail!("not ready: {address} responds with {}", answer.status()),
        Err(_) => anyhow::bail!("no server responds at {address}"),
    }
}
