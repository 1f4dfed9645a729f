//! One token for all connections, until shortly before its end.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;

use super::{OAuthError, Token};
use crate::model::Secret;
use crate::security::sasl::OAuthSource;

/// The token in use. Clones share it; who comes while one is being fetched waits for that one.
#[derive(Debug, Clone, Default)]
pub struct TokenCache(Arc<Mutex<Option<Held>>>);

#[derive(Debug, Clone)]
struct Held {
    token: Token,
    until: SystemTime,
}

impl TokenCache {
    /// A token that is good for some time to come: the one at hand, or a new one.
    pub async fn get(&self, source: &OAuthSource) -> Result<Secret, OAuthError> {
        let mut held = self.0.lock().await;
        let now = SystemTime::now();
        if let Some(held) = held.as_ref().filter(|held| now < held.until) {
            return Ok(held.token.value.clone());
        }
        let token = super::fetch(source).await?;
        let value = token.value.clone();
        *held = usable_until(&token, SystemTime::now()).map(|until| Held { token, until });
        Ok(value)
    }

    /// Forgets the token: a broker refused it.
    pub async fn forget(&self) {
        *self.0.lock().await = None;
    }
}

/// Until when a token is used without asking for another: four fifths of its life, so that whoever signs in again at
/// 85 % of a session that ends with the token gets a new one. A token that does not say when it ends is used once.
fn usable_until(token: &Token, now: SystemTime) -> Option<SystemTime> {
    let left = token.expires?.duration_since(now).ok()?;
    now.checked_add(left.mul_f64(0.8).min(LONGEST))
}

/// However long a token lives, its source is asked again once in a while.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_token_is_used_until_shortly_before_its_end() {
        let source = OAuthSource::Unsecured { principal: "eve".to_owned(), lifetime: Duration::from_secs(2) };
        let cache = TokenCache::default();
        let first = cache.get(&source).await.unwrap();
        assert_eq!(cache.clone().get(&source).await.unwrap(), first);
        cache.0.lock().await.as_mut().unwrap().until = SystemTime::now();
        tokio::time::sleep(Duration::from_millis(1100)).await;
        assert_ne!(cache.get(&source).await.unwrap(), first);
        cache.forget().await;
        assert!(cache.0.lock().await.is_none());
    }

    #[tokio::test]
    async fn a_file_is_read_again_when_its_token_does_not_say_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let source = OAuthSource::File(path.clone());
        let cache = TokenCache::default();
        assert!(matches!(cache.get(&source).await, Err(OAuthError::File { .. })));
        for token in ["one", "two"] {
            std::fs::write(&path, format!("{token}\n")).unwrap();
            assert_eq!(cache.get(&source).await.unwrap().expose(), token);
        }
    }

    #[test]
    fn four_fifths_of_its_life() {
        let now = SystemTime::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        let until = |expires| usable_until(&Token { value: Secret::new("x"), expires }, now);
        assert_eq!(until(Some(after(100))), Some(after(80)));
        assert_eq!(until(None), None);
        assert_eq!(until(Some(now - Duration::from_secs(1))), None);
        assert_eq!(until(Some(after(100 * 24 * 3600))), Some(after(24 * 3600)));
    }
}
