//! Filling a cluster with the shapes that a backup has to keep.

use std::time::Duration;

use crate::error::HarnessError;
use crate::helpers;
use crate::tools::{Launch, RunningTool, ToolOutput, Tools};

/// All shapes together take a minute on an idle machine; the log cleaner has its own pace.
const TIMEOUT: Duration = Duration::from_secs(420);

/// Clients of the default version speak to no older brokers; those get what `java/Plain.java` has.
const OLDEST_FOR_CURRENT: (u32, u32) = (2, 1);

impl Tools {
    /// Runs the steps in order in one JVM: names of shapes, `all`, or commands with arguments after colons, such as
    /// `bulk:orders:3:10000:500:zstd` (topic, partitions, records, bytes of each, codec). See `java/Load.java`.
    ///
    /// # Errors
    /// A step failed, or not all were done within seven minutes.
    pub fn load(&self, steps: &[&str]) -> Result<ToolOutput, HarnessError> {
        self.start_load(steps)?.finish(TIMEOUT)
    }

    /// The same in the background: for steps that last, such as `live:ID:TOPIC:PARTITIONS:FILE`, which writes
    /// transactions until there is such a file.
    ///
    /// # Errors
    /// It cannot be run.
    pub fn start_load(&self, steps: &[&str]) -> Result<RunningTool, HarnessError> {
        if self.jars().numbers() < OLDEST_FOR_CURRENT {
            return self.start_plain_load(steps);
        }
        let tools = self.with_current_clients()?;
        let launch = Launch { helpers: Some(helpers::compiled(tools.jars())?), ..Launch::default() };
        let args = [&[self.bootstrap()], steps].concat();
        tools.start("Load", &args, &launch)
    }

    /// The few steps of `java/Plain.java`, with clients of the version of the tools.
    ///
    /// # Errors
    /// A step failed, or not all were done within seven minutes.
    pub fn plain_load(&self, steps: &[&str]) -> Result<ToolOutput, HarnessError> {
        self.start_plain_load(steps)?.finish(TIMEOUT)
    }

    fn start_plain_load(&self, steps: &[&str]) -> Result<RunningTool, HarnessError> {
        let launch = Launch { helpers: Some(helpers::compiled(self.jars())?), ..Launch::default() };
        self.start("Plain", &[&[self.bootstrap()], steps].concat(), &launch)
    }

    /// Runs several of Kafka's tools one after the other in one JVM, each a class and its arguments but for
    /// `--bootstrap-server`, and gives what each printed.
    ///
    /// # Errors
    /// One failed, or not all were done in time.
    pub fn several(&self, commands: &[&[&str]]) -> Result<Vec<String>, HarnessError> {
        let launch = Launch { helpers: Some(helpers::compiled(self.jars())?), ..Launch::default() };
        let args = [&[self.bootstrap()], commands.join(&";;").as_slice()].concat();
        let done = self.start("Several", &args, &launch)?.finish(TIMEOUT)?;
        Ok(done.stdout.split('\u{1}').skip(1).map(str::to_owned).collect())
    }
}
