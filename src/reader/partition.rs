//! One partition on its way from the leader.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::links::Readers;
use super::{ReadError, Wanted};
use crate::batch;
use crate::cluster::{
    ClusterError, ErrorCode, FetchLimits, FetchPartition, FetchedPartition, Metadata, OffsetSpec, PartitionMeta,
    Subject,
};
use crate::model::{TopicId, TopicPartition};
use crate::retry::{Attempt, retry};

/// How long a leader may hold back an answer that has nothing.
const MAX_WAIT: Duration = Duration::from_millis(200);
/// Answers without a whole batch until it is believed that there is none.
const EMPTY_ANSWERS: u32 = 3;
/// How long a high watermark below the wanted end may take to get there: after an election it lags behind.
const END_PATIENCE: Duration = Duration::from_secs(10);
/// How long a topic may be missing from the metadata.
const ABSENT: Duration = Duration::from_secs(5);

/// What a reader found next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Batches, in order.
    Batches(FoundBatches),
    /// The log begins here now; what was before has been deleted while it was read.
    LogStart(i64),
    /// There is no more. The offset is the wanted end, or the end of the log where that comes before.
    End(i64),
}

/// Whole batches of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundBatches {
    /// One after the other. The first may begin before the wanted offset, the last may end behind the wanted end.
    pub bytes: Bytes,
    /// Producer id and first offset of transactions with data among them that were aborted; only where committed
    /// records were wanted.
    pub aborted: Vec<(i64, i64)>,
}

/// Reads one partition.
#[derive(Debug)]
pub struct PartitionReader {
    readers: Readers,
    wanted: Wanted,
    position: i64,
    empty: u32,
    /// Since when the end of the log is below the wanted end.
    short_since: Option<Instant>,
}

enum Answer {
    Records(FetchedPartition, bool),
    OutOfRange,
    OtherTopic,
}

impl PartitionReader {
    pub(super) fn new(readers: Readers, wanted: Wanted) -> Self {
        Self { readers, position: wanted.from, wanted, empty: 0, short_since: None }
    }

    /// What comes next; after [`Found::End`] that again. Not cancel safe: drop the reader with the call.
    pub async fn next(&mut self) -> Result<Found, ReadError> {
        while self.position < self.wanted.to {
            match self.ask().await? {
                Answer::OtherTopic => return Err(ReadError::OtherTopic { at: self.wanted.at.clone() }),
                Answer::OutOfRange => {
                    let log_start = self.log_start().await?;
                    if log_start <= self.position {
                        return Ok(Found::End(self.position));
                    }
                    self.position = log_start;
                    return Ok(Found::LogStart(log_start));
                }
                Answer::Records(found, throttled) => {
                    if let Some(found) = self.take(&found, throttled).await? {
                        return Ok(found);
                    }
                }
            }
        }
        Ok(Found::End(self.wanted.to))
    }

    async fn take(&mut self, found: &FetchedPartition, throttled: bool) -> Result<Option<Found>, ReadError> {
        let (mut begin, mut end, mut next) = (0, 0, self.position);
        for one in batch::walk(&found.records) {
            let one = match one {
                Ok(one) => one,
                // What is before it comes first; then it is asked for again.
                Err(_) if next > self.position => break,
                Err(source) => return Err(self.unreadable(next, source)),
            };
            let size = one.bytes().len();
            if one.next_offset() <= self.position {
                begin += size;
            } else if one.base_offset() < self.wanted.to {
                next = one.next_offset();
            } else {
                next = next.max(self.wanted.to);
                break;
            }
            end += size;
        }
        if next == self.position {
            return Ok(self.nothing(found, throttled).await);
        }
        self.position = next;
        self.empty = 0;
        let bytes = found.records.slice(begin..end.max(begin));
        Ok((!bytes.is_empty()).then(|| Found::Batches(FoundBatches { bytes, aborted: found.aborted.clone() })))
    }

    /// No whole batch: the answer was cut short or throttled, compaction left nothing, or the log ends.
    async fn nothing(&mut self, found: &FetchedPartition, throttled: bool) -> Option<Found> {
        if throttled {
            return None;
        }
        self.empty += 1;
        let end = if self.wanted.committed { found.last_stable } else { found.high_watermark };
        if end < self.wanted.to {
            let since = *self.short_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= END_PATIENCE && self.empty >= EMPTY_ANSWERS {
                return Some(Found::End(end.max(self.position)));
            }
            tokio::time::sleep(MAX_WAIT).await;
            return None;
        }
        self.short_since = None;
        if self.empty >= EMPTY_ANSWERS {
            self.position = self.wanted.to;
        }
        None
    }

    async fn ask(&self) -> Result<Answer, ReadError> {
        let policy = self.readers.cluster().options().retry.within(self.readers.options().patience);
        let answer = retry(policy, |attempt| self.ask_once(attempt)).await;
        answer.map_err(|source| self.failed(source))
    }

    async fn ask_once(&self, attempt: Attempt) -> Result<Answer, ClusterError> {
        let cluster = self.readers.cluster();
        let mut metadata = cluster.metadata().await?;
        if attempt.number > 1 {
            metadata = cluster.refresh(&metadata).await?;
        }
        let at = &self.wanted.at;
        let Some(leader) = self.leader(&metadata, attempt)? else { return Ok(Answer::OtherTopic) };
        let limit = self.readers.options().fetch_bytes;
        let asked = FetchPartition {
            topic: at.topic.clone(),
            topic_id: self.wanted.topic_id,
            partition: at.partition,
            leader_epoch: leader.leader_epoch,
            last_epoch: -1,
            offset: self.position,
            max_bytes: limit,
        };
        let limits = FetchLimits { max_bytes: limit, max_wait: MAX_WAIT, min_bytes: 1 };
        let link = self.readers.link(leader.leader).await?;
        let answer = if self.wanted.committed {
            link.fetch_committed(&[asked], limits).await?
        } else {
            link.fetch(&[asked], limits).await?
        };
        let throttled = answer.throttled_empty;
        let subject = || Subject::Partition(at.clone());
        let mine = answer.partitions.into_iter().find(|one| one.partition == at.partition && one.topic == at.topic);
        let found = mine.ok_or_else(|| ClusterError::Unanswered { api: "Fetch", subject: subject() })?;
        match found.error {
            None => Ok(Answer::Records(found, throttled)),
            Some(ErrorCode::OFFSET_OUT_OF_RANGE) => Ok(Answer::OutOfRange),
            Some(code) => Err(ClusterError::Broker { api: "Fetch", subject: subject(), code, message: None }),
        }
    }

    /// `None` where the topic is another one now.
    fn leader<'a>(&self, metadata: &'a Metadata, attempt: Attempt) -> Result<Option<&'a PartitionMeta>, ClusterError> {
        let at = &self.wanted.at;
        let Some(topic) = metadata.topics.get(&at.topic) else {
            return if attempt.elapsed > ABSENT { Ok(None) } else { Err(self.not_there()) };
        };
        let ids = [topic.id, self.wanted.topic_id];
        if !ids.contains(&TopicId::ZERO) && topic.id != self.wanted.topic_id {
            return Ok(None);
        }
        match topic.partitions.get(&at.partition) {
            Some(found) if found.leader >= 0 => Ok(Some(found)),
            Some(_) => Err(ClusterError::NoLeader(at.clone())),
            None => Err(ClusterError::UnknownPartition(at.clone())),
        }
    }

    /// It may have been created a moment ago, so it is asked for again.
    fn not_there(&self) -> ClusterError {
        let subject = Subject::Partition(self.wanted.at.clone());
        ClusterError::Broker { api: "Metadata", subject, code: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, message: None }
    }

    async fn log_start(&self) -> Result<i64, ReadError> {
        let at = &self.wanted.at;
        let asked = self.readers.cluster().list_offsets(std::slice::from_ref(at), OffsetSpec::Earliest).await;
        let answer = asked.map_err(|source| self.failed(source))?.pop();
        let unanswered =
            || ClusterError::Unanswered { api: "ListOffsets", subject: Subject::Partition(TopicPartition::clone(at)) };
        let found = answer.map_or_else(|| Err(unanswered()), |(_, result)| result);
        Ok(found.map_err(|source| self.failed(source))?.offset)
    }

    fn failed(&self, source: ClusterError) -> ReadError {
        ReadError::Cluster { at: self.wanted.at.clone(), offset: self.position, source }
    }

    fn unreadable(&self, offset: i64, source: batch::BatchError) -> ReadError {
        ReadError::Batch { at: self.wanted.at.clone(), offset, source }
    }
}
