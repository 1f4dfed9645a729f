//! What earlier attempts left: a restore that is done, one to go on with, or nothing.

use std::time::Duration;

use super::error::RestoreError;
use super::report::RestoreReport;
use super::state::State;
use crate::cluster::{Cluster, Metadata};
use crate::model::{TopicId, TopicName};
use crate::repository::format::{RestoreDone, RestoreKey, RestorePlanDocument, RestoreTopics};
use crate::repository::{Damage, RepositoryError, RestoreFolder, RestoreStates};

/// How long a broker may not know yet what is there.
const NOT_YET_KNOWN: Duration = Duration::from_secs(5);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(250);

/// What is left of earlier attempts at the same restore.
#[derive(Debug)]
pub(super) enum Former {
    /// Nothing that counts: a new restore begins.
    None,
    /// It is done, and what it made is there.
    Finished(Box<(RestoreFolder, RestoreDone)>),
    /// It was cut off.
    Unfinished(Box<State>),
}

/// Looks for what is left of the newest attempt.
pub(super) async fn find(cluster: &Cluster, states: &RestoreStates, key: &RestoreKey) -> Result<Former, RestoreError> {
    let Some(folder) = states.of(key)?.pop() else { return Ok(Former::None) };
    let (done, state) = (folder.done()?, State::open(folder.clone())?);
    let Some(topics) = state.topics.as_ref() else {
        // Not all of its topics were there yet. Those that are count as its own unless they were there before.
        return Ok(Former::Unfinished(Box::new(state)));
    };
    let missing = missing(cluster, topics).await?;
    match done {
        _ if !missing.is_empty() && missing.len() == topics.topics.len() => Ok(Former::None),
        _ if !missing.is_empty() => Err(partly(topics, &missing, folder.path())),
        Some(done) => Ok(Former::Finished(Box::new((folder, done)))),
        None => Ok(Former::Unfinished(Box::new(state))),
    }
}

/// What was reported when it was done.
pub(super) fn report(folder: &RestoreFolder, done: RestoreDone) -> Result<RestoreReport, RestoreError> {
    let damaged = |error: serde_json::Error| {
        RepositoryError::damaged(folder.path(), Damage::Json(format!("the report in done.json: {error}")))
    };
    let report: RestoreReport = serde_json::from_value(done.report).map_err(damaged)?;
    Ok(RestoreReport { was_finished: true, finished: done.finished, ..report })
}

/// Topics of a restore that are gone, or were made anew by somebody.
async fn missing(cluster: &Cluster, topics: &RestoreTopics) -> Result<Vec<TopicName>, RestoreError> {
    let mut metadata = cluster.metadata().await?;
    let begun = std::time::Instant::now();
    loop {
        let kept = topics.topics.iter().filter(|topic| !topic.again);
        let gone = kept.filter(|topic| !is_there(&metadata, &topic.target, topic.id));
        let gone: Vec<TopicName> = gone.map(|topic| topic.target.clone()).collect();
        // A broker that has just started may not know of all topics yet.
        if gone.is_empty() || begun.elapsed() >= NOT_YET_KNOWN {
            return Ok(gone);
        }
        tokio::time::sleep(PAUSE).await;
        metadata = cluster.refresh(&metadata).await?;
    }
}

fn is_there(metadata: &Metadata, name: &TopicName, id: TopicId) -> bool {
    let same = |found: TopicId| found == id || found == TopicId::ZERO || id == TopicId::ZERO;
    metadata.topics.get(name).is_some_and(|found| same(found.id))
}

fn partly(topics: &RestoreTopics, missing: &[TopicName], state: &str) -> RestoreError {
    let there = topics.topics.iter().map(|topic| &topic.target).filter(|name| !missing.contains(name));
    let list = |names: Vec<&TopicName>| names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    RestoreError::PartlyGone {
        state: state.to_owned(),
        gone: list(missing.iter().collect()),
        there: list(there.collect()),
    }
}

/// An unfinished restore into the same cluster that counts one of these topics as its own, if there is one: two restores
/// into one topic would take each other for a stranger.
pub(super) fn owner(
    states: &RestoreStates,
    key: &RestoreKey,
    metadata: &Metadata,
    targets: &[&TopicName],
) -> Result<Option<RestoreError>, RestoreError> {
    for folder in states.all()? {
        let plan = folder.plan()?;
        if plan.key.target_cluster_id != key.target_cluster_id || plan.key == *key || folder.done()?.is_some() {
            continue;
        }
        let topics = folder.topics()?;
        for name in targets {
            if owns(states, &plan, topics.as_ref(), metadata, name)? {
                return Ok(Some(RestoreError::Unfinished {
                    topic: (*name).clone(),
                    state: folder.path().to_owned(),
                    command: command(&plan),
                    started: plan.started,
                }));
            }
        }
    }
    Ok(None)
}

/// Whether a restore counts a topic as its own: it has made sure of it, or made it, or is about to.
fn owns(
    states: &RestoreStates,
    plan: &RestorePlanDocument,
    topics: Option<&RestoreTopics>,
    metadata: &Metadata,
    name: &TopicName,
) -> Result<bool, RestoreError> {
    if let Some(topics) = topics {
        let mine = topics.topics.iter().find(|topic| topic.target == *name);
        return Ok(mine.is_some_and(|topic| topic.again || is_there(metadata, name, topic.id)));
    }
    if !plan.targets.contains(name) {
        return Ok(false);
    }
    if metadata.topics.contains_key(name) && !plan.existed.contains(name) {
        return Ok(true);
    }
    // It has done nothing to the topic yet: what counts is whether it lives.
    match states.lock(&plan.key) {
        Ok(_free) => Ok(false),
        Err(RepositoryError::Locked { .. }) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// The flags that make a command the same restore.
pub(super) fn command(plan: &RestorePlanDocument) -> String {
    let key = &plan.key;
    let mut flags = vec![format!("--snapshot {}", plan.snapshot)];
    let lists = [
        ("--topics", &key.selection.topics),
        ("--exclude-topics", &key.selection.exclude_topics),
        ("--groups", &key.selection.groups),
        ("--exclude-groups", &key.selection.exclude_groups),
    ];
    for (flag, texts) in lists.into_iter().filter(|(_, texts)| !texts.is_empty()) {
        let quoted: Vec<String> = texts.iter().map(|text| format!("'{text}'")).collect();
        flags.push(format!("{flag} {}", quoted.join(" ")));
    }
    flags.extend(key.renames.iter().map(|rename| format!("--rename '{rename}'")));
    let times = [("--from", key.cut.from), ("--until", key.cut.until), ("--until-observed", key.cut.until_observed)];
    flags.extend(times.into_iter().filter_map(|(flag, time)| Some(format!("{flag} {}", time?))));
    if key.preserve_offsets {
        flags.push("--preserve-offsets".to_owned());
    }
    flags.join(" ")
}

#[cfg(test)]
mod tests {
    use crate::repository::testing::{restore_key, restore_plan};
    use std::collections::BTreeMap;
    use std::time::Instant;

    use super::*;
    use crate::cluster::TopicMeta;
    use crate::model::{Selection, Timestamp};
    use crate::repository::format::{RestoreCut, TargetTopic};

    const ID: TopicId = TopicId([7; 16]);

    fn name(text: &str) -> TopicName {
        TopicName::new(text).unwrap()
    }

    fn metadata(topics: &[(&str, TopicId)]) -> Metadata {
        let meta = |id| TopicMeta { id, internal: false, error: None, partitions: BTreeMap::new() };
        Metadata {
            generation: 1,
            read_at: Instant::now(),
            cluster_id: "cluster-b".to_owned(),
            controller: 1,
            brokers: BTreeMap::new(),
            topics: topics.iter().map(|(text, id)| (name(text), meta(*id))).collect(),
        }
    }

    fn key(topics: &str) -> RestoreKey {
        RestoreKey {
            selection: Selection { topics: vec![topics.to_owned()], ..Selection::default() },
            renames: vec!["orders=old".to_owned()],
            cut: RestoreCut { until: Some(Timestamp(0)), ..RestoreCut::default() },
            ..restore_key("6f1c")
        }
    }

    fn plan(key: RestoreKey, existed: &[&str]) -> RestorePlanDocument {
        RestorePlanDocument {
            targets: vec![name("old")],
            existed: existed.iter().map(|text| name(text)).collect(),
            ..restore_plan(key, 42)
        }
    }

    fn owned(states: &RestoreStates, metadata: &Metadata) -> bool {
        owner(states, &key("or*"), metadata, &[&name("old"), &name("new")]).unwrap().is_some()
    }

    #[test]
    fn the_way_on_is_named() {
        let command = command(&plan(key("orders"), &[]));
        let expected = "--snapshot 42 --topics 'orders' --rename 'orders=old' --until 1970-01-01T00:00:00";
        assert!(command.starts_with(expected), "{command}");
    }

    #[test]
    fn a_plan_alone_owns_what_it_made_and_what_it_is_about_to_make() {
        let folder = tempfile::tempdir().unwrap();
        let states = RestoreStates::in_folder(folder.path());
        states.begin(&key("orders")).unwrap().begin(&plan(key("orders"), &[])).unwrap();
        assert!(!owned(&states, &metadata(&[])), "a dead owner blocks nobody");
        assert!(owned(&states, &metadata(&[("old", ID)])), "it made the topic");
        assert!(!owned(&states, &metadata(&[("new", ID)])));
        let living = states.lock(&key("orders")).unwrap();
        assert!(owned(&states, &metadata(&[])), "it is about to make the topic");
        drop(living);
        states.begin(&key("or*")).unwrap().begin(&plan(key("or*"), &[])).unwrap();
        assert!(!owned(&states, &metadata(&[])), "its own plan is no hindrance");
    }

    #[test]
    fn a_topic_that_was_there_before_is_owned_once_it_is_written_down_until_it_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let states = RestoreStates::in_folder(folder.path());
        let other = states.begin(&key("orders")).unwrap();
        other.begin(&plan(key("orders"), &["old"])).unwrap();
        assert!(!owned(&states, &metadata(&[("old", ID)])));
        let topic = TargetTopic {
            source: name("orders"),
            target: name("old"),
            id: ID,
            created: false,
            again: false,
            partitions: Vec::new(),
        };
        other.put_topics(&RestoreTopics { topics: vec![topic], translated: Vec::new() }).unwrap();
        assert!(owned(&states, &metadata(&[("old", ID)])));
        assert!(owned(&states, &metadata(&[("old", TopicId::ZERO)])), "brokers without ids cannot tell");
        assert!(!owned(&states, &metadata(&[("old", TopicId([8; 16]))])), "it was made anew by somebody");
        let done = RestoreDone { finished: Timestamp(2), held: Vec::new(), report: serde_json::Value::Null };
        other.finish(&done).unwrap();
        assert!(!owned(&states, &metadata(&[("old", ID)])));
    }
}
