//! The TLS handshake on a connected socket.

use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::dial::host;
use crate::security::tls::{TlsClient, TlsError, TlsSettings};

/// A connected stream below which TLS runs.
pub(super) type Secured = TlsStream<TcpStream>;

/// Makes the connection secure, until `patience` has passed since `began`. Files are read now, so that renewed ones are
/// found.
pub(super) async fn secure(
    stream: TcpStream,
    address: &str,
    settings: &TlsSettings,
    began: Instant,
    patience: Duration,
) -> Result<(Secured, TlsClient), TlsError> {
    let host = host(address);
    let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsError::HostName(host.to_owned()))?;
    let settings = settings.clone();
    let handshake = async {
        let client = tokio::task::spawn_blocking(move || settings.client()).await;
        let client = client.map_err(|error| TlsError::Setup(error.to_string()))??;
        match TlsConnector::from(client.config()).connect(name, stream).await {
            Ok(stream) => Ok((stream, client)),
            Err(error) => Err(client.explain(error)),
        }
    };
    timeout_at(began + patience, handshake).await.unwrap_or(Err(TlsError::TimedOut(patience)))
}
