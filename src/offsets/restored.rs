//! The restores that are known, and the one that is meant.

use super::error::OffsetsError;
use crate::repository::format::{RestorePlanDocument, RestoreTopics};
use crate::repository::{RestoreFolder, RestoreStates};

/// A restore whose topics all exist.
#[derive(Debug)]
pub(super) struct Restored {
    pub(super) folder: RestoreFolder,
    pub(super) plan: RestorePlanDocument,
    pub(super) topics: RestoreTopics,
    pub(super) finished: bool,
}

impl Restored {
    fn read(folder: RestoreFolder) -> Result<Option<Self>, OffsetsError> {
        let plan = folder.plan()?;
        let Some(topics) = folder.topics()? else { return Ok(None) };
        let finished = folder.done()?.is_some();
        Ok(Some(Self { folder, plan, topics, finished }))
    }

    pub(super) fn id(&self) -> &str {
        self.folder.id()
    }
}

/// Restores that made topics, newest first, but for drills.
pub(super) fn all(states: &RestoreStates) -> Result<Vec<Restored>, OffsetsError> {
    let mut restored = Vec::new();
    for folder in states.all()?.into_iter().rev() {
        restored.extend(Restored::read(folder)?.filter(|one| !one.plan.drill));
    }
    Ok(restored)
}

/// The finished restore with this id.
pub(super) fn by_id(states: &RestoreStates, id: &str) -> Result<Restored, OffsetsError> {
    let found = states.all()?.into_iter().find(|folder| folder.id() == id);
    let unknown = || OffsetsError::UnknownRestore { location: states.location(), id: id.to_owned() };
    let unfit = || OffsetsError::Unfit { restore: id.to_owned(), why: "is not finished".to_owned() };
    Restored::read(found.ok_or_else(unknown)?)?.filter(|one| one.finished).ok_or_else(unfit)
}

/// The newest finished restore that fits.
pub(super) fn newest(
    states: &RestoreStates,
    fits: impl Fn(&RestorePlanDocument) -> bool,
) -> Result<Option<Restored>, OffsetsError> {
    Ok(all(states)?.into_iter().find(|one| one.finished && fits(&one.plan)))
}
