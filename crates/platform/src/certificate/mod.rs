//! The certificate by which the server identifies itself over TLS: read from its files and judged, and recognized by the
//! commands that call the server of their own installation.
mod pinned;
mod validity;

use std::{
    fs::File,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, anyhow, bail, ensure};
use aws_lc_rs::digest;
use tokio_rustls::rustls::{
    Error, InconsistentKeys, ServerConfig,
    crypto::aws_lc_rs::{Ticketer, default_provider},
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::ParsedCertificate,
    sign::{CertifiedKey, SingleCertAndKey},
};

pub use pinned::pinned;
pub use validity::{Concern, Validity};

use super::settings;

/// Maximum size of a file, in bytes: a certificate with its chain has some thousand.
const MOST_BYTES: usize = 1024 * 1024;
/// The bit of a file's mode by which neither its owner nor its group reads it.
const READ_BY_OTHERS: u32 = 0o004;
/// The protocols that clients may choose by ALPN (RFC 7301), the preferred one first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

const CERTIFICATE: &str = "server.tls_cert_file";
const KEY: &str = "server.tls_key_file";

/// The files of the certificate and its key.
#[derive(Debug, Clone)]
pub struct CertificateFiles {
    certificate: PathBuf,
    key: PathBuf,
}

/// What the files contain. No `Debug`: one of them is a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// A certificate with its chain, and its key.
#[derive(Debug, Clone)]
pub struct ServerCertificate {
    certified: Arc<SingleCertAndKey>,
    leaf: CertificateDer<'static>,
    pub validity: Validity,
}

impl CertificateFiles {
    /// Returns the configured files, or `None` if the server speaks plain HTTP.
    pub fn of(server: &settings::Server) -> Option<Self> {
        let (certificate, key) = server.tls_cert_file.clone().zip(server.tls_key_file.clone())?;
        Some(Self { certificate, key })
    }

    /// Reads both files. Errors name the setting and the file, as do those of [`Self::parse`].
    pub fn read(&self) -> anyhow::Result<Contents> {
        Ok(Contents { certificate: read(CERTIFICATE, &self.certificate)?, key: read(KEY, &self.key)? })
    }

    /// Returns what is wrong with the key's file if every user of the machine may read it.
    pub fn exposure(&self) -> Option<String> {
        let mode = std::fs::metadata(&self.key).ok()?.permissions().mode();
        let file = self.key.display();
        (mode & READ_BY_OTHERS != 0)
            .then(|| format!("{KEY}: other users of this machine may read {file}; run `chmod o-rwx {file}`"))
    }

    /// Returns the certificate if both files are well-formed and belong together. It may have expired.
    pub fn parse(&self, contents: &Contents) -> anyhow::Result<ServerCertificate> {
        let chain = self.chain(&contents.certificate)?;
        let file = self.certificate.display();
        let malformed =
            || anyhow!("{CERTIFICATE}: {file} has a certificate that is malformed, or not of X.509 version 3");
        for certificate in &chain {
            // The cause would be called that of a peer, in terms of the library.
            ParsedCertificate::try_from(certificate).map_err(|_| malformed())?;
        }
        let leaf = chain.first().cloned().ok_or_else(malformed)?;
        let validity = Validity::of(&leaf).ok_or_else(malformed)?;
        let certified = self.certified(chain, &contents.key)?;
        Ok(ServerCertificate { certified: Arc::new(certified.into()), leaf, validity })
    }

    /// Reads and parses both files.
    pub fn load(&self) -> anyhow::Result<ServerCertificate> {
        self.parse(&self.read()?)
    }

    fn chain(&self, pem: &[u8]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
        let file = self.certificate.display();
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let chain = chain.map_err(|error| anyhow!("{CERTIFICATE}: {file} is not PEM: {}", complaint(&error)))?;
        ensure!(!chain.is_empty(), "{CERTIFICATE}: {file} has no PEM certificate");
        Ok(chain)
    }

    fn certified(&self, chain: Vec<CertificateDer<'static>>, pem: &[u8]) -> anyhow::Result<CertifiedKey> {
        let file = self.key.display();
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
            pem::Error::NoItemsFound => anyhow!(
                "{KEY}: {file} has no private key: it must be PEM in PKCS#8, PKCS#1 or SEC1, without a passphrase"
            ),
            error => anyhow!("{KEY}: {file} is not PEM: {}", complaint(&error)),
        })?;
        let usable = default_provider().key_provider.load_private_key(key);
        let certified = CertifiedKey::new(chain, usable.with_context(|| format!("{KEY}: {file} has no usable key"))?);
        match certified.keys_match() {
            Ok(()) => Ok(certified),
            Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => bail!(
                "{KEY}: {file} does not belong to the first certificate in {} ({CERTIFICATE})",
                self.certificate.display()
            ),
            Err(error) => Err(error).with_context(|| format!("{KEY}: {file} cannot be used with its certificate")),
        }
    }
}

/// Returns what is wrong, without the lines of the file, which may be those of a key.
fn complaint(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "it ends within a section",
        pem::Error::IllegalSectionStart { .. } => "a section begins with a malformed line",
        pem::Error::Base64Decode(_) => "a section is not base64",
        _ => "it cannot be decoded",
    }
}

fn read(setting: &str, path: &Path) -> anyhow::Result<Vec<u8>> {
    let (file, mut bytes) = (path.display(), Vec::new());
    let most = u64::try_from(MOST_BYTES + 1).unwrap_or(u64::MAX);
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    read.with_context(|| format!("{setting}: {file} cannot be read"))?;
    ensure!(!bytes.is_empty(), "{setting}: {file} is empty");
    ensure!(bytes.len() <= MOST_BYTES, "{setting}: {file} is larger than {MOST_BYTES} bytes");
    Ok(bytes)
}

impl ServerCertificate {
    /// Returns the settings of TLS 1.2 and 1.3 with this certificate, without certificates of clients and without early data.
    /// The keys of session tickets belong to the returned value: a client resumes only sessions of this certificate.
    pub fn server_config(&self) -> anyhow::Result<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
        let mut config = builder.with_cert_resolver(self.certified.clone());
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        config.ticketer = Ticketer::new()?;
        Ok(config)
    }

    /// Returns the certificate itself, without its chain.
    pub fn leaf(&self) -> &CertificateDer<'static> {
        &self.leaf
    }

    /// Returns the SHA-256 fingerprint, as `openssl x509 -fingerprint -sha256` prints it.
    pub fn fingerprint(&self) -> String {
        let hash = digest::digest(&digest::SHA256, &self.leaf);
        hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;

    #[test]
    fn a_key_that_every_user_may_read_is_reported() {
        let directory = tempfile::tempdir().unwrap();
        let key = directory.path().join("server.key");
        fs::write(&key, "").unwrap();
        let files = CertificateFiles { certificate: directory.path().join("server.crt"), key: key.clone() };
        for (mode, is_exposed) in [(0o600, false), (0o640, false), (0o400, false), (0o644, true), (0o604, true)] {
            fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
            assert_eq!(files.exposure().is_some(), is_exposed, "{mode:o}");
        }
        assert!(files.exposure().is_some_and(|text| text.contains("server.tls_key_file")));
    }
}
