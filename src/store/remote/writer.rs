//! Writing an object in parts.
//!
//! Memory: one part is filled per writer, and no more than [`super::PARTS_IN_FLIGHT`] are on their way over all of them.
//! Whatever fits into one part is one request, under the name that it is given at the end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use object_store::{MultipartUpload, ObjectStore, PutMultipartOptions, PutPayload};

use super::RemoteStore;
use super::engine::Task;
use crate::store::{Key, ObjectWriter, Store, StoreError};

/// Size of every part but the last. S3 takes none below 5 MiB, some servers want all of one size, and there may be
/// 10,000: up to 48 GiB, where a segment has 2 at most.
const PART: usize = 5 << 20;
/// From this size on room is made for a whole part.
const SMALL: usize = 256 << 10;
/// How long the clean-up of an unfinished upload may hold up whoever drops it.
const ABORT_PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Writer {
    store: RemoteStore,
    /// Its name once it is larger than one part.
    early: Key,
    filling: Vec<u8>,
    upload: Option<Upload>,
    written: u64,
}

#[derive(Debug)]
struct Upload {
    parts: Box<dyn MultipartUpload>,
    sending: Vec<Task<Result<(), object_store::Error>>>,
}

impl Writer {
    pub(super) fn new(store: RemoteStore, early: Key) -> Self {
        Self { store, early, filling: Vec::new(), upload: None, written: 0 }
    }

    /// Uploads one part and gives the upload up: an object is written only when its upload is complete.
    pub(super) fn rehearse(mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.filling.extend_from_slice(bytes);
        self.send()?;
        let sending = self.upload.as_mut().map(|upload| std::mem::take(&mut upload.sending)).unwrap_or_default();
        sending.iter().try_for_each(|task| self.arrived(task.wait()))
    }

    /// Sends what was filled on its way.
    fn send(&mut self) -> Result<(), StoreError> {
        let part = PutPayload::from(std::mem::take(&mut self.filling));
        let mut upload = match self.upload.take() {
            Some(upload) => upload,
            None => self.begin()?,
        };
        let slot = self.store.inner.slots.take();
        let sending = upload.parts.put_part(part);
        upload.sending.push(self.store.inner.engine.begin(async move {
            let sent = sending.await;
            drop(slot);
            sent
        }));
        let ended = self.reap(&mut upload);
        self.upload = Some(upload);
        ended
    }

    fn begin(&self) -> Result<Upload, StoreError> {
        let (service, path) = (Arc::clone(&self.store.inner.service), self.store.path("write", &self.early)?);
        let options =
            PutMultipartOptions { attributes: self.store.inner.attributes.clone(), ..PutMultipartOptions::default() };
        let parts = self
            .store
            .run("write", Some(&self.early), async move { service.put_multipart_opts(&path, options).await })?;
        Ok(Upload { parts, sending: Vec::new() })
    }

    /// Looks which parts have arrived; the first that did not ends the object.
    fn reap(&self, upload: &mut Upload) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        upload.sending.retain(|task| match task.ended() {
            None => true,
            Some(result) => {
                if outcome.is_ok() {
                    outcome = self.arrived(result);
                }
                false
            }
        });
        outcome
    }

    fn arrived(&self, result: io::Result<Result<(), object_store::Error>>) -> Result<(), StoreError> {
        let shown = || self.store.shown(Some(&self.early));
        match result {
            Ok(sent) => sent.map_err(|error| self.store.failed("write", Some(&self.early), &error)),
            Err(error) => Err(StoreError::new("write", Some(&self.early), shown(), error)),
        }
    }

    fn complete(&mut self) -> Result<(), StoreError> {
        if !self.filling.is_empty() {
            self.send()?;
        }
        let Some(mut upload) = self.upload.take() else { return Ok(()) };
        let sending = std::mem::take(&mut upload.sending);
        let arrived = sending.iter().try_for_each(|task| self.arrived(task.wait()));
        if let Err(error) = arrived.and_then(|()| self.must_be_free()) {
            // Dropping this writer aborts it.
            self.upload = Some(upload);
            return Err(error);
        }
        let mut parts = upload.parts;
        let completed = self.store.run("publish", Some(&self.early), async move {
            let completed = parts.complete().await;
            if completed.is_err() {
                let _ = parts.abort().await;
            }
            completed
        });
        match completed {
            Ok(_) => Ok(()),
            // The answer may have got lost, and the next attempt found what the first had made. The name was free when we
            // looked, and nobody else gives it to something of this size.
            Err(error) => match self.store.info(&self.early) {
                Ok(Some(info)) if info.size == self.written => Ok(()),
                _ => Err(error),
            },
        }
    }

    /// Completing an upload replaces what is there, except where the server takes a condition for it: so look before.
    fn must_be_free(&self) -> Result<(), StoreError> {
        match self.store.info(&self.early)? {
            Some(_) => Err(self.store.taken(&self.early)),
            None => Ok(()),
        }
    }
}

impl ObjectWriter for Writer {
    fn write(&mut self, mut bytes: &[u8]) -> Result<(), StoreError> {
        self.written += bytes.len() as u64;
        while !bytes.is_empty() {
            // Sent only when more follows: what ends with the part is one request.
            if self.filling.len() == PART {
                self.send()?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(PART - self.filling.len()));
            // Doubled from what most segments have, it would become half as large again as a part, and be moved there.
            if self.filling.len() + now.len() > SMALL {
                self.filling.reserve_exact(PART - self.filling.len());
            }
            self.filling.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    fn publish(mut self: Box<Self>, key: &Key) -> Result<Key, StoreError> {
        if self.upload.is_none() {
            let bytes = std::mem::take(&mut self.filling);
            return self.store.put_if_absent(key, &bytes).map(|()| key.clone());
        }
        self.complete().map(|()| self.early.clone())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let Some(Upload { mut parts, sending }) = self.upload.take() else { return };
        for task in sending {
            task.stop();
        }
        // Without the right to do so, or without the time, the bucket's own rule removes it.
        let aborted = self.store.inner.engine.run_within(ABORT_PATIENCE, async move { parts.abort().await });
        if !matches!(aborted, Ok(Ok(()))) {
            tracing::debug!(object = %self.early, "an unfinished upload stays until the bucket's rule removes it");
        }
    }
}
