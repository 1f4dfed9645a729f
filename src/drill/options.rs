//! What a drill is asked to do.

use std::path::PathBuf;

use crate::model::{Selection, Timestamp};
use crate::repository::SnapshotChoice;

/// Resolved settings of one drill.
#[derive(Debug, Clone)]
pub struct DrillOptions {
    /// Which snapshot.
    pub snapshot: SnapshotChoice,
    /// Which of its topics and groups.
    pub selection: Selection,
    /// Text before the name of every topic and the id of every group, not empty.
    pub prefix: String,
    /// Replicas of the scratch topics instead of their own.
    pub replication_factor: Option<i16>,
    /// Where restores are written down; `None` for the repository.
    pub state: Option<PathBuf>,
    /// Leave what was made where it is.
    pub keep: bool,
}

impl DrillOptions {
    /// Text with the date behind it: a prefix that no other drill has.
    pub fn dated_prefix(text: &str, now: Timestamp) -> String {
        format!("{text}{}-", dated(now))
    }
}

/// A time that names and files can hold: `20261122T210000Z`.
pub(super) fn dated(time: Timestamp) -> String {
    let text = Timestamp(time.0.div_euclid(1000) * 1000).to_string();
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_dated_to_the_second() {
        assert_eq!(DrillOptions::dated_prefix("drill-", Timestamp(1_795_381_200_123)), "drill-20261122T210000Z-");
    }
}
