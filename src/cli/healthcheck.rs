use std::{process::ExitCode, time::Duration};

use loadmaster_platform::settings::Settings;

use super::{
    output::{complain, say},
    own_server,
};

/// Number of attempts, and the pause between them: a server needs two seconds to take a certificate that was just renewed.
const ATTEMPTS: usize = 4;
const PAUSE: Duration = Duration::from_secs(1);

/// Exit 0 when the server on this machine is ready for work.
pub(super) async fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    let address = format!("{}/readyz", own_server::base_url(settings));
    let mut pauses_left = ATTEMPTS - 1;
    loop {
        match client(settings)?.get(&address).send().await {
            Ok(answer) if answer.status().is_success() => {
                say("ready\n");
                return Ok(ExitCode::SUCCESS);
            }
            Ok(answer) => anyhow::bail!("not ready: {address} responds with {}", answer.status()),
            Err(error) if own_server::has_other_certificate(&error) && pauses_left > 0 => {
                pauses_left -= 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) if own_server::has_other_certificate(&error) => {
                anyhow::bail!("the server at {address} has another certificate than server.tls_cert_file")
            }
            Err(_) => anyhow::bail!("no server responds at {address}"),
        }
    }
}

fn client(settings: &Settings) -> anyhow::Result<reqwest::Client> {
    let client = own_server::client(settings).or_else(|error| {
        // A running server keeps its certificate while the files are faulty, and must not be stopped for them. Nothing secret
        // is sent to it.
        complain(&error);
        anyhow::Ok(reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true))
    })?;
    Ok(client.timeout(Duration::from_secs(3)).build()?)
}
