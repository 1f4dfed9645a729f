//! The raw command line. Every flag that more than one verb has stands here once, each with its `KTAPE_*` variable.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgAction, ArgGroup, Args, Parser, Subcommand};

use super::hooks::HookArgs;
use super::settings::LogFormat;
use super::{
    backup, check, completions, copy, drill, export, init, list, man, offsets, prune, recipients, restore, show, verify,
};
use crate::model::Selection;
use crate::repository::{Repository, RestoreStates};

/// Cold backups of Kafka topics and consumer groups.
///
/// ktape reads record batches over the Kafka protocol and keeps them byte for byte as Kafka's own segments, together
/// with topic settings and the positions of consumer groups. Restore brings all of it back into an empty cluster,
/// so that applications go on where they stopped.
#[derive(Debug, Parser)]
#[command(name = "ktape", version, after_help = EXAMPLES, after_long_help = LONG_EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What holds for every verb.
    #[command(flatten)]
    pub global: GlobalArgs,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a repository
    Init(init::InitArgs),
    /// Look whether backups can be taken, and whether they are
    Check(Box<check::CheckArgs>),
    /// Take a snapshot of a cluster's topics and consumer groups
    Backup(Box<backup::BackupArgs>),
    /// Bring a snapshot into a cluster
    Restore(Box<restore::RestoreArgs>),
    /// Rehearse a restore, compare everything, and remove it again
    Drill(Box<drill::DrillArgs>),
    /// Check that everything is there and as it was written
    Verify(Box<verify::VerifyArgs>),
    /// Copy snapshots into another repository
    Copy(copy::CopyArgs),
    /// Remove old snapshots and what nothing names any more
    Prune(prune::PruneArgs),
    /// List the snapshots of a repository
    List(list::ListArgs),
    /// Show what a snapshot holds
    Show(show::ShowArgs),
    /// Show, commit again and undo the offsets of consumer groups
    Offsets(Box<offsets::OffsetsArgs>),
    /// Print a topic's records as lines of JSON
    Export(Box<export::ExportArgs>),
    /// Show or change to whom the repository is encrypted
    Recipients(recipients::RecipientsArgs),
    /// Print completions for a shell
    Completions(completions::CompletionsArgs),
    /// Write the man pages
    #[command(hide = true)]
    Man(man::ManArgs),
}

impl Command {
    /// What to run when the verb has ended.
    pub fn hooks(&self) -> Option<&HookArgs> {
        match self {
            Self::Backup(args) => Some(&args.hooks),
            Self::Restore(args) => Some(&args.hooks),
            Self::Drill(args) => Some(&args.hooks),
            Self::Verify(args) => Some(&args.hooks),
            Self::Copy(args) => Some(&args.hooks),
            Self::Prune(args) => Some(&args.hooks),
            _ => None,
        }
    }
}

/// Flags of every verb.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct GlobalArgs {
    /// Print the result as JSON on standard output
    #[arg(long, global = true, env = "KTAPE_JSON", hide_env_values = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub json: bool,
    /// How log lines on standard error look
    #[arg(
        long,
        global = true,
        env = "KTAPE_LOG_FORMAT",
        hide_env_values = true,
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,
    /// Log more: -v what happens, -vv every request, -vvv everything
    #[arg(short, long, global = true, env = "KTAPE_VERBOSE", hide_env_values = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// No progress, and only errors in the log
    #[arg(short, long, global = true, env = "KTAPE_QUIET", hide_env_values = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub quiet: bool,
}

/// Where the backups lie.
#[derive(Debug, Args)]
pub struct RepositoryArgs {
    // Not a doc comment, where these would have to look like links.
    #[arg(
        short,
        long,
        env = "KTAPE_REPOSITORY",
        hide_env_values = true,
        value_name = "PLACE",
        help = "Folder that holds the repository, or s3://BUCKET/PREFIX, or az://CONTAINER/PREFIX"
    )]
    #[expect(missing_docs, reason = "the help says it")]
    pub repository: String,
}

/// Where restores are written down.
#[derive(Debug, Args)]
pub struct StateArgs {
    /// Folder for what restores write down, instead of the repository: for one that is read-only
    #[arg(long, env = "KTAPE_STATE", hide_env_values = true, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

impl StateArgs {
    /// The restores written down there, or in the repository.
    pub fn states(&self, repository: &Repository) -> RestoreStates {
        match &self.state {
            Some(folder) => RestoreStates::in_folder(folder),
            None => repository.restore_states(),
        }
    }
}

/// Which topics and groups.
#[derive(Debug, Args)]
#[command(next_help_heading = "Selection")]
pub struct SelectionArgs {
    /// Topics to take, as patterns; without it all but internal ones. Of a snapshot also some partitions: orders:0-3,7
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    pub topics: Vec<String>,
    /// Topics to leave out
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    pub exclude_topics: Vec<String>,
    /// Consumer groups to take, as patterns; without it all
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    pub groups: Vec<String>,
    /// Consumer groups to leave out
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    pub exclude_groups: Vec<String>,
}

impl From<SelectionArgs> for Selection {
    fn from(args: SelectionArgs) -> Self {
        Self {
            topics: args.topics,
            exclude_topics: args.exclude_topics,
            groups: args.groups,
            exclude_groups: args.exclude_groups,
        }
    }
}

/// How to reach a cluster.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cluster", group = reach())]
pub struct ClusterArgs {
    /// Brokers to ask first; one that answers is enough
    #[arg(
        short,
        long,
        env = "KTAPE_BOOTSTRAP_SERVER",
        hide_env_values = true,
        value_name = "HOST:PORT",
        value_delimiter = ',',
        value_parser = host_and_port
    )]
    pub bootstrap_server: Vec<String>,
    /// File of properties of a Kafka client: TLS, SASL, time limits, and bootstrap.servers where the flag is not given
    #[arg(long, env = "KTAPE_COMMAND_CONFIG", hide_env_values = true, value_name = "FILE")]
    pub command_config: Option<PathBuf>,
    /// Reach this broker here instead of at the address it advertises; may be repeated
    #[arg(
        long,
        env = "KTAPE_BROKER_ADDRESS",
        hide_env_values = true,
        value_name = "ID=HOST:PORT",
        value_delimiter = ','
    )]
    pub broker_address: Vec<BrokerAddress>,
    /// How long a broker may take to answer before it is left for another: 30s, or request.timeout.ms of the file
    #[arg(
        long,
        env = "KTAPE_REQUEST_TIMEOUT",
        hide_env_values = true,
        value_name = "TIME",
        value_parser = patience
    )]
    pub request_timeout: Option<std::time::Duration>,
}

/// Name of the group of flags that say which cluster is meant.
pub const REACH: &str = "reach";

/// Either flag says it.
fn reach() -> ArgGroup {
    ArgGroup::new(REACH).args(["bootstrap_server", "command_config"]).required(true).multiple(true)
}

/// `ID=HOST:PORT`: the address to use for one broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerAddress {
    /// The broker's node id.
    pub node_id: i32,
    /// Where to reach it.
    pub address: String,
}

impl FromStr for BrokerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (node_id, address) = text.split_once('=').ok_or("ID=HOST:PORT is expected, as in 3=127.0.0.1:9094")?;
        let node_id = node_id.trim().parse().map_err(|_| format!("{node_id:?} is not a node id"))?;
        Ok(Self { node_id, address: host_and_port(address)? })
    }
}

/// A broker that may take no time at all never answers.
fn patience(text: &str) -> Result<std::time::Duration, String> {
    let time = super::units::parse_duration(text)?;
    if time.is_zero() { Err("1ms or more is possible".to_owned()) } else { Ok(time) }
}

/// Accepts `host:port` and `[::1]:port`; refuses what would only fail later as an unreachable broker.
fn host_and_port(text: &str) -> Result<String, String> {
    let text = text.trim();
    let expected = || format!("{text:?} is not HOST:PORT, as in broker-1:9092");
    let (host, port) = text.rsplit_once(':').ok_or_else(expected)?;
    let bare_v6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
    if host.is_empty() || bare_v6 || port.parse::<u16>().map_or(true, |port| port == 0) {
        return Err(expected());
    }
    Ok(text.to_owned())
}

const EXAMPLES: &str = "\
Examples:
  ktape init    --repository /backup/kafka
  ktape backup  --repository /backup/kafka --bootstrap-server broker-1:9092
  ktape list    --repository /backup/kafka
  ktape restore --repository /backup/kafka --bootstrap-server new-broker:9092

`ktape VERB --help` shows more examples and the environment variable of every flag.";

const LONG_EXAMPLES: &str = "\
Examples:
  Make a repository, once:
    ktape init --repository /backup/kafka
  Back up; every run after the first fetches only what is new:
    ktape backup --repository /backup/kafka --bootstrap-server broker-1:9092
  See what is there, and check it:
    ktape list --repository /backup/kafka
    ktape verify --repository /backup/kafka
  In a bucket; keys are found where Amazon's own tools find them (OPERATIONS.md, Object stores):
    ktape init --repository s3://backups/kafka
    ktape init --repository 's3://backups/kafka?endpoint=https://minio.example:9000'
  After the disaster, into an empty cluster:
    ktape restore --repository /backup/kafka --bootstrap-server new-broker:9092
  A cluster with TLS, SASL or both, with the file that Kafka's own tools take:
    ktape backup --repository /backup/kafka -b broker-1:9093 --command-config client.properties

Exit codes:
  0 done   1 failed   2 usage   3 incomplete, the report says what   4 repository damaged
  5 refused (not a repository, target not empty, other cluster, active group)
  6 locked by another run   7 a cluster does not hold what the snapshot holds
  130 interrupted; the same command goes on";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn addresses_need_a_host_and_a_port() {
        for good in ["a:1", "broker-1.example:9092", "[::1]:9092", " a:1 "] {
            assert!(host_and_port(good).is_ok(), "{good}");
        }
        for bad in ["", "a", ":9092", "a:", "a:x", "a:0", "a:70000", "::1:9092"] {
            assert!(host_and_port(bad).is_err(), "{bad}");
        }
        let address: BrokerAddress = "3=127.0.0.1:9094".parse().unwrap();
        assert_eq!(address, BrokerAddress { node_id: 3, address: "127.0.0.1:9094".to_owned() });
        assert!("x=127.0.0.1:9094".parse::<BrokerAddress>().is_err());
    }
}
