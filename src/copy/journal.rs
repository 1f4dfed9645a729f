//! How segments that were copied are written down, for the next copy to take over after a kill.

use crate::repository::Repository;

/// Bytes of segments in one batch of the journal: that much at most is copied again after a kill.
pub(super) const BYTES: u64 = 256 << 20;

/// What stands in the place of a cluster's id in a copy's seals: no backup takes them over.
pub(super) fn tag(source: &Repository) -> String {
    format!("copy:{}", source.document().repository_id)
}
