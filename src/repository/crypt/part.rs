//! Parts that say more than names and numbers: groups, settings, topic configs. Encrypted where segments are, and then
//! named by the digest of their stored bytes.

use std::io::{Read, Write};
use std::sync::PoisonError;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::keys::InForce;
use crate::model::TopicName;
use crate::repository::error::{Damage, RepositoryError};
use crate::repository::format::{
    ConfigsPart, EncryptedPart, GroupName, GroupNames, GroupsPart, PartRef, SnapshotHead, TopicConfigs, TopicShard,
    TopicShardRef,
};
use crate::repository::parts::{PART_BYTES_MAX, compress_frame, decompress_frame};
use crate::repository::{Repository, layout};
use crate::store::{Key, StoreError};

impl Repository {
    /// Writes a part, encrypted where the repository is. One that is there with the same content and keys is shared.
    pub fn put_private_part<T: Serialize + ?Sized>(&self, part: &T) -> Result<PartRef, RepositoryError> {
        let encoded = serde_json::to_vec(part);
        let json = encoded.map_err(|source| RepositoryError::Encode { object: layout::INDEX.to_owned(), source })?;
        self.put_private_json(&json)
    }

    /// The same with JSON that is ready.
    pub fn put_private_json(&self, json: &[u8]) -> Result<PartRef, RepositoryError> {
        let Some(keys) = self.in_force() else { return self.put_part_json(json).map(PartRef::Plain) };
        let plain = blake3::hash(json).to_hex().to_string();
        if let Some(known) = self.known_part(&plain, keys.number)
            && self.check_part(&known).is_ok()
        {
            return Ok(known);
        }
        let stored = encrypt(keys, json).map_err(|source| StoreError::new("encrypt", None, layout::INDEX, source))?;
        let digest = blake3::hash(&stored).to_hex().to_string();
        let part = PartRef::Encrypted(EncryptedPart { stored: digest, plain, keys: keys.number });
        let key = layout::part_of(&part)?;
        self.store().put_if_absent(&key, &stored)?;
        tracing::debug!(phase = "index", object = %key, "part written");
        self.note_part(&part);
        Ok(part)
    }

    /// Takes over a part of another repository that is encrypted to the recipients in force here, byte for byte.
    pub fn adopt_private_part(&self, from: &Self, part: &EncryptedPart, keys: u64) -> Result<PartRef, AdoptError> {
        let key = layout::part_of(&PartRef::Encrypted(part.clone()))
            .map_err(|error| AdoptError::Source(RepositoryError::InvalidKey(error)))?;
        let adopted = PartRef::Encrypted(EncryptedPart { keys, ..part.clone() });
        if self.check_part(&adopted).is_err() {
            let stored = from.stored_part(&key, part).map_err(AdoptError::Source)?;
            let written = match self.store().put_if_absent(&key, &stored) {
                // What is there cannot be read: the same content takes its place.
                Err(error) if error.is_already_exists() => self.store().put(&key, &stored),
                result => result,
            };
            written.map_err(|error| AdoptError::Target(error.into()))?;
            self.check_part(&adopted).map_err(AdoptError::Target)?;
        }
        self.note_part(&adopted);
        Ok(adopted)
    }

    /// Reads a part that may be encrypted, its digests checked. Without the key it needs, the error says so.
    pub fn private_part<T: DeserializeOwned>(&self, part: &PartRef) -> Result<T, RepositoryError> {
        let json = self.private_json(part)?;
        let damaged = |error: serde_json::Error| match layout::part_of(part) {
            Ok(key) => RepositoryError::damaged(key.as_str(), Damage::Json(error.to_string())),
            Err(error) => error.into(),
        };
        serde_json::from_slice(&json).map_err(damaged)
    }

    /// The same as plain JSON.
    pub fn private_json(&self, part: &PartRef) -> Result<Vec<u8>, RepositoryError> {
        let encrypted = match part {
            PartRef::Plain(digest) => return self.part_json(digest),
            PartRef::Encrypted(encrypted) => encrypted,
        };
        let keyring = self.keyring().ok_or_else(|| self.no_key())?;
        let key = layout::part_of(part)?;
        let stored = self.stored_part(&key, encrypted)?;
        let damaged = |damage| RepositoryError::damaged(key.as_str(), damage);
        let reader = keyring.decrypt(stored.as_slice()).map_err(|error| match error {
            age::DecryptError::NoMatchingKeys => {
                RepositoryError::KeyDoesNotFit { object: key.to_string(), given: keyring.recipients().join(", ") }
            }
            error => damaged(Damage::Decrypt(error.to_string())),
        })?;
        let mut frame = Vec::new();
        let read = reader.take(PART_BYTES_MAX).read_to_end(&mut frame);
        read.map_err(|error| damaged(Damage::Decrypt(error.to_string())))?;
        let json = decompress_frame(&frame).map_err(damaged)?;
        let found = blake3::hash(&json).to_hex().to_string();
        if found != encrypted.plain {
            return Err(damaged(Damage::Digest { expected: encrypted.plain.clone(), found }));
        }
        Ok(json)
    }

    /// Whether a part is there and as it was written, as far as this can be told without a key.
    pub fn check_part(&self, part: &PartRef) -> Result<(), RepositoryError> {
        match part {
            PartRef::Plain(digest) => self.part_json(digest).map(|_| ()),
            PartRef::Encrypted(encrypted) => self.stored_part(&layout::part_of(part)?, encrypted).map(|_| ()),
        }
    }

    /// Writes the groups of a snapshot into its head.
    pub fn put_groups(&self, head: &mut SnapshotHead, groups: &GroupsPart) -> Result<(), RepositoryError> {
        head.groups = self.put_private_part(groups)?;
        head.group_names = match &head.groups {
            PartRef::Plain(_) => None,
            PartRef::Encrypted(_) => Some(self.put_part(&names_of(groups))?),
        };
        Ok(())
    }

    /// The groups of a snapshot; needs the key where they are encrypted.
    pub fn groups(&self, head: &SnapshotHead) -> Result<GroupsPart, RepositoryError> {
        self.private_part(&head.groups)
    }

    /// Names of the groups of a snapshot; needs no key.
    pub fn group_names(&self, head: &SnapshotHead) -> Result<GroupNames, RepositoryError> {
        match &head.group_names {
            Some(digest) => self.part(digest),
            None => self.groups(head).map(|groups| names_of(&groups)),
        }
    }

    /// Moves the configs of a shard's topics out of it, into a part of their own, where the repository is encrypted.
    pub(in crate::repository) fn hide_configs(&self, shard: &mut TopicShard) -> Result<(), RepositoryError> {
        if self.in_force().is_none() {
            return Ok(());
        }
        let mut part = ConfigsPart::default();
        for topic in &mut shard.topics {
            let configs = std::mem::take(&mut topic.configs);
            if !configs.is_empty() {
                part.topics.push(TopicConfigs { name: topic.name.clone(), configs });
            }
        }
        shard.configs = Some(self.put_private_part(&part)?);
        Ok(())
    }

    /// The part with the configs of a shard's topics, where they are encrypted.
    pub fn configs_part(&self, shard: &TopicShardRef) -> Result<Option<PartRef>, RepositoryError> {
        Ok(self.part::<TopicShard>(&shard.digest)?.configs)
    }

    /// Puts the configs of a shard's topics back, as far as there is a key.
    pub(in crate::repository) fn show_configs(&self, shard: &mut TopicShard) -> Result<(), RepositoryError> {
        let Some(part) = &shard.configs else { return Ok(()) };
        self.note_part(part);
        if self.keyring().is_none() {
            return Ok(());
        }
        let part: ConfigsPart = self.private_part(part)?;
        for TopicConfigs { name, configs } in part.topics {
            if let Some(topic) = shard.topics.iter_mut().find(|topic| topic.name == name) {
                topic.configs = configs;
            }
        }
        Ok(())
    }

    /// Remembers where an encrypted part lies, so that the same content is not written again.
    pub(in crate::repository) fn note_part(&self, part: &PartRef) {
        if let PartRef::Encrypted(encrypted) = part {
            let mut known = self.known_parts().lock().unwrap_or_else(PoisonError::into_inner);
            known.insert((encrypted.plain.clone(), encrypted.keys), part.clone());
        }
    }

    fn known_part(&self, plain: &str, keys: u64) -> Option<PartRef> {
        let known = self.known_parts().lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(plain.to_owned(), keys)).cloned()
    }

    fn stored_part(&self, key: &Key, part: &EncryptedPart) -> Result<Vec<u8>, RepositoryError> {
        let info = self.store().info(key)?.ok_or_else(|| RepositoryError::Missing { object: key.to_string() })?;
        let damaged = |damage| RepositoryError::damaged(key.as_str(), damage);
        if info.size > PART_BYTES_MAX {
            return Err(damaged(Damage::TooLarge { limit: PART_BYTES_MAX }));
        }
        let stored = self.store().get(key).map_err(RepositoryError::of_named)?;
        let found = blake3::hash(&stored).to_hex().to_string();
        if found == part.stored {
            Ok(stored)
        } else {
            Err(damaged(Damage::Digest { expected: part.stored.clone(), found }))
        }
    }
}

/// Why a part could not be taken over.
#[derive(Debug)]
pub enum AdoptError {
    /// It could not be read.
    Source(RepositoryError),
    /// It could not be written, or is not there as it was written.
    Target(RepositoryError),
}

fn names_of(groups: &GroupsPart) -> GroupNames {
    let name = |group: &crate::repository::format::GroupState| {
        let mut topics: Vec<TopicName> = group.offsets.iter().map(|one| one.topic.clone()).collect();
        topics.sort_unstable();
        topics.dedup();
        GroupName { id: group.id.clone(), topics }
    };
    GroupNames { groups: groups.groups.iter().map(name).collect() }
}

fn encrypt(keys: &InForce, json: &[u8]) -> std::io::Result<Vec<u8>> {
    let frame = compress_frame(json)?;
    let mut stored = Vec::with_capacity(frame.len() + 512);
    let mut writer = keys.encryptor()?.wrap_output(&mut stored)?;
    writer.write_all(&frame)?;
    writer.finish()?;
    Ok(stored)
}
