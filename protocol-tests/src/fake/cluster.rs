//! Starting a cluster, changing it, and ending it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::random::Random;
use super::release::Release;
use super::script::{Action, Change, Exchange, Fault};
use super::shared::Shared;
use super::state::{Broker, Health, State};
use crate::error::{HarnessError, io};
use crate::ports::Ports;

/// What cluster to start.
#[derive(Debug, Clone)]
pub struct FakeSpec {
    brokers: i32,
    release: Release,
    seed: u64,
    offsets_partitions: i32,
}

impl FakeSpec {
    /// A cluster of so many brokers (1 to 20), with node ids from 1, that pose as Kafka 4.2.
    pub fn new(brokers: i32) -> Self {
        Self { brokers, release: Release::V4_2, seed: 0, offsets_partitions: 4 }
    }

    /// What the brokers pose as.
    #[must_use]
    pub fn release(self, release: Release) -> Self {
        Self { release, ..self }
    }

    /// Decides ids and where leaders are.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// How many partitions the offsets topic gets once somebody asks for a coordinator; 4 if not said.
    #[must_use]
    pub fn offsets_partitions(self, offsets_partitions: i32) -> Self {
        Self { offsets_partitions, ..self }
    }

    /// Starts it.
    ///
    /// # Errors
    /// No ports are free.
    pub fn start(&self) -> Result<Fake, HarnessError> {
        let ports = Ports::reserve(usize::try_from(self.brokers).unwrap_or(0).clamp(1, 20))?;
        let mut random = Random::new(self.seed);
        let brokers: BTreeMap<i32, Broker> = (1..)
            .zip(ports.all())
            .map(|(node, port)| (node, Broker { port: *port, rack: None, health: Health::Up }))
            .collect();
        let nodes: Vec<i32> = brokers.keys().copied().collect();
        let state = State {
            release: self.release,
            cluster_id: format!("fake-{:016x}", random.number()),
            brokers,
            controller: 1,
            topics: BTreeMap::new(),
            ids: BTreeMap::new(),
            groups: BTreeMap::new(),
            loading: BTreeSet::new(),
            broker_configs: BTreeMap::new(),
            acls: None,
            quotas: Vec::new(),
            own_configs: BTreeMap::new(),
            forbidden: BTreeSet::new(),
            scram: BTreeMap::new(),
            transactions: BTreeMap::new(),
            offsets_partitions: self.offsets_partitions,
            clock_shift: 0,
            next_producer: 1_000,
            random,
        };
        let fake = Fake { shared: Arc::new(Shared::new(state)), seed: self.seed, ports };
        for node in nodes {
            Shared::open(&fake.shared, node).map_err(io("listen on 127.0.0.1"))?;
        }
        Ok(fake)
    }
}

/// A running cluster, until it is dropped.
#[derive(Debug)]
pub struct Fake {
    pub(crate) shared: Arc<Shared>,
    seed: u64,
    ports: Ports,
}

impl Fake {
    /// All brokers as `127.0.0.1:port,...`.
    pub fn bootstrap(&self) -> String {
        let addresses: Vec<String> = self.ports.all().iter().map(|port| format!("127.0.0.1:{port}")).collect();
        addresses.join(",")
    }

    /// The seed it was started with.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Looks at the state, and changes it. All brokers stand still meanwhile.
    pub fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        self.shared.with(act)
    }

    /// Changes the cluster now.
    pub fn change(&self, change: &Change) {
        Shared::change(&self.shared, change);
    }

    /// Adds a fault. Requests are counted for it from now on.
    pub fn fault(&self, fault: Fault) {
        self.shared.script.add(fault);
    }

    /// Asks for an action on every request, besides the faults.
    pub fn on_request(&self, hook: impl FnMut(&Exchange) -> Option<Action> + Send + 'static) {
        self.shared.script.hook(Box::new(hook));
    }

    /// The same, with a look at the state, which it may change before the request is carried out.
    pub fn on_request_in(&self, mut hook: impl FnMut(&Exchange, &mut State) -> Option<Action> + Send + 'static) {
        let shared = Arc::downgrade(&self.shared);
        self.on_request(move |exchange| shared.upgrade()?.with(|state| hook(exchange, state)));
    }

    /// No fault strikes any more; what they changed stays.
    pub fn calm(&self) {
        self.shared.script.clear();
    }

    /// Wakes and restarts all brokers, gives every partition a leader and its high watermark, and calms the script.
    pub fn heal(&self) {
        self.calm();
        let nodes = self.with(|state| state.brokers.keys().copied().collect::<Vec<i32>>());
        for node in nodes {
            self.change(&Change::Restart(node));
        }
        self.with(|state| {
            state.loading.clear();
            for partition in state.topics.values_mut().flat_map(|topic| &mut topic.partitions) {
                partition.log.hold(None);
            }
        });
    }

    /// Which faults struck, and whom.
    pub fn hits(&self) -> Vec<(Exchange, Fault)> {
        self.shared.script.hits()
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Exchange> {
        self.shared.script.seen()
    }
}

impl Drop for Fake {
    /// A test that fails shows what it ran on.
    #[expect(clippy::print_stderr, reason = "beside the words of the test that fails")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let (release, brokers) = self.shared.with(|state| (state.release, state.brokers.len()));
            eprintln!("fake cluster of {brokers} as {release:?}, seed {}", self.seed);
        }
        self.shared.end();
    }
}
