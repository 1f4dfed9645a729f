//! One node of a cluster: its folder, its properties and its JVM.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ClusterSpec;
use crate::error::{HarnessError, on};
use crate::jars::Jars;
use crate::jvm::{Jvm, JvmSpec, tail};

const LOGGING: &[&str] = &[
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
];

/// Ports: of all brokers, of all controllers, and of this node's further listeners.
#[derive(Debug)]
pub(super) struct Places<'a> {
    pub(super) brokers: &'a [u16],
    pub(super) controllers: &'a [u16],
    pub(super) further: &'a [u16],
}

/// A node that may or may not run.
#[derive(Debug)]
pub(super) struct Node {
    id: usize,
    port: u16,
    further: Vec<u16>,
    folder: PathBuf,
    spec: JvmSpec,
    jvm: Option<Jvm>,
}

impl Node {
    /// Writes its folder and properties.
    pub(super) fn create(
        root: &Path,
        id: usize,
        places: &Places<'_>,
        cluster: &ClusterSpec,
        jars: &Jars,
    ) -> Result<Self, HarnessError> {
        let folder = root.join(format!("node-{id}"));
        fs::create_dir_all(&folder).map_err(on("create", &folder))?;
        let properties = folder.join("server.properties");
        fs::write(&properties, server_properties(&folder, id, places, cluster)).map_err(on("write", &properties))?;
        let log = folder.join("server.log");
        let spec = JvmSpec {
            heap_mib: cluster.heap_mib,
            class_path: jars.class_path(),
            flags: LOGGING.iter().map(|&flag| flag.to_owned()).chain(cluster.flags.iter().cloned()).collect(),
            main: "kafka.Kafka".into(),
            args: vec![properties.display().to_string()],
            stdout: log.clone(),
            stderr: log,
            stdin: "/dev/null".into(),
            folder: Some(root.to_owned()),
        };
        Ok(Self { id, port: places.brokers[id - 1], further: places.further.to_vec(), folder, spec, jvm: None })
    }

    pub(super) fn data_folder(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn further_port(&self, at: usize) -> u16 {
        self.further[at]
    }

    pub(super) fn launch(&mut self) -> Result<(), HarnessError> {
        self.jvm = None;
        self.jvm = Some(Jvm::start(&self.spec)?);
        Ok(())
    }

    /// Whether it was started and not stopped since.
    pub(super) fn is_started(&self) -> bool {
        self.jvm.is_some()
    }

    pub(super) fn check_running(&mut self) -> Result<(), HarnessError> {
        if self.jvm.as_mut().is_some_and(Jvm::is_running) {
            return Ok(());
        }
        Err(HarnessError::Failed { what: format!("broker {}", self.id), status: 1, output: self.log_tail() })
    }

    pub(super) fn kill(&mut self) -> Result<(), HarnessError> {
        self.jvm.take().map_or(Ok(()), |mut jvm| jvm.kill())
    }

    pub(super) fn terminate(&mut self, timeout: Duration) -> Result<(), HarnessError> {
        self.jvm.take().map_or(Ok(()), |mut jvm| jvm.terminate(timeout))
    }

    pub(super) fn pause(&mut self) {
        self.jvm.iter_mut().for_each(Jvm::pause);
    }

    pub(super) fn resume(&mut self) {
        self.jvm.iter_mut().for_each(Jvm::resume);
    }

    pub(super) fn log_tail(&self) -> String {
        tail(&self.spec.stderr)
    }
}

/// Retention is off: what is loaded has fixed times, long ago.
fn server_properties(folder: &Path, id: usize, places: &Places<'_>, cluster: &ClusterSpec) -> String {
    let (port, controller) = (places.brokers[id - 1], places.controllers[id - 1]);
    let (mut listeners, mut protocols) = (String::new(), String::new());
    for ((name, protocol), port) in cluster.listeners.iter().zip(places.further) {
        let _ = write!(listeners, ",{name}://127.0.0.1:{port}");
        let _ = write!(protocols, ",{name}:{protocol}");
    }
    let voters: Vec<String> =
        places.controllers.iter().enumerate().map(|(at, port)| format!("{}@127.0.0.1:{port}", at + 1)).collect();
    let replicas = places.brokers.len().min(3);
    let mut text = format!(
        "process.roles=broker,controller\n\
         node.id={id}\n\
         controller.quorum.voters={voters}\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}{listeners}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}{listeners}\n\
         controller.listener.names=CONTROLLER\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{protocols}\n\
         inter.broker.listener.name=PLAINTEXT\n\
         log.dirs={data}\n\
         offsets.topic.replication.factor={replicas}\n\
         offsets.topic.num.partitions=4\n\
         transaction.state.log.num.partitions=4\n\
         transaction.state.log.replication.factor={replicas}\n\
         transaction.state.log.min.isr=1\n\
         share.coordinator.state.topic.replication.factor={replicas}\n\
         share.coordinator.state.topic.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n\
         log.retention.ms=-1\n\
         log.cleaner.backoff.ms=500\n\
         log.cleaner.dedupe.buffer.size=4194304\n",
        voters = voters.join(","),
        data = folder.join("data").display(),
    );
    for (name, value) in &cluster.properties {
        let _ = writeln!(text, "{name}={value}");
    }
    text
}
