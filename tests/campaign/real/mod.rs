//! The same on real brokers: three of them that die, hang, restart and hand over, while requests and answers get lost, cut
//! and stuck on their way, and ktape itself is killed, stopped, interrupted and terminated, by a wall clock that jumps.
//!
//! `KTAPE_CAMPAIGN_REAL` is the number of seeds, always other ones; without it there are two, always the same.
//!
//! ```text
//! KTAPE_CAMPAIGN_REAL=30 cargo test --workspace --test main campaign::real -- --nocapture
//! ```

mod shape;
mod steps;
mod trouble;

use std::collections::BTreeMap;

use bytes::Bytes;
use protocol_tests::Cluster;
use protocol_tests::clock::Clock;
use protocol_tests::desk::Desk;
use protocol_tests::fake::Random;
use protocol_tests::tools::TIMEOUT;

use super::Seeds;
use super::clock::jumps;
use super::history::{Moment, Positions, Seen};
use super::world::{Known, Tally};
use crate::kafka::{Repository, bytes::log_of, shaken};

#[test]
fn nothing_ever_differs_in_silence_on_real_brokers() {
    let cluster = shaken();
    let desk = Desk::open(&cluster.tools()).unwrap();
    Seeds::get("KTAPE_CAMPAIGN_REAL", 2).live(1, |seed| World::live(seed, &cluster, &desk));
    drop(desk);
    cluster.give_back();
}

/// Topics of a cluster, its repository, a second one for copies.
struct World<'a> {
    random: Random,
    cluster: &'a Cluster,
    /// Kafka's own clients.
    desk: &'a Desk,
    /// What its topics and groups begin with.
    name: String,
    /// Partitions by topic.
    topics: BTreeMap<String, i32>,
    /// What its groups committed.
    groups: Positions,
    repository: Repository,
    away: Repository,
    /// That of every run, if the program heeds one.
    clock: Option<Clock>,
    /// By number.
    known: BTreeMap<u64, Known>,
    tally: Tally,
}

impl<'a> World<'a> {
    /// From beginning to end; panics where something is not as it should be.
    fn live(seed: u64, cluster: &'a Cluster, desk: &'a Desk) -> Tally {
        let mut random = Random::new(seed);
        let clock = jumps::are_possible().then(|| jumps::of_world(&mut random));
        let mut world = Self {
            random,
            cluster,
            desk,
            name: format!("world-{seed}-"),
            topics: BTreeMap::new(),
            groups: Positions::new(),
            repository: Repository::init(),
            away: Repository::init(),
            clock,
            known: BTreeMap::new(),
            tally: Tally::default(),
        };
        world.begin();
        for _ in 0..2 + world.random.below(2) {
            world.back_up();
            world.go_on();
        }
        world.prune_and_copy();
        world.restore();
        world.end();
        world.tally
    }

    /// Runs steps with Kafka's own clients, while nothing is wrong.
    fn step(&self, step: &str) {
        self.desk.step(step).unwrap();
    }

    /// What lies in the logs of its topics, and what its groups committed.
    fn moment(&self) -> Moment {
        self.cluster.wait_until_ready(TIMEOUT).unwrap();
        let partitions = self.topics.iter().flat_map(|(topic, partitions)| self.logs(topic, topic, *partitions));
        Moment { partitions: partitions.collect(), groups: self.groups.clone(), without_epochs: false }
    }

    /// The logs of a topic's leaders, under the name of another.
    fn logs(&self, topic: &str, as_topic: &str, partitions: i32) -> Vec<((String, i32), Seen)> {
        // Whoever leads has everything that was acknowledged.
        self.step(&format!("lead:{topic}:1"));
        let seen = |partition| Seen::from(Bytes::from(log_of(self.cluster, 1, topic, partition)));
        (0..partitions).map(|partition| ((as_topic.to_owned(), partition), seen(partition))).collect()
    }
}
