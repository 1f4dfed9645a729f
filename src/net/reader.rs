//! Frames out of a byte stream, with a size limit and with buffers that are used again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::Poison;
use super::transport::Incoming;
use crate::wire::Prefix;

/// Cuts a stream into frames.
pub(super) struct FrameReader<'a> {
    stream: Incoming,
    limit: &'a FrameLimit,
    spare: Spare,
    first: bool,
}

/// How large a frame may be just now.
#[derive(Debug)]
pub(super) struct FrameLimit {
    most: usize,
    now: AtomicUsize,
}

impl FrameLimit {
    /// Narrow at first.
    pub(super) fn new(most: usize) -> Self {
        Self { most, now: AtomicUsize::new(most.min(STRANGER)) }
    }

    /// For a peer that has not said who it is, or asks anew who this is.
    pub(super) fn narrow(&self) {
        self.now.store(self.most.min(STRANGER), Ordering::Release);
    }

    /// For a broker.
    pub(super) fn widen(&self) {
        self.now.store(self.most, Ordering::Release);
    }

    fn now(&self) -> usize {
        self.now.load(Ordering::Acquire)
    }
}

/// The first answer lists the broker's APIs, the next ones are about who this client is: a few kilobytes.
const STRANGER: usize = 1 << 20;
/// No more than this is reserved on a peer's word alone; the rest grows as bytes come.
const TRUSTED: usize = 16 << 20;
/// Smaller frames are cheap to allocate.
const WORTH_KEEPING: usize = 64 << 10;
/// Frames that are kept to be used again: what is read while one is being written to disk.
const KEPT: usize = 3;

impl<'a> FrameReader<'a> {
    /// Frames up to `limit` bytes.
    pub(super) fn new(stream: Incoming, limit: &'a FrameLimit) -> Self {
        Self { stream, limit, spare: Spare::default(), first: true }
    }

    /// The next frame without its length.
    pub(super) async fn next(&mut self) -> Result<Bytes, Poison> {
        let mut prefix = [0; 4];
        self.stream.read_exact(&mut prefix).await.map_err(fault)?;
        let limit = self.limit.now();
        match Prefix::read(prefix, limit) {
            Prefix::Frame(size) => {
                self.first = false;
                self.body(size).await
            }
            Prefix::Text if self.first => Err(Poison::Greeting(self.greeting(prefix).await)),
            Prefix::Tls if self.first => Err(Poison::Tls),
            _ => Err(Poison::Oversize { size: i64::from(i32::from_be_bytes(prefix)), limit }),
        }
    }

    async fn body(&mut self, size: usize) -> Result<Bytes, Poison> {
        let mut buffer = self.spare.take(size.min(TRUSTED));
        while buffer.len() < size {
            if buffer.capacity() == buffer.len() {
                buffer.reserve((size - buffer.len()).min(buffer.len()));
            }
            let missing = size - buffer.len();
            let mut window = (&mut buffer).limit(missing);
            if self.stream.read_buf(&mut window).await.map_err(fault)? == 0 {
                return Err(Poison::Closed);
            }
        }
        Ok(self.spare.lend(buffer.freeze()))
    }

    /// The first line of a peer that speaks some text protocol.
    async fn greeting(&mut self, prefix: [u8; 4]) -> String {
        let mut text = prefix.to_vec();
        let line = async {
            while text.len() < 120 && !text.contains(&b'\n') && self.stream.read_buf(&mut text).await.unwrap_or(0) > 0 {
            }
        };
        // What came within a second is enough to recognise it.
        let _ = timeout(Duration::from_secs(1), line).await;
        let text = String::from_utf8_lossy(&text);
        text.lines().next().unwrap_or_default().chars().take(120).collect::<String>().trim().to_owned()
    }
}

/// Frames that were handed out; once nobody holds one any more, its memory is used again. Fetches of a few MiB stay
/// in the same pages that way.
#[derive(Default)]
struct Spare(Vec<Bytes>);

impl Spare {
    fn take(&mut self, size: usize) -> BytesMut {
        if size >= WORTH_KEEPING
            && let Some(free) = self.0.iter().position(Bytes::is_unique)
            && let Ok(mut buffer) = self.0.swap_remove(free).try_into_mut()
        {
            buffer.clear();
            buffer.reserve(size);
            return buffer;
        }
        BytesMut::with_capacity(size)
    }

    fn lend(&mut self, frame: Bytes) -> Bytes {
        if (WORTH_KEEPING..=WORTH_KEEPING << 7).contains(&frame.len()) && self.0.len() < KEPT {
            self.0.push(frame.clone());
        }
        frame
    }
}

fn fault(error: std::io::Error) -> Poison {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error.kind() {
        UnexpectedEof | ConnectionReset | ConnectionAborted => Poison::Closed,
        _ => Poison::Io(Arc::new(error)),
    }
}
