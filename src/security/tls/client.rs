//! From settings to what rustls wants.

use std::sync::Arc;

use rustls::{ClientConfig, SupportedProtocolVersion};

use super::{TlsError, TlsSettings, TlsVersion, trust};

impl TlsSettings {
    /// A configuration for one connection. Reads the files, so it blocks.
    pub fn client_config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions: Vec<&SupportedProtocolVersion> =
            self.versions.iter().map(|version| version.supported()).collect();
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(|error| TlsError::Setup(error.to_string()))?
            .with_root_certificates(trust::anchors(self.trust.as_ref())?)
            .with_no_client_auth();
        Ok(Arc::new(config))
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
