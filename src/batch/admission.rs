//! What a restore does with a batch, by its header alone.

use super::attributes::{Codec, CodecSet};
use super::error::BatchError;
use super::header::BatchHeader;
use crate::model::OffsetRange;

/// What becomes of a batch on restore. None goes over quite as it was: the base offset and the producer's fields
/// are always new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Admission {
    /// A new header before the same records: [`reheader`](super::reheader()).
    Reheadered,
    /// Records decoded and written again: [`reencode`](super::reencode()).
    Reencoded(ReencodeReason),
    /// Not restored.
    Dropped(DropReason),
}

/// Why records have to be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReencodeReason {
    /// A part of it lies before the log start or after the cut.
    Cut,
    /// Compaction left holes. With a new header only, a broker would refuse it or store offsets twice.
    Holes,
    /// The records' times are in the header and only a broker could set them there (KIP-32).
    LogAppendTime,
    /// The target does not know the codec.
    Codec,
}

/// Why a batch is not restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropReason {
    /// It holds a marker.
    Control,
    /// It has no records: compaction kept it for its offsets.
    Empty,
    /// It lies before the log start or after the cut.
    OutOfRange,
    /// Its transaction was aborted, or has no outcome within the restored range.
    Aborted,
}

/// What the decision depends on besides the header.
#[derive(Debug, Clone, Copy)]
pub struct AdmissionContext {
    /// The batch belongs to a transaction that was aborted, or is treated so.
    pub aborted: bool,
    /// Offsets to restore: from the log start to the fence or an earlier cut.
    pub keep: OffsetRange,
    /// Codecs that the target takes.
    pub target_codecs: CodecSet,
}

/// Decides. The only refusal is a codec that is not known, as nobody can tell whether its records are whole.
pub fn admit(header: &BatchHeader, context: &AdmissionContext) -> Result<Admission, BatchError> {
    if let Some(reason) = drop_reason(header, context) {
        return Ok(Admission::Dropped(reason));
    }
    let codec = header
        .attributes
        .codec()
        .ok_or(BatchError::Codec { base_offset: header.base_offset, code: header.attributes.codec_code() })?;
    Ok(reencode_reason(header, codec, context).map_or(Admission::Reheadered, Admission::Reencoded))
}

fn drop_reason(header: &BatchHeader, context: &AdmissionContext) -> Option<DropReason> {
    let outside = header.next_offset() <= context.keep.base || header.base_offset >= context.keep.next;
    match () {
        () if header.attributes.control() => Some(DropReason::Control),
        () if header.record_count == 0 => Some(DropReason::Empty),
        () if outside => Some(DropReason::OutOfRange),
        () if context.aborted => Some(DropReason::Aborted),
        () => None,
    }
}

fn reencode_reason(header: &BatchHeader, codec: Codec, context: &AdmissionContext) -> Option<ReencodeReason> {
    let cut = header.base_offset < context.keep.base || header.next_offset() > context.keep.next;
    match () {
        () if cut => Some(ReencodeReason::Cut),
        () if !header.is_whole() => Some(ReencodeReason::Holes),
        () if header.attributes.log_append_time() => Some(ReencodeReason::LogAppendTime),
        () if !context.target_codecs.contains(codec) => Some(ReencodeReason::Codec),
        () => None,
    }
}
