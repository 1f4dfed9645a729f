//! From settings to what rustls wants, for one connection.

use std::io;
use std::sync::Arc;

use rustls::{ClientConfig, SupportedProtocolVersion};

use super::identity::identity;
use super::seen::{Resolver, Seen};
use super::trust::trusted;
use super::verify::Verifier;
use super::{TlsError, TlsSettings, TlsVersion};

/// One connection's configuration, and what its handshake comes to.
#[derive(Debug)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    seen: Arc<Seen>,
}

impl TlsSettings {
    /// Reads the files, so it blocks; made anew for every connection, so that renewed files are found.
    pub fn client(&self) -> Result<TlsClient, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let seen = Arc::new(Seen::default());
        let verifier = Verifier {
            trusted: trusted(self.trust.as_ref())?,
            check_name: self.verify_hostname,
            algorithms: provider.signature_verification_algorithms,
            seen: Arc::clone(&seen),
        };
        let identity = self.identity.as_ref().map(|store| identity(store, &provider)).transpose()?;
        let resolver = Resolver { identity: identity.map(Arc::new), seen: Arc::clone(&seen) };
        let versions: Vec<&SupportedProtocolVersion> =
            self.versions.iter().map(|version| version.supported()).collect();
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(|error| TlsError::Setup(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(resolver));
        Ok(TlsClient { config: Arc::new(config), seen })
    }

    /// The configuration alone, for whoever speaks HTTPS with it. Reads the files, so it blocks.
    pub fn client_config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        self.client().map(|client| client.config)
    }
}

impl TlsClient {
    /// What rustls wants.
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    /// Why the handshake failed.
    pub fn explain(&self, error: io::Error) -> TlsError {
        self.seen.explain(error)
    }

    /// Why the connection ended before its first answer, if TLS is the reason. `None` for `error`: the peer closed it.
    pub fn explain_end(&self, error: Option<&io::Error>) -> Option<TlsError> {
        self.seen.explain_end(error)
    }
}

impl TlsVersion {
    fn supported(self) -> &'static SupportedProtocolVersion {
        match self {
            Self::V12 => &rustls::version::TLS12,
            Self::V13 => &rustls::version::TLS13,
        }
    }
}
