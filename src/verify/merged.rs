//! Merged objects: is every document readable, do its pieces tile the object, and is that there in its full size?

use std::collections::BTreeMap;

use super::report::{Finding, FindingKind, VerifyReport};
use crate::cancel::Cancel;
use crate::repository::{Repository, RepositoryError, layout};
use crate::store::ObjectInfo;

/// Looks at all of them, one topic at a time.
pub(super) fn check(
    repository: &Repository,
    report: &mut VerifyReport,
    cancel: &Cancel,
) -> Result<(), RepositoryError> {
    let store = repository.store();
    let topics = layout::folder(layout::TOPICS)?;
    for topic in store.children(Some(&topics))? {
        if cancel.is_cancelled() {
            return Ok(());
        }
        let Ok(folder) = topics.join(&topic) else { continue };
        for objects in by_folder(store.list(Some(&folder))?).into_values() {
            self::folder(repository, &objects, report)?;
        }
    }
    Ok(())
}

fn folder(repository: &Repository, objects: &[ObjectInfo], report: &mut VerifyReport) -> Result<(), RepositoryError> {
    let (merged, damaged) = repository.merged_objects(objects)?;
    for error in damaged {
        report.find_error(error)?;
    }
    for object in merged.iter().filter(|object| !object.is_whole()) {
        // It may have been written, or pruned, since the folder was listed.
        let found = repository.store().info(&object.key)?.map(|info| info.size);
        if found == Some(object.document.length) || repository.store().info(&object.document_key)?.is_none() {
            continue;
        }
        let finding = match found {
            None => Finding::new(FindingKind::Missing, object.key.as_str(), "it is missing"),
            Some(found) => {
                let detail = format!("it has {found} bytes, it should have {}", object.document.length);
                Finding::new(FindingKind::Size, object.key.as_str(), detail)
            }
        };
        report.find(finding);
    }
    Ok(())
}

/// Objects by the folder they lie in.
pub(super) fn by_folder(objects: Vec<ObjectInfo>) -> BTreeMap<String, Vec<ObjectInfo>> {
    let mut folders: BTreeMap<String, Vec<ObjectInfo>> = BTreeMap::new();
    for object in objects {
        let folder = object.key.as_str().rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        folders.entry(folder).or_default().push(object);
    }
    folders
}
