//! Reading an object as it comes.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use object_store::{GetOptions, GetRange, ObjectStore};

use super::engine::{Pipe, Task, pipe};
use super::{RemoteStore, fault};
use crate::store::{Key, Store, StoreError, StoreErrorKind};

/// Pieces that may wait to be read.
const WAITING: usize = 8;

impl RemoteStore {
    /// A stream of a range; an empty one where the range begins at or after the object's end.
    pub(super) fn stream(&self, key: &Key, range: &GetRange) -> Result<Box<dyn Read + Send>, StoreError> {
        let (service, path) = (Arc::clone(&self.inner.service), self.path("read", key)?);
        let options = GetOptions { range: Some(range.clone()), ..GetOptions::default() };
        // From its start an object can be read that is empty, which a range of it cannot.
        let whole = matches!(range, GetRange::Offset(0));
        let options = if whole { GetOptions::default() } else { options };
        let asked = self.run("read", Some(key), async move { service.get_opts(&path, options).await });
        let answer = match asked {
            Err(error) if !error.is_not_found() && self.begins_after_the_end(key, range, &error)? => {
                return Ok(Box::new(io::empty()));
            }
            answer => answer?,
        };
        let (end, pieces) = pipe(WAITING);
        let feeding = self.inner.engine.begin(async move {
            let mut stream = answer.into_stream().map_err(|error| fault::of_stream(&error));
            while let Some(piece) = stream.next().await {
                let last = piece.is_err();
                if !end.put(piece).await || last {
                    break;
                }
            }
        });
        Ok(Box::new(Reader { pieces, piece: Bytes::new(), feeding }))
    }

    fn begins_after_the_end(&self, key: &Key, range: &GetRange, error: &StoreError) -> Result<bool, StoreError> {
        let start = match range {
            GetRange::Bounded(range) => range.start,
            GetRange::Offset(start) => *start,
            GetRange::Suffix(_) => return Ok(false),
        };
        let told = super::is_beyond_the_end(error) || error.kind == StoreErrorKind::Other;
        Ok(told && self.info(key)?.is_some_and(|info| start >= info.size))
    }
}

#[derive(Debug)]
struct Reader {
    pieces: Pipe<io::Result<Bytes>>,
    piece: Bytes,
    feeding: Task<()>,
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.take() {
                None => return Ok(0),
                Some(piece) => self.piece = piece?,
            }
        }
        let count = into.len().min(self.piece.len());
        let taken = self.piece.split_to(count);
        into.get_mut(..count).unwrap_or_default().copy_from_slice(&taken);
        Ok(count)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.feeding.stop();
    }
}
