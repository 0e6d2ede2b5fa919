use std::{path::Path, sync::Arc};

use anyhow::Context;
use rustls_platform_verifier::Verifier;
use tokio::sync::OnceCell;
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, pem::PemObject},
    },
};

/// Reads a file of PEM certificates.
pub fn read_authorities(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = || format!("{} cannot be read", file.display());
    let all: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).with_context(read)?.collect();
    let all = all.with_context(read)?;
    anyhow::ensure!(!all.is_empty(), "{} has no PEM certificate", file.display());
    Ok(all)
}

/// TLS 1.2 and 1.3 with verified certificates. The system's authorities are read when they are first needed.
pub(super) struct Tls {
    authorities: Vec<CertificateDer<'static>>,
    connector: OnceCell<TlsConnector>,
}

impl Tls {
    pub fn new(authorities: Vec<CertificateDer<'static>>) -> Self {
        Self { authorities, connector: OnceCell::new() }
    }

    pub async fn connector(&self) -> anyhow::Result<TlsConnector> {
        let build = async || {
            let authorities = self.authorities.clone();
            tokio::task::spawn_blocking(move || connector(authorities)).await?
        };
        self.connector.get_or_try_init(build).await.cloned()
    }
}

fn connector(authorities: Vec<CertificateDer<'static>>) -> anyhow::Result<TlsConnector> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Verifier::new_with_extra_roots(authorities, provider.clone())?;
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    // The verifier is the usual one; only its further authorities make it a custom one.
    let mut config = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
