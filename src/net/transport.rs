//! What carries the bytes. Plain TCP today; TLS is another variant here, and nothing above will notice.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A connected stream.
#[derive(Debug)]
pub(super) enum Transport {
    /// TCP without encryption.
    Plain(TcpStream),
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
        }
    }
}
