//! Looks whether backups can be taken, and whether they are: the way to the cluster, this client's rights, the repository,
//! and how much time is left until retention overtakes the last backup.
//!
//! Nothing is changed: the cluster is only asked, and what is written into the repository to see whether that is possible
//! has no name and is gone at once.

mod cluster;
mod error;
mod needs;
mod options;
mod problems;
mod report;
mod repository;
mod retention;
mod rights;

pub use error::CheckError;
pub use needs::{Brokers, Level, Need, On, USES, Use, needs};
pub use options::CheckOptions;
pub use problems::{by_operation, in_words};
pub use report::{
    BrokerState, CheckReport, ClockState, ClusterState, Problem, ProblemKind, RepositoryState, RetentionState, Right,
    SnapshotState, TopicLeft, UseRights,
};

use crate::backup::Chooser;
use crate::cluster::Cluster;
use crate::model::{Selection, Timestamp};
use crate::progress::Progress;
use crate::repository::{Repository, RepositoryError};
use repository::Saved;

/// The ends that are there to be looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ends<'a> {
    /// The cluster.
    pub cluster: Option<&'a Cluster>,
    /// The repository.
    pub repository: Option<&'a Repository>,
}

/// Looks at what is there. The repository's part blocks for as long as it takes to read the newest snapshot's parts.
pub async fn check(ends: Ends<'_>, options: &CheckOptions, progress: &dyn Progress) -> Result<CheckReport, CheckError> {
    let chooser = Chooser::new(&options.selection)?;
    let mut report = CheckReport::new(Timestamp::now());
    let cluster_id = ends.cluster.map(Cluster::cluster_id);
    let mut saved = Saved::default();
    if let Some(repository) = ends.repository {
        progress.note("looking at the repository");
        let found = repository::look(repository, cluster_id.as_deref(), &options.selection, report.checked)?;
        saved = found.saved;
        report.repository = Some(found.state);
    }
    if let Some(cluster) = ends.cluster {
        progress.note("asking every broker");
        report.cluster = Some(cluster::look(cluster).await?);
        progress.note("asking for rights");
        report.rights = rights::look(cluster, &chooser, &saved, options).await?;
        if ends.repository.is_some() {
            progress.note("asking what is not saved yet");
            let ahead = report.cluster.as_ref().and_then(|cluster| cluster.clock).map_or(0, |clock| clock.ahead_ms);
            report.retention = Some(retention::look(cluster, &chooser, &saved, ahead).await?);
        }
    }
    report.problems = problems::find(&report, options);
    report.notes = problems::notes(&report);
    Ok(report)
}

/// How much time is left until retention overtakes the newest snapshot of the selection.
pub async fn time_left(
    cluster: &Cluster,
    repository: &Repository,
    selection: &Selection,
) -> Result<RetentionState, CheckError> {
    let chooser = Chooser::new(selection)?;
    let found = repository::look(repository, Some(&cluster.cluster_id()), selection, Timestamp::now())?;
    Ok(retention::look(cluster, &chooser, &found.saved, 0).await?)
}

/// When the newest snapshot that holds all it should was taken.
pub fn last_success(repository: &Repository) -> Result<Option<Timestamp>, RepositoryError> {
    repository::last_success(repository)
}
