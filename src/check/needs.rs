//! The rights that ktape needs where a cluster has ACLs: the one list, which the check goes through and OPERATIONS.md
//! shows. A test compares the two.

use std::fmt;

use serde::Serialize;

use crate::cluster::Operation;

/// What somebody wants to do with a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Use {
    /// `ktape backup` from it.
    Backup,
    /// `ktape restore` into it.
    Restore,
    /// `ktape restore --preserve-offsets` into it: what `Restore` needs, and more.
    PreserveOffsets,
    /// `ktape restore --acls --quotas --cluster-configs` into it: what `Restore` needs, and more.
    Settings,
}

/// All uses.
pub const USES: [Use; 4] = [Use::Backup, Use::Restore, Use::PreserveOffsets, Use::Settings];

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backup => "backup",
            Self::Restore => "restore",
            Self::PreserveOffsets => "restore --preserve-offsets",
            Self::Settings => "restore --acls --quotas",
        })
    }
}

/// What a right is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum On {
    /// The cluster itself.
    Cluster,
    /// Every topic.
    Topic,
    /// Every group.
    Group,
}

impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cluster => "cluster",
            Self::Topic => "topic",
            Self::Group => "group",
        })
    }
}

/// How much is lost without a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It fails, or the result is less than it should be.
    Required,
    /// It works; what is not seen or not checked is told.
    Useful,
}

/// Which brokers ask for a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brokers {
    /// All.
    All,
    /// Those before 2.8.
    Before2_8,
    /// Those since 3.8.
    Since3_8,
}

/// One right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// What it is about.
    pub on: On,
    /// The operations; one of them is enough.
    pub any_of: &'static [Operation],
    /// The same operation on the cluster is enough as well.
    pub or_on_cluster: bool,
    /// How much is lost without it.
    pub level: Level,
    /// Which brokers ask for it.
    pub brokers: Brokers,
    /// What it is for.
    pub why: &'static str,
}

const fn required(on: On, any_of: &'static [Operation], why: &'static str) -> Need {
    Need { on, any_of, or_on_cluster: false, level: Level::Required, brokers: Brokers::All, why }
}

const fn useful(on: On, any_of: &'static [Operation], why: &'static str) -> Need {
    Need { level: Level::Useful, ..required(on, any_of, why) }
}

// Describe is not listed where a right that implies it is: Read, Write, Delete and Alter do.

const BACKUP: &[Need] = &[
    required(On::Topic, &[Operation::Read], "records; without Describe, which it implies, a topic is hidden"),
    required(On::Topic, &[Operation::DescribeConfigs], "the topic's settings"),
    required(On::Group, &[Operation::Describe], "committed offsets; without it a group is hidden"),
    Need {
        brokers: Brokers::Since3_8,
        ..required(On::Group, &[Operation::DescribeConfigs], "the group's own settings, if it has any")
    },
    required(On::Cluster, &[Operation::Describe], "all groups are listed; ACLs, SCRAM users; sizes of logs"),
    required(On::Cluster, &[Operation::DescribeConfigs], "client quotas, cluster-wide configs"),
];

const RESTORE: &[Need] = &[
    Need { or_on_cluster: true, ..required(On::Topic, &[Operation::Create], "topics are created") },
    required(On::Topic, &[Operation::Write], "records"),
    required(On::Topic, &[Operation::Read], "what was written is looked at; offsets are committed"),
    required(On::Topic, &[Operation::AlterConfigs], "the topic's settings are put back"),
    required(On::Group, &[Operation::Read], "offsets are committed"),
    Need {
        brokers: Brokers::Since3_8,
        ..useful(On::Group, &[Operation::AlterConfigs], "the group's own settings come back, if the snapshot has any")
    },
    useful(On::Cluster, &[Operation::DescribeConfigs], "limits of the target's brokers are checked in the plan"),
    Need {
        brokers: Brokers::Before2_8,
        ..required(On::Cluster, &[Operation::IdempotentWrite], "no record is written twice")
    },
];

const PRESERVE_OFFSETS: &[Need] = &[
    required(On::Topic, &[Operation::Delete], "what fills the log below the log start is deleted"),
    required(On::Cluster, &[Operation::Alter, Operation::ClusterAction], "holes are filled with transaction markers"),
];

const SETTINGS: &[Need] = &[
    required(On::Cluster, &[Operation::Alter], "ACLs are made"),
    required(On::Cluster, &[Operation::AlterConfigs], "client quotas and cluster-wide configs are set"),
];

/// All that is needed for a use, in the order in which it is needed.
pub fn needs(use_of: Use) -> impl Iterator<Item = &'static Need> {
    let (first, second): (&[Need], &[Need]) = match use_of {
        Use::Backup => (BACKUP, &[]),
        Use::Restore => (RESTORE, &[]),
        Use::PreserveOffsets => (RESTORE, PRESERVE_OFFSETS),
        Use::Settings => (RESTORE, SETTINGS),
    };
    first.iter().chain(second)
}

impl Need {
    /// The line of OPERATIONS.md that says it.
    pub fn row(&self, use_of: Use) -> String {
        let on = if self.or_on_cluster { format!("{} or cluster", self.on) } else { self.on.to_string() };
        let brokers = match self.brokers {
            Brokers::All => "",
            Brokers::Before2_8 => " (brokers before 2.8)",
            Brokers::Since3_8 => " (brokers since 3.8)",
        };
        let useful = if self.level == Level::Useful { " (useful)" } else { "" };
        let operations = self.operations().replace(" or ", "` or `");
        format!("| {use_of} | {on} | `{operations}`{brokers}{useful} | {} |", self.why)
    }

    /// `Alter or ClusterAction`.
    pub fn operations(&self) -> String {
        self.any_of.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preserving_offsets_needs_more_than_a_restore() {
        let restore: Vec<_> = needs(Use::Restore).collect();
        let preserve: Vec<_> = needs(Use::PreserveOffsets).collect();
        assert!(preserve.starts_with(&restore) && preserve.len() > restore.len());
    }

    #[test]
    fn every_right_is_in_operations_md() {
        let text = include_str!("../../OPERATIONS.md");
        let lists = [
            (Use::Backup, BACKUP),
            (Use::Restore, RESTORE),
            (Use::PreserveOffsets, PRESERVE_OFFSETS),
            (Use::Settings, SETTINGS),
        ];
        for (use_of, list) in lists {
            for need in list {
                let row = need.row(use_of);
                assert!(text.contains(&row), "OPERATIONS.md lacks this line:\n{row}");
            }
        }
    }
}
