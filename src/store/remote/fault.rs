//! What a service's refusal means for a person. The services' own words stay in the error, shortened.

use std::io;

use object_store::Error;

use super::program;
use crate::store::{Key, StoreError, StoreErrorKind};

/// Longest part of a service's words that is passed on, in bytes.
const WORDS_MAX: usize = 300;

/// What went wrong, in the service's words after ours.
#[derive(Debug, thiserror::Error)]
#[error("{ours}{theirs}")]
struct Fault {
    ours: &'static str,
    theirs: String,
}

/// A request that failed.
pub(super) fn failure(operation: &'static str, key: Option<&Key>, path: String, error: &Error) -> StoreError {
    let text = chain(error);
    let code = tag(&text, "Code").or_else(|| of_deletion(&text)).unwrap_or_default().to_owned();
    let (kind, ours) = meaning(error, &code, &text);
    let theirs = words(&code, &text);
    let separator = if ours.is_empty() || theirs.is_empty() { "" } else { ": " };
    let source = io::Error::new(io_kind(kind, &text), Fault { ours, theirs: format!("{separator}{theirs}") });
    let key = key.map(|key| key.as_str().to_owned()).unwrap_or_default();
    StoreError { kind, operation, key, path, source }
}

/// Something that is wrong before the first request.
pub(super) fn setup(place: &str, kind: StoreErrorKind, source: io::Error) -> StoreError {
    StoreError { kind, operation: "reach", key: String::new(), path: place.to_owned(), source }
}

fn meaning(error: &Error, code: &str, text: &str) -> (StoreErrorKind, &'static str) {
    use StoreErrorKind::{
        AlreadyExists, Certificate, Clock, Credentials, NoBucket, NoSpace, NotFound, Other, PermissionDenied, Region,
        Unreachable,
    };
    match code {
        "NoSuchBucket" | "ContainerNotFound" => return (NoBucket, "there is no such bucket"),
        "AccessDenied" => return (PermissionDenied, "access denied"),
        "RequestTimeTooSkewed" => return (Clock, "the clock of this host and that of the service differ too much"),
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "InvalidToken"
        | "TokenRefreshRequired"
        | "AuthenticationFailed"
        | "InvalidSecurity"
        | "ExpiredTokenException" => {
            // Azure says this of dates too.
            if text.contains("Request date header too old") {
                return (Clock, "the clock of this host and that of the service differ too much");
            }
            return (Credentials, "the service does not accept the credentials");
        }
        "AuthorizationHeaderMalformed"
        | "PermanentRedirect"
        | "IllegalLocationConstraintException"
        | "TemporaryRedirect" => return (Region, "the bucket is in another region"),
        "QuotaExceeded" | "InsufficientStorage" | "XMinioStorageFull" | "XMinioAdminBucketQuotaExceeded" => {
            return (NoSpace, "the service has no room");
        }
        "BadDigest" | "InvalidDigest" | "XAmzContentChecksumMismatch" | "XAmzContentSHA256Mismatch" => {
            return (Other, "the bytes changed on their way");
        }
        _ => {}
    }
    if text.contains(program::NO_KEYS) {
        return (Credentials, "");
    }
    if text.contains("failed to authenticate the request") {
        return (Credentials, "the service does not accept the credentials");
    }
    match error {
        Error::NotFound { .. } => (NotFound, "there is no such object"),
        Error::AlreadyExists { .. } | Error::Precondition { .. } => (AlreadyExists, "it is there already"),
        Error::PermissionDenied { .. } => (PermissionDenied, "access denied"),
        Error::Unauthenticated { .. } => (Credentials, "the service does not accept the credentials"),
        _ if text.contains("without LOCATION") => (Region, "the bucket is in another region"),
        _ if is_certificate(text) => (Certificate, "the server's certificate is not trusted"),
        _ if is_transport(text) => (Unreachable, "the service does not answer"),
        _ => (Other, ""),
    }
}

/// Whether TLS refused the server.
pub(super) fn is_certificate(text: &str) -> bool {
    text.contains("invalid peer certificate") || text.contains("UnknownIssuer") || text.contains("NotValidForName")
}

fn is_transport(text: &str) -> bool {
    text.contains("HTTP error") || text.contains("error sending request") || text.contains("timed out")
}

fn io_kind(kind: StoreErrorKind, text: &str) -> io::ErrorKind {
    match kind {
        StoreErrorKind::NotFound => io::ErrorKind::NotFound,
        StoreErrorKind::AlreadyExists => io::ErrorKind::AlreadyExists,
        StoreErrorKind::PermissionDenied => io::ErrorKind::PermissionDenied,
        StoreErrorKind::NoSpace => io::ErrorKind::StorageFull,
        _ if text.contains("416 ") || text.contains("InvalidRange") => io::ErrorKind::UnexpectedEof,
        _ => io::ErrorKind::Other,
    }
}

/// The error and its causes.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Most of these errors repeat their cause.
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

/// What stands between `<name>` and `</name>`.
fn tag<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(value, _)| value)
}

/// The code of one object in the answer to a request that deletes several, as `object_store` words it.
fn of_deletion(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("DeleteObjects request failed")?.1.split_once("(code: ")?;
    rest.split_once(')').map(|(code, _)| code)
}

/// The service's code and message; without those the last of the error's causes.
fn words(code: &str, text: &str) -> String {
    let words = match tag(text, "Message") {
        Some(message) => format!("{code}, {}", message.lines().next().unwrap_or_default()),
        None if !code.is_empty() => code.to_owned(),
        None => text.rsplit(" - ").next().unwrap_or(text).replace('\n', " "),
    };
    let words = plain(&words);
    let end = (0..=WORDS_MAX.min(words.len())).rev().find(|end| words.is_char_boundary(*end)).unwrap_or(0);
    words.get(..end).unwrap_or_default().trim().to_owned()
}

/// What XML escapes.
fn plain(text: &str) -> String {
    let escapes = [("&#39;", "'"), ("&#34;", "\""), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    escapes.iter().fold(text.to_owned(), |text, (escaped, letter)| text.replace(escaped, letter))
}

/// The causes of an I/O error that an [`object_store`] stream gave.
pub(super) fn of_stream(error: &Error) -> io::Error {
    let StoreError { source, .. } = failure("read", None, String::new(), error);
    source
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> StoreError {
        failure("read", None, "s3://b".to_owned(), &Error::Generic { store: "S3", source: text.into() })
    }

    #[test]
    fn refusals_are_told_apart() {
        let xml = |code: &str| format!("status 403: <Error><Code>{code}</Code><Message>Words.</Message></Error>");
        for (text, kind) in [
            (xml("NoSuchBucket"), StoreErrorKind::NoBucket),
            (xml("SignatureDoesNotMatch"), StoreErrorKind::Credentials),
            (xml("RequestTimeTooSkewed"), StoreErrorKind::Clock),
            (xml("AuthorizationHeaderMalformed"), StoreErrorKind::Region),
            (xml("XMinioStorageFull"), StoreErrorKind::NoSpace),
            ("Received redirect without LOCATION, this".to_owned(), StoreErrorKind::Region),
            ("HTTP error: invalid peer certificate: UnknownIssuer".to_owned(), StoreErrorKind::Certificate),
            ("HTTP error: tcp connect error".to_owned(), StoreErrorKind::Unreachable),
            (
                "DeleteObjects request failed for key a: Access Denied. (code: AccessDenied)".to_owned(),
                StoreErrorKind::PermissionDenied,
            ),
            ("something".to_owned(), StoreErrorKind::Other),
        ] {
            assert_eq!(generic(&text).kind, kind, "{text}");
        }
        let source = generic(&xml("NoSuchBucket")).source.to_string();
        assert_eq!(source, "there is no such bucket: NoSuchBucket, Words.");
    }

    #[test]
    fn a_long_answer_is_cut() {
        assert!(generic(&"é".repeat(5000)).source.to_string().len() < 400);
    }
}
