//! Committed offsets of groups: what the cluster has now, and what it should have.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Context;
use super::error::CompareError;
use super::known::Known;
use super::plan::{Plan, target_group};
use super::report::{Against, Difference, GroupWhat, Kind, NotCompared, Since};
use crate::model::{CommittedOffset, GroupId, Patterns, TopicFilter, TopicName, TopicPartition, describe};
use crate::repository::format::{GroupOffset, GroupState};

/// Where positions of partitions of the source went, for those that were compared.
pub(super) type Translations = HashMap<TopicPartition, BTreeMap<i64, i64>>;

/// What was found of the groups.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub groups: u64,
    pub equal: u64,
    pub differences: Vec<Difference>,
    pub not_compared: Vec<NotCompared>,
    pub since: Vec<Since>,
}

/// One committed offset that should be there.
#[derive(Debug)]
struct Expected {
    at: TopicPartition,
    source: TopicPartition,
    source_offset: i64,
    committed: CommittedOffset,
}

/// What the cluster has of a group.
#[derive(Debug, Default)]
struct Now {
    committed: BTreeMap<TopicPartition, CommittedOffset>,
    members: usize,
}

/// Compares all groups of the plan.
pub(super) async fn compare(
    context: Context<'_>,
    plan: &Plan,
    translations: &Translations,
) -> Result<Outcome, CompareError> {
    let mut outcome = Outcome::default();
    if plan.groups.is_empty() {
        return Ok(outcome);
    }
    let expected = match (&plan.against, &plan.known) {
        (Against::Target { .. }, Some(known)) if known.undone => {
            let told = "`offsets undo` put back what was there before the restore".to_owned();
            outcome.since.push(Since::of_group("consumer groups".to_owned(), told));
            return Ok(outcome);
        }
        (Against::Target { .. }, Some(known)) => of_target(context, plan, known, translations, &mut outcome)?,
        _ => of_source(context, plan)?,
    };
    let ids: Vec<GroupId> = expected.keys().cloned().collect();
    let found = ask(context, &ids, &mut outcome).await;
    for (id, expected) in expected {
        if let Some(now) = found.get(&id) {
            outcome.groups += 1;
            judge(&id, &expected, now.as_ref(), plan, &mut outcome);
        }
    }
    Ok(outcome)
}

/// Against the source every position is expected where it was; those of topics that are not compared are left out.
fn of_source(context: Context<'_>, plan: &Plan) -> Result<BTreeMap<GroupId, Vec<Expected>>, CompareError> {
    let filter: TopicFilter = context.options.selection.topic_filter()?;
    let passed_over: BTreeSet<&str> = plan.not_compared.iter().map(|one| one.subject.as_str()).collect();
    let mut expected = BTreeMap::new();
    for group in &plan.groups {
        let offsets = group
            .offsets
            .iter()
            .filter(|one| filter.takes(one.topic.as_str(), one.partition) && !passed_over.contains(one.topic.as_str()));
        let offsets = offsets.map(|one| {
            let at = TopicPartition::new(one.topic.clone(), one.partition);
            let source_offset = one.committed.offset;
            Expected { at: at.clone(), source: at, source_offset, committed: one.committed.clone() }
        });
        expected.insert(group.id.clone(), offsets.collect());
    }
    Ok(expected)
}

/// Against a target the position is translated anew, and what the restore says it committed must be that.
fn of_target(
    context: Context<'_>,
    plan: &Plan,
    known: &Known,
    translations: &Translations,
    outcome: &mut Outcome,
) -> Result<BTreeMap<GroupId, Vec<Expected>>, CompareError> {
    let selection = &known.plan.key.selection;
    let (include, exclude) = (Patterns::new(&selection.groups)?, Patterns::new(&selection.exclude_groups)?);
    let filter = context.options.selection.topic_filter()?;
    let written: BTreeMap<(&GroupId, &TopicName, i32), &CommittedOffset> = known
        .groups
        .iter()
        .flat_map(|saved| &saved.groups)
        .flat_map(|group| group.offsets.iter().map(|one| ((&group.id, &one.topic, one.partition), &one.committed)))
        .collect();
    let mut expected = BTreeMap::new();
    for group in &plan.groups {
        let id = target_group(plan, &group.id);
        let restored =
            (include.texts().is_empty() || include.matches(group.id.as_str())) && !exclude.matches(group.id.as_str());
        let mut offsets = Vec::new();
        for one in group.offsets.iter().filter(|one| filter.takes(one.topic.as_str(), one.partition)) {
            let Some(topic) = known.topics.get(&one.topic) else { continue };
            let Some(partition) = topic.partitions.iter().find(|found| found.partition == one.partition) else {
                continue;
            };
            let source = TopicPartition::new(one.topic.clone(), one.partition);
            let at = TopicPartition::new(topic.target.clone(), one.partition);
            let translated = translations.get(&source).and_then(|map| map.get(&one.committed.offset)).copied();
            let kept = (partition.keep.base..=partition.keep.next).contains(&one.committed.offset);
            let saved = written.get(&(&id, &topic.target, one.partition)).map(|saved| (*saved).clone());
            // A restore that wrote down nothing committed at least what lies within its data.
            let likely = || {
                let offset = translated.filter(|_| known.groups.is_none() && restored && kept)?;
                Some(CommittedOffset { offset, ..one.committed.clone() })
            };
            match (saved.or_else(likely), translated) {
                (Some(saved), translated) => {
                    let offset = translated.unwrap_or(saved.offset);
                    if offset != saved.offset {
                        let detail = format!("the restore committed {}, the position is {offset}", saved.offset);
                        outcome.differences.push(different(&id, &at, one, Some(offset), detail));
                        continue;
                    }
                    offsets.push(Expected { at, source, source_offset: one.committed.offset, committed: saved });
                }
                (None, translated) if restored && kept && known.groups.is_some() => {
                    let detail = "the restore did not commit it".to_owned();
                    outcome.differences.push(different(&id, &at, one, translated, detail));
                }
                (None, _) => {}
            }
        }
        if !offsets.is_empty() {
            expected.insert(id, offsets);
        }
    }
    Ok(expected)
}

fn different(
    id: &GroupId,
    at: &TopicPartition,
    source: &GroupOffset,
    target: Option<i64>,
    detail: String,
) -> Difference {
    Difference {
        group: Some(id.to_string()),
        topic: source.topic.to_string(),
        target: at.topic.to_string(),
        partition: at.partition,
        source_offset: Some(source.committed.offset),
        target_offset: target,
        what: Kind::Group(GroupWhat::Position),
        detail,
        further: 0,
    }
}

/// What the cluster has, by group; `None` for a group that is not there. Only listed groups are asked about: asking for
/// the coordinator of another would create `__consumer_offsets`.
async fn ask(context: Context<'_>, ids: &[GroupId], outcome: &mut Outcome) -> BTreeMap<GroupId, Option<Now>> {
    let cluster = context.cluster;
    let listing = cluster.list_groups().await;
    let listed: BTreeSet<&GroupId> = listing.groups.iter().map(|group| &group.id).collect();
    let there: Vec<GroupId> = ids.iter().filter(|id| listed.contains(id)).cloned().collect();
    let mut found: BTreeMap<GroupId, Option<Now>> = BTreeMap::new();
    for (node, error) in &listing.unanswered {
        let reason = format!("broker {node} did not list its groups: {}", describe(error));
        outcome.not_compared.push(NotCompared { subject: "consumer groups".to_owned(), reason });
    }
    if listing.unanswered.is_empty() {
        found.extend(ids.iter().filter(|id| !listed.contains(id)).map(|id| (id.clone(), None)));
    }
    for (id, answer) in cluster.fetch_groups(&there).await {
        match answer {
            Ok(offsets) => {
                let now = Now { committed: offsets.offsets.into_iter().collect(), members: 0 };
                found.insert(id, Some(now));
            }
            Err(error) => outcome.not_compared.push(not_read(&id, &error)),
        }
    }
    for (id, answer) in cluster.describe_groups(&there).await {
        if let (Ok(described), Some(Some(now))) = (answer, found.get_mut(&id)) {
            now.members = described.members;
        }
    }
    found
}

fn not_read(id: &GroupId, error: &dyn std::error::Error) -> NotCompared {
    NotCompared { subject: group_name(id), reason: format!("its offsets could not be read: {}", describe(error)) }
}

fn group_name(id: &GroupId) -> String {
    format!("group {:?}", id.as_str())
}

/// A group may move on, at the source and in the target. Behind where it should be it is a difference, unless its
/// members are at work in the target.
fn judge(id: &GroupId, expected: &[Expected], now: Option<&Now>, plan: &Plan, outcome: &mut Outcome) {
    let source = plan.against == Against::Source;
    let Some(now) = now else {
        match (source, expected.first()) {
            (_, None) => {}
            (true, Some(_)) => {
                outcome.since.push(Since::of_group(group_name(id), "the group is not there any more".to_owned()));
            }
            (false, Some(_)) => {
                for one in expected {
                    outcome.differences.push(odd(id, one, GroupWhat::Position, "the group is not there".to_owned()));
                }
            }
        }
        return;
    };
    let (mut moved, mut gone) = (0_u64, 0_u64);
    for one in expected {
        let should = one.committed.offset;
        match now.committed.get(&one.at) {
            Some(is) if is.offset == should => judge_metadata(id, one, is, now, source, outcome),
            Some(is) if is.offset > should => moved += 1,
            None if source => gone += 1,
            is => {
                let is = is.map_or("nothing".to_owned(), |is| is.offset.to_string());
                if now.members > 0 && !source {
                    moved += 1;
                    continue;
                }
                let detail = format!("{is} is committed, it should be {should}");
                outcome.differences.push(odd(id, one, GroupWhat::Position, detail));
            }
        }
    }
    let told = [(moved, "has moved on at"), (gone, "has nothing committed any more at")];
    for (count, what) in told.into_iter().filter(|(count, _)| *count > 0) {
        let members = if now.members > 0 { format!("; it has {} member(s)", now.members) } else { String::new() };
        outcome.since.push(Since::of_group(group_name(id), format!("{what} {count} partition(s){members}")));
    }
}

/// Brokers do not tell an empty text from none. At the source a group may commit the same offset again with another.
fn judge_metadata(id: &GroupId, one: &Expected, is: &CommittedOffset, now: &Now, source: bool, outcome: &mut Outcome) {
    let text = |one: &CommittedOffset| one.metadata.clone().unwrap_or_default();
    if text(is) == text(&one.committed) || source || now.members > 0 {
        outcome.equal += 1;
        return;
    }
    let detail = format!("with its offset {:?} is committed, it should be {:?}", text(is), text(&one.committed));
    outcome.differences.push(odd(id, one, GroupWhat::Metadata, detail));
}

fn odd(id: &GroupId, one: &Expected, what: GroupWhat, detail: String) -> Difference {
    Difference {
        group: Some(id.to_string()),
        topic: one.source.topic.to_string(),
        target: one.at.topic.to_string(),
        partition: one.at.partition,
        source_offset: Some(one.source_offset),
        target_offset: Some(one.committed.offset),
        what: Kind::Group(what),
        detail,
        further: 0,
    }
}

/// Positions to translate, by partition of the source.
pub(super) fn positions(groups: &[GroupState]) -> HashMap<TopicPartition, Vec<i64>> {
    let mut positions: HashMap<TopicPartition, Vec<i64>> = HashMap::new();
    for one in groups.iter().flat_map(|group| &group.offsets) {
        let at = TopicPartition::new(one.topic.clone(), one.partition);
        positions.entry(at).or_default().push(one.committed.offset);
    }
    positions
}
