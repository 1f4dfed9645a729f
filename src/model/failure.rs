//! What can be done about a failure. Retry lives in one place and asks the error for its class.

use std::time::Duration;

/// What the one place that retries does with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Try the same thing again after a pause.
    Retry,
    /// Routing was stale: read metadata (or find the coordinator) again, then retry.
    RefreshMetadata,
    /// The peer told us how long to stay away.
    Wait(Duration),
    /// The peer refused for good: asking again gives the same answer.
    Reject,
    /// Bytes are not what they must be.
    Corrupt,
    /// The user or a deadline ended it.
    Cancelled,
    /// Nothing this program can do.
    Fatal,
}

impl ErrorClass {
    /// Whether another attempt can succeed without anybody changing anything.
    pub fn is_retriable(self) -> bool {
        matches!(self, Self::Retry | Self::RefreshMetadata | Self::Wait(_))
    }
}

/// An error with its causes on one line.
pub fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let next = inner.to_string();
        // A transparent wrapper, or a text that quotes its cause, says it already.
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = inner.source();
    }
    text
}

/// Implemented by every layer's error.
pub trait Classify {
    /// What to do about this error.
    fn class(&self) -> ErrorClass;
}
