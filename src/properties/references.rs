//! `${env:NAME}`, `${file:/path:key}` and `${directory:/folder:file}`: Kafka's config providers (KIP-297, KIP-421,
//! KIP-887). `${file:/path}` without a key is the whole file. Values that were looked up are not looked at again.

use std::collections::BTreeMap;
use std::path::Path;

use super::notes::Notes;
use super::{PropertiesError, files, syntax};
use crate::model::Secret;

/// Looks an environment variable up.
pub(super) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where references lead.
pub(super) struct References<'a> {
    providers: BTreeMap<String, Provider>,
    variables: Variables<'a>,
    notes: &'a Notes,
}

/// What Kafka's classes do.
enum Provider {
    Variable,
    File,
    Folder,
    /// A class that only a Java client can load.
    Foreign(String),
}

impl Provider {
    fn of(class: &str) -> Self {
        match class.rsplit('.').next() {
            Some("EnvVarConfigProvider") => Self::Variable,
            Some("FileConfigProvider") => Self::File,
            Some("DirectoryConfigProvider") => Self::Folder,
            _ => Self::Foreign(class.to_owned()),
        }
    }
}

impl<'a> References<'a> {
    /// With Kafka's usual names, and those that `config.providers` gives.
    pub(super) fn new(entries: &BTreeMap<String, Secret>, variables: Variables<'a>, notes: &'a Notes) -> Self {
        let usual = [("env", Provider::Variable), ("file", Provider::File), ("directory", Provider::Folder)];
        let mut providers: BTreeMap<String, Provider> = usual.map(|(name, kind)| (name.to_owned(), kind)).into();
        let named = entries.get("config.providers").map(Secret::expose).unwrap_or_default();
        for name in named.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            if let Some(class) = entries.get(&format!("config.providers.{name}.class")) {
                providers.insert(name.to_owned(), Provider::of(class.expose()));
            }
        }
        Self { providers, variables, notes }
    }

    /// The value with everything it refers to in its place.
    pub(super) fn resolve(&self, property: &str, value: &Secret) -> Result<Secret, PropertiesError> {
        let mut rest = value.expose();
        let mut text = String::with_capacity(rest.len());
        while let Some((before, reference, after)) = cut(rest) {
            text.push_str(before);
            match self.look_up(property, reference)? {
                Some(found) => text.push_str(found.expose()),
                // As Kafka does with a provider that it was not told about.
                None => text.push_str(&rest[before.len()..rest.len() - after.len()]),
            }
            rest = after;
        }
        text.push_str(rest);
        Ok(Secret::new(text))
    }

    fn look_up(&self, property: &str, reference: &str) -> Result<Option<Secret>, PropertiesError> {
        let Some((provider, place)) = reference.split_once(':') else { return Ok(None) };
        let Some(kind) = self.providers.get(provider) else { return Ok(None) };
        let failed = |problem: String| PropertiesError::Reference {
            property: property.to_owned(),
            reference: format!("${{{reference}}}"),
            problem,
        };
        let found = match (kind, place.split_once(':')) {
            (Provider::Variable, None) => {
                let value = (self.variables)(place);
                Secret::new(value.ok_or_else(|| failed("a variable that is not set".to_owned()))?)
            }
            (Provider::File, None) => self.whole(property, Path::new(place))?,
            (Provider::File, Some((path, key))) => {
                let value = self.of_file(property, Path::new(path), key)?;
                value.ok_or_else(|| failed("a key that is not in the file".to_owned()))?
            }
            (Provider::Folder, Some((folder, name))) if is_name(name) => {
                self.whole(property, &Path::new(folder).join(name))?
            }
            (Provider::Foreign(class), _) => {
                return Err(PropertiesError::unsupported(
                    format!("config.providers.{provider}.class"),
                    class,
                    "ktape knows Kafka's EnvVarConfigProvider, FileConfigProvider and DirectoryConfigProvider",
                ));
            }
            (Provider::Variable | Provider::Folder, _) => {
                return Err(failed("${env:NAME} or ${directory:/folder:file} is expected".to_owned()));
            }
        };
        Ok(Some(found))
    }

    /// One key of a file of properties, which Kafka reads as UTF-8.
    fn of_file(&self, property: &str, path: &Path, key: &str) -> Result<Option<Secret>, PropertiesError> {
        let bytes = self.read(path, files::PROPERTIES_MAX)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| not_text(property, path))?;
        let entries = syntax::parse(text).map_err(|_| not_text(property, path))?;
        Ok(entries.into_iter().rev().find(|entry| entry.name == key).map(|entry| entry.value))
    }

    /// A file that holds nothing but the secret, perhaps with the end of its line.
    pub(super) fn whole(&self, property: &str, path: &Path) -> Result<Secret, PropertiesError> {
        let bytes = self.read(path, files::SECRET_MAX)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| not_text(property, path))?;
        Ok(Secret::new(text.trim_end_matches(['\n', '\r'])))
    }

    fn read(&self, path: &Path, max: u64) -> Result<zeroize::Zeroizing<Vec<u8>>, PropertiesError> {
        self.notes.secret_file(path);
        files::read(path, max)
    }
}

/// What stands before, inside and behind the first `${...}`.
fn cut(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("${")?;
    let (reference, after) = rest.split_once('}')?;
    Some((before, reference, after))
}

/// A name inside a folder, and not a way out of it.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('/') && name != ".."
}

fn not_text(property: &str, path: &Path) -> PropertiesError {
    PropertiesError::Reference {
        property: property.to_owned(),
        reference: path.display().to_string(),
        problem: "which is not readable text in UTF-8".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn resolve(entries: &[(&str, &str)], value: &str) -> Result<String, PropertiesError> {
        let entries = entries.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect();
        let variable = |name: &str| (name == "PW").then(|| "${env:PW}hunter2".to_owned());
        let notes = Notes::default();
        let found = References::new(&entries, &variable, &notes).resolve("sasl.jaas.config", &Secret::new(value))?;
        Ok(found.expose().to_owned())
    }

    #[test]
    fn variables_are_put_in_once() {
        assert_eq!(resolve(&[], "a \"${env:PW}\";").unwrap(), "a \"${env:PW}hunter2\";");
        assert_eq!(resolve(&[], "${other:PW} ${} ${ $").unwrap(), "${other:PW} ${} ${ $");
        let error = resolve(&[], "x${env:MISSING}y").unwrap_err().to_string();
        assert_eq!(error, "sasl.jaas.config refers to ${env:MISSING}, a variable that is not set");
    }

    #[test]
    fn files_and_folders_are_looked_into() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().display();
        fs::write(folder.path().join("some.properties"), "# c\na.b=1\na.b=\\u00fc2\n").unwrap();
        fs::write(folder.path().join("pw"), "hunter2\n").unwrap();
        assert_eq!(resolve(&[], &format!("<${{file:{place}/some.properties:a.b}}>")).unwrap(), "<ü2>");
        assert_eq!(resolve(&[], &format!("<${{file:{place}/pw}}>")).unwrap(), "<hunter2>");
        assert_eq!(resolve(&[], &format!("<${{directory:{place}:pw}}>")).unwrap(), "<hunter2>");
        let error = resolve(&[], &format!("${{file:{place}/some.properties:c.d}}")).unwrap_err();
        assert!(error.to_string().ends_with("a key that is not in the file"), "{error}");
        assert!(matches!(resolve(&[], "${file:/no/such/file}"), Err(PropertiesError::Read { .. })));
        assert!(resolve(&[], &format!("${{directory:{place}/x:../pw}}")).is_err());
        fs::write(folder.path().join("pw"), [0xff, 0xfe]).unwrap();
        assert!(resolve(&[], &format!("${{file:{place}/pw}}")).is_err());
    }

    #[test]
    fn other_names_and_classes_of_providers() {
        let entries = [
            ("config.providers", "sys, vault"),
            ("config.providers.sys.class", "org.apache.kafka.common.config.provider.EnvVarConfigProvider"),
            ("config.providers.vault.class", "example.VaultConfigProvider"),
        ];
        assert_eq!(resolve(&entries, "${sys:PW}").unwrap(), "${env:PW}hunter2");
        let error = resolve(&entries, "${vault:a:b}").unwrap_err().to_string();
        assert!(error.contains("config.providers.vault.class=example.VaultConfigProvider"), "{error}");
    }
}
