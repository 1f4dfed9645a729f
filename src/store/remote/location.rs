//! `s3://bucket/prefix?option=value`: where an object store's repository lies, and what is special about its server.
//!
//! Credentials never stand in a location: locations are shown, logged and seen in process lists.

use std::path::PathBuf;

/// What a location says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Location {
    /// Which kind of service.
    pub(super) service: Service,
    /// Bucket or container.
    pub(super) bucket: String,
    /// Folder in it; may be empty. No slash at its ends.
    pub(super) prefix: String,
    /// What is special.
    pub(super) options: Options,
}

/// Kinds of services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// S3 and what speaks like it.
    S3,
    /// Azure Blob Storage.
    Azure,
}

/// What a location may say after its question mark.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// URL of the service, where it is not the provider's own.
    pub(super) endpoint: Option<String>,
    /// Region of the bucket.
    pub(super) region: Option<String>,
    /// Name of the profile in the AWS files.
    pub(super) profile: Option<String>,
    /// Name of the storage account (Azure).
    pub(super) account: Option<String>,
    /// Whether the bucket stands in the path and not in the host's name. `None`: as the endpoint suggests.
    pub(super) path_style: Option<bool>,
    /// Storage class or access tier of everything written.
    pub(super) storage_class: Option<String>,
    /// Server-side encryption: `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub(super) sse: Option<String>,
    /// Key for `aws:kms`.
    pub(super) sse_kms_key_id: Option<String>,
    /// PEM file of the authorities that are trusted instead of the system's.
    pub(super) ca: Option<PathBuf>,
    /// Whether the server honours `If-None-Match: *`. `None`: yes.
    pub(super) conditional_put: Option<bool>,
    /// Whether SHA-256 of what is sent is part of the signature. `None`: only without TLS.
    pub(super) sign_payload: Option<bool>,
    /// Whether the server checks CRC-64/NVME. `None`: yes.
    pub(super) checksum: Option<bool>,
}

/// A location that cannot be used. Does not repeat values, which may be secrets that do not belong there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// Another scheme.
    #[error("{0}:// is not known; known are the path of a folder, s3://BUCKET/PREFIX and az://CONTAINER/PREFIX")]
    Scheme(String),
    /// Nothing at all.
    #[error("it is empty")]
    Empty,
    /// No name of a bucket.
    #[error("it names no bucket")]
    NoBucket,
    /// `KEY:SECRET@bucket`.
    #[error("credentials do not belong into it: it is shown in reports and process lists")]
    Credentials,
    /// The part after the bucket is not a key.
    #[error("its prefix is not a valid object name")]
    Prefix,
    /// After the question mark.
    #[error("{name:?} is not an option of it; known are {known}")]
    Option {
        /// What stands there.
        name: String,
        /// What could.
        known: String,
    },
    /// A value that the option cannot have.
    #[error("its option {name} must be {expected}")]
    Value {
        /// Which.
        name: &'static str,
        /// What it can be.
        expected: &'static str,
    },
    /// Said nowhere.
    #[error("{what} is not known: {say}")]
    Lacking {
        /// What.
        what: &'static str,
        /// How to say it.
        say: &'static str,
    },
}

const S3_OPTIONS: &[&str] = &[
    "endpoint",
    "region",
    "profile",
    "path-style",
    "storage-class",
    "sse",
    "sse-kms-key-id",
    "ca",
    "conditional-put",
    "sign-payload",
    "checksum",
];
const AZURE_OPTIONS: &[&str] = &["endpoint", "account", "storage-class", "ca"];

/// Whether this is meant to be the location of an object store.
pub(crate) fn is_remote(location: &str) -> bool {
    location.contains("://")
}

/// The location without what may be secret or long: no options, no credentials.
pub(crate) fn shown(location: &str) -> String {
    let plain = location.split('?').next().unwrap_or_default();
    match plain.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, rest)| rest)),
        None => plain.to_owned(),
    }
}

impl Location {
    /// Reads one.
    pub(super) fn parse(location: &str) -> Result<Self, LocationError> {
        let (scheme, rest) = location.split_once("://").ok_or(LocationError::Empty)?;
        let service = match scheme {
            "s3" => Service::S3,
            "az" => Service::Azure,
            other => return Err(LocationError::Scheme(other.to_owned())),
        };
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        if place.contains('@') {
            return Err(LocationError::Credentials);
        }
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let prefix = prefix.trim_end_matches('/');
        if bucket.is_empty() {
            return Err(LocationError::NoBucket);
        }
        if !prefix.is_empty() && crate::store::Key::new(prefix).is_err() {
            return Err(LocationError::Prefix);
        }
        let options = options(service, query)?;
        Ok(Self { service, bucket: bucket.to_owned(), prefix: prefix.to_owned(), options })
    }
}

fn options(service: Service, query: &str) -> Result<Options, LocationError> {
    let known = match service {
        Service::S3 => S3_OPTIONS,
        Service::Azure => AZURE_OPTIONS,
    };
    let mut options = Options::default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let Some(name) = known.iter().find(|known| **known == name) else {
            return Err(LocationError::Option { name: name.to_owned(), known: known.join(", ") });
        };
        set(&mut options, name, value)?;
    }
    Ok(options)
}

fn set(options: &mut Options, name: &'static str, value: &str) -> Result<(), LocationError> {
    let wrong = |expected| Err(LocationError::Value { name, expected });
    if value.is_empty() {
        return wrong("given, as in option=value");
    }
    let text = Some(value.to_owned());
    let truth = || value.parse::<bool>().or_else(|_| wrong("true or false").map(|()| false));
    match name {
        "endpoint" if !value.starts_with("https://") && !value.starts_with("http://") => {
            return wrong("a URL, as in https://minio.example:9000");
        }
        "endpoint" if value.contains('@') => return Err(LocationError::Credentials),
        "endpoint" => options.endpoint = Some(value.trim_end_matches('/').to_owned()),
        "region" => options.region = text,
        "profile" => options.profile = text,
        "account" => options.account = text,
        "path-style" => options.path_style = Some(truth()?),
        "storage-class" => options.storage_class = text,
        "sse" if !["AES256", "aws:kms", "aws:kms:dsse"].contains(&value) => {
            return wrong("AES256, aws:kms or aws:kms:dsse");
        }
        "sse" => options.sse = text,
        "sse-kms-key-id" => options.sse_kms_key_id = text,
        "ca" => options.ca = Some(PathBuf::from(value)),
        "sign-payload" => options.sign_payload = Some(truth()?),
        "conditional-put" => options.conditional_put = Some(truth()?),
        _ => options.checksum = Some(truth()?),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_taken_apart() {
        let location =
            Location::parse("s3://bucket/a/b/?endpoint=http://127.0.0.1:9000/&path-style=true&sse=aws:kms&ca=/ca.pem")
                .unwrap();
        assert_eq!((location.bucket.as_str(), location.prefix.as_str()), ("bucket", "a/b"));
        assert_eq!(location.options.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
        assert_eq!(location.options.path_style, Some(true));
        assert_eq!(location.options.ca, Some(PathBuf::from("/ca.pem")));
        let location = Location::parse("az://container?account=backups").unwrap();
        assert_eq!((location.service, location.prefix.as_str()), (Service::Azure, ""));
    }

    #[test]
    fn what_makes_no_sense_is_named_and_secrets_are_not_repeated() {
        for (bad, says) in [
            ("gs://bucket", "gs:// is not known"),
            ("s3://", "names no bucket"),
            ("s3:///prefix", "names no bucket"),
            ("s3://bucket/a/../b", "prefix"),
            ("s3://key:topsecret@bucket/a", "credentials do not belong"),
            ("s3://bucket?endpoint=https://key:topsecret@host", "credentials do not belong"),
            ("s3://bucket?secret=topsecret", "\"secret\" is not an option"),
            ("s3://bucket?account=x", "\"account\" is not an option"),
            ("s3://bucket?sse=topsecret", "AES256"),
            ("s3://bucket?path-style=topsecret", "true or false"),
            ("s3://bucket?endpoint=minio", "a URL"),
            ("az://container?region=", "\"region\" is not an option"),
            ("s3://bucket?region=", "must be given"),
        ] {
            let error = Location::parse(bad).unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains("topsecret"), "{bad}: {error}");
            assert!(!shown(bad).contains("topsecret"), "{bad}");
        }
    }
}
