//! A flag that asks a verb to stop: finish what is in flight, seal, report.
//!
//! Verbs poll [`Cancel::is_cancelled`] between steps or race [`Cancel::cancelled`] against a wait. Nothing is ever
//! un-cancelled. A clone is the same flag.

use std::sync::Arc;

use tokio::sync::watch;

/// Cheap to clone; asked from async tasks and from plain threads alike.
#[derive(Debug, Clone)]
pub struct Cancel {
    flag: Arc<watch::Sender<bool>>,
}

impl Cancel {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self { flag: Arc::new(watch::Sender::new(false)) }
    }

    /// Raises the flag. Doing so again changes nothing.
    pub fn cancel(&self) {
        self.flag.send_replace(true);
    }

    /// Whether the flag is raised.
    pub fn is_cancelled(&self) -> bool {
        *self.flag.borrow()
    }

    /// Returns once the flag is raised, at once if it is. May be dropped and asked again.
    pub async fn cancelled(&self) {
        let mut watcher = self.flag.subscribe();
        // It cannot fail: `self` keeps the sender alive.
        let _ = watcher.wait_for(|raised| *raised).await;
    }
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_sees_the_flag_and_waiters_wake() {
        let cancel = Cancel::new();
        let waiter = tokio::spawn({
            let cancel = cancel.clone();
            async move { cancel.cancelled().await }
        });
        assert!(!cancel.is_cancelled());
        cancel.clone().cancel();
        waiter.await.unwrap();
        assert!(cancel.is_cancelled());
        cancel.cancelled().await;
    }
}
