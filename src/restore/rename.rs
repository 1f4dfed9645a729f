//! Other names for topics in the target.

use std::str::FromStr;

use crate::model::{InvalidTopicName, TopicName};

/// `FROM=TO`, where both sides may hold one `*` that stands for the same text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    from: String,
    to: String,
}

/// A rename that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a rename: FROM=TO is expected, with one * on both sides or on none, as in 'orders-*=old-orders-*'"
)]
pub struct InvalidRename(pub String);

impl FromStr for Rename {
    type Err = InvalidRename;

    fn from_str(text: &str) -> Result<Self, InvalidRename> {
        let bad = || InvalidRename(text.to_owned());
        let (from, to) = text.split_once('=').ok_or_else(bad)?;
        let stars = |side: &str| side.matches('*').count();
        if from.is_empty() || to.is_empty() || stars(from) != stars(to) || stars(from) > 1 {
            return Err(bad());
        }
        Ok(Self { from: from.to_owned(), to: to.to_owned() })
    }
}

impl Rename {
    /// The new name, if this rename is about the topic.
    fn apply(&self, name: &str) -> Option<String> {
        let Some((before, after)) = self.from.split_once('*') else {
            return (self.from == name).then(|| self.to.clone());
        };
        let middle = name.strip_prefix(before)?.strip_suffix(after)?;
        Some(self.to.replacen('*', middle, 1))
    }

    /// As it was typed.
    pub fn text(&self) -> String {
        format!("{}={}", self.from, self.to)
    }
}

/// All renames of a restore; the first that fits a topic counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renames(Vec<Rename>);

impl Renames {
    /// In the order they were given.
    pub fn new(renames: Vec<Rename>) -> Self {
        Self(renames)
    }

    /// The topic's name in the target.
    pub fn target(&self, name: &TopicName) -> Result<TopicName, InvalidTopicName> {
        match self.0.iter().find_map(|rename| rename.apply(name.as_str())) {
            Some(renamed) => TopicName::new(&renamed),
            None => Ok(name.clone()),
        }
    }

    /// Renames that fit none of the topics.
    pub fn idle(&self, names: &[TopicName]) -> Vec<String> {
        let idle = self.0.iter().filter(|rename| !names.iter().any(|name| rename.apply(name.as_str()).is_some()));
        idle.map(Rename::text).collect()
    }

    /// As they were typed.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(Rename::text).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(renames: &[&str], name: &str) -> String {
        let renames = Renames::new(renames.iter().map(|text| text.parse().unwrap()).collect());
        renames.target(&TopicName::new(name).unwrap()).unwrap().to_string()
    }

    #[test]
    fn names_and_patterns_are_replaced() {
        assert_eq!(target(&["a=b"], "a"), "b");
        assert_eq!(target(&["a=b"], "ab"), "ab");
        assert_eq!(target(&["orders-*=old.orders-*"], "orders-eu"), "old.orders-eu");
        assert_eq!(target(&["*=copy.*", "a=b"], "a"), "copy.a");
        assert_eq!(target(&["x*x=y*"], "x"), "x", "prefix and suffix must not overlap");
    }

    #[test]
    fn renames_that_fit_nothing_are_told_as_they_were_typed() {
        let texts = ["orders-*=old-*", "a=b"];
        let renames = Renames::new(texts.map(|text| text.parse().unwrap()).to_vec());
        assert_eq!(renames.texts(), texts);
        let names = |names: &[&str]| names.iter().map(|name| TopicName::new(name).unwrap()).collect::<Vec<_>>();
        assert_eq!(renames.idle(&names(&["orders-eu", "x"])), ["a=b"]);
        assert_eq!(renames.idle(&names(&["orders-eu", "a"])), [""; 0]);
        assert_eq!(renames.idle(&[]), texts);
    }

    #[test]
    fn what_is_no_rename_is_refused() {
        for bad in ["", "a", "=b", "a=", "a*=b", "a=b*", "a**=b**"] {
            assert!(bad.parse::<Rename>().is_err(), "{bad}");
        }
    }
}
