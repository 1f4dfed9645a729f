//! One token for all connections, until shortly before its end.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::Mutex;

use super::{OAuthError, Token};
use crate::model::Secret;
use crate::security::sasl::OAuthSource;

/// The token in use. Clones share it; who comes while one is being fetched waits for that one.
#[derive(Debug, Clone, Default)]
pub struct TokenCache(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    failed: Option<(Instant, OAuthError)>,
}

#[derive(Debug)]
struct Held {
    token: Token,
    until: SystemTime,
}

impl TokenCache {
    /// A token that is good for some time to come: the one at hand, or a new one. Who waited while another one's attempt
    /// failed has its answer: asking again would take as long.
    pub async fn get(&self, source: &OAuthSource) -> Result<Secret, OAuthError> {
        let came = Instant::now();
        let mut state = self.0.lock().await;
        let now = SystemTime::now();
        if let Some(held) = state.held.as_ref().filter(|held| now < held.until) {
            return Ok(held.token.value.clone());
        }
        if let Some((_, error)) = state.failed.as_ref().filter(|(when, _)| *when > came) {
            return Err(error.clone());
        }
        let fetched = super::fetch(source).await;
        state.failed = fetched.as_ref().err().map(|error| (Instant::now(), error.clone()));
        let token = fetched?;
        let value = token.value.clone();
        state.held = usable_until(&token, SystemTime::now()).map(|until| Held { token, until });
        Ok(value)
    }

    /// Forgets the token: a broker refused it.
    pub async fn forget(&self) {
        self.0.lock().await.held = None;
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
        cache.0.lock().await.held.as_mut().unwrap().until = SystemTime::now();
        tokio::time::sleep(Duration::from_millis(1100)).await;
        assert_ne!(cache.get(&source).await.unwrap(), first);
        cache.forget().await;
        assert!(cache.0.lock().await.held.is_none());
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

    #[tokio::test]
    async fn who_waits_for_an_attempt_that_fails_does_not_make_another() {
        let source = OAuthSource::Command(["/bin/sh", "-c", "sleep 0.4; exit 1"].map(str::to_owned).to_vec());
        let cache = TokenCache::default();
        let began = Instant::now();
        let (one, two, three) = tokio::join!(cache.get(&source), cache.get(&source), cache.get(&source));
        assert!(one.is_err() && two.is_err() && three.is_err());
        assert!(began.elapsed() < Duration::from_millis(790), "{:?}", began.elapsed());
        assert!(cache.get(&source).await.is_err());
        assert!(began.elapsed() >= Duration::from_millis(800), "who comes later tries again");
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
