//! What a plan tells about offsets.

use serde::Serialize;

use super::decide::Preserving;
use crate::restore::plan::PlannedTopic;

/// What keeping offsets takes, as estimated from the index of the repository.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PreservePlan {
    /// Every selected partition.
    pub partitions: Vec<PreservePartition>,
    /// Requests of filler, of all partitions that keep their offsets.
    pub filler_requests: i64,
    /// Bytes of filler on the wire, about. All of it is deleted again.
    pub filler_bytes: i64,
    /// Markers in holes.
    pub markers: i64,
    /// Whether `markers` is exact; else there are at most so many, but for those of transactions that wrote nothing.
    pub markers_exact: bool,
    /// Bytes that they take in the target's logs.
    pub marker_bytes: i64,
    /// Seconds that all of it takes, about, measured with one small broker.
    pub seconds: i64,
}

/// One partition.
#[derive(Debug, Clone, Serialize)]
pub struct PreservePartition {
    /// In the target.
    pub partition: String,
    /// First offset.
    pub log_start: i64,
    /// End of what is restored.
    pub log_end: i64,
    /// Offsets without a record between the two.
    pub holes: i64,
    /// Whether `holes` is exact.
    pub holes_exact: bool,
    /// Why its offsets are translated instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub translated: Option<String>,
}

impl PreservePlan {
    /// From what was decided; nothing if offsets are not to be kept.
    pub(in crate::restore) fn of(topics: &[PlannedTopic]) -> Option<Self> {
        let mut plan = Self { markers_exact: true, ..Self::default() };
        let (mut busy, mut least) = (0, 0);
        for topic in topics {
            for partition in &topic.partitions {
                let Some(Preserving { need, why_not }) = &partition.preserving else { continue };
                plan.partitions.push(PreservePartition {
                    partition: format!("{}-{}", topic.target, partition.partition),
                    log_start: partition.keep.base,
                    log_end: partition.keep.next,
                    holes: need.holes,
                    holes_exact: need.exact,
                    translated: why_not.clone(),
                });
                if why_not.is_some() {
                    continue;
                }
                plan.filler_requests += need.filler_requests();
                plan.filler_bytes += need.filler_bytes();
                plan.markers += need.holes;
                plan.markers_exact &= need.exact;
                plan.marker_bytes += need.marker_bytes();
                busy += need.busy_ms();
                least = least.max(need.least_ms());
            }
        }
        plan.seconds = (busy.max(least) + 999) / 1_000;
        (!plan.partitions.is_empty()).then_some(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::super::need::Need;
    use super::*;
    use crate::model::OffsetRange;
    use crate::repository::format::SegmentList;
    use crate::restore::plan::PlannedPartition;
    use crate::restore::plan::testing::planned;

    fn partition(partition: i32, need: Need, why_not: Option<&str>) -> PlannedPartition {
        PlannedPartition {
            partition,
            selected: true,
            keep: OffsetRange { base: need.filler, next: need.filler + 10 },
            high_watermark: need.filler + 10,
            bytes: 0,
            segments: SegmentList::default(),
            preserving: Some(Preserving { need, why_not: why_not.map(str::to_owned) }),
        }
    }

    #[test]
    fn a_plan_adds_up_what_is_kept() {
        let need = |filler, holes, exact| Need { filler, holes, exact, stretches: holes };
        let mut topic = planned("orders", &[]);
        assert!(PreservePlan::of(std::slice::from_ref(&topic)).is_none());
        topic.partitions = vec![
            partition(0, need(1_000_000, 5, true), None),
            partition(1, need(131_072, 7, true), None),
            partition(2, need(900, 9, false), Some("forbidden")),
        ];
        let plan = PreservePlan::of(std::slice::from_ref(&topic)).unwrap();
        assert_eq!((plan.filler_requests, plan.filler_bytes), (9, 9 * 5_100));
        assert_eq!((plan.markers, plan.markers_exact, plan.marker_bytes), (12, true, 12 * 78));
        assert_eq!((plan.seconds, plan.partitions.len()), (1, 3));
        let [first, _, third] = &plan.partitions[..] else { panic!("three") };
        assert_eq!((first.partition.as_str(), first.log_start, first.log_end), ("orders-0", 1_000_000, 1_000_010));
        assert_eq!((third.translated.as_deref(), third.holes, third.holes_exact), (Some("forbidden"), 9, false));
        topic.partitions.push(partition(3, need(20_000_000, 10_000, false), None));
        let plan = PreservePlan::of(std::slice::from_ref(&topic)).unwrap();
        // Ten seconds of filler and one of markers; holes one after the other take 40.
        assert_eq!((plan.markers_exact, plan.seconds), (false, 51));
    }
}
