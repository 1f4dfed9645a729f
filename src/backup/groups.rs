//! Reads every group's committed offsets. Done before the fences are taken, so that no position lies past the data.

use std::collections::{BTreeMap, BTreeSet};

use super::selection::Chooser;
use super::view::{self, View};
use crate::cluster::{Cluster, ClusterError, GroupListing, GroupOffsets, ListedGroup};
use crate::model::{GroupId, GroupType, OFFSETS_TOPIC, TopicName};
use crate::repository::format::{GroupOffset, GroupState, Incomplete, IncompleteKind};

/// How often groups are read before coordinators that keep moving are told of.
const TRIES: usize = 3;

/// The groups of the last snapshot, with the topics that they had committed offsets of.
pub(super) type Known = BTreeMap<GroupId, BTreeSet<TopicName>>;

/// The groups as they were read.
#[derive(Debug, Default)]
pub struct Captured {
    /// The groups that were taken, ascending by id.
    pub groups: Vec<GroupState>,
    /// Groups the selection leaves out.
    pub excluded: Vec<String>,
    /// What could not be read.
    pub incomplete: Vec<Incomplete>,
}

/// Reads the groups that the chooser takes, anew if a coordinator moved meanwhile. `known` are those of the last
/// snapshot: one that the cluster does not list any more is confirmed dead or reported.
pub(super) async fn capture(
    cluster: &Cluster,
    chooser: &Chooser,
    known: &Known,
    view: View,
) -> Result<Captured, ClusterError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let listing = cluster.list_groups().await;
        let mut captured = read(cluster, chooser, known, &listing).await?;
        let moved = !captured.groups.is_empty() && cluster.coordinators_moved(&listing).await;
        if moved && tries < TRIES {
            continue;
        }
        if chooser.may_take_unseen_groups() {
            captured.incomplete.extend(partial_view(&listing));
            captured.incomplete.extend(view.of_groups());
        }
        captured.incomplete.extend(moved.then(older));
        return Ok(captured);
    }
}

async fn read(
    cluster: &Cluster,
    chooser: &Chooser,
    known: &Known,
    listing: &GroupListing,
) -> Result<Captured, ClusterError> {
    let mut captured = Captured::default();
    let (taken, excluded): (Vec<_>, Vec<_>) =
        listing.groups.iter().cloned().partition(|group| chooser.takes_group(group.id.as_str()));
    captured.excluded = excluded.into_iter().map(|group| group.id.to_string()).collect();
    confirm_dead(cluster, listing, known, chooser, &mut captured).await?;
    read_offsets(cluster, taken, &mut captured).await;
    hidden_commits(cluster, known, &mut captured).await;
    captured.groups.sort_by(|a, b| a.id.cmp(&b.id));
    captured.excluded.sort();
    Ok(captured)
}

fn older() -> Incomplete {
    Incomplete::new(
        IncompleteKind::PartialView,
        "consumer groups".to_owned(),
        "coordinators kept moving while committed offsets were read; some may be older than what was committed"
            .to_owned(),
    )
}

fn partial_view(listing: &GroupListing) -> Vec<Incomplete> {
    let mut reasons: Vec<Incomplete> = listing
        .unanswered
        .iter()
        .map(|(node, error)| {
            Incomplete::new(
                IncompleteKind::PartialView,
                format!("broker {node}"),
                format!("did not list its groups: {error}"),
            )
        })
        .collect();
    if !listing.whole {
        reasons.push(Incomplete::new(
            IncompleteKind::PartialView,
            "consumer groups".to_owned(),
            "the list kept changing while it was read, or a coordinator was not ready in time; it may have hidden some"
                .to_owned(),
        ));
    }
    reasons
}

/// A group of the last snapshot that is not listed must be dead; anything else is a group we cannot see.
/// Asking for a coordinator could create `__consumer_offsets`, so nothing is asked where that topic is known not to be
/// there. One that is hidden is there: the last snapshot has groups of this very cluster.
async fn confirm_dead(
    cluster: &Cluster,
    listing: &GroupListing,
    known: &Known,
    chooser: &Chooser,
    captured: &mut Captured,
) -> Result<(), ClusterError> {
    let listed: BTreeSet<&GroupId> = listing.groups.iter().map(|group| &group.id).collect();
    let gone: Vec<GroupId> =
        known.keys().filter(|id| !listed.contains(id) && chooser.takes_group(id.as_str())).cloned().collect();
    if gone.is_empty() || !offsets_topic_may_exist(cluster).await? {
        return Ok(());
    }
    for (id, answer) in cluster.describe_groups(&gone).await {
        let detail = match answer {
            Ok(group) if group.state.eq_ignore_ascii_case("dead") => continue,
            Ok(group) => format!("was in the last snapshot, is not listed, yet its coordinator says {:?}", group.state),
            Err(error) => format!("was in the last snapshot, is not listed, and could not be asked about: {error}"),
        };
        captured.incomplete.push(Incomplete::new(IncompleteKind::Group, id.to_string(), detail));
    }
    Ok(())
}

async fn offsets_topic_may_exist(cluster: &Cluster) -> Result<bool, ClusterError> {
    let metadata = cluster.metadata().await?;
    if metadata.topics.keys().any(|name| name.as_str() == OFFSETS_TOPIC) {
        return Ok(true);
    }
    let Ok(name) = TopicName::new(OFFSETS_TOPIC) else { return Ok(false) };
    let answers = cluster.topic_rights(&[name]).await;
    Ok(answers.into_iter().any(|(_, answer)| answer.is_ok_and(|rights| rights.exists || rights.hidden)))
}

/// Offsets of topics that this client may not describe are left out of the answer without a word. What the last
/// snapshot had of a group and is not there now may be such.
async fn hidden_commits(cluster: &Cluster, known: &Known, captured: &mut Captured) {
    let mut vanished: BTreeMap<TopicName, Vec<GroupId>> = BTreeMap::new();
    for group in &captured.groups {
        let there: BTreeSet<&TopicName> = group.offsets.iter().map(|one| &one.topic).collect();
        for topic in known.get(&group.id).into_iter().flatten().filter(|topic| !there.contains(topic)) {
            vanished.entry(topic.clone()).or_default().push(group.id.clone());
        }
    }
    for topic in view::hidden(cluster, vanished.keys().cloned().collect()).await {
        for id in vanished.get(&topic).into_iter().flatten() {
            let detail = format!(
                "had committed offsets of topic {topic} in the last snapshot; they are not shown now: this client needs \
                 Describe on topic {topic}"
            );
            captured.incomplete.push(Incomplete::new(IncompleteKind::Group, id.to_string(), detail));
        }
    }
}

async fn read_offsets(cluster: &Cluster, listed: Vec<ListedGroup>, captured: &mut Captured) {
    let (shares, listed): (Vec<_>, Vec<_>) = listed.into_iter().partition(|group| group.kind() == GroupType::Share);
    captured.incomplete.extend(shares.into_iter().map(|group| {
        Incomplete::new(
            IncompleteKind::Group,
            group.id.to_string(),
            "is a share group: its positions are not committed offsets and are not backed up".to_owned(),
        )
    }));
    let ids: Vec<GroupId> = listed.iter().map(|group| group.id.clone()).collect();
    let mut answers = cluster.fetch_groups(&ids).await;
    answers.sort_by(|a, b| a.0.cmp(&b.0));
    for group in listed {
        let found = answers.binary_search_by(|(id, _)| id.cmp(&group.id)).ok().map(|at| &answers[at].1);
        match found {
            Some(Ok(offsets)) => {
                captured.incomplete.extend(refused(&group.id, offsets));
                captured.groups.push(state(group, offsets));
            }
            Some(Err(error)) => captured.incomplete.push(unread(&group.id, &error.to_string())),
            None => captured.incomplete.push(unread(&group.id, "its coordinator did not answer for it")),
        }
    }
}

fn refused(id: &GroupId, read: &GroupOffsets) -> Vec<Incomplete> {
    let refused = read.refused.iter().map(|(at, code)| {
        Incomplete::new(
            IncompleteKind::Group,
            id.to_string(),
            format!("its committed offset for {at} could not be read: {code}"),
        )
    });
    refused.collect()
}

fn unread(id: &GroupId, cause: &str) -> Incomplete {
    Incomplete::new(IncompleteKind::Group, id.to_string(), format!("its committed offsets could not be read: {cause}"))
}

fn state(group: ListedGroup, read: &GroupOffsets) -> GroupState {
    let mut offsets: Vec<GroupOffset> = read
        .offsets
        .iter()
        .filter(|(_, committed)| committed.offset >= 0)
        .map(|(at, committed)| GroupOffset {
            topic: at.topic.clone(),
            partition: at.partition,
            committed: committed.clone(),
        })
        .collect();
    offsets.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
    GroupState {
        group_type: group.kind(),
        id: group.id,
        protocol_type: group.protocol_type,
        state: group.state,
        unstable: read.unstable,
        offsets,
    }
}
