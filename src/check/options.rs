//! What a check is asked to look for.

use std::time::Duration;

use super::needs::Use;
use crate::model::Selection;

/// Resolved settings of one check.
#[derive(Debug, Clone)]
pub struct CheckOptions {
    /// Which topics and groups, as the backup selects them.
    pub selection: Selection,
    /// A newest snapshot whose fences are older is a problem.
    pub max_age: Option<Duration>,
    /// Retention that reaches what is not saved yet within this time is a problem.
    pub min_time_left: Duration,
    /// What this client is to do: a right that it lacks for it is a problem. The others are shown.
    pub uses: Vec<Use>,
}

impl Default for CheckOptions {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            max_age: None,
            min_time_left: Duration::from_secs(3_600),
            uses: vec![Use::Backup],
        }
    }
}
