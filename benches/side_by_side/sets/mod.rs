//! The data sets, each with the sections of the table that it makes.

mod backups;
mod copying;
mod growth;
mod large;
mod many;
mod repeated;
mod restores;
mod single;

use ktape::batch::Codec;

use crate::Outcome;
use crate::common::records::Shape;
use crate::contender::Measured;
use crate::flags::Flags;

/// One data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
    /// Records of 1 kB, not compressed.
    Plain,
    /// Records of 100 bytes in lz4.
    Lz4,
    /// The same in zstd.
    Zstd,
    /// Batches of one record.
    Single,
    /// Batches of 10 MB.
    Large,
    /// Twice the data.
    Growth,
    /// Many nearly empty partitions.
    Many,
    /// Many more of them, on the cluster in memory.
    Fake,
    /// Many snapshots of what does not change.
    Snapshots,
    /// Many runs with a little new data each.
    Runs,
}

const NAMES: &[(&str, Set)] = &[
    ("plain", Set::Plain),
    ("lz4", Set::Lz4),
    ("zstd", Set::Zstd),
    ("single", Set::Single),
    ("large", Set::Large),
    ("growth", Set::Growth),
    ("many", Set::Many),
    ("fake", Set::Fake),
    ("snapshots", Set::Snapshots),
    ("runs", Set::Runs),
];

impl Set {
    /// All of them.
    pub(crate) const ALL: &[Self] = &[
        Self::Plain,
        Self::Lz4,
        Self::Zstd,
        Self::Single,
        Self::Large,
        Self::Growth,
        Self::Many,
        Self::Fake,
        Self::Snapshots,
        Self::Runs,
    ];

    /// Those that show that all of it works, in least time.
    pub(crate) const SMOKE: &[Self] = &[Self::Plain];

    /// By the name on the command line.
    pub(crate) fn named(name: &str) -> Outcome<Self> {
        let found = NAMES.iter().find(|(known, _)| *known == name);
        let known: Vec<&str> = NAMES.iter().map(|(known, _)| *known).collect();
        found.map(|(_, set)| *set).ok_or_else(|| format!("no set {name}; there are {}", known.join(", ")).into())
    }

    /// Starts a broker for it, fills it, and lets all contenders run.
    pub(crate) fn run(self, flags: &Flags) -> Outcome<Vec<Measured>> {
        match self {
            Self::Plain => copying::run(flags, "plain", "records of 1 kB, not compressed", PLAIN, 256),
            Self::Lz4 => copying::run(flags, "lz4", "records of 100 bytes in lz4", small(Codec::Lz4), 1250),
            Self::Zstd => copying::run(flags, "zstd", "records of 100 bytes in zstd", small(Codec::Zstd), 1250),
            Self::Single => single::run(flags),
            Self::Large => large::run(flags),
            Self::Growth => growth::run(flags),
            Self::Many => many::run(flags),
            Self::Fake => many::run_on_fake(flags),
            Self::Snapshots => repeated::snapshots(flags),
            Self::Runs => repeated::runs(flags),
        }
    }
}

/// Partitions of most sets.
const PARTITIONS: usize = 8;
/// Heap of a broker that copies, in MiB.
const HEAP: u32 = 1024;

/// Batches just below the largest that a broker takes: 1,024 records of 1,012 bytes.
const PLAIN: Shape = Shape { value_bytes: 1000, per_batch: 1024, codec: Codec::None };

/// Records of 100 bytes in batches of 1,000.
fn small(codec: Codec) -> Shape {
    Shape { value_bytes: 100, per_batch: 1000, codec }
}
