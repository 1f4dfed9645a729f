//! From `host:port` to a socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::DialError;

/// Connects to the first of the host's addresses that answers, within `patience` for all of them together.
pub(super) async fn dial(address: &str, patience: Duration) -> Result<TcpStream, DialError> {
    check(address)?;
    match timeout(patience, first_that_answers(address)).await {
        Ok(result) => result,
        Err(_) => Err(DialError::TimedOut(patience)),
    }
}

async fn first_that_answers(address: &str) -> Result<TcpStream, DialError> {
    let resolved = lookup_host(address).await.map_err(|error| DialError::Resolve(Arc::new(error)))?;
    // IPv4 first: `localhost` is often both, and Kafka often listens on one.
    let (four, six): (Vec<SocketAddr>, Vec<SocketAddr>) = resolved.partition(SocketAddr::is_ipv4);
    let mut last = std::io::Error::new(std::io::ErrorKind::NotFound, "the host name has no address");
    for target in four.into_iter().chain(six) {
        match TcpStream::connect(target).await {
            Ok(stream) => {
                stream.set_nodelay(true).map_err(|error| DialError::Connect(Arc::new(error)))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(DialError::Connect(Arc::new(last)))
}

/// Whether the text is `host:port` or `[v6]:port`.
pub fn check(address: &str) -> Result<(), DialError> {
    let (host, port) = address.rsplit_once(':').ok_or(DialError::Address)?;
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let good_port = port.parse::<u16>().is_ok_and(|port| port > 0);
    if host.is_empty() || !good_port || (host.contains(':') && !bracketed) {
        return Err(DialError::Address);
    }
    Ok(())
}

/// The host of `host:port`, without the brackets of an IPv6 address.
pub(super) fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_need_a_host_and_a_port() {
        for good in ["localhost:9092", "10.0.0.1:1", "[::1]:9092"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in ["localhost", ":9092", "localhost:", "localhost:0", "localhost:70000", "::1:9092"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
