//! Which topics, partitions and groups a run is about: include and exclude patterns.

use std::fmt;
use std::ops::RangeInclusive;

use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};

/// A pattern that is not a valid glob, or names partitions in a way that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("pattern {pattern:?} is not valid: {reason}")]
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
            patterns.texts.push(text.to_owned());
            patterns.matchers.push(compile(text, text)?);
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

fn compile(glob: &str, pattern: &str) -> Result<GlobMatcher, InvalidPattern> {
    let invalid = |reason: String| InvalidPattern { pattern: pattern.to_owned(), reason };
    let glob = GlobBuilder::new(glob).build();
    Ok(glob.map_err(|error| invalid(format!("not a glob: {}", error.kind())))?.compile_matcher())
}

/// A glob over topics, and which of their partitions are meant: `orders`, `orders:3`, `orders-*:0-3,7`. A topic's name
/// has no colon.
#[derive(Debug, Clone)]
struct TopicPattern {
    text: String,
    names: GlobMatcher,
    /// Ascending as typed; `None` for all.
    partitions: Option<Vec<RangeInclusive<i32>>>,
}

impl TopicPattern {
    fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let (glob, partitions) = match text.rsplit_once(':') {
            None => (text, None),
            Some((glob, list)) => (glob, Some(ranges(list).ok_or_else(|| not_partitions(text))?)),
        };
        Ok(Self { text: text.to_owned(), names: compile(glob, text)?, partitions })
    }

    fn takes(&self, name: &str, partition: i32) -> bool {
        let meant = |ranges: &Vec<RangeInclusive<i32>>| ranges.iter().any(|range| range.contains(&partition));
        self.names.is_match(name) && self.partitions.as_ref().is_none_or(meant)
    }

    /// Whether it has something to say about a topic with that many partitions.
    fn fits(&self, name: &str, partitions: usize) -> bool {
        let within =
            |range: &RangeInclusive<i32>| usize::try_from(*range.start()).is_ok_and(|first| first < partitions);
        self.names.is_match(name) && self.partitions.as_ref().is_none_or(|ranges| ranges.iter().any(within))
    }
}

/// `3`, `0-3`, `0-3,7`.
fn ranges(list: &str) -> Option<Vec<RangeInclusive<i32>>> {
    let number = |text: &str| text.parse::<i32>().ok().filter(|number| *number >= 0);
    let range = |text: &str| match text.split_once('-') {
        None => number(text).map(|one| one..=one),
        Some((from, to)) => Some(number(from)?..=number(to)?).filter(|range| !range.is_empty()),
    };
    list.split(',').map(range).collect()
}

fn not_partitions(text: &str) -> InvalidPattern {
    let reason = "after the colon partitions are expected, as in 'orders:3' or 'orders:0-3,7'".to_owned();
    InvalidPattern { pattern: text.to_owned(), reason }
}

/// Which topics of a snapshot, and which of their partitions. Without include patterns all; exclusion wins.
#[derive(Debug, Clone, Default)]
pub struct TopicFilter {
    include: Vec<TopicPattern>,
    exclude: Vec<TopicPattern>,
}

impl TopicFilter {
    /// Compiles the patterns.
    pub fn new<S: AsRef<str>>(include: &[S], exclude: &[S]) -> Result<Self, InvalidPattern> {
        let compile =
            |texts: &[S]| texts.iter().map(|text| TopicPattern::parse(text.as_ref())).collect::<Result<Vec<_>, _>>();
        Ok(Self { include: compile(include)?, exclude: compile(exclude)? })
    }

    /// Whether the topic is taken, at least some of its partitions.
    pub fn takes_topic(&self, name: &str) -> bool {
        let included = self.include.is_empty() || self.include.iter().any(|one| one.names.is_match(name));
        included && !self.exclude.iter().any(|one| one.partitions.is_none() && one.names.is_match(name))
    }

    /// Whether the partition is taken.
    pub fn takes(&self, name: &str, partition: i32) -> bool {
        let included = self.include.is_empty() || self.include.iter().any(|one| one.takes(name, partition));
        included && !self.exclude.iter().any(|one| one.takes(name, partition))
    }

    /// Include patterns that fit none of the topics, which are given with the number of their partitions.
    pub fn unmatched(&self, topics: &[(&str, usize)]) -> Vec<&str> {
        let idle = |one: &&TopicPattern| !topics.iter().any(|(name, partitions)| one.fits(name, *partitions));
        self.include.iter().filter(idle).map(|one| one.text.as_str()).collect()
    }

    /// The first pattern that names partitions.
    pub fn with_partitions(&self) -> Option<&str> {
        let all = self.include.iter().chain(&self.exclude);
        all.into_iter().find(|one| one.partitions.is_some()).map(|one| one.text.as_str())
    }
}

/// What a backup covers, as written into its snapshot: runs with the same selection continue each other. Or what of a
/// snapshot is restored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Globs of topics to take; empty means all. In a snapshot that is read, each may name partitions after a colon.
    #[serde(default)]
    pub topics: Vec<String>,
    /// Globs of topics to leave out, likewise.
    #[serde(default)]
    pub exclude_topics: Vec<String>,
    /// Globs of groups to take; empty means all.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Globs of groups to leave out.
    #[serde(default)]
    pub exclude_groups: Vec<String>,
}

impl Selection {
    /// The topics and partitions that are meant.
    pub fn topic_filter(&self) -> Result<TopicFilter, InvalidPattern> {
        TopicFilter::new(&self.topics, &self.exclude_topics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(include: &[&str], exclude: &[&str]) -> TopicFilter {
        TopicFilter::new(include, exclude).unwrap()
    }

    fn taken(filter: &TopicFilter, name: &str) -> Vec<i32> {
        (0..10).filter(|partition| filter.takes(name, *partition)).collect()
    }

    #[test]
    fn a_pattern_may_name_partitions() {
        let some = filter(&["orders:3", "pay-*:0-2,7", "all"], &[]);
        assert_eq!(taken(&some, "orders"), [3]);
        assert_eq!(taken(&some, "pay-in"), [0, 1, 2, 7]);
        assert_eq!(taken(&some, "all").len(), 10);
        assert!(taken(&some, "other").is_empty() && !some.takes_topic("other") && some.takes_topic("orders"));
        assert_eq!(some.with_partitions(), Some("orders:3"));
        assert_eq!(filter(&["orders", "pay-*"], &["x"]).with_partitions(), None);
    }

    #[test]
    fn partitions_can_be_left_out_and_exclusion_wins() {
        let rest = filter(&[], &["orders:1-8", "gone"]);
        assert_eq!(taken(&rest, "orders"), [0, 9]);
        assert!(rest.takes_topic("orders") && !rest.takes_topic("gone") && rest.takes("other", 5));
        assert_eq!(taken(&filter(&["orders:0-3"], &["orders:2"]), "orders"), [0, 1, 3]);
    }

    #[test]
    fn patterns_that_fit_nothing_are_named() {
        let some = filter(&["orders:3", "orders:0-9", "x*", "pay"], &[]);
        assert_eq!(some.unmatched(&[("orders", 3), ("pay", 1)]), ["orders:3", "x*"]);
    }

    #[test]
    fn what_is_no_list_of_partitions_is_refused() {
        for bad in ["orders:", "orders:x", "orders:-1", "orders:3-1", "orders:1,", "a:b:1x", "orders:99999999999"] {
            assert!(TopicFilter::new(&[bad], &[]).is_err(), "{bad}");
        }
        assert!(TopicFilter::new(&["[a"], &[]).is_err());
    }
}
