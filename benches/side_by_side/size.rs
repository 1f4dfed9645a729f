//! How much of everything.

use crate::Outcome;

/// How large the data sets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// A few MiB: whether it works.
    Small,
    /// A quarter of the full size: for a look while working on something.
    Medium,
    /// What the goals are about.
    Full,
}

impl Size {
    /// By the name on the command line.
    pub(crate) fn named(name: &str) -> Outcome<Self> {
        match name {
            "small" => Ok(Self::Small),
            "medium" => Ok(Self::Medium),
            "full" => Ok(Self::Full),
            _ => Err(format!("no size {name}; there are small, medium and full").into()),
        }
    }

    /// The name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Full => "full",
        }
    }

    /// `full`, or less of it, but at least one.
    pub(crate) fn of(self, full: usize) -> usize {
        match self {
            Self::Small => (full / 128).max(1),
            Self::Medium => (full / 4).max(1),
            Self::Full => full,
        }
    }
}
