//! One blocking socket to one broker, with one buffer that is used again.

use std::io::{IoSlice, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use ktape::wire::{Prefix, request};

use crate::Outcome;

/// How long a broker may be silent.
const PATIENCE: Duration = Duration::from_secs(60);
/// Largest answer.
const LIMIT: usize = 64 << 20;

/// The name in the broker's logs.
pub(super) const CLIENT: &str = "bench";

pub(super) struct Link {
    socket: TcpStream,
    sent: i32,
    answered: i32,
    buffer: BytesMut,
}

impl Link {
    pub(super) fn open(address: &str) -> Outcome<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { socket, sent: 0, answered: 0, buffer: BytesMut::new() })
    }

    /// The correlation id of the next request.
    pub(super) fn correlation(&mut self) -> i32 {
        self.sent += 1;
        self.sent
    }

    /// Requests without an answer.
    pub(super) fn in_flight(&self) -> i32 {
        self.sent - self.answered
    }

    /// Sends a request that lies in pieces.
    pub(super) fn send(&mut self, pieces: &[Bytes]) -> Outcome<()> {
        let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut left = slices.as_mut_slice();
        while !left.is_empty() {
            let count = self.socket.write_vectored(left)?;
            if count == 0 {
                return Err("the broker takes no more".into());
            }
            IoSlice::advance_slices(&mut left, count);
        }
        Ok(())
    }

    /// Receives the next answer, hands it over, and takes the buffer back if nobody kept a part of it.
    pub(super) fn receive<T>(&mut self, read: impl FnOnce(&Bytes) -> Outcome<T>) -> Outcome<T> {
        let mut prefix = [0; 4];
        self.socket.read_exact(&mut prefix)?;
        let Prefix::Frame(size) = Prefix::read(prefix, LIMIT) else { return Err("an answer out of bounds".into()) };
        let mut buffer = std::mem::take(&mut self.buffer);
        if buffer.len() < size {
            buffer.resize(size, 0);
        }
        self.socket.read_exact(&mut buffer[..size])?;
        self.answered += 1;
        let whole = buffer.freeze();
        let frame = whole.slice(..size);
        if request::correlation(&frame)? != self.answered {
            return Err("an answer to another request".into());
        }
        let outcome = read(&frame);
        drop(frame);
        self.buffer = whole.try_into_mut().unwrap_or_default();
        outcome
    }
}
