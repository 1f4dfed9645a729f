//! What lies beside the backups: programs, and what restores wrote down about themselves.

use super::VerifyOptions;
use super::report::{Finding, FindingKind, LeftOver, LeftOverKind, VerifyReport};
use crate::repository::{Repository, RepositoryError, layout};
use crate::store::ObjectInfo;

/// Checks both. What nothing explains is named as left over.
pub(super) fn check(
    repository: &Repository,
    options: &VerifyOptions,
    report: &mut VerifyReport,
) -> Result<(), RepositoryError> {
    tools(repository, options, report)?;
    let objects = repository.store().list(Some(&layout::folder(layout::RESTORES)?))?;
    for object in &objects {
        restore(repository, object, report)?;
    }
    plans(&objects, report);
    Ok(())
}

fn tools(repository: &Repository, options: &VerifyOptions, report: &mut VerifyReport) -> Result<(), RepositoryError> {
    let mut known = Vec::new();
    for folder in repository.tools()? {
        known.push(folder.join(layout::TOOL_DOCUMENT)?);
        for file in repository.tool(&folder).map(|tool| tool.files).unwrap_or_default() {
            known.push(folder.join(&file.name)?);
        }
        for error in repository.check_tool(&folder, options.fast)? {
            report.find_error(error)?;
        }
    }
    for object in repository.store().list(Some(&layout::folder(layout::TOOL)?))? {
        if !known.contains(&object.key) {
            leave(&object, LeftOverKind::Unfinished, report);
        }
    }
    Ok(())
}

/// One object of a restore: each says by itself whether it is whole.
fn restore(repository: &Repository, object: &ObjectInfo, report: &mut VerifyReport) -> Result<(), RepositoryError> {
    let checked = match object.key.name().rsplit_once('.') {
        Some((_, "json")) => repository.check_restore_document(&object.key),
        Some((_, "jsonl")) => repository.check_map(&object.key),
        _ => {
            leave(object, LeftOverKind::Unknown, report);
            return Ok(());
        }
    };
    checked.or_else(|error| report.find_error(error))
}

/// The plan of a restore is written before all else.
fn plans(objects: &[ObjectInfo], report: &mut VerifyReport) {
    for object in objects {
        let mut folders = object.key.as_str().split('/');
        let (Some(root), Some(key), Some(id)) = (folders.next(), folders.next(), folders.next()) else { continue };
        let plan = format!("{root}/{key}/{id}/{}", layout::RESTORE_PLAN);
        let has_plan = key == layout::OFFSETS || objects.iter().any(|one| one.key.as_str() == plan);
        if !has_plan && folders.next().is_some() {
            report.find(Finding::new(FindingKind::Missing, plan, "it is missing: the restore has no plan"));
        }
    }
}

fn leave(object: &ObjectInfo, kind: LeftOverKind, report: &mut VerifyReport) {
    report.leave(LeftOver { object: object.key.to_string(), size: object.size, kind });
}
