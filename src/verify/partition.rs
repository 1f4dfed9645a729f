//! One partition of one snapshot: do its bounds, its seals and what is said to be missing fit each other?

use super::report::{Finding, FindingKind, VerifyReport};
use crate::model::{OffsetRange, TopicPartition};
use crate::repository::format::{OpenTransaction, PartitionState, Seal, TopicState};
use crate::store::Key;

/// Where one seal ends and the next begins.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Edge {
    /// Next offset of the seal before; `None` before the first.
    next: Option<i64>,
    /// Transactions open there.
    open: Vec<(i64, i64)>,
    lineage: u32,
}

pub(super) struct PartitionCheck<'a> {
    topic: &'a TopicState,
    state: &'a PartitionState,
    /// The part that holds the state: contradictions are in it.
    object: &'a Key,
    edge: Edge,
}

impl<'a> PartitionCheck<'a> {
    pub(super) fn new(topic: &'a TopicState, state: &'a PartitionState, object: &'a Key) -> Self {
        Self { topic, state, object, edge: Edge { next: None, open: Vec::new(), lineage: state.lineage } }
    }

    pub(super) fn edge(&self) -> &Edge {
        &self.edge
    }

    /// Goes on behind a part that was checked before, entered by the same edge.
    pub(super) fn skip_to(&mut self, edge: Edge) {
        self.edge = edge;
    }

    /// Before the first seal.
    pub(super) fn bounds(&self, report: &mut VerifyReport) {
        let PartitionState { first, next, fence, .. } = *self.state;
        if first > next || next > fence {
            self.wrong(report, format!("it begins at {first} and ends at {next}, its fence is {fence}"));
        }
        for missing in &self.state.missing {
            let OffsetRange { base, next: end } = missing.range;
            if base >= end || base < first || end > next {
                self.wrong(report, format!("{} is said to be missing of [{first}, {next})", missing.range));
            }
        }
    }

    pub(super) fn seal(&mut self, seal: &Seal, report: &mut VerifyReport) {
        let place = (&seal.topic, seal.topic_id, seal.partition, seal.lineage);
        if place != (&self.topic.name, self.topic.id, self.state.partition, self.state.lineage) {
            self.wrong(report, format!("it lists {}, which belongs elsewhere", seal.object));
        }
        if seal.base >= seal.next || seal.size == 0 || seal.length == 0 {
            self.wrong(report, format!("it lists {}, which is empty", seal.object));
        }
        if let Some(expected) = self.edge.next {
            if seal.base < expected {
                self.wrong(
                    report,
                    format!("{} begins before offset {expected}, where the one before ends", seal.object),
                );
            }
            // Behind offsets that were never read nobody can tell what is still open.
            let forgotten = seal.carried.is_empty() && seal.base > expected;
            if pairs(&seal.carried) != self.edge.open && !forgotten {
                let detail = format!("{} was not handed the transactions that the one before left open", seal.object);
                self.wrong(report, detail);
            }
        }
        let from = self.edge.next.unwrap_or(self.state.first);
        self.hole(from, seal.base, report);
        self.edge.next = Some(seal.next);
        self.edge.open = pairs(&seal.open);
    }

    /// After the last seal.
    pub(super) fn end(&self, report: &mut VerifyReport) {
        let reached = self.edge.next.unwrap_or(self.state.first);
        if reached > self.state.next {
            self.wrong(report, format!("its segments go on to {reached}, it says that it ends at {}", self.state.next));
        }
        self.hole(reached, self.state.next, report);
    }

    /// Offsets between two segments, from the log start on, that are not said to be missing: nothing but compaction, or transactions that were
    /// cleaned away at the end, makes them.
    fn hole(&self, from: i64, to: i64, report: &mut VerifyReport) {
        let mut at = from.max(self.state.log_start);
        let mut missing: Vec<OffsetRange> = self.state.missing.iter().map(|missing| missing.range).collect();
        missing.sort_unstable_by_key(|range| range.base);
        for range in missing {
            if range.base <= at && range.next > at {
                at = range.next;
            }
        }
        if at < to && !self.may_be_compacted() {
            let range = OffsetRange { base: at, next: to };
            report.remark(format!("{}: no record at {range}, though the topic is not compacted", self.name()));
        }
    }

    /// Where the policy is not known, compaction may have been at work.
    fn may_be_compacted(&self) -> bool {
        let configs = self.topic.effective.iter().chain(&self.topic.configs);
        let policy =
            configs.filter(|config| config.name == "cleanup.policy").find_map(|config| config.value.as_deref());
        policy.is_none_or(|policy| policy.contains("compact"))
    }

    fn name(&self) -> TopicPartition {
        TopicPartition::new(self.topic.name.clone(), self.state.partition)
    }

    fn wrong(&self, report: &mut VerifyReport, detail: String) {
        let mut finding = Finding::new(FindingKind::Contradiction, self.object.as_str(), detail);
        finding.partition = Some(self.name());
        finding.range = Some(OffsetRange { base: self.state.first, next: self.state.next });
        report.find(finding);
    }
}

fn pairs(open: &[OpenTransaction]) -> Vec<(i64, i64)> {
    let mut pairs: Vec<(i64, i64)> = open.iter().map(|open| (open.producer_id, open.first)).collect();
    pairs.sort_unstable();
    pairs
}
