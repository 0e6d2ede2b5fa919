use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;

use super::stream::Watched;
use crate::platform::{
    certificate::{CertificateFiles, Concern, Contents, ServerCertificate, Validity},
    clock::SharedClock,
    settings,
    shutdown::stopped_within,
    telemetry::metric,
};

/// Maximum number of bytes that TLS keeps because the socket does not take them. A client that reads faster than the slowest
/// one takes them within the usual `server.write_timeout_ms`.
const MOST_KEPT: usize = 32 * 1024;
/// Time between two warnings of the same certificate.
const WARN_EVERY: TimeDelta = TimeDelta::days(1);

/// TLS with the certificate in use. Connections keep the one that they began with.
pub(super) struct Tls(RwLock<TlsAcceptor>);

impl Tls {
    /// Reads the certificate, if one is configured. The follower replaces it when its files change.
    pub fn open(server: &settings::Server, clock: SharedClock) -> anyhow::Result<Option<(Arc<Self>, Follower)>> {
        let Some(files) = CertificateFiles::of(server) else { return Ok(None) };
        let contents = files.read()?;
        let certificate = files.parse(&contents)?;
        let tls = Arc::new(Self(RwLock::new(acceptor(&certificate)?)));
        tell(&certificate, "TLS is on");
        let mut warner = Warner { validity: certificate.validity, warned: None };
        warner.warn(clock.now());
        Ok(Some((tls.clone(), Follower { tls, files, clock, last: Ok(contents), fault: None, warner })))
    }

    /// Returns `None` if the client does not speak TLS, or has nothing in common with this server.
    pub async fn handshake(&self, socket: Watched) -> Option<TlsStream<Watched>> {
        let acceptor = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        match acceptor.accept_with(socket, |session| session.set_buffer_limit(Some(MOST_KEPT))).await {
            Ok(stream) => {
                metric::TLS_HANDSHAKES.with(["done"]).increment(1);
                Some(stream)
            }
            Err(error) => {
                metric::TLS_HANDSHAKES.with(["failed"]).increment(1);
                tracing::debug!(%error, "a TLS handshake failed");
                None
            }
        }
    }

    fn replace(&self, certificate: &ServerCertificate) -> anyhow::Result<()> {
        let acceptor = acceptor(certificate)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = acceptor;
        Ok(())
    }
}

fn acceptor(certificate: &ServerCertificate) -> anyhow::Result<TlsAcceptor> {
    Ok(TlsAcceptor::from(Arc::new(certificate.server_config()?)))
}

fn tell(certificate: &ServerCertificate, what: &'static str) {
    let (fingerprint, valid_until) = (certificate.fingerprint(), certificate.validity.until);
    tracing::info!(fingerprint, %valid_until, "{what}");
}

/// Replaces the certificate when the content of its files changes, however they were replaced.
pub(super) struct Follower {
    tls: Arc<Tls>,
    files: CertificateFiles,
    clock: SharedClock,
    /// What was found at the last look, or why it could not be read.
    last: Result<Contents, String>,
    /// What is wrong with that, until it is reported.
    fault: Option<String>,
    warner: Warner,
}

impl Follower {
    /// Looks at the files at this interval until the server stops.
    pub async fn follow(mut self, interval: Duration, stopping: CancellationToken) {
        loop {
            // Set each time: at the start nobody may be listening yet.
            let valid_until = self.warner.validity.until - DateTime::UNIX_EPOCH;
            metric::TLS_VALID_UNTIL.set(valid_until.to_std().unwrap_or_default());
            self.warner.warn(self.clock.now());
            if stopped_within(&stopping, interval).await {
                return;
            }
            let files = self.files.clone();
            let Ok(found) = tokio::task::spawn_blocking(move || files.read()).await else { return };
            self.look_at(found.map_err(|error| format!("{error:#}")));
        }
    }

    /// A fault is reported when it is found a second time: files that are replaced one after the other do not belong
    /// together for a moment.
    fn look_at(&mut self, found: Result<Contents, String>) {
        if found == self.last {
            if let Some(error) = self.fault.take() {
                metric::TLS_RELOADS.with(["failed"]).increment(1);
                tracing::error!(error, "the files of the TLS certificate cannot be used; the former one stays in use");
            }
            return;
        }
        self.last = found;
        let certificate = match &self.last {
            Ok(contents) => self.take(contents).map_err(|error| format!("{error:#}")),
            Err(error) => Err(error.clone()),
        };
        match certificate {
            Ok(certificate) => {
                self.fault = None;
                self.warner = Warner { validity: certificate.validity, warned: None };
                metric::TLS_RELOADS.with(["done"]).increment(1);
                tell(&certificate, "the changed TLS certificate is used for new connections");
            }
            Err(error) => self.fault = Some(error),
        }
    }

    fn take(&self, contents: &Contents) -> anyhow::Result<ServerCertificate> {
        let certificate = self.files.parse(contents)?;
        self.tls.replace(&certificate)?;
        Ok(certificate)
    }
}

/// Warns once a day of a certificate that clients refuse, or will soon.
struct Warner {
    validity: Validity,
    warned: Option<(Concern, DateTime<Utc>)>,
}

impl Warner {
    fn warn(&mut self, now: DateTime<Utc>) {
        let Some(concern) = self.validity.concern(now) else { return };
        if self.warned.is_some_and(|(known, at)| known == concern && now - at < WARN_EVERY) {
            return;
        }
        self.warned = Some((concern, now));
        let Validity { from, until } = self.validity;
        match concern {
            Concern::Expired => tracing::error!(%until, "the TLS certificate HAS EXPIRED: clients refuse it; renew it"),
            Concern::NotYetValid => tracing::error!(%from, "the TLS certificate is NOT YET VALID: clients refuse it"),
            Concern::EndsSoon => tracing::warn!(%until, "the TLS certificate expires soon; renew it"),
        }
    }
}
