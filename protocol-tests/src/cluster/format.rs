//! Formatted log folders.
//!
//! `StorageTool` runs once per version of Kafka; each node of each cluster gets a copy with ids of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::rand::{GetRandomFlags, getrandom};

use crate::error::{HarnessError, on};
use crate::jars::Jars;
use crate::tools::Tools;

const META: &str = "meta.properties";
const TIMEOUT: Duration = Duration::from_secs(90);

/// A formatted folder to copy.
#[derive(Debug)]
pub(super) struct Template {
    folder: PathBuf,
}

/// The template of this version, made if the cache does not hold it yet.
pub(super) fn template(jars: &Jars) -> Result<Template, HarnessError> {
    let folder = jars.folder().join("formatted");
    let _lock = jars.lock()?;
    if !folder.join(META).is_file() {
        let properties = jars.folder().join("format.properties");
        let text = format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:12001\n\
             listeners=PLAINTEXT://127.0.0.1:12000,CONTROLLER://127.0.0.1:12001\n\
             controller.listener.names=CONTROLLER\nlog.dirs={}\n",
            folder.display()
        );
        fs::write(&properties, text).map_err(on("write", &properties))?;
        let properties = properties.display().to_string();
        Tools::new(jars.clone(), "").run(
            "kafka.tools.StorageTool",
            &["format", "--ignore-formatted", "-t", &random_id(), "-c", &properties],
            TIMEOUT,
        )?;
    }
    Ok(Template { folder })
}

impl Template {
    /// Makes `to` the formatted folder of a node.
    pub(super) fn copy_to(&self, to: &Path, node_id: usize, cluster_id: &str) -> Result<(), HarnessError> {
        fs::create_dir_all(to).map_err(on("create", to))?;
        for entry in fs::read_dir(&self.folder).map_err(on("list", &self.folder))? {
            let from = entry.map_err(on("list", &self.folder))?;
            fs::copy(from.path(), to.join(from.file_name())).map_err(on("copy", &from.path()))?;
        }
        let meta = to.join(META);
        let lines = format!("version=1\nnode.id={node_id}\ncluster.id={cluster_id}\ndirectory.id={}\n", random_id());
        fs::write(&meta, lines).map_err(on("write", &meta))
    }
}

/// A random id in Kafka's form: 22 characters of Base64 of which the last carries no more than two bits.
pub(super) fn random_id() -> String {
    let mut bytes = [0; 21];
    let _ = getrandom(&mut bytes, GetRandomFlags::empty());
    let mut id: String = bytes.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
    id.push('A');
    id
}
