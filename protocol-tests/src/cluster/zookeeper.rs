//! The ZooKeeper of a cluster of old brokers.

use std::fs;
use std::path::Path;

use super::properties;
use crate::error::{HarnessError, on};
use crate::jars::Jars;
use crate::jvm::{Jvm, JvmSpec};

/// A ZooKeeper for one cluster, killed on drop. Whoever holds it has to end the brokers first: one that is asked to end
/// in order waits for ZooKeeper without end.
#[derive(Debug)]
pub(super) struct ZooKeeper {
    _jvm: Jvm,
}

impl ZooKeeper {
    /// Starts it. Brokers wait until it answers.
    pub(super) fn start(root: &Path, port: u16, jars: &Jars) -> Result<Self, HarnessError> {
        let folder = root.join("zookeeper");
        fs::create_dir_all(&folder).map_err(on("create", &folder))?;
        let config = folder.join("zoo.cfg");
        fs::write(&config, properties::of_zookeeper(&folder, port)).map_err(on("write", &config))?;
        let log = folder.join("zookeeper.log");
        let spec = JvmSpec {
            heap_mib: 64,
            class_path: jars.class_path(),
            flags: properties::logging(root, jars)?,
            main: "org.apache.zookeeper.server.quorum.QuorumPeerMain".into(),
            args: vec![config.display().to_string()],
            stdout: log.clone(),
            stderr: log,
            stdin: "/dev/null".into(),
            folder: Some(root.to_owned()),
        };
        Ok(Self { _jvm: Jvm::start(&spec)? })
    }
}
