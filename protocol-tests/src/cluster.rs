//! Real Kafka clusters on loopback.

mod format;
mod node;
mod properties;
mod zookeeper;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::error::{HarnessError, io};
use crate::jars::{DEFAULT_VERSION, Jars};
use crate::ports::Ports;
use crate::probe;
use crate::tools::Tools;
use node::{Keepers, Node, Places};
use zookeeper::ZooKeeper;

/// A cluster on an idle machine is up in 5 s; tests share theirs with builds.
const READY: Duration = Duration::from_secs(180);
const STOP: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);

/// What cluster to start.
#[derive(Clone, Debug)]
pub struct ClusterSpec {
    version: String,
    nodes: usize,
    heap_mib: u32,
    properties: Vec<(String, String)>,
    listeners: Vec<(String, String)>,
    flags: Vec<String>,
}

impl ClusterSpec {
    /// A cluster of `nodes` nodes, each of them broker and controller; before 3.3 brokers with a ZooKeeper.
    pub fn new(nodes: usize) -> Self {
        Self {
            version: DEFAULT_VERSION.to_owned(),
            nodes,
            heap_mib: 256,
            properties: Vec::new(),
            listeners: Vec::new(),
            flags: Vec::new(),
        }
    }

    /// Another version of Apache Kafka than the default.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// Heap of each broker in MiB; 256 unless told, records of 10 MB need 512.
    #[must_use]
    pub fn heap_mib(mut self, heap_mib: u32) -> Self {
        self.heap_mib = heap_mib;
        self
    }

    /// A line of `server.properties`, for all nodes.
    #[must_use]
    pub fn property(mut self, name: &str, value: &str) -> Self {
        self.properties.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A further listener of every node, on 127.0.0.1, and its security protocol. The tools stay with the first one, which
    /// is PLAINTEXT.
    #[must_use]
    pub fn listener(mut self, name: &str, protocol: &str) -> Self {
        self.listeners.push((name.to_owned(), protocol.to_owned()));
        self
    }

    /// A flag of the brokers' JVMs.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// Starts the cluster and waits until every broker answers and knows all others.
    ///
    /// # Errors
    /// Prerequisites are missing, or a broker does not come up; the error shows the end of its log.
    pub fn start(&self) -> Result<Cluster, HarnessError> {
        Cluster::start(self)
    }
}

/// A running cluster, stopped and removed on drop.
#[derive(Debug)]
pub struct Cluster {
    // Dropped in this order: processes, then their folder, then the ports.
    nodes: Vec<Mutex<Node>>,
    _zookeeper: Option<ZooKeeper>,
    folder: TempDir,
    _ports: Ports,
    jars: Jars,
    bootstrap: String,
}

impl Cluster {
    fn start(spec: &ClusterSpec) -> Result<Self, HarnessError> {
        let jars = Jars::get(&spec.version)?;
        let old = jars.need_zookeeper();
        let template = if old { None } else { Some(format::template(&jars)?) };
        let ports = Ports::reserve((2 + spec.listeners.len()) * spec.nodes)?;
        let folder = TempDir::with_prefix("ktape-kafka-").map_err(io("make a temporary folder"))?;
        let (brokers, others) = ports.all().split_at(spec.nodes);
        let (controllers, further) = others.split_at(spec.nodes);
        let further = |id: usize| &further[(id - 1) * spec.listeners.len()..id * spec.listeners.len()];
        let zookeeper = if old { Some(ZooKeeper::start(folder.path(), controllers[0], &jars)?) } else { None };
        let keepers = if old { Keepers::ZooKeeper(controllers[0]) } else { Keepers::Controllers(controllers) };
        let cluster_id = format::random_id();
        let mut nodes = Vec::with_capacity(spec.nodes);
        for id in 1..=spec.nodes {
            let places = Places { brokers, keepers, further: further(id) };
            let node = Node::create(folder.path(), id, &places, spec, &jars)?;
            if let Some(template) = &template {
                template.copy_to(&node.data_folder(), id, &cluster_id)?;
            }
            nodes.push(Mutex::new(node));
        }
        let bootstrap = brokers.iter().map(|port| format!("127.0.0.1:{port}")).collect::<Vec<_>>().join(",");
        let cluster = Self { nodes, _zookeeper: zookeeper, folder, _ports: ports, jars, bootstrap };
        for id in 1..=spec.nodes {
            cluster.node(id).launch()?;
        }
        cluster.wait_until_ready(READY)?;
        Ok(cluster)
    }

    /// `host:port` of every broker, as clients take it.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The port of one broker.
    pub fn port(&self, id: usize) -> u16 {
        self.node(id).port()
    }

    /// The port of a further listener of one broker, by its place among them.
    pub(crate) fn further_port(&self, id: usize, at: usize) -> u16 {
        self.node(id).further_port(at)
    }

    /// How many nodes the cluster has; their ids begin at 1.
    pub fn size(&self) -> usize {
        self.nodes.len()
    }

    /// Kafka's own tools, pointed at this cluster.
    pub fn tools(&self) -> Tools {
        Tools::new(self.jars.clone(), &self.bootstrap)
    }

    /// The folder that holds the partitions of one node.
    pub fn log_folder(&self, id: usize) -> PathBuf {
        self.node(id).data_folder()
    }

    /// The folder of one replica.
    pub fn replica_folder(&self, id: usize, topic: &str, partition: i32) -> PathBuf {
        self.log_folder(id).join(format!("{topic}-{partition}"))
    }

    /// A folder for files of the test, removed with the cluster.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The end of the log of one broker.
    pub fn log_tail(&self, id: usize) -> String {
        self.node(id).log_tail()
    }

    /// SIGKILL to one node. With a ZooKeeper it counts as alive for another 30 s, and cannot start again before.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub fn kill(&self, id: usize) -> Result<(), HarnessError> {
        self.node(id).kill()
    }

    /// SIGTERM to one node, and waits until it has ended in order.
    ///
    /// # Errors
    /// It did not end within a minute and was killed.
    pub fn stop(&self, id: usize) -> Result<(), HarnessError> {
        self.node(id).terminate(STOP)
    }

    /// Starts one node again and waits until it answers.
    ///
    /// # Errors
    /// It does not come up; the error shows the end of its log.
    pub fn restart(&self, id: usize) -> Result<(), HarnessError> {
        self.node(id).launch()?;
        self.wait_until_ready(READY)
    }

    /// SIGSTOP to one node: its connections stay open and nothing answers.
    pub fn pause(&self, id: usize) {
        self.node(id).pause();
    }

    /// SIGCONT to one node.
    pub fn resume(&self, id: usize) {
        self.node(id).resume();
    }

    /// Waits until every node that was started answers and lists all of them as alive.
    ///
    /// # Errors
    /// One has ended, or does not answer before the deadline.
    pub fn wait_until_ready(&self, timeout: Duration) -> Result<(), HarnessError> {
        let deadline = Instant::now() + timeout;
        let started: BTreeSet<i32> =
            (1..=self.size()).filter(|id| self.node(*id).is_started()).map(|id| id as i32).collect();
        for id in &started {
            while !self.answers(*id as usize, &started)? {
                if Instant::now() >= deadline {
                    return Err(HarnessError::Deadline {
                        what: format!("start of broker {id}"),
                        after: timeout,
                        output: self.log_tail(*id as usize),
                    });
                }
                sleep(PAUSE);
            }
        }
        Ok(())
    }

    fn answers(&self, id: usize, started: &BTreeSet<i32>) -> Result<bool, HarnessError> {
        let mut node = self.node(id);
        node.check_running()?;
        Ok(probe::live_brokers(node.port()).is_ok_and(|alive| alive.is_superset(started)))
    }

    fn node(&self, id: usize) -> MutexGuard<'_, Node> {
        self.nodes[id - 1].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
