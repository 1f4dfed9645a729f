//! Which of the cluster's topics and groups a run takes.

use crate::cluster::TopicMeta;
use crate::model::{InvalidPattern, Patterns, Selection, TopicName};

/// Topics that nobody means when saying "all": the brokers' own, and those that replication tools keep for themselves.
const INTERNAL: &[&str] =
    &["__*", "_confluent*", "mm2-*.internal", "*.checkpoints.internal", "heartbeats", "*.heartbeats"];

/// A selection with its patterns compiled.
#[derive(Debug)]
pub struct Chooser {
    topics: Patterns,
    exclude_topics: Patterns,
    groups: Patterns,
    exclude_groups: Patterns,
    internal: Patterns,
}

impl Chooser {
    /// Compiles the patterns.
    pub fn new(selection: &Selection) -> Result<Self, InvalidPattern> {
        if let Some(pattern) = selection.topic_filter()?.with_partitions() {
            let reason = "a backup takes whole topics; partitions can be chosen when a snapshot is restored".to_owned();
            return Err(InvalidPattern { pattern: pattern.to_owned(), reason });
        }
        Ok(Self {
            topics: Patterns::new(&selection.topics)?,
            exclude_topics: Patterns::new(&selection.exclude_topics)?,
            groups: Patterns::new(&selection.groups)?,
            exclude_groups: Patterns::new(&selection.exclude_groups)?,
            internal: Patterns::new(INTERNAL)?,
        })
    }

    /// Whether the topic is taken. An internal one is taken only if a pattern starts with its own first character
    /// or spells it out, so `*` does not mean `__consumer_offsets`; and what brokers guard is never taken.
    pub fn takes_topic(&self, name: &str, guarded: bool) -> bool {
        if guarded || self.exclude_topics.matches(name) {
            return false;
        }
        if self.topics.texts().is_empty() {
            return !self.internal.matches(name);
        }
        self.topics.matches(name) && (!self.internal.matches(name) || self.names_internal(name))
    }

    /// Whether a topic of the cluster is taken.
    pub fn takes(&self, name: &TopicName, meta: &TopicMeta) -> bool {
        self.takes_topic(name.as_str(), is_guarded(name, meta))
    }

    /// Whether the group is taken.
    pub fn takes_group(&self, id: &str) -> bool {
        (self.groups.texts().is_empty() || self.groups.matches(id)) && !self.exclude_groups.matches(id)
    }

    /// Whether a group that nobody has seen might be one to take: not if groups are all spelled out, or left out.
    pub(super) fn may_take_unseen_groups(&self) -> bool {
        let spelled = |text: &String| !text.contains(['*', '?', '[', '{']);
        let named = !self.groups.texts().is_empty() && self.groups.texts().iter().all(spelled);
        !named && !self.exclude_groups.texts().iter().any(|text| text == "*")
    }

    /// Include patterns for topics that match none of the names: most likely a slip.
    pub(super) fn unmatched_topics<'a>(&'a self, names: &[&str]) -> Vec<&'a str> {
        self.topics.unmatched(names)
    }

    /// Include patterns for groups that match none of the ids.
    pub(super) fn unmatched_groups<'a>(&'a self, ids: &[&str]) -> Vec<&'a str> {
        self.groups.unmatched(ids)
    }

    fn names_internal(&self, name: &str) -> bool {
        let meant = |text: &String| !text.starts_with(['*', '?']) && text.as_bytes().first() == name.as_bytes().first();
        self.topics.texts().iter().any(meant)
    }
}

/// The brokers' own state: what it says is captured in other ways, and nobody may write it back.
fn is_guarded(name: &TopicName, meta: &TopicMeta) -> bool {
    let state = ["__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata"];
    meta.internal || state.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chooser(topics: &[&str], exclude: &[&str]) -> Chooser {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        let selection = Selection { topics: owned(topics), exclude_topics: owned(exclude), ..Selection::default() };
        Chooser::new(&selection).unwrap()
    }

    #[test]
    fn all_means_everything_but_internal_topics() {
        let all = chooser(&[], &[]);
        for name in ["orders", "_schemas", "connect-offsets", "app-store-changelog"] {
            assert!(all.takes_topic(name, false), "{name}");
        }
        for name in ["__consumer_offsets", "_confluent-metrics", "mm2-offsets.a.internal", "heartbeats"] {
            assert!(!all.takes_topic(name, false), "{name}");
        }
    }

    #[test]
    fn a_star_does_not_mean_internal_topics_but_their_name_does() {
        assert!(!chooser(&["*"], &[]).takes_topic("_confluent-metrics", false));
        assert!(chooser(&["_confluent*"], &[]).takes_topic("_confluent-metrics", false));
        assert!(!chooser(&["__*"], &[]).takes_topic("__consumer_offsets", true));
    }

    #[test]
    fn groups_that_are_spelled_out_need_no_list() {
        let chooser = |groups: &[&str], exclude: &[&str]| {
            let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
            let selection = Selection { groups: owned(groups), exclude_groups: owned(exclude), ..Selection::default() };
            Chooser::new(&selection).unwrap()
        };
        assert!(chooser(&[], &[]).may_take_unseen_groups());
        assert!(chooser(&["shop", "test-*"], &[]).may_take_unseen_groups());
        assert!(!chooser(&["shop"], &[]).may_take_unseen_groups());
        assert!(!chooser(&[], &["*"]).may_take_unseen_groups());
    }

    #[test]
    fn a_backup_takes_whole_topics() {
        let selection = Selection { topics: vec!["orders:3".to_owned()], ..Selection::default() };
        let refused = Chooser::new(&selection).unwrap_err();
        assert!(refused.to_string().contains("a backup takes whole topics"), "{refused}");
    }

    #[test]
    fn exclusion_wins() {
        assert!(!chooser(&["orders*"], &["orders-tmp"]).takes_topic("orders-tmp", false));
    }
}
