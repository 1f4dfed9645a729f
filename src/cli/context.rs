//! What every verb is handed: settings, the flag that asks it to stop, and ways to show and to connect.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::task;

use super::args::ClusterArgs;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::hooks::LastReport;
use super::report::Text;
use super::settings::Settings;
use super::{connection, output, progress};
use crate::cancel::Cancel;
use crate::cluster::{Cluster, ClusterOptions};
use crate::progress::Progress;

/// One run of one verb.
#[derive(Debug, Clone)]
pub struct Context {
    /// What the flags of every verb come to.
    pub settings: Settings,
    /// Raised by Ctrl-C and SIGTERM.
    pub cancel: Cancel,
    /// Where the report is kept for hooks, if there are any.
    pub last_report: Option<LastReport>,
}

impl Context {
    /// Prints the verb's result in the form that was asked for, and passes the exit code on.
    pub fn report<R: Serialize>(
        &self,
        verb: &str,
        code: ExitCode,
        report: &R,
        human: impl FnOnce(&mut Text),
    ) -> Result<ExitCode, Failure> {
        if let Some(last) = &self.last_report {
            last.keep(output::document(verb, code, report)?);
        }
        output::report(self.settings.json, verb, code, report, human)
    }

    /// Where progress goes while the verb runs.
    pub fn progress(&self, verb: &'static str) -> Arc<dyn Progress> {
        progress::watch(verb, self.settings)
    }

    /// Connects, unless the person gives up first.
    pub async fn connect(&self, args: &ClusterArgs) -> Result<Cluster, Failure> {
        self.connect_with(connection::options(args).await?).await
    }

    /// The same for somebody who wants to know now: what fails is not tried again for longer than `budget`.
    pub async fn connect_within(&self, args: &ClusterArgs, budget: Duration) -> Result<Cluster, Failure> {
        let mut options = connection::options(args).await?;
        options.retry = options.retry.within(budget);
        self.connect_with(options).await
    }

    async fn connect_with(&self, options: ClusterOptions) -> Result<Cluster, Failure> {
        tokio::select! {
            cluster = Cluster::connect(options) => Ok(cluster?),
            () = self.cancel.cancelled() => Err(Failure::Interrupted),
        }
    }

    /// Runs what blocks (files, digests) apart from the network's threads.
    pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
        task::spawn_blocking(work).await.map_err(|error| Failure::Panicked(error.to_string()))
    }
}
