//! What a restore writes down, in `restores/<key>/<restore id>/`.

use serde::Serialize;

use super::document;
use super::error::RepositoryError;
use super::layout;
use super::open::Repository;
use crate::model::TopicName;
use crate::store::{Key, ObjectWriter};

/// Bytes of text that are gathered before they are written.
const TEXT_BUFFER: usize = 64 << 10;

/// The folder of one restore.
#[derive(Debug)]
pub struct RestoreFolder {
    repository: Repository,
    folder: Key,
}

impl Repository {
    /// Makes the folder of a new restore. `what` says what is restored and to where: restores of the same have the
    /// same key, and each has its own id below it.
    pub fn begin_restore<T: Serialize>(&self, what: &T) -> Result<RestoreFolder, RepositoryError> {
        let text = serde_json::to_vec(what)
            .map_err(|source| RepositoryError::Encode { object: "the key of a restore".to_owned(), source })?;
        let key = blake3::hash(&text).to_hex();
        let id = self.new_run_id()?;
        Ok(RestoreFolder { repository: self.clone(), folder: layout::restore(key.get(..16).unwrap_or(&key), &id)? })
    }
}

impl RestoreFolder {
    /// Its key: the path within the repository.
    pub fn path(&self) -> &str {
        self.folder.as_str()
    }

    /// Writes a document that must not be there yet.
    pub fn put<T: Serialize>(&self, name: &str, document: &T) -> Result<(), RepositoryError> {
        let key = self.folder.join(name)?;
        let (bytes, _) = document::encode(key.as_str(), document)?;
        tracing::debug!(phase = "restore-state", object = %key, "restore state written");
        Ok(self.repository.store().put_if_absent(&key, &bytes)?)
    }

    /// Begins the offset map of a partition.
    pub fn map(&self, topic: &TopicName, partition: i32) -> Result<TextObject, RepositoryError> {
        let folder = self.folder.join("maps")?.join(topic.as_str())?;
        let key = folder.join(&format!("{partition}.jsonl"))?;
        let object = self.repository.store().create(&folder)?;
        Ok(TextObject { object, key, buffer: Vec::with_capacity(TEXT_BUFFER) })
    }
}

/// An object of lines on its way in. Dropped without [`TextObject::publish`], nothing of it remains.
#[derive(Debug)]
pub struct TextObject {
    object: Box<dyn ObjectWriter>,
    key: Key,
    buffer: Vec<u8>,
}

impl TextObject {
    /// Appends a line.
    pub fn line(&mut self, text: &str) -> Result<(), RepositoryError> {
        self.buffer.extend_from_slice(text.as_bytes());
        self.buffer.push(b'\n');
        if self.buffer.len() < TEXT_BUFFER {
            return Ok(());
        }
        self.flush()
    }

    /// Syncs it and gives it its name.
    pub fn publish(mut self) -> Result<(), RepositoryError> {
        self.flush()?;
        Ok(self.object.publish(&self.key)?)
    }

    fn flush(&mut self) -> Result<(), RepositoryError> {
        self.object.write(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}
