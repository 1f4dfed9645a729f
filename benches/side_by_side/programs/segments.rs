//! Reading the broker's segments.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;

/// The segments of one partition's folder, by offset.
pub(crate) fn of(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
