//! What is collected on the way: warnings, and the files that hold secrets.

use std::cell::RefCell;
use std::path::Path;

use super::files;
use super::warning::Warning;

/// What is collected on the way.
#[derive(Debug, Default)]
pub(super) struct Notes(RefCell<Vec<Warning>>);

impl Notes {
    /// Keeps a warning, once.
    pub(super) fn warn(&self, warning: Warning) {
        let mut warnings = self.0.borrow_mut();
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// Looks at who else can read a file that holds a secret.
    pub(super) fn secret_file(&self, path: &Path) {
        if files::is_exposed(path) {
            self.warn(Warning::Exposed { path: path.to_owned() });
        }
    }

    /// What was collected.
    pub(super) fn into_warnings(self) -> Vec<Warning> {
        self.0.into_inner()
    }
}
