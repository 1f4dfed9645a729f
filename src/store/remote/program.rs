//! Keys that a program prints: `credential_process` of a profile.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use serde::Deserialize;

use super::engine::aside;
use crate::model::{Timestamp, describe};
use crate::security::oauth::{COMMAND_PATIENCE, printed_by};
use crate::security::words;

/// How errors begin.
pub(super) const NO_KEYS: &str = "the profile's credential_process gives no keys";
/// Keys are asked for again so long before they end.
const MARGIN: Duration = Duration::from_secs(300);

/// A program, and the keys it printed last.
pub(super) struct Program {
    words: Vec<String>,
    kept: Mutex<Option<Kept>>,
}

#[derive(Clone)]
struct Kept {
    keys: Arc<AwsCredential>,
    /// `None`: they do not end.
    until: Option<Instant>,
}

/// What it prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<String>,
}

/// Why there are no keys. What the program printed is not shown: it may be half of them.
#[derive(Debug, thiserror::Error)]
#[error("{NO_KEYS}: {why}")]
struct NoKeys {
    why: String,
}

impl Program {
    /// By its command line, which no shell sees.
    pub(super) fn new(line: &str) -> io::Result<Self> {
        let words = words::split(line).ok_or_else(|| no_keys("its line is empty, or a quote does not end"))?;
        Ok(Self { words, kept: Mutex::default() })
    }

    fn kept(&self) -> Option<Arc<AwsCredential>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        kept.until.is_none_or(|until| Instant::now() < until).then_some(kept.keys)
    }

    async fn keys(&self) -> io::Result<Arc<AwsCredential>> {
        if let Some(keys) = self.kept() {
            return Ok(keys);
        }
        let words = self.words.clone();
        let printed = aside(move || printed_by(&words, COMMAND_PATIENCE)).await?;
        let kept = read(&printed.map_err(|fault| no_keys(&describe(&fault)))?)?;
        let keys = Arc::clone(&kept.keys);
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(keys)
    }
}

fn no_keys(why: &str) -> io::Error {
    io::Error::other(NoKeys { why: why.to_owned() })
}

fn read(text: &str) -> io::Result<Kept> {
    let printed: Printed = serde_json::from_str(text)
        .map_err(|error| no_keys(&format!("what it prints is not as it should be, at line {}", error.line())))?;
    if printed.version != 1 {
        return Err(no_keys("what it prints has another version than 1"));
    }
    let until = match printed.expiration.as_deref().map(Timestamp::parse) {
        None => None,
        Some(None) => return Err(no_keys("the time when they end is none")),
        Some(Some(end)) => {
            let left = u64::try_from(end.0.saturating_sub(Timestamp::now().0)).unwrap_or(0);
            if left == 0 {
                return Err(no_keys("they have ended already"));
            }
            Instant::now().checked_add(Duration::from_millis(left).saturating_sub(MARGIN))
        }
    };
    let keys = AwsCredential {
        key_id: printed.access_key_id,
        secret_key: printed.secret_access_key,
        token: printed.session_token,
    };
    Ok(Kept { keys: Arc::new(keys), until })
}

impl CredentialProvider for Program {
    type Credential = AwsCredential;

    fn get_credential<'life, 'future>(
        &'life self,
    ) -> Pin<Box<dyn Future<Output = object_store::Result<Arc<AwsCredential>>> + Send + 'future>>
    where
        'life: 'future,
        Self: 'future,
    {
        Box::pin(async move {
            self.keys().await.map_err(|error| object_store::Error::Generic { store: "S3", source: Box::new(error) })
        })
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its arguments may be secrets.
        f.debug_struct("Program").field("program", &self.words.first()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_what_is_no_key_is_not_shown() {
        let kept = read(r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s3cret","SessionToken":"t"}"#).unwrap();
        assert_eq!((kept.keys.key_id.as_str(), kept.until), ("A", None));
        let ends = r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s3cret","Expiration":"2099-01-01T00:00:00Z"}"#;
        assert!(read(ends).unwrap().until.is_some());
        for bad in [
            "s3cret",
            r#"{"Version":2,"AccessKeyId":"A","SecretAccessKey":"s3cret"}"#,
            r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":["s3cret"]}"#,
            r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s3cret","Expiration":"s3cret"}"#,
            r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s3cret","Expiration":"2001-01-01T00:00:00Z"}"#,
        ] {
            let error = read(bad).err().unwrap();
            assert!(error.to_string().starts_with(NO_KEYS) && !format!("{error:?}").contains("s3cret"), "{error:?}");
        }
    }
}
