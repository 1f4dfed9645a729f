//! Settings of topics: which there are, and what they may be.

use super::release::Release;
use super::topics::DEFAULTS;

/// Names that only some releases know, with the first and the last of them.
const SOME: &[(&str, &str, Release, Release)] = &[
    ("message.format.version", "2.1-IV2", Release::V0_11, Release::V3_9),
    ("message.timestamp.difference.max.ms", "9223372036854775807", Release::V0_11, Release::V3_9),
    ("message.downconversion.enable", "true", Release::V2_1, Release::V3_9),
    ("leader.replication.throttled.replicas", "", Release::V0_11, Release::V4_2),
    ("follower.replication.throttled.replicas", "", Release::V0_11, Release::V4_2),
    ("message.timestamp.after.max.ms", "9223372036854775807", Release::V3_7, Release::V3_9),
    ("message.timestamp.after.max.ms", "3600000", Release::V4_1, Release::V4_2),
    ("message.timestamp.before.max.ms", "9223372036854775807", Release::V3_7, Release::V4_2),
    ("remote.storage.enable", "false", Release::V3_7, Release::V4_2),
    ("local.retention.ms", "-2", Release::V3_7, Release::V4_2),
    ("local.retention.bytes", "-2", Release::V3_7, Release::V4_2),
];

/// Every setting of a release with its default.
pub(crate) fn known(release: Release) -> impl Iterator<Item = (&'static str, &'static str)> {
    let fits = move |row: &&(&str, &str, Release, Release)| (row.2..=row.3).contains(&release);
    let young = move |name: &str| name == "max.compaction.lag.ms" && release < Release::V2_4;
    let common = DEFAULTS.iter().copied().filter(move |(name, _)| !young(name));
    common.chain(SOME.iter().filter(fits).map(|row| (row.0, row.1)))
}

/// Why a setting is refused, if it is.
pub(crate) fn refused(release: Release, name: &str, value: &str) -> Option<String> {
    if !known(release).any(|(other, _)| other == name) {
        return Some(format!("unknown topic config name: {name}"));
    }
    let default = known(release).find(|(other, _)| *other == name).map(|(_, default)| default)?;
    let number = default.parse::<i64>().is_ok();
    if number && value.trim().parse::<i64>().is_err() {
        return Some(format!("{name}: {value:?} is no number"));
    }
    let words: &[&str] = match name {
        "cleanup.policy" => &["delete", "compact", "compact,delete", "delete,compact", ""],
        "message.timestamp.type" => &["CreateTime", "LogAppendTime"],
        "compression.type" => &["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"],
        "unclean.leader.election.enable" | "preallocate" | "remote.storage.enable" => &["true", "false"],
        _ => return None,
    };
    (!words.contains(&value)).then(|| format!("{name} cannot be {value:?}"))
}
