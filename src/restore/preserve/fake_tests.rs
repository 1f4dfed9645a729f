//! Filling, marking and beginning again in an in-memory cluster that fails as it is told.

use std::time::{Duration, Instant};

use protocol_tests::fake::{Action, Batch, Fake, FakeSpec, Fault, Record, code, key};

use super::preserver::{Filled, Patience};
use super::{Preserver, Producers, begin_again, mark};
use crate::cluster::{Cluster, ClusterError, ClusterOptions, NewTopic};
use crate::model::{OffsetRange, TopicId, TopicName, TopicPartition};
use crate::repository::format::{RestoreTopics, TargetPartition, TargetTopic};
use crate::restore::error::RestoreError;

const OURS: Producers = Producers { data: 1, filler: 2, markers: 3 };
/// Far more than anything here takes.
const DEADLINE: Duration = Duration::from_secs(8);

/// A topic of two empty partitions, the first of which is to be filled.
struct Place {
    fake: Fake,
    cluster: Cluster,
    at: TopicPartition,
    id: TopicId,
}

impl Place {
    async fn new() -> Self {
        let fake = FakeSpec::new(1).seed(8).start().unwrap();
        fake.create_topic("orders", 2, &[]);
        let cluster = Cluster::connect(ClusterOptions::new([fake.bootstrap()])).await.unwrap();
        let at = TopicPartition::new(TopicName::new("orders").unwrap(), 0);
        let id = cluster.metadata().await.unwrap().topics[&at.topic].id;
        Self { fake, cluster, at, id }
    }

    /// With a fault.
    async fn with(fault: Fault) -> Self {
        let place = Self::new().await;
        place.fake.fault(fault);
        place
    }

    fn preserver(&self) -> Preserver {
        Preserver::new(&self.cluster, OURS, 1, Duration::from_millis(300))
    }

    async fn fill(&self, log_start: i64) -> Result<Filled, RestoreError> {
        let preserver = self.preserver();
        let filled = preserver.fill(&self.at, self.id, log_start);
        tokio::time::timeout(DEADLINE, filled).await.expect("it ends")
    }

    async fn mark(&self, base: i64, until: i64) -> Result<Filled, RestoreError> {
        let preserver = self.preserver();
        let filled = preserver.mark(&self.at, base, until, false);
        tokio::time::timeout(DEADLINE, filled).await.expect("it ends")
    }

    /// Records of somebody else.
    fn strangers(&self, count: i64) {
        let records = (0..count).map(|number| Record::new("k", "v", number)).collect();
        self.fake.produce("orders", 0, records);
    }

    fn requests(&self, api: i16) -> usize {
        self.fake.requests().iter().filter(|exchange| exchange.api == api).count()
    }

    /// Log start and log end.
    fn range(&self) -> (i64, i64) {
        let [start, _, _, end] = self.fake.bounds("orders", 0).unwrap();
        (start, end)
    }

    /// A record or more of somebody else, just before the first request of an API is carried out.
    fn strangers_before(&self, api: i16, count: i64, action: Action) {
        let mut left = true;
        self.fake.on_request_in(move |exchange, state| {
            if exchange.api != api || !std::mem::take(&mut left) {
                return None;
            }
            let release = state.release;
            let log = &mut state.partition_mut("orders", 0)?.log;
            let records = (0..count).map(|number| Record::new("k", "v", number)).collect();
            log.append(Batch::of(records).encode().ok()?, 0, release, -1)?;
            Some(action.clone())
        });
    }

    fn target(&self) -> TargetTopic {
        let (source, target) = (self.at.topic.clone(), self.at.topic.clone());
        let keep = OffsetRange { base: 25, next: 30 };
        let partition = |partition, preserved| TargetPartition { partition, keep, base: 25, preserved };
        let partitions = vec![partition(0, true), partition(1, false)];
        TargetTopic { source, target, id: self.id, created: true, again: true, partitions }
    }

    async fn begin_again(&self, topic: &mut TargetTopic) -> Result<(), RestoreError> {
        let name = self.at.topic.clone();
        let new = NewTopic {
            name,
            partitions: 2,
            replication_factor: 1,
            configs: vec![("retention.ms".to_owned(), "-1".to_owned())],
        };
        let begun = begin_again(&self.cluster, topic, new);
        tokio::time::timeout(DEADLINE, begun).await.expect("it ends")
    }
}

fn is_done(filled: &Result<Filled, RestoreError>) -> bool {
    matches!(filled, Ok(Filled::Done))
}

#[tokio::test]
async fn filling_takes_no_more_requests_than_batches() {
    let place = Place::new().await;
    let filled = place.fill(132_000).await;
    assert!(is_done(&filled), "{filled:?}");
    assert_eq!((place.range(), place.requests(key::PRODUCE)), ((132_000, 132_000), 2));
}

#[tokio::test]
async fn filling_ends_where_it_is_forbidden_and_goes_on_where_the_leader_forgot_the_sequence() {
    let place = Place::with(Fault::on(key::PRODUCE, 1, Action::Refuse(code::TOPIC_AUTHORIZATION_FAILED))).await;
    let refused = place.fill(2_500).await;
    assert!(matches!(refused, Err(RestoreError::CannotPreserve { .. })), "{refused:?}");
    let place = Place::with(Fault::on(key::PRODUCE, 1, Action::Refuse(code::OUT_OF_ORDER_SEQUENCE_NUMBER))).await;
    let filled = place.fill(2_500).await;
    assert!(is_done(&filled), "{filled:?}");
    assert_eq!(place.range(), (2_500, 2_500));
}

#[tokio::test]
async fn records_of_a_stranger_are_not_deleted_with_the_filler() {
    let place = Place::new().await;
    place.strangers_before(key::PRODUCE, 1, Action::Pass);
    let filled = place.fill(2_500).await;
    assert!(matches!(filled, Err(RestoreError::OutOfPlace { planned: 0, found: 1, .. })), "{filled:?}");
    assert_eq!(place.range().0, 0);

    let place = Place::new().await;
    place.strangers_before(key::PRODUCE, 3_000, Action::Refuse(code::NOT_LEADER_OR_FOLLOWER));
    let filled = place.fill(2_500).await;
    assert!(matches!(filled, Err(RestoreError::OutOfPlace { planned: 2_500, found: 3_000, .. })), "{filled:?}");
    assert_eq!(place.range().0, 0);
}

#[tokio::test]
async fn a_log_that_changes_while_filler_is_deleted_is_looked_at_again() {
    let place = Place::new().await;
    place.strangers_before(key::DELETE_RECORDS, 1, Action::Pass);
    let filled = place.fill(2_500).await;
    assert!(matches!(filled, Ok(Filled::FellBack(_))), "{filled:?}");
    assert_eq!(place.range(), (2_500, 2_501));
}

#[tokio::test]
async fn a_hole_at_offset_0_is_filled() {
    let place = Place::new().await;
    let filled = place.mark(0, 5).await;
    assert!(is_done(&filled), "{filled:?}");
    assert_eq!((place.range(), place.requests(key::WRITE_TXN_MARKERS)), ((0, 5), 3));
}

#[tokio::test]
async fn after_a_request_in_doubt_one_marker_is_asked_for() {
    let place = Place::with(Fault::on(key::WRITE_TXN_MARKERS, 1, Action::Cut)).await;
    let filled = place.mark(0, 10).await;
    assert!(is_done(&filled), "{filled:?}");
    // 8 that were lost, 1 that shuts them out, then 7, 1 and 1.
    assert_eq!((place.range(), place.requests(key::WRITE_TXN_MARKERS)), ((0, 10), 5));
}

#[tokio::test]
async fn a_last_marker_is_not_written_twice() {
    let place = Place::with(Fault::on(key::WRITE_TXN_MARKERS, 1, Action::Lose)).await;
    let filled = place.mark(0, 1).await;
    assert!(is_done(&filled), "{filled:?}");
    assert_eq!((place.range(), place.requests(key::WRITE_TXN_MARKERS)), ((0, 1), 1));

    // The request lands long after its connection is gone.
    let place = Place::with(Fault::on(key::WRITE_TXN_MARKERS, 1, Action::Cut)).await;
    place.strangers(5);
    let late = async {
        tokio::time::sleep(Duration::from_millis(900)).await;
        place.fake.append("orders", 0, &Batch::marker(OURS.markers, 0, false, 0, 0));
    };
    let began = Instant::now();
    let (filled, ()) = tokio::join!(place.mark(5, 6), late);
    assert!(is_done(&filled), "{filled:?}");
    assert_eq!((place.range(), place.requests(key::WRITE_TXN_MARKERS)), ((0, 6), 1));
    assert!(began.elapsed() < Duration::from_secs(5), "a full hole is not watched");
}

#[tokio::test]
async fn patience_ends_without_progress_and_begins_anew_with_it() {
    let refused = Action::Refuse(code::NOT_LEADER_OR_FOLLOWER);
    let place = Place::with(Fault::on(key::WRITE_TXN_MARKERS, 1, refused).times(usize::MAX)).await;
    let failed = place.mark(0, 3).await;
    assert!(matches!(failed, Err(RestoreError::Partition { .. })), "{failed:?}");

    let limit = Duration::from_millis(300);
    let error = ClusterError::NoLeader(place.at.clone());
    let mut patience = Patience::new(&place.at, limit);
    tokio::time::sleep(limit).await;
    patience.progress();
    patience.pause(&place.cluster, 0, &error).await.unwrap();
    tokio::time::sleep(limit).await;
    assert!(patience.pause(&place.cluster, 0, &error).await.is_err());
}

#[tokio::test]
async fn a_topic_into_which_others_wrote_is_not_begun_again() {
    let place = Place::new().await;
    let ours = |producer_id| Batch {
        producer_id,
        producer_epoch: 0,
        sequence: 0,
        ..Batch::of(vec![Record::new("k", "v", 1)])
    };
    for producer in [OURS.data, OURS.filler] {
        place.fake.append("orders", 0, &ours(producer));
        // Under several leaders.
        place.fake.with(|state| (0..2).for_each(|_| state.partition_mut("orders", 0).unwrap().lead(1)));
    }
    place.fake.append("orders", 0, &Batch::marker(OURS.markers, 0, false, 0, 0));
    let mut topics = RestoreTopics { topics: vec![place.target()], translated: Vec::new() };
    topics.topics[0].again = false;
    mark(&place.cluster, &mut topics, OURS, (&place.at, 1, 3)).await.unwrap();
    assert!(topics.topics[0].again, "all of it is ours");

    topics.topics[0].again = false;
    for (number, end) in [(1, 1), (0, 4)] {
        // The other partition of the topic would be gone as well.
        place.fake.produce("orders", number, vec![Record::new("k", "v", 1)]);
        let refused = mark(&place.cluster, &mut topics, OURS, (&place.at, 1, 4)).await;
        let Err(RestoreError::ForeignBatch { partition, end: found, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!((partition.partition, found), (number, end));
        assert!(!topics.topics[0].again);
    }
}

#[tokio::test]
async fn a_topic_is_begun_again_whatever_answers_are_lost() {
    let place = Place::new().await;
    for api in [key::DELETE_TOPICS, key::CREATE_TOPICS] {
        place.fake.fault(Fault::on(api, 1, Action::Lose));
    }
    let mut topic = place.target();
    place.begin_again(&mut topic).await.unwrap();
    let there =
        place.cluster.refresh(&place.cluster.metadata().await.unwrap()).await.unwrap().topics[&place.at.topic].id;
    assert!(topic.id == there && there != place.id && there != TopicId::ZERO, "{topic:?}");
    assert!(!topic.again);
    let bases: Vec<i64> = topic.partitions.iter().map(|partition| partition.base).collect();
    assert_eq!(bases, [25, 0], "where offsets are kept they are those of the source");
}

#[tokio::test]
async fn a_topic_that_goes_and_comes_slowly_is_waited_for() {
    let place = Place::with(Fault::on(key::DELETE_TOPICS, 1, Action::Cut)).await;
    let (old, mut looks) = (place.id, 0);
    place.fake.on_request_in(move |exchange, state| {
        let topic = state.topics.get_mut("orders").filter(|topic| topic.id != old.0)?;
        looks += i32::from(exchange.api == key::METADATA);
        let leader = if looks > 3 { 1 } else { -1 };
        topic.partitions.iter_mut().for_each(|partition| partition.leader = leader);
        None
    });
    let gone = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        place.fake.with(|state| state.topics.remove("orders"));
    };
    let mut topic = place.target();
    let (begun, ()) = tokio::join!(place.begin_again(&mut topic), gone);
    begun.unwrap();
    assert!(!topic.again && topic.id != place.id);
}

/// Brokers make topics for clients that ask for one that is gone.
#[tokio::test]
async fn a_topic_that_somebody_else_made_meanwhile_gets_the_settings_of_ours() {
    let place = Place::new().await;
    let mut first = true;
    place.fake.on_request_in(move |exchange, state| {
        if exchange.api == key::CREATE_TOPICS && std::mem::take(&mut first) {
            state.create_topic("orders", 2, 1, &[("retention.ms", "1")]);
        }
        None
    });
    let mut topic = place.target();
    place.begin_again(&mut topic).await.unwrap();
    assert_eq!(place.fake.topic_configs("orders")["retention.ms"], "-1");
    assert_ne!(topic.id, place.id);
}

#[tokio::test]
async fn a_topic_that_may_not_be_deleted_or_made_is_told_at_once() {
    let refuse = |api| Fault::on(api, 1, Action::Refuse(code::POLICY_VIOLATION));
    let place = Place::with(refuse(key::DELETE_TOPICS)).await;
    let refused = place.begin_again(&mut place.target()).await;
    assert!(matches!(refused, Err(RestoreError::Cluster(_))), "{refused:?}");
    let place = Place::with(refuse(key::CREATE_TOPICS)).await;
    let refused = place.begin_again(&mut place.target()).await;
    assert!(matches!(refused, Err(RestoreError::CannotCreate { .. })), "{refused:?}");
}
