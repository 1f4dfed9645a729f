//! What this client lacks of what it needs, by name. The brokers are asked what they allow (KIP-430); nothing is tried out,
//! but for reading a broker's settings and for a creation of topics that is only checked.

use std::collections::{BTreeMap, BTreeSet};

use super::CheckOptions;
use super::needs::{Brokers, Need, On, USES, Use, needs};
use super::report::{Right, UseRights};
use super::repository::Saved;
use crate::backup::Chooser;
use crate::cluster::{Cluster, ClusterError, ErrorCode, Features, NewTopic, Operation, Operations, TopicRights};
use crate::model::{GroupId, OFFSETS_TOPIC, TopicName};

/// What Kafka's tools call the only resource of its kind.
const CLUSTER_NAME: &str = "kafka-cluster";

/// Whether something is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Allowed,
    Missing,
    Unknown,
}

/// What the brokers told.
#[derive(Debug, Default)]
struct Told {
    cluster: ClusterRights,
    topics: BTreeMap<TopicName, TopicRights>,
    /// Topics that may be created, where only trying tells.
    creatable: BTreeMap<TopicName, bool>,
    /// `None` where they do not tell; an empty set where the group is hidden.
    groups: BTreeMap<GroupId, Option<Operations>>,
    hidden_groups: BTreeSet<GroupId>,
    /// What the brokers offer: it tells which rights they ask for.
    features: Features,
}

#[derive(Debug, Clone, Copy, Default)]
struct ClusterRights {
    operations: Option<Operations>,
    /// Found out by reading a broker's settings.
    describe_configs: Option<bool>,
}

/// Asks, and compares with what is needed for each use.
pub(super) async fn look(
    cluster: &Cluster,
    chooser: &Chooser,
    saved: &Saved,
    options: &CheckOptions,
) -> Result<Vec<UseRights>, ClusterError> {
    let metadata = cluster.metadata().await?;
    let visible = metadata.topics.iter().filter(|(name, meta)| chooser.takes(name, meta)).map(|(name, _)| name);
    let visible: BTreeSet<TopicName> = visible.cloned().collect();
    let in_snapshot = saved.topics.keys().filter(|name| chooser.takes_topic(name.as_str(), false));
    let in_snapshot: BTreeSet<TopicName> = in_snapshot.cloned().collect();
    let topics: Vec<TopicName> = visible.union(&in_snapshot).cloned().collect();

    let listing = cluster.list_groups().await;
    let listed: BTreeSet<GroupId> = listing.groups.iter().map(|group| group.id.clone()).collect();
    // Without the topic, asking for a coordinator would create it.
    let may_ask = !listed.is_empty() || metadata.topics.keys().any(|name| name.as_str() == OFFSETS_TOPIC);
    let groups: BTreeSet<GroupId> = listed.into_iter().chain(saved.groups.iter().cloned()).collect();
    let groups: Vec<GroupId> = groups.into_iter().filter(|id| chooser.takes_group(id.as_str())).collect();

    let mut told = Told { features: cluster.features(), ..Told::default() };
    told.cluster = ask_cluster(cluster).await?;
    told.ask_topics(cluster, &topics).await?;
    if may_ask {
        told.ask_groups(cluster, &groups).await;
    }
    // What is gone from the cluster needs no right to be backed up; what a restore would make needs them.
    let there = |name: &&TopicName| told.topics.get(name).is_none_or(|one| one.exists || one.hidden);
    let backed_up: Vec<&TopicName> = topics.iter().filter(there).collect();
    let restored: Vec<&TopicName> =
        topics.iter().filter(|name| saved.topics.is_empty() || in_snapshot.contains(*name)).collect();
    let of = |use_of: Use| {
        let topics = if use_of == Use::Backup { &backed_up } else { &restored };
        told.compare(use_of, options.uses.contains(&use_of), topics, &groups)
    };
    Ok(USES.into_iter().map(of).collect())
}

async fn ask_cluster(cluster: &Cluster) -> Result<ClusterRights, ClusterError> {
    let operations = cluster.cluster_operations().await?;
    let Some(node) = cluster.metadata().await?.brokers.keys().next().copied() else {
        return Ok(ClusterRights { operations, describe_configs: None });
    };
    let describe_configs = match cluster.describe_broker_configs(node).await {
        Ok(_) => Some(true),
        Err(error) if error.code() == Some(ErrorCode::CLUSTER_AUTHORIZATION_FAILED) => Some(false),
        Err(_) => None,
    };
    Ok(ClusterRights { operations, describe_configs })
}

impl ClusterRights {
    fn answer(self, operation: Operation) -> Answer {
        if operation == Operation::DescribeConfigs
            && let Some(allowed) = self.describe_configs
        {
            return allowed_or_missing(allowed);
        }
        match self.operations {
            Some(operations) if operations.allow(operation) => Answer::Allowed,
            Some(operations) if operations.allow(Operation::Describe) => Answer::Missing,
            // Only who may describe the cluster is told more. Describe itself follows from Alter.
            Some(_) if matches!(operation, Operation::Describe | Operation::Alter) => Answer::Missing,
            // Or brokers tell nobody.
            _ => Answer::Unknown,
        }
    }
}

fn allowed_or_missing(allowed: bool) -> Answer {
    if allowed { Answer::Allowed } else { Answer::Missing }
}

impl Told {
    async fn ask_topics(&mut self, cluster: &Cluster, topics: &[TopicName]) -> Result<(), ClusterError> {
        for (name, answer) in cluster.topic_rights(topics).await {
            self.topics.insert(name, answer?);
        }
        if self.cluster.answer(Operation::Create) != Answer::Unknown {
            return Ok(());
        }
        // Whether the cluster allows what the topic does not is only told by trying.
        let absent = self.topics.iter().filter(|(_, rights)| !rights.exists && !may(rights, Operation::Create));
        let replicas = if cluster.features().create_defaults { -1 } else { 1 };
        let new = |name: &TopicName| NewTopic {
            name: name.clone(),
            partitions: 1,
            replication_factor: replicas,
            configs: Vec::new(),
        };
        let wanted: Vec<NewTopic> = absent.map(|(name, _)| new(name)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let refused = [ErrorCode::TOPIC_AUTHORIZATION_FAILED, ErrorCode::CLUSTER_AUTHORIZATION_FAILED];
        for (name, answer) in cluster.create_topics(wanted, true).await {
            match answer {
                Err(error) if error.code().is_some_and(|code| refused.contains(&code)) => {
                    self.creatable.insert(name, false);
                }
                Ok(_) => {
                    self.creatable.insert(name, true);
                }
                Err(error) if error.code().is_some() => {
                    self.creatable.insert(name, true);
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    async fn ask_groups(&mut self, cluster: &Cluster, groups: &[GroupId]) {
        for (id, answer) in cluster.group_operations(groups).await {
            match answer {
                Ok(operations) => {
                    self.groups.insert(id, operations);
                }
                Err(error) if error.code() == Some(ErrorCode::GROUP_AUTHORIZATION_FAILED) => {
                    self.hidden_groups.insert(id);
                }
                // Its coordinator does not answer, or not to this.
                Err(error) => {
                    tracing::debug!(group = id.as_str(), %error, "its rights are not known");
                    self.groups.insert(id, None);
                }
            }
        }
    }

    fn compare(&self, use_of: Use, counts: bool, topics: &[&TopicName], groups: &[GroupId]) -> UseRights {
        let (topic_count, group_count) = (topics.len(), groups.len());
        let mut rights = UseRights {
            use_of,
            counts,
            topics: topic_count,
            groups: group_count,
            missing: Vec::new(),
            unknown: Vec::new(),
        };
        for need in needs(use_of).filter(|need| self.is_asked_for(need)) {
            match need.on {
                On::Cluster => rights.add(need, CLUSTER_NAME, best(need, |one| self.cluster.answer(one))),
                On::Topic => {
                    for name in topics {
                        rights.add(need, name.as_str(), best(need, |one| self.topic(name, need, one)));
                    }
                }
                On::Group => {
                    for id in groups {
                        rights.add(need, id.as_str(), best(need, |one| self.group(id, one)));
                    }
                }
            }
        }
        rights
    }

    fn is_asked_for(&self, need: &Need) -> bool {
        match need.brokers {
            Brokers::All => true,
            Brokers::Before2_8 => !self.features.describe_producers,
            Brokers::Since3_8 => self.features.group_configs,
        }
    }

    fn topic(&self, name: &TopicName, need: &Need, operation: Operation) -> Answer {
        let Some(rights) = self.topics.get(name) else { return Answer::Unknown };
        if may(rights, operation) {
            return Answer::Allowed;
        }
        if need.or_on_cluster {
            match self.cluster.answer(operation) {
                Answer::Missing => {}
                Answer::Allowed => return Answer::Allowed,
                Answer::Unknown => {
                    let tried = self.creatable.get(name).copied();
                    // A topic that is there need not be created.
                    return if rights.exists {
                        Answer::Allowed
                    } else {
                        tried.map_or(Answer::Unknown, allowed_or_missing)
                    };
                }
            }
        }
        match (rights.operations, rights.hidden) {
            (Some(_), _) => Answer::Missing,
            // A topic that may be read, written, deleted or altered is not hidden.
            (None, true)
                if !matches!(operation, Operation::DescribeConfigs | Operation::AlterConfigs | Operation::Create) =>
            {
                Answer::Missing
            }
            (None, _) => Answer::Unknown,
        }
    }

    fn group(&self, id: &GroupId, operation: Operation) -> Answer {
        if self.hidden_groups.contains(id) {
            // A group that may be read is not hidden.
            let shows = matches!(operation, Operation::Read | Operation::Describe | Operation::Delete);
            return if shows { Answer::Missing } else { Answer::Unknown };
        }
        match self.groups.get(id).copied().flatten() {
            Some(operations) => allowed_or_missing(operations.allow(operation)),
            None => Answer::Unknown,
        }
    }
}

/// The best answer for any of the operations.
fn best(need: &Need, answer: impl Fn(Operation) -> Answer) -> Answer {
    let answers: Vec<Answer> = need.any_of.iter().map(|one| answer(*one)).collect();
    [Answer::Allowed, Answer::Unknown].into_iter().find(|one| answers.contains(one)).unwrap_or(Answer::Missing)
}

fn may(rights: &TopicRights, operation: Operation) -> bool {
    rights.operations.is_some_and(|operations| operations.allow(operation))
}

impl UseRights {
    fn add(&mut self, need: &Need, name: &str, answer: Answer) {
        let right = || Right {
            on: need.on,
            name: name.to_owned(),
            operation: need.operations(),
            level: need.level,
            why: need.why,
        };
        match answer {
            Answer::Allowed => {}
            Answer::Missing => self.missing.push(right()),
            Answer::Unknown => self.unknown.push(right()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(operations: &[Operation]) -> Option<Operations> {
        Operations::of_bits(operations.iter().fold(0, |bits, one| bits | 1 << *one as i32))
    }

    fn told(cluster: &[Operation], topic: TopicRights) -> Told {
        let cluster = ClusterRights { operations: bits(cluster), describe_configs: Some(true) };
        Told {
            cluster,
            topics: BTreeMap::from([(TopicName::new("orders").unwrap(), topic)]),
            features: Features { describe_producers: true, ..Features::default() },
            ..Told::default()
        }
    }

    fn missing(told: &Told, use_of: Use) -> Vec<(On, String)> {
        let orders = TopicName::new("orders").unwrap();
        let rights = told.compare(use_of, true, &[&orders], &[]);
        rights.missing.into_iter().map(|right| (right.on, right.operation)).collect()
    }

    #[test]
    fn a_hidden_topic_lacks_what_would_show_it() {
        let hidden = TopicRights { exists: false, hidden: true, operations: None };
        let lacking = missing(&told(&[Operation::Describe], hidden), Use::Backup);
        assert_eq!(lacking, [(On::Topic, "Read".to_owned())]);
    }

    #[test]
    fn creating_is_allowed_by_the_topic_or_by_the_cluster() {
        let all = [
            Operation::Describe,
            Operation::Write,
            Operation::Read,
            Operation::AlterConfigs,
            Operation::DescribeConfigs,
        ];
        let absent = TopicRights { exists: false, hidden: false, operations: bits(&all) };
        assert_eq!(missing(&told(&[Operation::Describe], absent), Use::Restore), [(On::Topic, "Create".to_owned())]);
        let by_cluster = told(&[Operation::Describe, Operation::Create], absent);
        assert!(missing(&by_cluster, Use::Restore).is_empty());
    }

    #[test]
    fn who_may_not_describe_the_cluster_is_told_nothing_else() {
        let rights = ClusterRights { operations: Operations::of_bits(0), describe_configs: None };
        assert_eq!(rights.answer(Operation::Describe), Answer::Missing);
        assert_eq!(rights.answer(Operation::Alter), Answer::Missing);
        assert_eq!(rights.answer(Operation::ClusterAction), Answer::Unknown);
        assert_eq!(rights.answer(Operation::DescribeConfigs), Answer::Unknown);
    }
}
