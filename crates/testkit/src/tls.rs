use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ALL_VERSIONS, ClientConfig, RootCertStore, SupportedProtocolVersion,
        crypto::aws_lc_rs::default_provider,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use super::{
    certificates::{authority, issue},
    raw::connect,
    world::WorldOptions,
};

/// Bounds a wait that should end by itself long before.
const PATIENCE: Duration = Duration::from_secs(20);

pub type Encrypted = TlsStream<TcpStream>;

/// The certificate and key of a server, in a directory with others that may take their place, and clients that trust their
/// authority.
pub struct TlsFiles(TempDir);

impl TlsFiles {
    /// With a certificate for localhost, called `first`.
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        authority(directory.path(), "authority");
        let this = Self(directory);
        this.issue("first", 2);
        this.place("first", "first");
        this
    }

    pub fn directory(&self) -> &Path {
        self.0.path()
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Makes another certificate for localhost, valid for this many days.
    pub fn issue(&self, name: &str, days: i32) {
        issue(self.directory(), "authority", name, "localhost", days);
    }

    /// Replaces the server's files, each at once, by this certificate and that key.
    pub fn place(&self, certificate: &str, key: &str) {
        self.put("tls.crt", &fs::read(self.at(&format!("{certificate}.crt"))).unwrap());
        self.put("tls.key", &fs::read(self.at(&format!("{key}.key"))).unwrap());
    }

    /// Replaces a file at once.
    pub fn put(&self, name: &str, content: &[u8]) {
        fs::write(self.at("new"), content).unwrap();
        fs::rename(self.at("new"), self.at(name)).unwrap();
    }

    /// The settings of the server.
    pub fn settings(&self) -> [(&'static str, String); 2] {
        let path = |name: &str| self.at(name).to_str().unwrap().to_owned();
        [("server.tls_cert_file", path("tls.crt")), ("server.tls_key_file", path("tls.key"))]
    }

    /// A server over TLS.
    pub fn options(&self, options: WorldOptions) -> WorldOptions {
        self.settings().iter().fold(options, |options, (name, value)| options.set(name, value))
    }

    pub fn certificate(&self, name: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.at(&format!("{name}.crt"))).unwrap()
    }

    /// A client that offers these protocols.
    pub fn connector(&self, versions: &[&'static SupportedProtocolVersion], protocols: &[&str]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate("authority")).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_protocol_versions(versions).unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }

    /// A handshake on this connection.
    pub async fn encrypt(&self, stream: TcpStream, protocols: &[&str]) -> io::Result<Encrypted> {
        let name = ServerName::try_from("localhost").unwrap();
        let handshake = self.connector(ALL_VERSIONS, protocols).connect(name, stream);
        tokio::time::timeout(PATIENCE, handshake).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// A connection without an HTTP client in between.
    pub async fn connect(&self, base: &str, protocols: &[&str]) -> Encrypted {
        self.encrypt(connect(base).await, protocols).await.expect("the handshake is completed")
    }
}

/// The certificate that a server has shown.
pub fn shown(stream: &Encrypted) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().expect("certificates")[0].clone().into_owned()
}
