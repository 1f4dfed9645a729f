//! What the target's brokers allow and default to, as far as a restore must know it.

use crate::cluster::BrokerConfig;
use crate::model::GroupId;

/// Room for the header of a request and for what stands beside the batch in it.
const REQUEST_SLACK: u64 = 64 << 10;

/// Kafka's default of `log.retention.hours`, a week.
const DEFAULT_RETENTION_MS: i64 = 604_800_000;

/// Which topic settings refuse records by their times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimeLimits {
    /// None that is known.
    #[default]
    None,
    /// `message.timestamp.difference.max.ms` (until 3.9).
    Difference,
    /// `message.timestamp.before.max.ms` and `message.timestamp.after.max.ms` (KIP-937, 3.6+).
    BeforeAndAfter,
}

/// Settings of the target's brokers. Where brokers differ, the one that would do more harm counts; what no broker
/// says is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Settings that refuse records by their times.
    pub times: TimeLimits,
    /// Default of `retention.ms`; `None` also for "for ever".
    pub retention_ms: Option<i64>,
    /// Default of `retention.bytes`; `None` also for "without limit".
    pub retention_bytes: Option<i64>,
    /// Whether old data is deleted in topics without a `cleanup.policy` of their own.
    pub deletes: bool,
    /// Default of `min.insync.replicas`.
    pub min_insync_replicas: Option<i64>,
    /// Default of `segment.bytes`: no batch may be larger.
    pub segment_bytes: Option<i64>,
    /// Largest request; no topic setting lifts it.
    pub request_bytes: Option<i64>,
    /// Whether topics store messages in format v0 or v1 by default, which takes no idempotent producer.
    pub old_format: bool,
    /// Whether tiered storage is switched on.
    pub tiered: bool,
    /// Longest metadata text of a committed offset (`offset.metadata.max.bytes`).
    pub offset_metadata_bytes: Option<i64>,
    /// Minutes after which positions of groups without members are forgotten.
    pub offsets_retention_minutes: Option<i64>,
}

impl Limits {
    /// From what each broker says of itself.
    pub fn of_brokers<'a>(brokers: impl IntoIterator<Item = &'a [BrokerConfig]>) -> Self {
        brokers.into_iter().map(Self::of_broker).reduce(Self::stricter).unwrap_or_default()
    }

    /// Kafka's own defaults, for brokers that do not say: what would delete data is assumed, what would refuse it is not.
    pub fn assumed(times: TimeLimits) -> Self {
        Self { times, retention_ms: Some(DEFAULT_RETENTION_MS), deletes: true, ..Self::default() }
    }

    fn of_broker(configs: &[BrokerConfig]) -> Self {
        let text = |name: &str| configs.iter().find(|config| config.name == name)?.value.as_deref();
        let number = |name: &str| text(name)?.parse::<i64>().ok();
        let has = |name: &str| configs.iter().any(|config| config.name == name);
        let times = if has("log.message.timestamp.after.max.ms") {
            TimeLimits::BeforeAndAfter
        } else if has("log.message.timestamp.difference.max.ms") {
            TimeLimits::Difference
        } else {
            TimeLimits::None
        };
        let minutes = || number("log.retention.minutes").map(|minutes| minutes.saturating_mul(60_000));
        let hours = || number("log.retention.hours").map(|hours| hours.saturating_mul(3_600_000));
        Self {
            times,
            retention_ms: number("log.retention.ms").or_else(minutes).or_else(hours).filter(|ms| *ms >= 0),
            retention_bytes: number("log.retention.bytes").filter(|bytes| *bytes >= 0),
            deletes: text("log.cleanup.policy").is_none_or(deletes),
            min_insync_replicas: number("min.insync.replicas"),
            segment_bytes: number("log.segment.bytes"),
            request_bytes: number("socket.request.max.bytes"),
            old_format: text("log.message.format.version").is_some_and(is_before_v2),
            tiered: text("remote.log.storage.system.enable") == Some("true"),
            offset_metadata_bytes: number("offset.metadata.max.bytes"),
            offsets_retention_minutes: number("offsets.retention.minutes"),
        }
    }

    fn stricter(self, other: Self) -> Self {
        let least = |a: Option<i64>, b: Option<i64>| a.into_iter().chain(b).min();
        Self {
            times: self.times.min(other.times),
            retention_ms: least(self.retention_ms, other.retention_ms),
            retention_bytes: least(self.retention_bytes, other.retention_bytes),
            deletes: self.deletes || other.deletes,
            min_insync_replicas: self.min_insync_replicas.max(other.min_insync_replicas),
            segment_bytes: least(self.segment_bytes, other.segment_bytes),
            request_bytes: least(self.request_bytes, other.request_bytes),
            old_format: self.old_format || other.old_format,
            tiered: self.tiered && other.tiered,
            offset_metadata_bytes: least(self.offset_metadata_bytes, other.offset_metadata_bytes),
            offsets_retention_minutes: least(self.offsets_retention_minutes, other.offsets_retention_minutes),
        }
    }

    /// The same once these broker defaults are set too: of two retentions the shorter counts.
    pub fn with_defaults<'a>(self, defaults: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let least = |a: Option<i64>, b: i64| a.into_iter().chain((b >= 0).then_some(b)).min();
        let mut limits = self;
        for (name, value) in defaults {
            let number = value.parse::<i64>().unwrap_or(-1);
            match name {
                "log.retention.ms" => limits.retention_ms = least(limits.retention_ms, number),
                "log.retention.bytes" => limits.retention_bytes = least(limits.retention_bytes, number),
                "log.cleanup.policy" => limits.deletes |= deletes(value),
                _ => {}
            }
        }
        limits
    }

    /// Topic settings about times to lift while restoring.
    pub fn lifted(self) -> &'static [&'static str] {
        match self.times {
            TimeLimits::None => &[],
            TimeLimits::Difference => &["message.timestamp.difference.max.ms"],
            TimeLimits::BeforeAndAfter => &["message.timestamp.after.max.ms", "message.timestamp.before.max.ms"],
        }
    }

    /// The largest batch that fits into a request, if it is smaller than this one.
    pub fn refuses_batch(self, bytes: u64) -> Option<u64> {
        let limit = u64::try_from(self.request_bytes?).ok()?;
        (bytes + REQUEST_SLACK > limit).then_some(limit)
    }

    /// Why a position with this metadata text would be refused.
    pub fn refuses_metadata(self, group: &GroupId, text: &str) -> Option<String> {
        let limit = usize::try_from(self.offset_metadata_bytes?).ok()?;
        // Kafka class `OffsetMetadataManager` compares the number of characters.
        let length = text.chars().count();
        (length > limit).then(|| {
            format!(
                "group {:?}: a committed offset has metadata of {length} characters; the target takes \
                 offset.metadata.max.bytes={limit} and will refuse it",
                group.as_str()
            )
        })
    }
}

/// Whether a `message.format.version` is one of before Kafka 0.11.
fn is_before_v2(version: &str) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(u32::MAX));
    numbers.next() == Some(0) && numbers.next().is_some_and(|minor| minor < 11)
}

/// Whether a `cleanup.policy` deletes old data.
pub(super) fn deletes(policy: &str) -> bool {
    policy.split(',').any(|one| one.trim() == "delete")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(configs: &[(&str, &str)]) -> Vec<BrokerConfig> {
        let config = |(name, value): &(&str, &str)| BrokerConfig {
            name: (*name).to_owned(),
            value: Some((*value).to_owned()),
            sensitive: false,
        };
        configs.iter().map(config).collect()
    }

    #[test]
    fn the_broker_that_would_do_more_harm_counts() {
        let one = broker(&[("log.retention.hours", "168"), ("socket.request.max.bytes", "104857600")]);
        let other =
            broker(&[("log.retention.hours", "168"), ("log.retention.ms", "1000"), ("log.cleanup.policy", "x")]);
        let limits = Limits::of_brokers([&one[..], &other[..]]);
        assert_eq!(limits.retention_ms, Some(1000));
        assert!(limits.deletes);
        assert_eq!(Limits::of_brokers([&one[..]]).retention_ms, Some(604_800_000));
        assert_eq!(limits.refuses_batch(104_857_600), Some(104_857_600));
        assert_eq!(limits.refuses_batch(1 << 20), None);
        let unlimited = broker(&[("log.retention.ms", "-1"), ("log.retention.hours", "168")]);
        assert_eq!(Limits::of_brokers([&unlimited[..]]).retention_ms, None);
    }

    #[test]
    fn limits_hold_what_is_just_below_them() {
        let one = broker(&[("socket.request.max.bytes", "1000000"), ("offset.metadata.max.bytes", "4")]);
        let limits = Limits::of_brokers([&one[..]]);
        let most = 1_000_000 - REQUEST_SLACK;
        assert_eq!((limits.refuses_batch(most), limits.refuses_batch(most + 1)), (None, Some(1_000_000)));
        let group = GroupId::new("reader");
        assert_eq!(limits.refuses_metadata(&group, "äöüß"), None, "four characters, eight bytes");
        let why = limits.refuses_metadata(&group, "abcde").unwrap();
        assert!(why.contains("5 characters") && why.contains("\"reader\""), "{why}");
        assert_eq!(Limits::default().refuses_metadata(&group, "abcde"), None);
        let unlimited = broker(&[("log.retention.ms", "0"), ("log.retention.bytes", "-1")]);
        let limits = Limits::of_brokers([&unlimited[..]]);
        assert_eq!((limits.retention_ms, limits.retention_bytes), (Some(0), None));
    }

    #[test]
    fn tiered_storage_is_there_only_where_all_have_it() {
        let has = |value: &str| broker(&[("remote.log.storage.system.enable", value)]);
        let (with, without) = (has("true"), has("false"));
        assert!(Limits::of_brokers([&with[..], &with[..]]).tiered);
        assert!(!Limits::of_brokers([&with[..], &without[..]]).tiered);
        assert!(!Limits::of_brokers([&without[..]]).tiered);
    }

    #[test]
    fn defaults_that_are_restored_too_count_and_without_any_the_worst_is_assumed() {
        let limits = Limits::assumed(TimeLimits::Difference);
        assert_eq!((limits.times, limits.deletes), (TimeLimits::Difference, true));
        assert_eq!(limits.retention_ms, Some(7 * 24 * 3_600_000), "Kafka's week");
        assert_eq!((limits.request_bytes, limits.retention_bytes), (None, None));
        let defaults = [("log.retention.ms", "5"), ("log.retention.bytes", "7"), ("log.retention.bytes", "x")];
        let limits = limits.with_defaults(defaults.into_iter());
        assert_eq!((limits.retention_ms, limits.retention_bytes), (Some(5), Some(7)));
        let longer = [("log.retention.ms", "9"), ("log.retention.bytes", "-1")];
        assert_eq!(limits.with_defaults(longer.into_iter()), limits);
    }

    #[test]
    fn old_message_formats_are_known_by_their_versions() {
        for (version, old) in
            [("0.9.0", true), ("0.10.2-IV0", true), ("0.11.0-IV2", false), ("1.0", false), ("2.8", false)]
        {
            let one = broker(&[("log.message.format.version", version)]);
            assert_eq!(Limits::of_brokers([&one[..], &broker(&[])[..]]).old_format, old, "{version}");
        }
    }

    #[test]
    fn defaults_that_are_about_to_be_set_count() {
        let limits = Limits { retention_ms: Some(1_000), ..Limits::default() };
        let set = [("log.retention.ms", "10"), ("log.retention.bytes", "-1"), ("log.cleanup.policy", "compact,delete")];
        let limits = limits.with_defaults(set.into_iter());
        assert_eq!((limits.retention_ms, limits.retention_bytes, limits.deletes), (Some(10), None, true));
        assert_eq!(limits.with_defaults([("log.retention.ms", "-1")].into_iter()).retention_ms, Some(10));
    }

    #[test]
    fn the_settings_to_lift_follow_the_broker() {
        let new =
            broker(&[("log.message.timestamp.after.max.ms", "1"), ("log.message.timestamp.difference.max.ms", "1")]);
        assert_eq!(
            Limits::of_brokers([&new[..]]).lifted(),
            ["message.timestamp.after.max.ms", "message.timestamp.before.max.ms"]
        );
        let old = broker(&[("log.message.timestamp.difference.max.ms", "1")]);
        assert_eq!(Limits::of_brokers([&old[..]]).lifted(), ["message.timestamp.difference.max.ms"]);
        assert!(Limits::of_brokers([&broker(&[])[..]]).lifted().is_empty());
    }
}
