//! Values by name, with everything they refer to looked up.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::PropertiesError;
use super::notes::Notes;
use super::references::References;
use crate::model::Secret;

/// Properties of a file, or options of a login module.
pub(super) struct Values<'a> {
    entries: &'a BTreeMap<String, Secret>,
    references: &'a References<'a>,
    notes: &'a Notes,
    /// Options were looked up as a whole, before they were read.
    are_options: bool,
}

impl<'a> Values<'a> {
    /// Properties of a file.
    pub(super) fn new(entries: &'a BTreeMap<String, Secret>, references: &'a References<'a>, notes: &'a Notes) -> Self {
        Self { entries, references, notes, are_options: false }
    }

    /// Options of a login module that these values name.
    pub(super) fn options(&self, options: &'a BTreeMap<String, Secret>) -> Self {
        Self { entries: options, references: self.references, notes: self.notes, are_options: true }
    }

    /// Where warnings go.
    pub(super) fn notes(&self) -> &'a Notes {
        self.notes
    }

    /// The name as a person finds it.
    pub(super) fn shown(&self, name: &str) -> String {
        if self.are_options { format!("sasl.jaas.config: option {name}") } else { name.to_owned() }
    }

    /// Names that are there, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.entries.keys().map(String::as_str)
    }

    /// Whether it has a value that is not empty.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.get(name).is_some_and(|value| !value.expose().is_empty())
    }

    /// The value, which may be empty.
    pub(super) fn raw(&self, name: &str) -> Result<Option<Secret>, PropertiesError> {
        match self.entries.get(name) {
            Some(value) if self.are_options => Ok(Some(value.clone())),
            Some(value) => self.references.resolve(name, value).map(Some),
            None => Ok(None),
        }
    }

    /// A value that may be shown; none if it is empty.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, PropertiesError> {
        let value = self.raw(name)?.map(|value| value.expose().trim().to_owned());
        Ok(value.filter(|value| !value.is_empty()))
    }

    /// A secret, perhaps from `file:/path`; none if it is empty.
    pub(super) fn secret(&self, name: &str) -> Result<Option<Secret>, PropertiesError> {
        let Some(value) = self.raw(name)? else { return Ok(None) };
        let value = match file_of(value.expose()) {
            Some(path) => self.references.whole(&self.shown(name), &path)?,
            None => value,
        };
        Ok(Some(value).filter(|value| !value.expose().is_empty()))
    }

    /// A file.
    pub(super) fn path(&self, name: &str) -> Result<Option<PathBuf>, PropertiesError> {
        Ok(self.text(name)?.map(|text| file_of(&text).unwrap_or_else(|| PathBuf::from(text))))
    }

    /// A file that holds a secret.
    pub(super) fn secret_path(&self, name: &str) -> Result<Option<PathBuf>, PropertiesError> {
        let path = self.path(name)?;
        if let Some(path) = &path {
            self.notes.secret_file(path);
        }
        Ok(path)
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, PropertiesError> {
        match self.text(name)?.map(|text| text.to_ascii_lowercase()).as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(PropertiesError::invalid(self.shown(name), "true or false is expected")),
        }
    }

    /// A time of one or more units.
    pub(super) fn time(&self, name: &str, unit: Duration) -> Result<Option<Duration>, PropertiesError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let number = text.parse().ok().filter(|number| *number > 0);
        let time = number.and_then(|number: u32| unit.checked_mul(number));
        let expected = format!("a whole number above 0 is expected, each {} ms", unit.as_millis());
        time.map(Some).ok_or_else(|| PropertiesError::invalid(self.shown(name), expected))
    }

    /// Refuses a property that asks for what ktape cannot do, whatever its value.
    pub(super) fn refuse(&self, name: &str, instead: &str) -> Result<(), PropertiesError> {
        match self.text(name)? {
            Some(value) => Err(PropertiesError::unsupported(self.shown(name), &value, instead)),
            None => Ok(()),
        }
    }

    /// Refuses two properties that say the same thing twice.
    pub(super) fn one_of(&self, names: &[&str]) -> Result<(), PropertiesError> {
        let mut there = names.iter().filter(|name| self.has(name));
        match (there.next(), there.next()) {
            (Some(one), Some(other)) => {
                let expected = format!("leave it or {one} out: only one of them can be meant");
                Err(PropertiesError::invalid(self.shown(other), expected))
            }
            _ => Ok(()),
        }
    }
}

/// `file:/path` and `file:///path`.
pub(super) fn file_of(text: &str) -> Option<PathBuf> {
    let path = text.trim().strip_prefix("file:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    (!path.is_empty()).then(|| Path::new(path).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_in_two_ways() {
        for text in ["file:/a/b", "file:///a/b", " file:/a/b "] {
            assert_eq!(file_of(text), Some(PathBuf::from("/a/b")), "{text}");
        }
        assert_eq!(file_of("/a/b"), None);
        assert_eq!(file_of("file:"), None);
    }
}
