use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_platform::{
    certificate::{CertificateFiles, Concern, Contents, ServerCertificate, Validity},
    clock::SharedClock,
    settings,
    shutdown::stopped_within,
    telemetry::metric,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;

use super::stream::Watched;

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
        if let Some(exposure) = files.exposure() {
            tracing::warn!("{exposure}");
        }
        let tls = Arc::new(Self(RwLock::new(acceptor(&certificate)?)));
        log_certificate(&certificate, "TLS is on");
        let mut warner = Warner { validity: certificate.validity, warned: None };
        warner.warn(clock.now());
        Ok(Some((tls.clone(), Follower { tls, files, clock, last: Ok(contents), is_decided: true, warner })))
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

fn log_certificate(certificate: &ServerCertificate, what: &'static str) {
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
    /// Whether that was taken or refused.
    is_decided: bool,
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

    /// Decides on a change when it is found a second time: for a moment a file may be written in part, and files that are
    /// replaced one after the other do not belong together.
    fn look_at(&mut self, found: Result<Contents, String>) {
        if found != self.last {
            (self.last, self.is_decided) = (found, false);
            return;
        }
        if std::mem::replace(&mut self.is_decided, true) {
            return;
        }
        let certificate = match &self.last {
            Ok(contents) => self.take(contents).map_err(|error| format!("{error:#}")),
            Err(error) => Err(error.clone()),
        };
        match certificate {
            Ok(certificate) => {
                self.warner = Warner { validity: certificate.validity, warned: None };
                metric::TLS_RELOADS.with(["done"]).increment(1);
                log_certificate(&certificate, "the changed TLS certificate is used for new connections");
            }
            Err(error) => {
                metric::TLS_RELOADS.with(["failed"]).increment(1);
                tracing::error!(error, "the files of the TLS certificate cannot be used; the former one stays in use");
            }
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

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, process::Command};

    use super::*;
    use loadmaster_platform::{
        clock::SystemClock,
        settings::{Settings, Sources},
    };

    /// Makes `name.crt` and `name.key`.
    fn issue(directory: &Path, name: &str) {
        let made =
            ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
        let (key, certificate) = (format!("{name}.key"), format!("{name}.crt"));
        let files = ["-subj", "/CN=localhost", "-keyout", &key, "-out", &certificate];
        let done = Command::new("openssl").args(made).args(files).current_dir(directory).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    #[tokio::test]
    async fn a_change_is_decided_on_once_two_looks_have_found_it() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for name in ["first", "second"] {
            issue(directory.path(), name);
        }
        let copy = |from: &str, to: &str| _ = fs::copy(at(from), at(to)).unwrap();
        copy("first.crt", "tls.crt");
        copy("first.key", "tls.key");
        let path = |name: &str| at(name).to_str().unwrap().to_owned();
        let files = [("server.tls_cert_file", path("tls.crt")), ("server.tls_key_file", path("tls.key"))];
        let overrides = files.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let settings = Settings::load(Sources { overrides, ..Sources::default() }).unwrap();
        let (tls, mut follower) = Tls::open(&settings.server, Arc::new(SystemClock)).unwrap().unwrap();
        let in_use = || tls.0.read().unwrap().config().clone();
        let mut look = || {
            let before = in_use();
            follower.look_at(follower.files.read().map_err(|error| error.to_string()));
            !Arc::ptr_eq(&before, &in_use())
        };
        assert!(!look());
        // A chain of which only the beginning is written yet belongs to its key as well.
        copy("second.crt", "tls.crt");
        copy("second.key", "tls.key");
        assert!(!look(), "it may be a part");
        let chain = [fs::read(at("second.crt")).unwrap(), fs::read(at("first.crt")).unwrap()].concat();
        fs::write(at("tls.crt"), chain).unwrap();
        assert!(!look(), "it has just changed");
        assert!(look(), "it has stayed as it was");
        assert!(!look(), "it is taken once");
        // Of another key, for a moment and then to stay: the former one remains in use.
        copy("first.key", "tls.key");
        for _ in 0..3 {
            assert!(!look());
        }
        copy("second.key", "tls.key");
        assert!(!look());
        assert!(look(), "it is tried again");
    }
}
