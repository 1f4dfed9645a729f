//! What verify found.

use serde::Serialize;

use super::{Part, VerifyOptions};
use crate::model::{OffsetRange, TopicPartition};
use crate::repository::format::Seal;
use crate::repository::{Damage, Repository, RepositoryError};

/// Findings and left-overs that are listed one by one; more are only counted.
const LISTED_MAX: usize = 1000;

/// The result of a verification.
#[derive(Debug, Clone, Serialize)]
pub struct VerifyReport {
    /// The repository's id.
    pub repository_id: String,
    /// Where it lies.
    pub location: String,
    /// Only heads, parts, and the existence and sizes of segments were looked at.
    pub fast: bool,
    /// The part of the segments that was read, if not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// False where it was stopped before the end.
    pub complete: bool,
    /// Snapshots whose signature was checked with a public key, ascending.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signed: Vec<u64>,
    /// Ids that were expected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<String>,
    /// Snapshots checked, ascending.
    pub snapshots: Vec<u64>,
    /// Snapshots among them that name something damaged or missing, or are damaged themselves.
    pub damaged_snapshots: Vec<u64>,
    /// Parts read, each once.
    pub parts: u64,
    /// Segments named, each once.
    pub segments: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Segments read.
    pub segments_read: u64,
    /// Bytes of them.
    pub bytes_read: u64,
    /// Record batches in the segments read, each with its checksum checked.
    pub batches_read: u64,
    /// What is damaged or missing.
    pub damage: Vec<Finding>,
    /// How many findings there are in all.
    pub damage_total: u64,
    /// Worth knowing, and no damage.
    pub remarks: Vec<String>,
    /// Objects that no snapshot names: what runs that were cut off left. They do no harm.
    pub left_overs: Vec<LeftOver>,
    /// How many there are in all.
    pub left_overs_total: u64,
    /// Bytes of them.
    pub left_over_bytes: u64,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of damage.
    pub kind: FindingKind,
    /// Name of the object.
    pub object: String,
    /// Byte in the object where it begins, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// Partition it holds data of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<TopicPartition>,
    /// Offsets it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<OffsetRange>,
    /// Offset where the damage begins, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<i64>,
    /// One sentence.
    pub detail: String,
}

/// Kinds of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// It is not there.
    Missing,
    /// It is longer or shorter than recorded.
    Size,
    /// Its bytes are not what was written.
    Digest,
    /// A record batch in it is not whole and sound.
    Batch,
    /// It cannot be read as what it is.
    Unreadable,
    /// It says something that another object, or itself, contradicts.
    Contradiction,
    /// A signature does not prove what it should.
    Signature,
    /// A snapshot that was expected is not there, or another is there in its place.
    Unexpected,
}

/// An object that no snapshot names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOver {
    /// Its name.
    pub object: String,
    /// Its size in bytes.
    pub size: u64,
    /// What it seems to be.
    pub kind: LeftOverKind,
}

/// What a left-over seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftOverKind {
    /// A sealed segment that the next backup of its cluster takes over.
    Resumable,
    /// A segment that nothing will use.
    Segment,
    /// A part that no snapshot names.
    Part,
    /// A signature of a snapshot that is not there any more.
    Signature,
    /// A file that its writer did not finish.
    Unfinished,
    /// Not made by ktape.
    Unknown,
}

impl VerifyReport {
    pub(super) fn new(repository: &Repository, options: &VerifyOptions) -> Self {
        Self {
            repository_id: repository.document().repository_id.clone(),
            location: repository.location().to_owned(),
            fast: options.fast,
            part: options.part,
            complete: false,
            signed: Vec::new(),
            expected: options.expect.clone(),
            snapshots: Vec::new(),
            damaged_snapshots: Vec::new(),
            parts: 0,
            segments: 0,
            bytes: 0,
            segments_read: 0,
            bytes_read: 0,
            batches_read: 0,
            damage: Vec::new(),
            damage_total: 0,
            remarks: Vec::new(),
            left_overs: Vec::new(),
            left_overs_total: 0,
            left_over_bytes: 0,
        }
    }

    /// Whether nothing is damaged or missing.
    pub fn is_sound(&self) -> bool {
        self.damage_total == 0
    }

    /// Adds a finding, once.
    pub(super) fn find(&mut self, finding: Finding) {
        if self.damage.contains(&finding) {
            return;
        }
        self.damage_total += 1;
        if self.damage.len() < LISTED_MAX {
            self.damage.push(finding);
        }
    }

    /// Adds damage as a finding; another error means that verify cannot go on.
    pub(super) fn find_error(&mut self, error: RepositoryError) -> Result<(), RepositoryError> {
        self.find(Finding::of(error)?);
        Ok(())
    }

    pub(super) fn remark(&mut self, remark: String) {
        if self.remarks.len() < LISTED_MAX && !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    pub(super) fn leave(&mut self, left_over: LeftOver) {
        self.left_overs_total += 1;
        self.left_over_bytes += left_over.size;
        if self.left_overs.len() < LISTED_MAX {
            self.left_overs.push(left_over);
        }
    }
}

impl Finding {
    /// What an error says about an object.
    pub(super) fn of(error: RepositoryError) -> Result<Self, RepositoryError> {
        match error {
            RepositoryError::Missing { object } => {
                Ok(Self::new(FindingKind::Missing, object, "it is missing".to_owned()))
            }
            RepositoryError::Damaged { object, damage } => {
                let mut finding = Self::new(kind(&damage), object, damage.to_string());
                finding.position = damage.position();
                finding.offset = damage.offset();
                Ok(finding)
            }
            error => Err(error),
        }
    }

    pub(super) fn new(kind: FindingKind, object: impl Into<String>, detail: impl Into<String>) -> Self {
        let (object, detail) = (object.into(), detail.into());
        Self { kind, object, position: None, partition: None, range: None, offset: None, detail }
    }

    /// Says what data is concerned.
    pub(super) fn in_segment(mut self, seal: &Seal) -> Self {
        self.partition = Some(TopicPartition::new(seal.topic.clone(), seal.partition));
        self.range = Some(OffsetRange { base: seal.base, next: seal.next });
        self
    }
}

fn kind(damage: &Damage) -> FindingKind {
    match damage {
        Damage::Digest { .. } | Damage::StoredDigest { .. } => FindingKind::Digest,
        Damage::Size { .. } => FindingKind::Size,
        Damage::Batch { .. } | Damage::OutOfOrder { .. } => FindingKind::Batch,
        Damage::Contradiction(_) => FindingKind::Contradiction,
        Damage::Signature(_) => FindingKind::Signature,
        _ => FindingKind::Unreadable,
    }
}
