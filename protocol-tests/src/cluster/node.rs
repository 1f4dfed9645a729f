//! One node of a cluster: its folder, its properties and its JVM.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{ClusterSpec, properties};
use crate::error::{HarnessError, on};
use crate::jars::Jars;
use crate::jvm::{Jvm, JvmSpec, tail};

/// Who knows which brokers there are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keepers<'a> {
    /// Every node is a controller as well, at these ports.
    Controllers(&'a [u16]),
    /// A ZooKeeper at this port.
    ZooKeeper(u16),
}

/// Ports: of all brokers, of those who keep the cluster together, and of this node's further listeners.
#[derive(Debug)]
pub(super) struct Places<'a> {
    pub(super) brokers: &'a [u16],
    pub(super) keepers: Keepers<'a>,
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
        fs::write(&properties, properties::of_broker(&folder, id, places, cluster))
            .map_err(on("write", &properties))?;
        let logging = properties::logging(root, jars)?;
        let log = folder.join("server.log");
        let spec = JvmSpec {
            heap_mib: cluster.heap_mib,
            class_path: jars.class_path(),
            flags: logging.into_iter().chain(cluster.flags.iter().cloned()).collect(),
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
