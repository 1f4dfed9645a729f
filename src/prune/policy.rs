//! Which snapshots stay: pure rules over their numbers and times.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use crate::model::Timestamp;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// How many snapshots stay, for each selection of each cluster apart. Hours, days, weeks (from Monday) and months are
/// UTC's, and only those count that have a snapshot; of each the newest snapshot stays. What any rule keeps stays.
/// Without any rule all stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// The newest so many.
    pub last: u32,
    /// The newest of each of the last so many hours.
    pub hourly: u32,
    /// The same for days.
    pub daily: u32,
    /// The same for weeks.
    pub weekly: u32,
    /// The same for months.
    pub monthly: u32,
    /// All that are at most so much older than the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Duration>,
}

/// The number of the hour, day, week or month that a time lies in.
type BucketOf = fn(Timestamp) -> i64;

/// A snapshot as the rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated {
    /// Its number.
    pub sequence: u64,
    /// When its data ends.
    pub taken: Timestamp,
    /// Whether nothing is missing from it.
    pub complete: bool,
}

/// Why a snapshot stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeepReason {
    /// There is no rule.
    NoRule,
    /// It is the newest.
    Newest,
    /// It is the newest to which nothing is missing.
    NewestComplete,
    /// [`Policy::last`].
    Last,
    /// [`Policy::hourly`].
    Hourly,
    /// [`Policy::daily`].
    Daily,
    /// [`Policy::weekly`].
    Weekly,
    /// [`Policy::monthly`].
    Monthly,
    /// [`Policy::within`].
    Within,
    /// A restore of it has not ended.
    Restore,
    /// A backup or a copy that may be under way builds on it.
    Run,
}

impl Policy {
    /// Whether there is no rule at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Why each of the snapshots of one selection stays, in their order; those without a reason go.
    pub fn reasons(&self, snapshots: &[Dated]) -> Vec<BTreeSet<KeepReason>> {
        let mut reasons = vec![BTreeSet::new(); snapshots.len()];
        let mut give = |at: usize, reason: KeepReason| {
            if let Some(reasons) = reasons.get_mut(at) {
                reasons.insert(reason);
            }
        };
        let by_number = newest_first(snapshots, |one| (Timestamp(0), one.sequence));
        let by_time = newest_first(snapshots, |one| (one.taken, one.sequence));
        if let Some((at, _)) = by_number.first() {
            give(*at, KeepReason::Newest);
        }
        if let Some((at, _)) = by_number.iter().find(|(_, one)| one.complete) {
            give(*at, KeepReason::NewestComplete);
        }
        if self.is_empty() {
            (0..snapshots.len()).for_each(|at| give(at, KeepReason::NoRule));
        }
        by_number.iter().take(self.last as usize).for_each(|(at, _)| give(*at, KeepReason::Last));
        let buckets: [(u32, KeepReason, BucketOf); 4] = [
            (self.hourly, KeepReason::Hourly, |time| time.0.div_euclid(HOUR)),
            (self.daily, KeepReason::Daily, |time| time.0.div_euclid(DAY)),
            (self.weekly, KeepReason::Weekly, week),
            (self.monthly, KeepReason::Monthly, month),
        ];
        for (wanted, reason, bucket_of) in buckets {
            let mut seen = BTreeSet::new();
            for (at, one) in &by_time {
                if seen.len() == wanted as usize {
                    break;
                }
                if seen.insert(bucket_of(one.taken)) {
                    give(*at, reason);
                }
            }
        }
        if let (Some(within), Some((_, newest))) = (self.within, by_time.first()) {
            let within = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
            let young = |one: &Dated| one.taken.0 >= newest.taken.0.saturating_sub(within);
            by_time.iter().filter(|(_, one)| young(one)).for_each(|(at, _)| give(*at, KeepReason::Within));
        }
        reasons
    }
}

fn newest_first<K: Ord>(snapshots: &[Dated], key: impl Fn(&Dated) -> K) -> Vec<(usize, Dated)> {
    let mut sorted: Vec<(usize, Dated)> = snapshots.iter().copied().enumerate().collect();
    sorted.sort_by_key(|(_, one)| std::cmp::Reverse(key(one)));
    sorted
}

/// Weeks since the one that holds 1970-01-01, which was a Thursday.
fn week(time: Timestamp) -> i64 {
    (time.0.div_euclid(DAY) + 3).div_euclid(7)
}

/// Months of the calendar; times that no calendar has are all of one.
fn month(time: Timestamp) -> i64 {
    let moment = OffsetDateTime::from_unix_timestamp(time.0.div_euclid(1000));
    moment.map_or(i64::MAX, |moment| i64::from(moment.year()) * 12 + i64::from(u8::from(moment.month())))
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
