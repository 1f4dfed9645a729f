//! Removes what nothing names any more, one topic's folder at a time.
//!
//! An object goes if it was written before `cutoff` and neither a snapshot nor a run that may be under way names it. What
//! was merged goes from its old place if a merged object that was written before `cutoff` has it whole.

use std::collections::{BTreeMap, HashMap};

use super::references::References;
use super::remover::Remover;
use super::report::PruneReport;
use super::survey::Held;
use crate::cancel::Cancel;
use crate::model::Timestamp;
use crate::repository::{MergedObject, RepositoryError, layout};
use crate::store::{Key, ObjectInfo};

/// One sweep.
pub(super) struct Sweep<'a> {
    pub(super) remover: Remover<'a>,
    pub(super) references: &'a References,
    pub(super) held: &'a Held,
    pub(super) cutoff: Timestamp,
    /// Whether the head of that number stays.
    pub(super) stays: &'a dyn Fn(u64) -> bool,
    pub(super) cancel: &'a Cancel,
}

impl Sweep<'_> {
    /// Sweeps everything.
    pub(super) fn run(&self, report: &mut PruneReport) -> Result<(), RepositoryError> {
        let store = self.remover.repository.store();
        let topics = layout::folder(layout::TOPICS)?;
        for topic in store.children(Some(&topics))? {
            let Ok(folder) = topics.join(&topic) else { continue };
            for objects in by_folder(store.list(Some(&folder))?).into_values() {
                if self.cancel.is_cancelled() {
                    return Ok(());
                }
                self.partition(&objects, report)?;
            }
        }
        for part in store.list(Some(&layout::folder(layout::INDEX)?))? {
            if layout::is_part_name(part.key.name()) && !self.references.contains(part.key.as_str()) {
                self.unnamed(&part, report, |report| &mut report.freed.parts)?;
            }
        }
        for one in store.list(Some(&layout::folder(layout::SNAPSHOTS)?))? {
            if layout::signature_number(one.key.name()).is_some_and(|number| !(self.stays)(number)) {
                self.unnamed(&one, report, |report| &mut report.freed.others)?;
            }
        }
        for journal in &self.held.done {
            self.unnamed(journal, report, |report| &mut report.freed.others)?;
        }
        Ok(())
    }

    fn names(&self, object: &str) -> bool {
        self.references.contains(object) || self.held.holds(object)
    }

    fn unnamed(
        &self,
        info: &ObjectInfo,
        report: &mut PruneReport,
        count: impl FnOnce(&mut PruneReport) -> &mut super::report::Count,
    ) -> Result<(), RepositoryError> {
        if info.modified >= self.cutoff {
            report.waiting.add(info.size);
            return Ok(());
        }
        self.remover.remove(&info.key, info.size, report, count).map(|_| ())
    }

    /// The objects of one folder of segments.
    fn partition(&self, objects: &[ObjectInfo], report: &mut PruneReport) -> Result<(), RepositoryError> {
        let (merged, damaged) = self.remover.repository.merged_objects(objects)?;
        for error in damaged {
            report.remark(format!("{error}: nothing of it is removed"));
        }
        // A segment's place is the newest settled object that has it: then the older ones, and its own, are not needed.
        let mut places: HashMap<&str, &MergedObject> = HashMap::new();
        for object in merged.iter().filter(|object| object.is_whole() && object.written < self.cutoff) {
            for piece in &object.document.pieces {
                places.insert(&piece.object, object);
            }
        }
        for object in &merged {
            self.merged(object, &places, report)?;
        }
        let documents: Vec<&Key> = objects.iter().map(|info| &info.key).collect();
        for info in objects.iter().filter(|info| layout::is_segment_name(info.key.name())) {
            let document = layout::pieces_of(&info.key).and_then(Result::ok);
            if document.is_some_and(|document| documents.binary_search(&&document).is_ok()) {
                continue;
            }
            if !self.names(info.key.as_str()) {
                self.unnamed(info, report, |report| &mut report.freed.segments)?;
            } else if places.contains_key(info.key.as_str()) {
                self.unnamed(info, report, |report| &mut report.freed.merged)?;
            }
        }
        Ok(())
    }

    /// A merged object goes if none of the segments in it needs it. Its document goes first: whatever has a document is
    /// whole.
    fn merged(
        &self,
        object: &MergedObject,
        places: &HashMap<&str, &MergedObject>,
        report: &mut PruneReport,
    ) -> Result<(), RepositoryError> {
        let needs = |piece: &str| {
            let elsewhere = places.get(piece).is_some_and(|place| place.document_key != object.document_key);
            self.names(piece) && !elsewhere
        };
        if object.document.pieces.iter().any(|piece| needs(&piece.object)) {
            return Ok(());
        }
        let (bytes, size) = (object.document_size, object.size.unwrap_or(0));
        if object.written >= self.cutoff {
            report.waiting.add(bytes);
            if object.size.is_some() {
                report.waiting.add(size);
            }
            return Ok(());
        }
        let gone = self.remover.remove(&object.document_key, bytes, report, |report| &mut report.freed.merged)?;
        if gone && object.size.is_some() {
            self.remover.remove(&object.key, size, report, |report| &mut report.freed.merged)?;
        }
        Ok(())
    }
}

/// Objects by the folder they lie in, ascending.
fn by_folder(objects: Vec<ObjectInfo>) -> BTreeMap<String, Vec<ObjectInfo>> {
    let mut folders: BTreeMap<String, Vec<ObjectInfo>> = BTreeMap::new();
    for object in objects {
        if let Some((folder, _)) = object.key.as_str().rsplit_once('/') {
            folders.entry(folder.to_owned()).or_default().push(object);
        }
    }
    folders
}
