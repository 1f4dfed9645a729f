//! From groups to their coordinators.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::model::GroupId;

/// Coordinators found so far.
#[derive(Debug, Default)]
pub(super) struct Coordinators(Mutex<HashMap<GroupId, i32>>);

impl Coordinators {
    /// The node id found before, if it was not forgotten since.
    pub(super) fn known(&self, group: &GroupId) -> Option<i32> {
        self.lock().get(group).copied()
    }

    pub(super) fn remember(&self, group: &GroupId, node: i32) {
        self.lock().insert(group.clone(), node);
    }

    pub(super) fn forget(&self, group: &GroupId) {
        self.lock().remove(group);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<GroupId, i32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
