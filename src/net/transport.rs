//! What carries the bytes: TCP, or TLS on it. Nothing above notices.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::tls::Secured;

/// A connected stream.
#[derive(Debug)]
pub(super) enum Transport {
    /// TCP without encryption.
    Plain(TcpStream),
    /// TLS, its handshake done.
    Tls(Box<Secured>),
}

/// The reading side of a transport.
pub(super) type Incoming = Box<dyn AsyncRead + Send + Unpin>;
/// The writing side of a transport.
pub(super) type Outgoing = Box<dyn AsyncWrite + Send + Unpin>;

impl Transport {
    /// Both sides, to be used at the same time.
    pub(super) fn split(self) -> (Incoming, Outgoing) {
        match self {
            Self::Plain(stream) => {
                let (read, write) = stream.into_split();
                (Box::new(read), Box::new(write))
            }
            Self::Tls(stream) => {
                let (read, write) = tokio::io::split(stream);
                (Box::new(read), Box::new(write))
            }
        }
    }
}
