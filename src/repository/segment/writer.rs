//! Writing a segment.

use super::{Scan, ScanFault};
use crate::batch::{Batch, walk};
use crate::model::{Timestamp, TopicId, TopicName, TopicPartition};
use crate::repository::format::{OpenTransaction, Seal, Writer};
use crate::repository::{ContentHasher, LogWriter, Repository, RepositoryError, layout};
use crate::store::Key;

/// Bytes that are checked before they are digested and written, and written at a time: few enough to stay in the
/// processor's cache.
const STRETCH: usize = 256 << 10;
/// `DumpLogSegments` and Kafka itself count positions in a segment, and offsets relative to its base, in 31 bits.
const KAFKA_MAX: u64 = i32::MAX as u64;

/// What a segment begins with.
#[derive(Debug, Clone)]
pub struct SegmentStart {
    /// Topic.
    pub topic: TopicName,
    /// Its id, zero where the broker has none.
    pub topic_id: TopicId,
    /// Partition, from 0.
    pub partition: i32,
    /// Which unbroken history of the partition, from 0.
    pub lineage: u32,
    /// Id of the run that writes it.
    pub run: String,
    /// Transactions open where it begins: the `open` of the seal before, within the lineage.
    pub open: Vec<OpenTransaction>,
}

/// A segment on its way in. Dropped before [`SegmentWriter::seal`], nothing of it remains.
#[derive(Debug)]
pub struct SegmentWriter {
    repository: Repository,
    start: SegmentStart,
    folder: Key,
    /// Begun with the first batch, whose offset is part of its name.
    object: Option<LogWriter>,
    digest: ContentHasher,
    scan: Scan,
    observed: Timestamp,
    broken: bool,
}

impl Repository {
    /// Begins a segment.
    pub fn create_segment(&self, start: SegmentStart) -> Result<SegmentWriter, RepositoryError> {
        let folder = layout::partition(&start.topic, start.topic_id, start.partition)?;
        Ok(SegmentWriter {
            object: None,
            repository: self.clone(),
            scan: Scan::new(&start.open),
            start,
            folder,
            digest: self.document().digest.hasher(),
            observed: Timestamp(-1),
            broken: false,
        })
    }
}

impl SegmentWriter {
    /// Appends the whole batches in `bytes`, as one fetch brought them at `observed`, that begin before `fence`: checksums
    /// and the order of offsets are checked. Gives the number of bytes taken: less than all where a batch begins at or
    /// after the fence, where the last batch is not whole, and where the segment [is full](Self::is_full). After a batch
    /// that is refused, those before it are in.
    pub fn append_run(&mut self, bytes: &[u8], fence: i64, observed: Timestamp) -> Result<usize, RepositoryError> {
        let (mut written, mut checked) = (0, 0);
        let mut refused = None;
        for batch in walk(bytes) {
            let step = batch.map_err(ScanFault::Batch).and_then(|batch| {
                if batch.base_offset() >= fence || self.does_not_fit(&batch) {
                    return Ok(false);
                }
                self.scan.add(&batch, observed)?;
                checked += batch.bytes().len();
                Ok(true)
            });
            match step {
                Ok(true) => {}
                Ok(false) => break,
                Err(fault) => {
                    refused = Some(fault);
                    break;
                }
            }
            if checked - written >= STRETCH {
                self.write(bytes.get(written..checked).unwrap_or_default())?;
                written = checked;
            }
        }
        self.write(bytes.get(written..checked).unwrap_or_default())?;
        if checked > 0 {
            self.observed = observed;
        }
        refused.map_or(Ok(checked), |fault| Err(self.refusal(fault)))
    }

    /// Plain bytes so far.
    pub fn size(&self) -> u64 {
        self.scan.size()
    }

    /// Whether there is nothing in it yet.
    pub fn is_empty(&self) -> bool {
        self.scan.size() == 0
    }

    /// First offset after the last batch, -1 before the first.
    pub fn next_offset(&self) -> i64 {
        self.scan.next_offset()
    }

    /// Whether it is time to seal it and begin another.
    pub fn should_roll(&self, max_bytes: u64) -> bool {
        self.size() >= max_bytes.min(KAFKA_MAX) || self.is_full()
    }

    /// Whether a batch did not fit, or hardly one would: Kafka's tools count in 31 bits.
    pub fn is_full(&self) -> bool {
        let covered = self.scan.next_offset().saturating_sub(self.scan.base());
        !self.is_empty() && (self.size() > KAFKA_MAX - (128 << 20) || covered > i64::from(i32::MAX) - (1 << 24))
    }

    /// Syncs the segment, gives it its name, and says what is in it.
    pub fn seal(self) -> Result<Seal, RepositoryError> {
        let partition = self.topic_partition();
        let not_sealable = |reason| RepositoryError::NotSealable { partition, reason };
        if self.broken {
            return Err(not_sealable("a write to it failed"));
        }
        if self.is_empty() {
            return Err(not_sealable("it holds no batch"));
        }
        let digest = self.digest.finish();
        let facts = self.scan.finish();
        let Some(object) = self.object else { return Err(not_sealable("it holds no batch")) };
        let stored = object.publish(facts.base, facts.next)?;
        tracing::debug!(phase = "seal", object = %stored.object, "segment published");
        Ok(Seal {
            topic: self.start.topic,
            topic_id: self.start.topic_id,
            partition: self.start.partition,
            lineage: self.start.lineage,
            writer: Writer { run: self.start.run, host: self.repository.host().to_owned() },
            object: stored.object,
            start: 0,
            length: stored.length,
            base: facts.base,
            next: facts.next,
            size: facts.size,
            digest,
            stored_digest: stored.stored_digest,
            frames: stored.frames,
            keys: stored.keys,
            batches: facts.batches,
            records: facts.records,
            max_batch: facts.max_batch,
            min_timestamp: facts.min_timestamp,
            max_timestamp: facts.max_timestamp,
            observed: self.observed,
            codecs: facts.codecs,
            legacy_batches: facts.legacy_batches,
            leader_epochs: facts.leader_epochs,
            carried: self.start.open,
            aborted: facts.aborted,
            committed: facts.committed,
            open: facts.open,
            last_batch_header: facts.last_batch_header,
            last_batch_base: facts.last_batch_base,
            index: facts.index,
        })
    }

    fn topic_partition(&self) -> TopicPartition {
        TopicPartition::new(self.start.topic.clone(), self.start.partition)
    }

    fn does_not_fit(&self, batch: &Batch<'_>) -> bool {
        !self.is_empty()
            && (self.size() + batch.bytes().len() as u64 > KAFKA_MAX
                || batch.next_offset().saturating_sub(self.scan.base()) > i64::from(i32::MAX))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), RepositoryError> {
        let written = bytes.chunks(STRETCH).try_for_each(|stretch| {
            self.digest.update(stretch);
            self.object(bytes)?.write(stretch)
        });
        self.broken |= written.is_err();
        written
    }

    /// The object; the first bytes decide whether compressing is worth while.
    fn object(&mut self, first: &[u8]) -> Result<&mut LogWriter, RepositoryError> {
        let object = if let Some(object) = self.object.take() {
            object
        } else {
            self.repository.create_log(&self.folder, self.scan.base(), is_mostly_uncompressed(first))?
        };
        Ok(self.object.insert(object))
    }

    fn refusal(&self, fault: ScanFault) -> RepositoryError {
        let partition = self.topic_partition();
        match fault {
            ScanFault::Batch(source) => RepositoryError::RefusedBatch { partition, source },
            ScanFault::OutOfOrder { expected, found } => RepositoryError::OutOfOrder { partition, expected, found },
        }
    }
}

/// Whether more than half of the bytes are in batches without compression.
pub fn is_mostly_uncompressed(bytes: &[u8]) -> bool {
    let batches = walk(bytes).filter_map(Result::ok).filter(|batch| batch.codec_code() == 0);
    batches.map(|batch| batch.bytes().len()).sum::<usize>() > bytes.len() / 2
}
