//! The TLS handshake on a connected socket.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::dial::host;
use crate::security::tls::{TlsError, TlsSettings};

/// A connected stream below which TLS runs.
pub(super) type Secured = TlsStream<TcpStream>;

/// Makes the connection secure. Files are read now, so that renewed ones are found.
pub(super) async fn secure(
    stream: TcpStream,
    address: &str,
    settings: &TlsSettings,
    began: Instant,
    patience: std::time::Duration,
) -> Result<Secured, TlsError> {
    let host = host(address);
    let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsError::HostName(host.to_owned()))?;
    let settings = settings.clone();
    let handshake = async {
        let config = tokio::task::spawn_blocking(move || settings.client_config()).await;
        let config = config.map_err(|error| TlsError::Setup(error.to_string()))??;
        TlsConnector::from(config).connect(name, stream).await.map_err(fault)
    };
    timeout_at(began + patience, handshake).await.unwrap_or(Err(TlsError::TimedOut(patience)))
}

fn fault(error: std::io::Error) -> TlsError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(inner) => TlsError::Handshake(Arc::new(inner.clone())),
        None => TlsError::Io(Arc::new(error)),
    }
}
