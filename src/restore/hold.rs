//! Retention that would delete what was just restored is held: those settings keep their restore-time value until
//! `restore --release`.

use super::configs::final_value;
use super::limits::{Limits, deletes};
use super::options::TopicConfigOverride;
use super::plan::PlannedTopic;
use crate::model::Timestamp;
use crate::repository::format::HeldConfig;

/// Retention without limit.
const FOR_EVER: &str = "-1";

/// What is held of one topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hold {
    /// The settings.
    pub configs: Vec<HeldConfig>,
    /// Why, in words.
    pub reason: String,
}

/// What must be held so that the target's retention does not delete restored data at its next look.
/// Kafka deletes whole segments by their largest timestamp or beyond a size (Kafka class `UnifiedLog`); as segments are
/// cut anew in the target, any record that is too old counts.
pub(super) fn hold(
    topic: &PlannedTopic,
    overrides: &[TopicConfigOverride],
    limits: Limits,
    now: Timestamp,
) -> Option<Hold> {
    let value = |name: &str| final_value(topic, overrides, name);
    let number = |name: &str| value(name).map(|text| text.parse::<i64>().unwrap_or(-1)).filter(|number| *number >= 0);
    let default = |name: &str, default: Option<i64>| if value(name).is_some() { number(name) } else { default };
    if !value("cleanup.policy").map_or(limits.deletes, |policy| deletes(&policy)) {
        return None;
    }
    let mut hold = Hold::default();
    let mut reasons = Vec::new();
    let mut keep = |name: &str, reason: String| {
        hold.configs.push(HeldConfig { name: name.to_owned(), held: FOR_EVER.to_owned(), release: value(name) });
        reasons.push(reason);
    };
    let retention = default("retention.ms", limits.retention_ms);
    if let Some(ms) =
        retention.filter(|ms| topic.min_timestamp.0 >= 0 && now.0.saturating_sub(topic.min_timestamp.0) > *ms)
    {
        keep("retention.ms", format!("it has records of {}, older than retention.ms={ms}", topic.min_timestamp));
    }
    let largest = topic.partitions.iter().map(|one| one.bytes).max().unwrap_or(0);
    let retention = default("retention.bytes", limits.retention_bytes);
    if let Some(bytes) = retention.filter(|bytes| u64::try_from(*bytes).is_ok_and(|bytes| largest > bytes)) {
        keep("retention.bytes", format!("a partition has {largest} bytes, more than retention.bytes={bytes}"));
    }
    hold.reason = reasons.join("; ");
    (!hold.configs.is_empty()).then_some(hold)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restore::plan::testing::planned;

    const DAY: i64 = 86_400_000;
    const NOW: Timestamp = Timestamp(100 * DAY);

    fn names(hold: Option<Hold>) -> Vec<String> {
        hold.map(|hold| hold.configs.into_iter().map(|one| one.name).collect()).unwrap_or_default()
    }

    #[test]
    fn data_older_than_its_retention_is_held() {
        let limits = Limits { deletes: true, ..Limits::default() };
        let mut topic = planned("orders", &[("retention.ms", "604800000")]);
        topic.min_timestamp = Timestamp(92 * DAY);
        let held = hold(&topic, &[], limits, NOW).unwrap();
        assert_eq!(held.configs[0].release.as_deref(), Some("604800000"));
        assert_eq!(held.configs.len(), 1);
        topic.min_timestamp = Timestamp(93 * DAY);
        assert_eq!(hold(&topic, &[], limits, NOW), None, "as old as it may be");
        topic.min_timestamp = Timestamp(-1);
        assert_eq!(hold(&topic, &[], limits, NOW), None, "no record has a time");
    }

    #[test]
    fn the_targets_defaults_and_the_users_wishes_count() {
        let mut topic = planned("orders", &[]);
        topic.min_timestamp = Timestamp(DAY);
        topic.partitions[0].bytes = 11;
        let limits = Limits { deletes: true, retention_ms: Some(DAY), retention_bytes: Some(10), ..Limits::default() };
        let held = hold(&topic, &[], limits, NOW);
        assert_eq!(held.as_ref().unwrap().configs[0].release, None, "released to the broker's default");
        assert_eq!(names(held), ["retention.ms", "retention.bytes"]);
        let wish = |name: &str, value: &str| TopicConfigOverride {
            topic: None,
            name: name.to_owned(),
            value: value.to_owned(),
        };
        assert_eq!(names(hold(&topic, &[wish("retention.ms", "-1")], limits, NOW)), ["retention.bytes"]);
        assert_eq!(names(hold(&topic, &[wish("retention.ms", "a week")], limits, NOW)), ["retention.bytes"]);
        let as_large = Limits { retention_bytes: Some(11), ..limits };
        assert_eq!(names(hold(&topic, &[], as_large, NOW)), ["retention.ms"]);
        assert!(names(hold(&topic, &[wish("cleanup.policy", "compact")], limits, NOW)).is_empty());
        assert_eq!(names(hold(&topic, &[wish("cleanup.policy", "compact,delete")], limits, NOW)).len(), 2);
    }
}
