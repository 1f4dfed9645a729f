//! Transactions that have been open for so long that nobody is going to end them: they hold back the last stable
//! offset, and with it every backup that ends there.
//!
//! How long a transaction has been open is told by its coordinator, which aborts it when its timeout is over. One that
//! no coordinator knows is ended by nobody: the time of its last batch tells, as in Kafka's `kafka-transactions.sh
//! find-hanging`. Whatever brokers tell, a last stable offset that stands where the last snapshot saw it held back has
//! been held back since then.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use super::error::BackupError;
use super::fences::Bounds;
use super::history::History;
use super::options::{BackupOptions, FenceAt};
use super::plan::PlannedTopic;
use super::report::Note;
use crate::cluster::{ActiveProducer, Cluster, OffsetSpec, TransactionDescription};
use crate::model::{Timestamp, TopicPartition};
use crate::repository::format::{Incomplete, IncompleteKind};

/// What was found, by what it means for the snapshot.
#[derive(Debug, Default)]
pub(super) struct Hanging {
    /// The snapshot ends before them.
    pub incomplete: Vec<Incomplete>,
    /// The snapshot ends at the high watermark, and holds what they wrote so far.
    pub notes: Vec<Note>,
}

/// A partition with an open transaction at its last stable offset.
#[derive(Debug)]
struct Held {
    at: TopicPartition,
    bounds: Bounds,
    /// It was held back there already when the last snapshot was taken.
    known_since: Option<Timestamp>,
    producer: Option<ActiveProducer>,
    transaction: Option<(String, TransactionDescription)>,
}

/// Looks for them. Costs nothing where no transaction is open, else three requests a broker.
pub(super) async fn find(
    cluster: &Cluster,
    topics: &[PlannedTopic],
    history: &History,
    options: &BackupOptions,
    now: Timestamp,
) -> Result<Hanging, BackupError> {
    let mut held = held_back(topics, history);
    if held.is_empty() {
        return Ok(Hanging::default());
    }
    ask_leaders(cluster, &mut held).await;
    ask_coordinators(cluster, &mut held).await;
    let limit = i64::try_from(options.hanging_after.as_millis()).unwrap_or(i64::MAX);
    held.retain(|one| one.since().is_some_and(|since| now.0.saturating_sub(since.0) >= limit));
    still_there(cluster, &mut held).await?;
    Ok(told(&held, options.fence))
}

fn held_back(topics: &[PlannedTopic], history: &History) -> Vec<Held> {
    let mut held = Vec::new();
    for topic in topics {
        for partition in &topic.partitions {
            let Some(bounds) = partition.bounds.filter(|bounds| bounds.last_stable < bounds.high_watermark) else {
                continue;
            };
            let known_since = history.held_since(&topic.name, topic.id, partition.partition, bounds.last_stable);
            let at = TopicPartition::new(topic.name.clone(), partition.partition);
            held.push(Held { at, bounds, known_since, producer: None, transaction: None });
        }
    }
    held
}

/// Which producer's transaction begins at the last stable offset.
async fn ask_leaders(cluster: &Cluster, held: &mut [Held]) {
    if !cluster.features().describe_producers {
        return;
    }
    let partitions: Vec<TopicPartition> = held.iter().map(|one| one.at.clone()).collect();
    let answers: BTreeMap<_, _> = cluster.describe_producers(&partitions).await.into_iter().collect();
    for one in held {
        match answers.get(&one.at) {
            Some(Ok(producers)) => {
                let first = one.bounds.last_stable;
                one.producer = producers.iter().find(|producer| producer.transaction_start == first).copied();
            }
            Some(Err(error)) => tracing::debug!(partition = %one.at, %error, "its producers are not known"),
            None => {}
        }
    }
}

/// What the transactions' coordinators say of those producers. Brokers before 3.0 say nothing.
async fn ask_coordinators(cluster: &Cluster, held: &mut [Held]) {
    let mut producers: Vec<i64> = held.iter().filter_map(|one| Some(one.producer?.producer_id)).collect();
    producers.sort_unstable();
    producers.dedup();
    if producers.is_empty() {
        return;
    }
    let mut found: HashMap<i64, (String, TransactionDescription)> = HashMap::new();
    for (node, listed) in cluster.list_transactions(&producers).await {
        let listed = match listed {
            Ok(listed) => listed,
            Err(error) => {
                tracing::debug!(node_id = node, %error, "its transactions are not known");
                continue;
            }
        };
        let ids: Vec<String> = listed.into_iter().map(|one| one.transactional_id).collect();
        if ids.is_empty() {
            continue;
        }
        for (id, described) in cluster.describe_transactions(node, &ids).await {
            let Ok(described) = described else { continue };
            found.insert(described.producer_id, (id, described));
        }
    }
    for one in held {
        let of = one.producer.and_then(|producer| found.get(&producer.producer_id));
        // Its coordinator may have forgotten this one and be on with another.
        one.transaction = of.filter(|(_, described)| described.partitions.contains(&one.at)).cloned();
    }
}

/// A transaction that has ended while it was asked about holds nothing back.
async fn still_there(cluster: &Cluster, held: &mut Vec<Held>) -> Result<(), BackupError> {
    if held.is_empty() {
        return Ok(());
    }
    let partitions: Vec<TopicPartition> = held.iter().map(|one| one.at.clone()).collect();
    let answers = cluster.list_offsets(&partitions, OffsetSpec::LastStable).await?;
    let answers: BTreeMap<_, _> =
        answers.into_iter().filter_map(|(at, found)| Some((at, found.ok()?.offset))).collect();
    held.retain(|one| answers.get(&one.at).is_none_or(|now| *now == one.bounds.last_stable));
    Ok(())
}

fn told(held: &[Held], fence: FenceAt) -> Hanging {
    let mut hanging = Hanging::default();
    for one in held {
        let (subject, what) = (one.at.to_string(), one.describe());
        match fence {
            FenceAt::LastStable => {
                let Bounds { last_stable, high_watermark, .. } = one.bounds;
                let detail = format!(
                    "{what}; {} offsets behind it, up to {high_watermark}, are not in this snapshot",
                    high_watermark - last_stable
                );
                hanging.incomplete.push(Incomplete::new(IncompleteKind::HangingTransaction, subject, detail));
            }
            FenceAt::HighWatermark => hanging.notes.push(Note {
                subject,
                detail: format!("{what}; what it wrote is stored, and not restored as long as it has not ended"),
            }),
        }
    }
    hanging
}

impl Held {
    /// Since when the transaction has been open at least.
    fn since(&self) -> Option<Timestamp> {
        let told = match (&self.transaction, &self.producer) {
            (Some((_, described)), _) if described.started.0 >= 0 => Some(described.started),
            (None, Some(producer)) if producer.last_timestamp.0 >= 0 => Some(producer.last_timestamp),
            _ => None,
        };
        [told, self.known_since].into_iter().flatten().min()
    }

    /// `a transaction is open from offset 7 on since ..., of producer 4000 (transactional id "pay", Ongoing)`.
    fn describe(&self) -> String {
        let mut text = format!("a transaction is open from offset {} on", self.bounds.last_stable);
        if let Some(since) = self.since() {
            let _ = write!(text, " since {since} or longer");
        }
        if let Some(producer) = &self.producer {
            let _ = write!(text, ", of producer {}", producer.producer_id);
            let _ = match &self.transaction {
                Some((id, described)) => write!(
                    text,
                    " (transactional id {id:?}, {}, its timeout is {} s)",
                    described.state,
                    described.timeout_ms / 1000
                ),
                None => write!(text, " (no coordinator knows it)"),
            };
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TopicName;

    fn held() -> Held {
        Held {
            at: TopicPartition::new(TopicName::new("orders").unwrap(), 0),
            bounds: Bounds::new(0, 7, 20, FenceAt::LastStable),
            known_since: None,
            producer: None,
            transaction: None,
        }
    }

    fn producer() -> ActiveProducer {
        ActiveProducer {
            producer_id: 4000,
            producer_epoch: 0,
            last_sequence: 3,
            last_timestamp: Timestamp(50),
            coordinator_epoch: 1,
            transaction_start: 7,
        }
    }

    fn transaction(started: i64) -> (String, TransactionDescription) {
        let described = TransactionDescription {
            state: "Ongoing".to_owned(),
            timeout_ms: 60_000,
            started: Timestamp(started),
            producer_id: 4000,
            producer_epoch: 0,
            partitions: Vec::new(),
        };
        ("pay".to_owned(), described)
    }

    #[test]
    fn the_coordinator_knows_best_since_when_a_transaction_is_open() {
        assert_eq!(held().since(), None, "nothing is known, nothing is said");
        let orphan = Held { producer: Some(producer()), ..held() };
        assert_eq!(orphan.since(), Some(Timestamp(50)));
        assert!(orphan.describe().contains("of producer 4000 (no coordinator knows it)"), "{}", orphan.describe());
        // Records may carry times of long ago; the transaction is young all the same.
        let young = Held { transaction: Some(transaction(900)), ..orphan };
        assert_eq!(young.since(), Some(Timestamp(900)));
        assert!(young.describe().ends_with("(transactional id \"pay\", Ongoing, its timeout is 60 s)"));
        let known = Held { known_since: Some(Timestamp(600)), ..young };
        assert_eq!(known.since(), Some(Timestamp(600)), "the last snapshot saw it already");
    }

    #[test]
    fn what_it_means_depends_on_where_the_snapshot_ends() {
        let one = [Held { known_since: Some(Timestamp(0)), ..held() }];
        let before = told(&one, FenceAt::LastStable);
        assert!(before.incomplete[0].detail.ends_with("13 offsets behind it, up to 20, are not in this snapshot"));
        let past = told(&one, FenceAt::HighWatermark);
        assert_eq!((past.incomplete.len(), past.notes.len()), (0, 1));
    }
}
