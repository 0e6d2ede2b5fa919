//! Calls of a command to the server of its own installation.
use std::{error::Error, io, iter};

use loadmaster_platform::{
    certificate::{CertificateFiles, pinned},
    settings::Settings,
};
use tokio_rustls::rustls;

/// Returns the base of a server's URLs, as a client on this machine enters it.
pub(super) fn base_url(settings: &Settings) -> String {
    let server = &settings.server;
    let host = match server.host.as_str() {
        "0.0.0.0" | "::" => "127.0.0.1".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    format!("{}://{host}:{}", server.scheme(), server.port)
}

/// Returns a client of that server. It accepts the configured certificate and no other: by its content, because it is not
/// issued for the address at which a machine calls itself.
pub(super) fn client(settings: &Settings) -> anyhow::Result<reqwest::ClientBuilder> {
    let client = reqwest::Client::builder().no_proxy();
    let Some(files) = CertificateFiles::of(&settings.server) else { return Ok(client) };
    Ok(client.tls_backend_preconfigured(pinned(files.load()?.leaf().clone())?))
}

/// Returns whether a server answered with another certificate than the configured one.
pub(super) fn has_other_certificate(error: &reqwest::Error) -> bool {
    let mut causes = iter::successors(Some(error as &(dyn Error + 'static)), |&error| cause(error));
    causes.any(|error| matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))))
}

/// `io::Error` passes over the error that it wraps.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}
