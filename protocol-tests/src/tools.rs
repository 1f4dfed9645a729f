//! Kafka's own command-line tools, run from the same jars as the brokers.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::error::{HarnessError, io, on};
use crate::jars::{DEFAULT_VERSION, Jars};
use crate::jvm::{Jvm, JvmSpec, tail};

/// `kafka-topics.sh`.
pub const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";
/// `kafka-configs.sh`.
pub const CONFIGS: &str = "kafka.admin.ConfigCommand";
/// `kafka-consumer-groups.sh`.
pub const GROUPS: &str = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
/// `kafka-console-consumer.sh`.
pub const CONSOLE_CONSUMER: &str = "org.apache.kafka.tools.consumer.ConsoleConsumer";
/// `kafka-console-producer.sh`.
pub const CONSOLE_PRODUCER: &str = "org.apache.kafka.tools.ConsoleProducer";
/// `kafka-consumer-perf-test.sh`.
pub const PERF_CONSUMER: &str = "org.apache.kafka.tools.ConsumerPerformance";
/// `kafka-producer-perf-test.sh`.
pub const PERF_PRODUCER: &str = "org.apache.kafka.tools.ProducerPerformance";
/// `kafka-dump-log.sh`.
pub const DUMP_LOG: &str = "kafka.tools.DumpLogSegments";
/// `kafka-delete-records.sh`.
pub const DELETE_RECORDS: &str = "org.apache.kafka.tools.DeleteRecordsCommand";

/// `kafka-get-offsets.sh`.
pub const GET_OFFSETS: &str = "org.apache.kafka.tools.GetOffsetShell";
/// `kafka-acls.sh`.
pub const ACLS: &str = "org.apache.kafka.tools.AclCommand";

/// [`CONSOLE_CONSUMER`] before 3.7.
pub const OLD_CONSOLE_CONSUMER: &str = "kafka.tools.ConsoleConsumer";
/// [`GROUPS`] before 3.6.
pub const OLD_GROUPS: &str = "kafka.admin.ConsumerGroupCommand";

/// Enough for every tool on a machine that is also building.
pub const TIMEOUT: Duration = Duration::from_secs(180);

/// Runs tools of one version of Kafka against one cluster.
#[derive(Clone, Debug)]
pub struct Tools {
    jars: Jars,
    bootstrap: String,
    heap_mib: u32,
}

/// What a tool printed.
#[derive(Clone, Debug)]
pub struct ToolOutput {
    /// Exit status.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Tools {
    /// Tools from `jars` for the cluster at `bootstrap` (`host:port,...`).
    pub fn new(jars: Jars, bootstrap: &str) -> Self {
        Self { jars, bootstrap: bootstrap.to_owned(), heap_mib: 512 }
    }

    /// The jars they come from.
    pub fn jars(&self) -> &Jars {
        &self.jars
    }

    /// Where their cluster is.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The same with clients of the default version, which our helpers are written for: they speak to older brokers.
    ///
    /// # Errors
    /// Its jars cannot be had.
    pub fn with_current_clients(&self) -> Result<Self, HarnessError> {
        if self.jars.version() == DEFAULT_VERSION {
            return Ok(self.clone());
        }
        Ok(Self { jars: Jars::get(DEFAULT_VERSION)?, ..self.clone() })
    }

    /// Runs `class` with exactly `args`.
    ///
    /// # Errors
    /// It cannot be run, ends with a failure, or not before `timeout`; then it is killed.
    pub fn run(&self, class: &str, args: &[&str], timeout: Duration) -> Result<ToolOutput, HarnessError> {
        self.start(class, args, &Launch::default())?.finish(timeout)
    }

    /// Runs `class` with `--bootstrap-server` and `args`.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn admin(&self, class: &str, args: &[&str]) -> Result<ToolOutput, HarnessError> {
        let args = [&["--bootstrap-server", &self.bootstrap], args].concat();
        self.run(class, &args, TIMEOUT)
    }

    /// `DumpLogSegments --deep-iteration` of all `files` in one run.
    ///
    /// # Errors
    /// As [`Self::run`]; the tool also fails where the bytes are not what it expects.
    pub fn dump_log(&self, files: &[PathBuf]) -> Result<String, HarnessError> {
        let files = files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(",");
        let output = self.run(DUMP_LOG, &["--deep-iteration", "--files", &files], TIMEOUT)?;
        Ok(output.stdout)
    }

    /// Starts `class` in the background.
    ///
    /// # Errors
    /// It cannot be run.
    pub fn start(&self, class: &str, args: &[&str], launch: &Launch) -> Result<RunningTool, HarnessError> {
        let folder = TempDir::with_prefix("ktape-tool-").map_err(io("make a temporary folder"))?;
        let (stdout, stderr) = (folder.path().join("stdout"), folder.path().join("stderr"));
        let stdin = match &launch.stdin {
            Some(text) => {
                let path = folder.path().join("stdin");
                fs::write(&path, text).map_err(on("write", &path))?;
                path
            }
            None => PathBuf::from("/dev/null"),
        };
        let class_path = launch.helpers.as_ref().map_or_else(
            || self.jars.class_path(),
            |helpers| format!("{}:{}", helpers.display(), self.jars.class_path()),
        );
        let spec = JvmSpec {
            heap_mib: self.heap_mib,
            class_path,
            flags: vec!["-Dorg.slf4j.simpleLogger.defaultLogLevel=error".into(), "-Dfile.encoding=UTF-8".into()],
            main: class.to_owned(),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            stdout: stdout.clone(),
            stderr,
            stdin,
            folder: Some(folder.path().to_owned()),
        };
        for path in [&spec.stdout, &spec.stderr] {
            fs::write(path, "").map_err(on("create", path))?;
        }
        Ok(RunningTool { jvm: Jvm::start(&spec)?, class: class.to_owned(), folder })
    }
}

/// What a tool gets besides its arguments.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// Its standard input.
    pub stdin: Option<Vec<u8>>,
    /// A folder of classes before the jars on the class path.
    pub helpers: Option<PathBuf>,
}

/// A tool under way, killed on drop.
#[derive(Debug)]
pub struct RunningTool {
    jvm: Jvm,
    class: String,
    folder: TempDir,
}

impl RunningTool {
    /// Waits until it ends.
    ///
    /// # Errors
    /// It ends with a failure, or not before `timeout`; then it is killed.
    pub fn finish(mut self, timeout: Duration) -> Result<ToolOutput, HarnessError> {
        let status = self.jvm.wait(timeout)?;
        let output = ToolOutput { status, stdout: self.stdout(), stderr: read_lossy(&self.path("stderr")) };
        if status == 0 {
            return Ok(output);
        }
        let tails = format!("{}\n{}", tail(&self.path("stdout")), tail(&self.path("stderr")));
        Err(HarnessError::Failed { what: self.class.clone(), status, output: tails })
    }

    /// What it has printed so far.
    pub fn stdout(&self) -> String {
        read_lossy(&self.path("stdout"))
    }

    /// The JVM it runs in.
    pub fn jvm(&mut self) -> &mut Jvm {
        &mut self.jvm
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn read_lossy(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}
