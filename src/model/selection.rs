//! Which topics and groups a run is about: include and exclude patterns.

use std::fmt;

use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};

/// A pattern that is not a valid glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("pattern {pattern:?} is not a valid glob: {reason}")]
pub struct InvalidPattern {
    /// As the user typed it.
    pub pattern: String,
    /// What the glob parser says.
    pub reason: String,
}

/// A list of globs (`*`, `?`, `[a-z]`, `{a,b}`) over whole names.
#[derive(Clone, Default)]
pub struct Patterns {
    texts: Vec<String>,
    matchers: Vec<GlobMatcher>,
}

impl Patterns {
    /// Compiles the globs.
    pub fn new<S: AsRef<str>>(texts: &[S]) -> Result<Self, InvalidPattern> {
        let mut patterns = Self::default();
        for text in texts {
            let text = text.as_ref();
            let glob = GlobBuilder::new(text)
                .build()
                .map_err(|error| InvalidPattern { pattern: text.to_owned(), reason: error.kind().to_string() })?;
            patterns.texts.push(text.to_owned());
            patterns.matchers.push(glob.compile_matcher());
        }
        Ok(patterns)
    }

    /// Whether any pattern matches the whole name.
    pub fn matches(&self, name: &str) -> bool {
        self.matchers.iter().any(|matcher| matcher.is_match(name))
    }

    /// The patterns as they were typed.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Patterns that match none of the names.
    pub fn unmatched<'a>(&'a self, names: &[&str]) -> Vec<&'a str> {
        let idle = |matcher: &GlobMatcher| !names.iter().any(|name| matcher.is_match(name));
        let pairs = self.texts.iter().zip(&self.matchers);
        pairs.filter(|(_, matcher)| idle(matcher)).map(|(text, _)| text.as_str()).collect()
    }
}

impl fmt::Debug for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.texts).finish()
    }
}

/// What a backup covers, as written into its snapshot: runs with the same selection continue each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Globs of topics to take; empty means all.
    #[serde(default)]
    pub topics: Vec<String>,
    /// Globs of topics to leave out.
    #[serde(default)]
    pub exclude_topics: Vec<String>,
    /// Globs of groups to take; empty means all.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Globs of groups to leave out.
    #[serde(default)]
    pub exclude_groups: Vec<String>,
}
