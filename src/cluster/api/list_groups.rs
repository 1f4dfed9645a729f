//! `ListGroups` v0 to v5: every broker names the groups it coordinates.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use kafka_protocol::messages as m;

use super::coordinators_ready::{Ready, leaders};
use super::judge;
use crate::cluster::join::join_all;
use crate::cluster::{Cluster, ClusterError, GroupListing, Leaders, ListedGroup, Subject};
use crate::model::{Classify, GroupId};
use crate::retry::{Attempt, retry};

const API: &str = "ListGroups";
/// Rounds over all brokers that may disagree, and tries with coordinators that move, before the view is called partial.
const ROUNDS: usize = 5;

/// Pause between rounds where coordinators cannot be asked whether they know their groups yet.
const SETTLE: Duration = Duration::from_millis(500);

impl Cluster {
    /// All groups. A coordinator that has just moved may hide its groups: so all are asked first whether they know them,
    /// and it counts only if none has moved until all have listed theirs.
    pub async fn list_groups(&self) -> GroupListing {
        let deadline = Instant::now() + self.options().retry.budget;
        let mut tries = 0;
        loop {
            tries += 1;
            let before = self.offsets_leaders().await;
            let ready = match &before {
                Some(leaders) => self.coordinators_ready(leaders).await,
                None => Ready::Untold,
            };
            let listing = self.list_until_settled(deadline, ready).await;
            let listing = GroupListing { coordinators: before, ..listing };
            let still = ready != Ready::No && !self.coordinators_moved(&listing).await;
            if still || !listing.whole || tries == ROUNDS || Instant::now() >= deadline {
                return GroupListing { whole: listing.whole && still, ..listing };
            }
        }
    }

    /// Whether a coordinator moved since the groups were listed: what was read of them since may be older than what they
    /// had committed, as a new coordinator knows no more at first than is below its high watermark.
    pub async fn coordinators_moved(&self, since: &GroupListing) -> bool {
        // The leaders are asked themselves: what other brokers say of them may be out of date.
        let answered = match &since.coordinators {
            Some(leaders) => self.all_committed(leaders).await,
            None => Ready::Untold,
        };
        answered == Ready::No || since.coordinators != self.offsets_leaders().await
    }

    async fn offsets_leaders(&self) -> Option<Leaders> {
        let current = self.current();
        leaders(self.refresh(&current).await.as_ref().unwrap_or(&current))
    }

    /// Asks every broker for its groups: once where the coordinators said that they know theirs, else round after round
    /// until two in a row agree. A broker that does not answer may be about to be known as dead: it is waited for as long
    /// as for anything else.
    async fn list_until_settled(&self, deadline: Instant, ready: Ready) -> GroupListing {
        let pause = if ready == Ready::Yes { Duration::ZERO } else { SETTLE };
        let mut last = self.list_round().await;
        let mut rounds = 1;
        while !(ready == Ready::Yes && last.unanswered.is_empty()) {
            tokio::time::sleep(pause).await;
            let next = self.list_round().await;
            let whole = next.unanswered.is_empty() && last.unanswered.is_empty() && ids(&next) == ids(&last);
            let missing = !next.unanswered.is_empty() && !last.unanswered.is_empty();
            let may_come = next.unanswered.iter().all(|(_, error)| error.class().is_retriable());
            last = GroupListing { whole, ..next };
            rounds += usize::from(!missing);
            let over = if missing { !may_come || Instant::now() >= deadline } else { rounds >= ROUNDS };
            if whole || over {
                return last;
            }
        }
        GroupListing { whole: true, ..last }
    }

    async fn list_round(&self) -> GroupListing {
        let current = self.current();
        let metadata = self.refresh(&current).await.unwrap_or(current);
        let nodes: Vec<i32> = metadata.brokers.keys().copied().collect();
        let answers = join_all(nodes.iter().map(|node| self.list_groups_of(*node)).collect()).await;
        let mut listing = GroupListing::default();
        let mut groups = BTreeMap::new();
        for (node, answer) in nodes.into_iter().zip(answers) {
            match answer {
                Ok(found) => groups.extend(found.into_iter().map(|group| (group.id.clone(), group))),
                Err(error) => listing.unanswered.push((node, error)),
            }
        }
        listing.groups = groups.into_values().collect();
        listing
    }

    async fn list_groups_of(&self, node: i32) -> Result<Vec<ListedGroup>, ClusterError> {
        let policy = self.options().retry;
        let policy = policy.within(policy.budget.min(self.patience()));
        retry(policy, |_: Attempt| self.list_groups_once(node)).await
    }

    async fn list_groups_once(&self, node: i32) -> Result<Vec<ListedGroup>, ClusterError> {
        let answer = self.ask(node, &m::ListGroupsRequest::default()).await?;
        judge(API, answer.error_code, || Subject::Node(node), None)?;
        let read = |group: &m::list_groups_response::ListedGroup| ListedGroup {
            id: GroupId::new(group.group_id.as_str()),
            protocol_type: group.protocol_type.to_string(),
            state: group.group_state.to_string(),
            group_type: group.group_type.to_string(),
        };
        Ok(answer.groups.iter().map(read).collect())
    }
}

fn ids(listing: &GroupListing) -> BTreeSet<&GroupId> {
    listing.groups.iter().map(|group| &group.id).collect()
}
