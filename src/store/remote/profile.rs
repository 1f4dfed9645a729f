//! `~/.aws/credentials` and `~/.aws/config`, as far as keys and regions stand in them.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::model::Secret;

/// Largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Ways to credentials that are not gone.
const ELSEWHERE: &[&str] = &["sso_session", "sso_start_url", "role_arn"];

/// What the files say of one profile.
#[derive(Debug, Default)]
pub(super) struct Profile {
    /// Key id.
    pub(super) key_id: Option<String>,
    /// Its secret.
    pub(super) secret: Option<Secret>,
    /// Session token of temporary keys.
    pub(super) token: Option<Secret>,
    /// Command line of a program that prints keys, where there are none.
    pub(super) process: Option<String>,
    /// Region.
    pub(super) region: Option<String>,
    /// URL of the service.
    pub(super) endpoint: Option<String>,
    /// The first property that stands for another way to credentials, where there are no keys.
    pub(super) elsewhere: Option<&'static str>,
}

/// Reads a profile: the one that is named, or `default`. `None` where the files have no such profile.
pub(super) fn profile(name: Option<&str>, variable: &dyn Fn(&str) -> Option<String>) -> io::Result<Option<Profile>> {
    let home = variable("HOME").map(|home| Path::new(&home).join(".aws"));
    let file = |from: &str, name: &str| {
        variable(from).map(PathBuf::from).or_else(|| home.as_ref().map(|home| home.join(name)))
    };
    let credentials = text(file("AWS_SHARED_CREDENTIALS_FILE", "credentials"))?;
    let config = text(file("AWS_CONFIG_FILE", "config"))?;
    let name = name.unwrap_or("default");
    let mut found = section(&config, |header| {
        header == name && name == "default" || header.strip_prefix("profile ").is_some_and(|rest| rest.trim() == name)
    });
    if let Some(more) = section(&credentials, |header| header == name) {
        found.get_or_insert_default().extend(more);
    }
    Ok(found.map(of))
}

fn of(mut values: HashMap<String, String>) -> Profile {
    let key_id = values.remove("aws_access_key_id");
    let elsewhere = ELSEWHERE.iter().find(|name| values.contains_key(**name)).copied();
    let process = values.remove("credential_process").filter(|_| key_id.is_none());
    Profile {
        elsewhere: elsewhere.filter(|_| key_id.is_none() && process.is_none()),
        process,
        key_id,
        secret: values.remove("aws_secret_access_key").map(Secret::new),
        token: values.remove("aws_session_token").map(Secret::new),
        region: values.remove("region"),
        endpoint: values.remove("endpoint_url"),
    }
}

fn text(path: Option<PathBuf>) -> io::Result<String> {
    let Some(path) = path else { return Ok(String::new()) };
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(named(error)),
        Ok(metadata) if metadata.len() > FILE_BYTES_MAX => Err(named(io::Error::other("it is too large"))),
        Ok(_) => std::fs::read_to_string(&path).map_err(named),
    }
}

/// The properties of the section that fits. Lines that begin with a blank belong to a nested block and are passed over.
fn section(text: &str, fits: impl Fn(&str) -> bool) -> Option<HashMap<String, String>> {
    let (mut found, mut inside) = (None, false);
    for line in text.lines() {
        if let Some(header) = line.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            inside = fits(header.trim());
            if inside {
                found.get_or_insert_with(HashMap::new);
            }
            continue;
        }
        let comment = line.starts_with(['#', ';', ' ', '\t']);
        if let (true, false, Some((name, value))) = (inside, comment, line.split_once('=')) {
            found.get_or_insert_with(HashMap::new).insert(name.trim().to_lowercase(), value.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(folder: &Path) -> impl Fn(&str) -> Option<String> {
        let home = folder.display().to_string();
        move |name| (name == "HOME").then(|| home.clone())
    }

    #[test]
    fn keys_and_region_are_found_in_both_files() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".aws")).unwrap();
        let credentials =
            "[default]\naws_access_key_id = A\naws_secret_access_key=s3cret\n\n[other]\n# no\nAWS_ACCESS_KEY_ID=B\n";
        std::fs::write(home.path().join(".aws/credentials"), credentials).unwrap();
        let config = "[default]\nregion = eu-west-1\ns3 =\n  region = no\n[profile other]\nregion=eu-north-1\nendpoint_url=http://e\n[profile sso]\nsso_session = x\n";
        std::fs::write(home.path().join(".aws/config"), config).unwrap();
        let variable = lookup(home.path());
        let found = profile(None, &variable).unwrap().unwrap();
        assert_eq!((found.key_id.as_deref(), found.region.as_deref()), (Some("A"), Some("eu-west-1")));
        assert_eq!(found.secret.as_ref().map(Secret::expose), Some("s3cret"));
        assert!(!format!("{found:?}").contains("s3cret"));
        let other = profile(Some("other"), &variable).unwrap().unwrap();
        assert_eq!((other.key_id.as_deref(), other.region.as_deref()), (Some("B"), Some("eu-north-1")));
        assert_eq!(other.endpoint.as_deref(), Some("http://e"));
        assert_eq!(profile(Some("sso"), &variable).unwrap().unwrap().elsewhere, Some("sso_session"));
        assert!(profile(Some("absent"), &variable).unwrap().is_none());
    }

    #[test]
    fn no_files_are_no_profile() {
        let home = tempfile::tempdir().unwrap();
        assert!(profile(None, &lookup(home.path())).unwrap().is_none());
        assert!(profile(None, &|_| None).unwrap().is_none());
    }
}
