//! What this client is shown. Brokers leave out what it may not see without a word; what can be told of that is told.

use crate::cluster::{Cluster, ClusterError, Operation, Operations, TopicRights};
use crate::model::TopicName;
use crate::repository::format::{Incomplete, IncompleteKind};

/// What this client may do with the cluster; brokers before 2.3 do not tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct View(Option<Operations>);

impl View {
    /// Asks the cluster.
    pub(super) async fn ask(cluster: &Cluster) -> Result<Self, ClusterError> {
        Ok(Self(cluster.cluster_operations().await?))
    }

    /// Whether DESCRIBE on the cluster is allowed, as far as brokers tell.
    pub(super) fn may_describe_cluster(self) -> bool {
        self.0.is_none_or(|operations| operations.allow(Operation::Describe))
    }

    /// Without DESCRIBE on the cluster, `ListGroups` shows the groups that may be described one by one.
    pub(super) fn of_groups(self) -> Option<Incomplete> {
        (!self.may_describe_cluster()).then(|| {
            Incomplete::new(
                IncompleteKind::PartialView,
                "consumer groups",
                "this client is shown only the groups that it may describe one by one, so that others may be missing: \
                 it needs Describe on the cluster",
            )
        })
    }

    /// Whether not one topic is shown to a client that may not do everything: then they may all be hidden from it.
    pub(super) fn of_topics(self, shown: usize) -> Option<Incomplete> {
        let all = [Operation::Alter, Operation::AlterConfigs, Operation::ClusterAction, Operation::Create];
        let restricted = all.iter().any(|one| self.0.is_some_and(|operations| !operations.allow(*one)));
        (shown == 0 && restricted).then(|| {
            Incomplete::new(
                IncompleteKind::PartialView,
                "topics",
                "the cluster shows this client not one topic: it has none, or the client needs Read on them",
            )
        })
    }
}

/// A group, or a pattern of groups, that was asked for and is not shown.
pub(super) fn unseen_group(pattern: &str) -> Incomplete {
    let detail = "is not shown to this client: it needs Describe on the group";
    Incomplete::new(IncompleteKind::Group, pattern, detail)
}

/// Those of the topics that are hidden from this client: whether they exist is not known.
pub(super) async fn hidden(cluster: &Cluster, topics: Vec<TopicName>) -> Vec<TopicName> {
    if topics.is_empty() {
        return Vec::new();
    }
    let answers = cluster.topic_rights(&topics).await;
    let hidden = |(name, answer): (TopicName, Result<TopicRights, ClusterError>)| match answer {
        Ok(rights) => rights.hidden.then_some(name),
        Err(error) => {
            tracing::debug!(topic = %name, %error, "whether it is hidden is not known");
            None
        }
    };
    answers.into_iter().filter_map(hidden).collect()
}
