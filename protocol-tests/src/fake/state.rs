//! What an in-memory cluster is at one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use super::groups::{Committed, Group, OFFSETS_TOPIC, partition_of};
use super::log::Log;
use super::random::Random;
use super::release::Release;
use super::script::Change;
use super::topics::{Partition, Topic};

/// One broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// Its rack.
    pub rack: Option<String>,
    /// How it is.
    pub health: Health,
}

/// How a broker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It answers.
    Up,
    /// It takes connections and answers nothing; the others do not know yet.
    Hung,
    /// It is gone, and the others know.
    Down,
}

/// Everything the brokers know together. Change it as a test likes: the brokers answer from it.
#[derive(Debug)]
pub struct State {
    /// What the brokers pose as.
    pub release: Release,
    /// The cluster's id.
    pub cluster_id: String,
    /// By node id.
    pub brokers: BTreeMap<i32, Broker>,
    /// Node id of the controller.
    pub controller: i32,
    /// By name.
    pub topics: BTreeMap<String, Topic>,
    /// Names of the topics that have or had an id.
    pub(crate) ids: BTreeMap<[u8; 16], String>,
    /// By id.
    pub groups: BTreeMap<String, Group>,
    /// Partitions of the offsets topic whose coordinator has not read them yet: it hides their groups.
    pub loading: BTreeSet<i32>,
    /// Settings of brokers; what all share is under "".
    pub broker_configs: BTreeMap<String, BTreeMap<String, String>>,
    /// Access control lists, if there is an authorizer: type, name, pattern, principal, host, operation, permission.
    pub acls: Option<Vec<Acl>>,
    /// Client quotas: entity (type and name) and its values.
    pub quotas: Vec<Quota>,
    /// Settings of client metrics (16) and groups (32): number of the resource type and name.
    pub own_configs: BTreeMap<(i8, String), BTreeMap<String, String>>,
    /// What clients may not do: numbers of a resource type (Kafka class `ResourceType`) and an operation.
    pub forbidden: BTreeSet<(i8, i8)>,
    /// By transactional id.
    pub transactions: BTreeMap<String, Transaction>,
    /// SCRAM credentials: user, then mechanism and iterations.
    pub scram: BTreeMap<String, Vec<(i8, i32)>>,
    /// How many partitions the offsets topic gets.
    pub offsets_partitions: i32,
    /// What is added to the machine's clock, in milliseconds.
    pub clock_shift: i64,
    /// The producer id that the next one who asks gets.
    pub next_producer: i64,
    /// Numbers that follow from the seed.
    pub random: Random,
}

/// Whom a quota is for: types (`user`, `client-id`, `ip`) and names, `None` for the default.
pub type Entity = Vec<(String, Option<String>)>;
/// A quota's entity and its values.
pub type Quota = (Entity, BTreeMap<String, f64>);

/// What the coordinator of a transactional id knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Its producer.
    pub producer_id: i64,
    /// The producer's epoch.
    pub epoch: i16,
    /// What the open transaction writes to; empty if none is open.
    pub partitions: BTreeSet<(String, i32)>,
}

/// A rule of the authorizer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acl {
    /// Number of the resource type.
    pub resource_type: i8,
    /// Name of the resource.
    pub resource_name: String,
    /// Number of the pattern type.
    pub pattern_type: i8,
    /// Whom it is about.
    pub principal: String,
    /// From where.
    pub host: String,
    /// Number of the operation.
    pub operation: i8,
    /// Number of the permission.
    pub permission: i8,
}

impl State {
    /// Milliseconds since 1970, as the brokers have it.
    pub fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        since.as_millis() as i64 + self.clock_shift
    }

    /// Node ids of brokers that the others take for alive.
    pub fn alive(&self) -> Vec<i32> {
        self.brokers.iter().filter(|(_, broker)| broker.health != Health::Down).map(|(node, _)| *node).collect()
    }

    /// Makes a topic, replicated `replication` times. One that is there is replaced by a new one under a new id.
    pub fn create_topic(&mut self, name: &str, partitions: usize, replication: usize, configs: &[(&str, &str)]) {
        let alive = self.alive();
        let shift = self.random.below(alive.len() as u64) as usize;
        let replicas = |number: usize| -> Vec<i32> {
            let count = replication.clamp(1, alive.len().max(1));
            (0..count).filter_map(|step| alive.get((number + shift + step) % alive.len().max(1)).copied()).collect()
        };
        let partition = |number: usize| {
            let replicas = replicas(number);
            let leader = replicas.first().copied().unwrap_or(-1);
            Partition { leader, epoch: 0, isr: replicas.clone(), replicas, log: Log::default(), leader_began: 0 }
        };
        let partitions = (0..partitions).map(partition).collect();
        let id = if self.release.topic_ids() { self.random.id() } else { [0; 16] };
        let configs = configs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let internal = matches!(name, OFFSETS_TOPIC | "__transaction_state");
        if id != [0; 16] {
            self.ids.insert(id, name.to_owned());
        }
        self.topics.insert(name.to_owned(), Topic { id, configs, internal, partitions });
    }

    /// A partition.
    pub fn partition(&self, topic: &str, partition: i32) -> Option<&Partition> {
        self.topics.get(topic)?.partitions.get(usize::try_from(partition).ok()?)
    }

    /// A partition, to be changed.
    pub fn partition_mut(&mut self, topic: &str, partition: i32) -> Option<&mut Partition> {
        self.topics.get_mut(topic)?.partitions.get_mut(usize::try_from(partition).ok()?)
    }

    /// The name of the topic that has an id.
    pub fn topic_of(&self, id: [u8; 16]) -> Option<&str> {
        let name = self.ids.get(&id)?;
        self.topics.get(name).is_some_and(|topic| topic.id == id).then_some(name.as_str())
    }

    /// Makes the offsets topic if it is not there.
    pub fn ensure_offsets_topic(&mut self) {
        if !self.topics.contains_key(OFFSETS_TOPIC) {
            let (partitions, replication) = (self.offsets_partitions.max(1) as usize, self.brokers.len().min(3));
            let configs =
                [("cleanup.policy", "compact"), ("compression.type", "producer"), ("segment.bytes", "104857600")];
            self.create_topic(OFFSETS_TOPIC, partitions, replication, &configs);
        }
    }

    /// The partition of the offsets topic that keeps a group; `None` where that topic is not there.
    pub fn home_of(&self, group: &str) -> Option<i32> {
        let topic = self.topics.get(OFFSETS_TOPIC)?;
        i32::try_from(partition_of(group, topic.partitions.len())).ok()
    }

    /// Node id of a group's coordinator, -1 if it has none now.
    pub fn coordinator_of(&self, group: &str) -> i32 {
        let home = self.home_of(group).and_then(|home| self.partition(OFFSETS_TOPIC, home));
        home.map_or(-1, |partition| partition.leader)
    }

    /// Below which offset of its partition a coordinator shows what was committed.
    pub(crate) fn shown_below(&self, group: &str) -> i64 {
        let home = self.home_of(group).and_then(|home| self.partition(OFFSETS_TOPIC, home));
        home.map_or(0, |partition| partition.log.high_watermark())
    }

    /// Commits for a group, as its coordinator does: one record of the offsets topic for each partition. `None` deletes.
    pub fn commit(&mut self, group: &str, topic: &str, partition: i32, committed: Option<Committed>) {
        self.ensure_offsets_topic();
        let (at, _) = self.write_offsets_record(group);
        let found = self.groups.entry(group.to_owned()).or_insert_with(|| Group::new(at));
        found.write(at, (topic.to_owned(), partition), committed);
    }

    /// Makes a group that has committed nothing yet.
    pub fn add_group(&mut self, id: &str) {
        self.ensure_offsets_topic();
        let (at, _) = self.write_offsets_record(id);
        self.groups.insert(id.to_owned(), Group::new(at));
    }

    /// A record of the offsets topic that stands for whatever is written about a group.
    fn write_offsets_record(&mut self, group: &str) -> (i64, i32) {
        use super::batch::Batch;
        use super::record::Record;

        let now = self.now();
        let release = self.release;
        let home = self.home_of(group).unwrap_or(0);
        let Some(partition) = self.partition_mut(OFFSETS_TOPIC, home) else { return (0, home) };
        let batch = Batch::of(vec![Record::new(group.to_owned(), "", now)]).encode().unwrap_or_default();
        let epoch = partition.epoch;
        (partition.log.append(batch, epoch, release, -1).unwrap_or(0), home)
    }

    /// Groups that a broker coordinates and shows.
    pub fn groups_of(&self, node: i32) -> Vec<(&String, &Group)> {
        let shown = |(id, group): &(&String, &Group)| {
            let loading = self.home_of(id).is_some_and(|home| self.loading.contains(&home));
            self.coordinator_of(id) == node && !loading && group.since < self.shown_below(id)
        };
        self.groups.iter().filter(shown).collect()
    }

    /// Moves the leader of a partition. What is not committed stays: all replicas share one log.
    pub fn move_leader(&mut self, topic: &str, partition: i32, node: i32) {
        if let Some(partition) = self.partition_mut(topic, partition) {
            partition.lead(node);
            if node >= 0 && !partition.isr.contains(&node) {
                partition.isr.push(node);
            }
        }
    }

    /// What the others do once a broker is gone: its partitions get other leaders, or none.
    pub fn leave(&mut self, node: i32) {
        let alive: BTreeSet<i32> = self.alive().into_iter().filter(|other| *other != node).collect();
        for topic in self.topics.values_mut() {
            for partition in &mut topic.partitions {
                if partition.isr.len() > 1 {
                    partition.isr.retain(|replica| *replica != node);
                }
                if partition.leader == node {
                    let next = partition.isr.iter().find(|replica| alive.contains(replica));
                    partition.lead(next.copied().unwrap_or(-1));
                }
            }
        }
        if self.controller == node {
            self.controller = alive.first().copied().unwrap_or(-1);
        }
    }

    /// What the others do once a broker is back: it follows, and leads what had no leader.
    pub fn join(&mut self, node: i32) {
        for partition in self.topics.values_mut().flat_map(|topic| &mut topic.partitions) {
            if partition.replicas.contains(&node) && !partition.isr.contains(&node) {
                partition.isr.push(node);
            }
            if partition.leader < 0 && partition.isr.contains(&node) {
                partition.lead(node);
            }
        }
        if self.controller < 0 {
            self.controller = node;
        }
    }

    /// Changes what no broker has to come or go for.
    pub fn apply(&mut self, change: &Change) {
        let release = self.release;
        match change {
            Change::MoveLeader(topic, partition, node) => self.move_leader(topic, *partition, *node),
            Change::MoveAll(node) => self.move_all(*node),
            Change::Load(home) => drop(self.loading.insert(*home)),
            Change::Loaded(home) => drop(self.loading.remove(home)),
            Change::Hold(topic, number, at) => self.on_log(topic, *number, |log| log.hold(Some(*at))),
            Change::Release(topic, number) => self.on_log(topic, *number, |log| log.hold(None)),
            Change::Trim(topic, number, start) => self.on_log(topic, *number, |log| log.trim(*start)),
            Change::ForgetProducers(topic, number) => self.on_log(topic, *number, Log::forget_producers),
            Change::Truncate(topic, number, end) => {
                self.on_log(topic, *number, |log| log.truncate(*end, release));
                let leader = self.partition(topic, *number).map_or(-1, |partition| partition.leader);
                self.move_leader(topic, *number, leader);
            }
            Change::Kill(_) | Change::Restart(_) | Change::Hang(_) | Change::Wake(_) => {}
        }
    }

    fn on_log(&mut self, topic: &str, partition: i32, act: impl FnOnce(&mut Log)) {
        if let Some(partition) = self.partition_mut(topic, partition) {
            act(&mut partition.log);
        }
    }

    fn move_all(&mut self, node: i32) {
        let alive = self.alive();
        for partition in self.topics.values_mut().flat_map(|topic| &mut topic.partitions) {
            let mut others = partition.isr.iter().filter(|other| **other != node && alive.contains(other));
            if partition.leader == node
                && let Some(next) = others.next().copied()
            {
                partition.lead(next);
            }
        }
    }
}
